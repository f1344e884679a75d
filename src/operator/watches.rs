//! Watching one kind: a cache without the fields that the operator doesn't read, and a stream of objects to reconcile.

use std::{fmt::Debug, hash::Hash, sync::Arc};

use futures::{Stream, StreamExt, TryStreamExt};
use kube::{
    Api, Client, Resource,
    api::ObjectMeta,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt, reflector,
        reflector::{ObjectRef, Store},
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

use crate::survey::{AnyRef, Cache};

/// Objects fetched per page when a watch starts.
const PAGE: u32 = 500;
/// How long the API server keeps a watch open. One that hangs is noticed some seconds later. F9.
const WATCH_SECONDS: u32 = 60;

/// Whether a resource can be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Legibility {
    /// It can.
    Readable,
    /// It can't, for this reason.
    Unreadable(String, Box<ObjectMeta>),
    /// It is gone.
    Gone,
}

/// What a watch keeps of one kind.
pub struct Watched<K>(pub Store<K>)
where
    K: Resource<DynamicType = ()> + Clone + 'static;

impl<K> Cache<K> for Watched<K>
where
    K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.0.get(&ObjectRef::new(name).within(namespace))
    }

    fn all(&self) -> Vec<Arc<K>> {
        self.0.state()
    }

    fn is_filled(&self) -> bool {
        let ready = futures::FutureExt::now_or_never(self.0.wait_until_ready());
        ready.is_some_and(|ready| ready.is_ok())
    }
}

/// The cache of one kind, and the stream that fills it. `legible` receives whether each object can be read, before the cache
/// does; `told` receives each event once the cache has it, before the object is enqueued. An object that can't be read any
/// more stays in the cache unchanged.
pub fn watch<K, Told, Legible>(
    client: &Client,
    namespace: Option<&str>,
    told: Told,
    legible: Legible,
) -> (
    Store<K>,
    impl Stream<Item = Result<K, watcher::Error>> + Send + use<K, Told, Legible>,
)
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K::DynamicType: Eq + Hash,
    Told: Fn(&Event<K>) + Send + Sync + Clone + 'static,
    Legible: Fn(AnyRef, Legibility) + Send + Sync + Clone + 'static,
{
    let (store, writer) = reflector::store();
    let api: Api<DeserializeGuard<K>> = namespace.map_or_else(
        || Api::all(client.clone()),
        |namespace| Api::namespaced(client.clone(), namespace),
    );
    let config = watcher::Config::default()
        .page_size(PAGE)
        .timeout(WATCH_SECONDS);
    let cache = store.clone();
    let stream = watcher(api, config)
        .inspect_err(|error| {
            tracing::warn!(kind = %K::kind(&()), %error, "the watch was interrupted; Holdfast starts it again");
        })
        .try_filter_map(move |event| std::future::ready(Ok(readable(event, &cache, &legible))))
        .default_backoff()
        .modify(trim)
        .reflect(writer)
        .inspect(move |event| {
            if let Ok(event) = event {
                told(event);
            }
        })
        .touched_objects();
    (store, stream)
}

/// Removes the fields that the operator doesn't read and those that would make an object from the cache differ from the same
/// one in an answer.
pub fn trim<K: Resource>(object: &mut K) {
    let meta = object.meta_mut();
    meta.managed_fields = None;
    if let Some(annotations) = meta.annotations.as_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// An event about an object that can be read. Others are left out, so that they don't stop the watch of the other objects.
/// F24.
fn readable<K: Resource<DynamicType = ()> + Clone>(
    event: Event<DeserializeGuard<K>>,
    cache: &Store<K>,
    legible: &impl Fn(AnyRef, Legibility),
) -> Option<Event<K>>
where
    K::DynamicType: Eq + Hash,
{
    let named = |metadata: &ObjectMeta| {
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let name = metadata.name.as_deref().unwrap_or_default();
        AnyRef::new(&K::kind(&()), namespace, name)
    };
    let object = |guard: DeserializeGuard<K>| match guard.0 {
        Ok(object) => {
            legible(named(object.meta()), Legibility::Readable);
            Some(object)
        }
        Err(invalid) => {
            let resource = named(&invalid.metadata);
            tracing::error!(%resource, error = invalid.error, "a resource can't be read: are the CRDs of this version installed?");
            let metadata = Box::new(invalid.metadata);
            legible(resource, Legibility::Unreadable(invalid.error, metadata));
            None
        }
    };
    match event {
        Event::Apply(guard) => object(guard).map(Event::Apply),
        Event::InitApply(guard) => object(guard).map(Event::InitApply),
        Event::Delete(guard) => {
            let metadata = match &guard.0 {
                Ok(object) => object.meta(),
                Err(invalid) => &invalid.metadata,
            };
            let resource = named(metadata);
            legible(resource.clone(), Legibility::Gone);
            let before = || {
                let before = ObjectRef::new(&resource.name).within(&resource.namespace);
                cache.get(&before).map(|before| (*before).clone())
            };
            guard.0.ok().or_else(before).map(Event::Delete)
        }
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    }
}

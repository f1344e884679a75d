//! Watching one kind: a cache without what nobody reads, and a stream of what to look at.

use std::{fmt::Debug, hash::Hash};

use futures::{Stream, StreamExt, TryStreamExt};
use kube::{
    Api, Client, Resource,
    core::DeserializeGuard,
    runtime::{
        WatchStreamExt, reflector,
        reflector::Store,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

/// Objects fetched per page when a watch starts.
const PAGE: u32 = 500;

/// The cache of one kind, and the stream that fills it. `told` hears of each event once the cache has it, before anybody is
/// to look at it.
pub fn watch<K, Told>(
    client: &Client,
    namespace: Option<&str>,
    told: Told,
) -> (
    Store<K>,
    impl Stream<Item = Result<K, watcher::Error>> + Send + use<K, Told>,
)
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
    K::DynamicType: Eq + Hash,
    Told: Fn(&Event<K>) + Send + Sync + Clone + 'static,
{
    let (store, writer) = reflector::store();
    let api: Api<DeserializeGuard<K>> = namespace.map_or_else(
        || Api::all(client.clone()),
        |namespace| Api::namespaced(client.clone(), namespace),
    );
    let config = watcher::Config::default().page_size(PAGE);
    let stream = watcher(api, config)
        .try_filter_map(|event| std::future::ready(Ok(readable(event))))
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

/// Leaves out what nobody here reads and what would make an object from the cache differ from the same one in an answer.
pub fn trim<K: Resource>(object: &mut K) {
    let meta = object.meta_mut();
    meta.managed_fields = None;
    if let Some(annotations) = meta.annotations.as_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// An event about an object that can be read. One that can't is left out with a word in the log, so that it stops nobody
/// else's watch. F24.
fn readable<K: Resource<DynamicType = ()>>(event: Event<DeserializeGuard<K>>) -> Option<Event<K>> {
    let object = |guard: DeserializeGuard<K>| {
        let complain = |invalid: &kube::core::error_boundary::InvalidObject| {
            let metadata = &invalid.metadata;
            tracing::error!(
                kind = %K::kind(&()),
                namespace = metadata.namespace.as_deref(),
                name = metadata.name.as_deref(),
                error = invalid.error,
                "an object can't be read and is left alone: are the CRDs of this version installed?"
            );
        };
        guard.0.inspect_err(complain).ok()
    };
    match event {
        Event::Apply(guard) => object(guard).map(Event::Apply),
        Event::Delete(guard) => object(guard).map(Event::Delete),
        Event::InitApply(guard) => object(guard).map(Event::InitApply),
        Event::Init => Some(Event::Init),
        Event::InitDone => Some(Event::InitDone),
    }
}

//! Secrets and `ConfigMap`s that change take effect at once: their metadata is watched, and a change enqueues the resources that
//! refer to them.

use std::{fmt::Debug, future::ready, pin::pin, sync::Arc};

use futures::{Stream, StreamExt};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{
    Api, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{Config, Event, watcher},
    },
};

use super::context::Context;
use crate::{
    api::{Customer, Reseller},
    planner::{PICTURES, picture_ref},
    survey::{Managed, PlatformKey, resource_ref},
};

/// Watches both until the operator stops. It reads only names, never contents.
pub async fn watch(context: Arc<Context>, namespace: Option<String>) {
    let mut secrets = pin!(changes::<Secret>(&context, namespace.as_deref()));
    let mut maps = pin!(changes::<ConfigMap>(&context, namespace.as_deref()));
    loop {
        tokio::select! {
            Some((namespace, name)) = secrets.next() => secret_changed(&context, &namespace, &name),
            Some((namespace, name)) = maps.next() => map_changed(&context, &namespace, &name),
            else => return,
        }
    }
}

/// Namespace and name of each object of a kind that is there at the start, changes, comes or goes.
fn changes<K>(
    context: &Context,
    namespace: Option<&str>,
) -> impl Stream<Item = (String, String)> + use<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Send
        + Sync
        + 'static,
{
    let client = context.client.clone();
    let api: Api<PartialObjectMeta<K>> = match namespace {
        None => Api::all(client),
        Some(namespace) => Api::namespaced(client, namespace),
    };
    let events = watcher(api, Config::default()).default_backoff();
    events.filter_map(|event| {
        ready(match event {
            Ok(Event::Apply(object) | Event::InitApply(object) | Event::Delete(object)) => {
                Some((object.namespace().unwrap_or_default(), object.name_any()))
            }
            _ => None,
        })
    })
}

fn map_changed(context: &Context, namespace: &str, name: &str) {
    for platform in context.survey.stores.platforms.all() {
        let bundle = platform.spec.ca_bundle_ref.as_ref();
        if platform.namespace().as_deref() == Some(namespace)
            && bundle.is_some_and(|bundle| bundle.name == name)
        {
            context.wake_platform(&PlatformKey::of(&platform));
        }
    }
    for customer in context.survey.stores.customers.all() {
        wake_if_pictured::<Customer>(context, &customer, namespace, name);
    }
    for reseller in context.survey.stores.resellers.all() {
        wake_if_pictured::<Reseller>(context, &reseller, namespace, name);
    }
}

fn wake_if_pictured<K: Managed>(context: &Context, object: &K, namespace: &str, name: &str) {
    let stated = object.stated();
    let Some(branding) = stated.and_then(|stated| stated.branding) else {
        return;
    };
    let refers = PICTURES
        .into_iter()
        .filter_map(|(setting, _)| picture_ref(branding, setting))
        .any(|reference| reference.name == name);
    if refers && object.namespace().as_deref() == Some(namespace) {
        context.wake(&resource_ref(object));
    }
}

fn secret_changed(context: &Context, namespace: &str, name: &str) {
    for platform in context.survey.stores.platforms.all() {
        let refers = platform
            .spec
            .driver()
            .and_then(|driver| driver.credentials().map(|secret| secret.name == name));
        if platform.namespace().as_deref() == Some(namespace) && refers == Some(true) {
            context.wake_platform(&PlatformKey::of(&platform));
        }
    }
    for customer in context.survey.stores.customers.all() {
        wake_if_referring::<Customer>(context, &customer, namespace, name);
    }
    for reseller in context.survey.stores.resellers.all() {
        wake_if_referring::<Reseller>(context, &reseller, namespace, name);
    }
}

fn wake_if_referring<K: Managed>(context: &Context, object: &K, namespace: &str, name: &str) {
    let password = object
        .web_access()
        .and_then(|access| access.password_ref.as_ref());
    if object.namespace().as_deref() == Some(namespace)
        && password.is_some_and(|secret| secret.name == name)
    {
        context.wake(&resource_ref(object));
    }
}

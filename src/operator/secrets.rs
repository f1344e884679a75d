//! Secrets that are rotated take effect at once: their metadata is watched, and a change enqueues the resources that refer to
//! the Secret.

use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{Config, Event, watcher},
    },
};

use super::context::Context;
use crate::{
    api::{Customer, Reseller},
    survey::{Managed, PlatformKey, resource_ref},
};

/// Watches until the operator stops. It reads only names, never contents.
pub async fn watch(context: Arc<Context>, namespace: Option<String>) {
    let api: Api<PartialObjectMeta<Secret>> = namespace.map_or_else(
        || Api::all(context.client.clone()),
        |namespace| Api::namespaced(context.client.clone(), &namespace),
    );
    let mut events = watcher(api, Config::default()).default_backoff().boxed();
    while let Some(event) = events.next().await {
        if let Ok(Event::Apply(secret) | Event::InitApply(secret) | Event::Delete(secret)) = event {
            changed(
                &context,
                &secret.namespace().unwrap_or_default(),
                &secret.name_any(),
            );
        }
    }
}

fn changed(context: &Context, namespace: &str, name: &str) {
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
        context.wakers.wake(&resource_ref(object));
    }
}

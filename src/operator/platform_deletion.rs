//! A `BackupPlatform` that is being deleted: collects what refers to it, and removes its finalizer when the planner says so.

use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Resource, runtime::controller::Action};

use super::{context::Context, error::PassError, writes::release};
use crate::{
    api::BackupPlatform,
    planner::{PlatformDependents, PlatformRelease, release_platform},
    survey::{Managed, PlatformKey, Store, resource_ref},
};

/// Whether the platform may be released: `None` when it is gone, else the message while it waits, and when to requeue.
///
/// # Errors
/// The API server's.
pub async fn step(
    context: &Context,
    platform: &Arc<BackupPlatform>,
) -> Result<Option<(Option<String>, Action)>, PassError> {
    let key = PlatformKey::of(platform);
    let mut dependents = PlatformDependents::default();
    let stores = &context.survey.stores;
    gather(context, &stores.resellers, &key, &mut dependents);
    gather(context, &stores.plans, &key, &mut dependents);
    gather(context, &stores.customers, &key, &mut dependents);
    gather(context, &stores.tenants, &key, &mut dependents);
    dependents.quiet = context
        .memory
        .note_busy(&key, !dependents.deleting.is_empty());
    dependents.namespace_terminating =
        !dependents.staying.is_empty() && is_terminating(context, &key.namespace).await;
    match release_platform(&dependents) {
        PlatformRelease::Wait(message, again) => Ok(Some((message, Action::requeue(again)))),
        PlatformRelease::Release => {
            release(context, platform).await?;
            context.platform_gone(&key);
            Ok(None)
        }
    }
}

fn gather<K: Managed>(
    context: &Context,
    store: &Store<K>,
    key: &PlatformKey,
    dependents: &mut PlatformDependents,
) {
    for object in store.all() {
        if !context.survey.lives_on(&*object, key) {
            continue;
        }
        let resource = resource_ref(&*object);
        if context.survey.stores.is_being_deleted(&resource) {
            dependents.deleting.push(resource.to_string());
        } else if object.meta().deletion_timestamp.is_none() {
            dependents.staying.push(resource.to_string());
        }
    }
    dependents.deleting.sort();
    dependents.staying.sort();
}

/// Whether a namespace is being deleted. Without permission to read namespaces, the deletions of its resources tell as much a
/// moment later.
async fn is_terminating(context: &Context, name: &str) -> bool {
    let api: Api<Namespace> = Api::all(context.client.clone());
    match api.get_opt(name).await {
        Ok(namespace) => {
            namespace.is_none_or(|namespace| namespace.meta().deletion_timestamp.is_some())
        }
        Err(error) => {
            tracing::debug!(namespace = name, %error, "the namespace can't be read");
            false
        }
    }
}

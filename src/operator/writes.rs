//! The writes of a pass to the cluster: notes, status, marks; each on the very version that was read.

use std::{fmt::Debug, sync::Arc};

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{context::Context, error::PassError, status::store, watches::trim};
use crate::{
    api::{
        BackupPlatform, names,
        shared::{Change, DeletionStatus, Intent},
        status_document,
    },
    survey::Managed,
};

/// How often the write of a creation's task is retried after other writers' edits.
const ATTEMPTS: usize = 5;

/// A kind that carries our finalizer.
pub trait Finalized:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned
{
}

impl<K> Finalized for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
{
}

/// Adds the intent to the current status, and what this pass has done so far. Refused when the resource has changed meanwhile,
/// so nothing is sent on outdated data.
pub async fn record_intent<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    platform: Option<&str>,
    intent: &Intent,
    changes: &[Change],
    deletion: Option<&DeletionStatus>,
) -> Result<Arc<K>, PassError> {
    let mut status = object.status_document()?;
    if status.is_null() {
        status = json!({});
    }
    if let Value::Object(members) = &mut status {
        members.insert("changes".into(), serde_json::to_value(changes)?);
        members.insert("intent".into(), serde_json::to_value(intent)?);
        if let Some(deletion) = deletion {
            members.insert("deletion".into(), serde_json::to_value(deletion)?);
        }
        // The object of the creation is at that place, wherever the spec leads later.
        if let Some(platform) = platform {
            members.insert("platform".into(), platform.into());
        }
    }
    let status = status_document(K::KIND.as_str(), &status)?;
    let written = store(context, object, &status).await?.resource();
    let noted = written.managed().and_then(|status| status.intent.as_ref());
    if noted.is_some_and(|noted| noted.id == intent.id) {
        Ok(written)
    } else {
        Err(PassError::Unrecorded)
    }
}

/// Adds the task of an accepted creation, over whatever has changed on the resource meanwhile: the creation is under way, and
/// its task is the only way back to its object.
pub async fn record_task<K: Managed>(
    context: &Context,
    mut object: Arc<K>,
    intent: &Intent,
    changes: &[Change],
) -> Result<Arc<K>, PassError> {
    for _ in 0..ATTEMPTS {
        match record_intent(context, &object, None, intent, changes, None).await {
            Err(PassError::Cluster(kube::Error::Api(status))) if status.code == 409 => {}
            outcome => return outcome,
        }
        let api: Api<K> = Api::namespaced(
            context.client.clone(),
            &object.namespace().unwrap_or_default(),
        );
        let mut now = api.get(&object.name_any()).await?;
        let noted = now.managed().and_then(|status| status.intent.as_ref());
        let same = now.uid() == object.uid() && noted.is_some_and(|noted| noted.id == intent.id);
        if !same {
            break;
        }
        trim(&mut now);
        object = Arc::new(now);
    }
    record_intent(context, &object, None, intent, changes, None).await
}

/// Removes our finalizer, if it still is at its known position.
pub async fn release<K: Finalized>(
    context: &Context,
    object: &Arc<K>,
) -> Result<Arc<K>, PassError> {
    let Some(position) = object
        .finalizers()
        .iter()
        .position(|finalizer| finalizer == names::FINALIZER)
    else {
        return Ok(object.clone());
    };
    let namespace = object.namespace().unwrap_or_default();
    let api: Api<K> = Api::namespaced(context.client.clone(), &namespace);
    let path = format!("/metadata/finalizers/{position}");
    let patch = json!([
        {"op": "test", "path": "/metadata/uid", "value": object.uid()},
        {"op": "test", "path": path, "value": names::FINALIZER},
        {"op": "remove", "path": path},
        // What was decided by an older version isn't carried out: the policy may be another by now.
        {"op": "add", "path": "/metadata/resourceVersion", "value": object.resource_version()},
    ]);
    let patch: json_patch::Patch = serde_json::from_value(patch)?;
    let written = api
        .patch(
            &object.name_any(),
            &PatchParams::default(),
            &Patch::<()>::Json(patch),
        )
        .await?;
    tracing::info!(kind = %K::kind(&()), namespace, name = object.name_any(), "released");
    Ok(Arc::new(written))
}

/// Adds our finalizer to a `BackupPlatform`: resources on it that are being deleted need it until then.
pub async fn finalize_platform(
    context: &Context,
    platform: &Arc<BackupPlatform>,
) -> Result<Arc<BackupPlatform>, PassError> {
    let namespace = platform.namespace().unwrap_or_default();
    let api: Api<BackupPlatform> = Api::namespaced(context.client.clone(), &namespace);
    let name = platform.name_any();
    let patch = json!({
        "apiVersion": names::API_VERSION,
        "kind": BackupPlatform::kind(&()),
        "metadata": {
            "name": name,
            "uid": platform.uid(),
            "resourceVersion": platform.resource_version(),
            "finalizers": [names::FINALIZER],
        },
    });
    let params = PatchParams::apply(names::FIELD_MANAGER).force();
    let mut written = api.patch(&name, &params, &Patch::Apply(patch)).await?;
    trim(&mut written);
    let written = Arc::new(written);
    context.recent.keep(written.clone());
    Ok(written)
}

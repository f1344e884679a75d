//! What a pass writes to the cluster: notes, status, marks; each on the very version that was read.

use std::{fmt::Debug, sync::Arc};

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thiserror::Error;

use super::{context::Context, metrics::KindLabels, watches::trim};
use crate::{
    api::{
        BackupPlatform, names,
        shared::{Change, DeletionStatus, Intent},
    },
    planner::Marks,
    survey::Managed,
};

/// How often a creation's task is written down over somebody else's edits.
const ATTEMPTS: usize = 5;

/// Why a pass had to stop: the cluster, not the platform, is the trouble.
#[derive(Debug, Error)]
pub enum PassError {
    /// The API server refused or didn't answer.
    #[error("the API server: {0}")]
    Cluster(#[from] kube::Error),
    /// A resource couldn't be turned into a document.
    #[error("encoding {0}")]
    Encoding(#[from] serde_json::Error),
    /// The planner asked for a platform that isn't there.
    #[error("a step needs a platform, and none is known")]
    NoPlatform,
    /// A permit for a deletion can't be written down.
    #[error("the permit for the deletion can't be written on the Lease {0:?}; nothing was deleted")]
    PermitNotRecorded(String),
    /// More steps than a pass may take.
    #[error("no end after {0} steps; starting over")]
    TooManySteps(usize),
}

impl PassError {
    /// Whether somebody else was faster: the resource has changed, or is gone, and nothing was written.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Cluster(kube::Error::Api(status)) if status.code == 409 || status.code == 404)
    }
}

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

/// Adds the intent to the status as it is, and what this pass has done so far. Refused when the resource has changed meanwhile,
/// so nothing is sent on old news.
pub async fn record_intent<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    platform: Option<&str>,
    intent: &Intent,
    changes: &[Change],
    deletion: Option<&DeletionStatus>,
) -> Result<Arc<K>, PassError> {
    let mut status = object.status_document()?;
    if let Value::Object(members) = &mut status {
        members.insert("changes".into(), serde_json::to_value(changes)?);
        members.insert("intent".into(), serde_json::to_value(intent)?);
        if let Some(deletion) = deletion {
            members.insert("deletion".into(), serde_json::to_value(deletion)?);
        }
        // What the creation makes is there, wherever the spec leads later.
        if let Some(platform) = platform {
            members.insert("platform".into(), platform.into());
        }
    }
    write_status(context, object, &status).await
}

/// Adds the task that a creation was accepted as, over whatever has changed on the resource meanwhile: the creation is under
/// way, and its task is the only way back to what it makes.
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

/// Status by server-side apply, on the very version that was read: never on a namesake, never over something newer.
pub async fn write_status<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    status: &Value,
) -> Result<Arc<K>, PassError> {
    let api: Api<K> = Api::namespaced(
        context.client.clone(),
        &object.namespace().unwrap_or_default(),
    );
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {"name": object.name_any(), "uid": object.uid(), "resourceVersion": object.resource_version()},
        "status": status,
    });
    let params = PatchParams::apply(names::FIELD_MANAGER).force();
    let name = object.name_any();
    let mut written = api
        .patch_status(&name, &params, &Patch::Apply(patch))
        .await?;
    trim(&mut written);
    let written = Arc::new(written);
    context
        .metrics
        .status_writes
        .get_or_create(&KindLabels {
            kind: K::KIND.as_str().into(),
        })
        .inc();
    context.recent.keep(written.clone());
    Ok(written)
}

/// Our finalizer, annotation and labels, by server-side apply. The uid goes along, so that a namesake is never touched and
/// none is made; and the version, so that who has just paused or released the resource isn't overrun by a pass on older news.
pub async fn apply_marks<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    marks: &Marks,
) -> Result<Arc<K>, PassError> {
    let api: Api<K> = Api::namespaced(
        context.client.clone(),
        &object.namespace().unwrap_or_default(),
    );
    let annotations = marks
        .external_id
        .iter()
        .map(|id| (names::EXTERNAL_ID_ANNOTATION, id.as_str()))
        .collect::<std::collections::BTreeMap<_, _>>();
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {
            "name": object.name_any(),
            "uid": object.uid(),
            "resourceVersion": object.resource_version(),
            "finalizers": [names::FINALIZER],
            "annotations": annotations,
            "labels": marks.labels,
        },
    });
    let params = PatchParams::apply(names::FIELD_MANAGER).force();
    let name = object.name_any();
    let mut written = api.patch(&name, &params, &Patch::Apply(patch)).await?;
    trim(&mut written);
    let written = Arc::new(written);
    context.recent.keep(written.clone());
    Ok(written)
}

/// Takes our finalizer off, if it still is where we saw it.
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

/// Puts our finalizer on a `BackupPlatform`: what is deleted on it needs it until then.
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

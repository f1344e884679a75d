//! Writing status: by server-side apply, on the very version that was read, so never on a namesake nor over a newer one. A
//! status that the API server refuses all the same is replaced by one that says so.

use std::{fmt::Debug, sync::Arc, time::Duration};

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{clock, context::Context, error::PassError, metrics::KindLabels, watches::trim};
use crate::{api::names, planner};

/// The API server's reaction to a status, and the resource as it is now.
pub enum Stored<K> {
    /// Accepted.
    Taken(Arc<K>),
    /// Refused: the replacement says so, and has kept what safety depends on. Contains when the whole is retried.
    Replaced(Arc<K>, Duration),
}

impl<K> Stored<K> {
    /// The resource as it is now.
    pub fn resource(self) -> Arc<K> {
        match self {
            Self::Taken(resource) | Self::Replaced(resource, _) => resource,
        }
    }

    /// When the whole is retried, where it was refused.
    pub fn put_off(&self) -> Option<Duration> {
        match self {
            Self::Taken(_) => None,
            Self::Replaced(_, left) => Some(*left),
        }
    }
}

/// Writes a status, or the one that says that it can't be written.
pub async fn store<K>(
    context: &Context,
    object: &Arc<K>,
    status: &Value,
) -> Result<Stored<K>, PassError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let resource = object.uid().unwrap_or_default();
    let generation = object.meta().generation.unwrap_or_default();
    let put_off = context.memory.status_put_off(&resource, generation);
    let (answer, left) = match put_off {
        Some(put_off) => put_off,
        None => match apply(context, object, status).await {
            Err(refused) if refused.is_invalid() => {
                let error = refused.causes();
                tracing::error!(
                    kind = %K::kind(&()),
                    namespace = object.namespace(),
                    name = object.name_any(),
                    error,
                    "the API server rejects the status: are the CRDs of this version installed?"
                );
                let memory = &context.memory;
                let left = memory.note_status_refused(&resource, generation, &error);
                (error, left)
            }
            outcome => {
                let taken = outcome?;
                context.memory.note_status_taken(&resource);
                return Ok(Stored::Taken(taken));
            }
        },
    };
    let before = serde_json::to_value(&**object)?["status"].take();
    let now = clock::now();
    for made in [status, &before] {
        let kind = K::kind(&());
        let instead = planner::refused_status(&kind, &before, made, generation, &answer, now)?;
        if instead == before {
            return Ok(Stored::Replaced(object.clone(), left));
        }
        match apply(context, object, &instead).await {
            Err(error) if error.is_invalid() => {}
            outcome => return Ok(Stored::Replaced(outcome?, left)),
        }
    }
    Err(PassError::StatusRefused(answer))
}

async fn apply<K>(context: &Context, object: &Arc<K>, status: &Value) -> Result<Arc<K>, PassError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
{
    let api: Api<K> = Api::namespaced(
        context.client.clone(),
        &object.namespace().unwrap_or_default(),
    );
    let name = object.name_any();
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        "metadata": {"name": name, "uid": object.uid(), "resourceVersion": object.resource_version()},
        "status": status,
    });
    let params = PatchParams::apply(names::FIELD_MANAGER).force();
    let mut written = api
        .patch_status(&name, &params, &Patch::Apply(patch))
        .await?;
    trim(&mut written);
    let written = Arc::new(written);
    context
        .metrics
        .status_writes
        .get_or_create(&KindLabels {
            kind: K::kind(&()).into(),
        })
        .inc();
    context.recent.keep(written.clone());
    Ok(written)
}

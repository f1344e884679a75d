//! Our finalizer, annotation and labels on a resource. Writes include the uid, so that a namesake is never touched and none is
//! created; and the version, so that a pass with an outdated resource doesn't overwrite a pause or a release by a user.

use std::{collections::BTreeMap, sync::Arc};

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{context::Context, error::PassError, watches::trim};
use crate::{
    api::names,
    planner::Marks,
    survey::{Managed, resource_ref},
};

/// Puts our finalizer on, and leaves the marks as they are.
pub async fn finalize<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    marks: &Marks,
) -> Result<Arc<K>, PassError> {
    apply(context, object, marks).await
}

/// Writes our marks. A mark that the API server refuses doesn't block the others.
pub async fn mark<K: Managed>(
    context: &Context,
    object: Arc<K>,
    before: &Marks,
    marks: &Marks,
) -> Result<Arc<K>, PassError> {
    let resource = resource_ref(&*object);
    let insisted = context.memory.insisted(&resource, before);
    let marked = match apply(context, &object, marks).await {
        Ok(applied) => {
            let superfluous = applied.labels().keys().filter(|name| {
                let ours = names::is_own_label(name) && !insisted.contains_key(*name);
                ours && !marks.labels.contains_key(*name)
            });
            let superfluous = superfluous.cloned().collect::<Vec<_>>();
            take_off(context, applied, &superfluous).await
        }
        refused => refused,
    };
    match marked {
        Err(error) if error.is_lasting() && !error.is_conflict() => {
            tracing::warn!(%resource, %error, "labels and annotation can't be written");
            Ok(object)
        }
        Ok(marked) => {
            let left = insisted.into_keys().collect();
            let memory = &context.memory;
            memory.note_marked(&resource, &before.without(&left), marks);
            Ok(marked)
        }
        failed => failed,
    }
}

/// By server-side apply, which makes Holdfast the owner of what is listed.
async fn apply<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    marks: &Marks,
) -> Result<Arc<K>, PassError> {
    let annotations = marks
        .external_id
        .iter()
        .map(|id| (names::EXTERNAL_ID_ANNOTATION, id.as_str()))
        .collect::<BTreeMap<_, _>>();
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
    write(context, object, &params, &Patch::Apply(patch)).await
}

/// Removes labels of ours that another field manager wrote too: applying without them doesn't remove them.
async fn take_off<K: Managed>(
    context: &Context,
    object: Arc<K>,
    labels: &[String],
) -> Result<Arc<K>, PassError> {
    if labels.is_empty() {
        return Ok(object);
    }
    let labels = labels.iter().map(|name| (name.as_str(), Value::Null));
    let patch = json!({"metadata": {
        "uid": object.uid(),
        "resourceVersion": object.resource_version(),
        "labels": labels.collect::<BTreeMap<_, _>>(),
    }});
    let params = PatchParams {
        field_manager: Some(names::FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    write(context, &object, &params, &Patch::Merge(patch)).await
}

async fn write<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    params: &PatchParams,
    patch: &Patch<Value>,
) -> Result<Arc<K>, PassError> {
    let api: Api<K> = Api::namespaced(
        context.client.clone(),
        &object.namespace().unwrap_or_default(),
    );
    let mut written = api.patch(&object.name_any(), params, patch).await?;
    trim(&mut written);
    let written = Arc::new(written);
    context.recent.keep(written.clone());
    Ok(written)
}

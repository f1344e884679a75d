//! Performing one step, and noting what came of it. Each step is at most one outbound request; nothing is repeated here.

use std::sync::Arc;

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::{
    context::Context,
    gather::Gathered,
    metrics::{KindLabels, StepLabels},
    operations::{note_operation, record},
    platforms::Handle,
    watches::trim,
};
use crate::{
    api::{
        names,
        shared::{Change, ChangeOutcome, Intent},
    },
    planner::{self, Marks, Progress, Step},
    platform::PlatformError,
    survey::{Managed, resource_ref},
};

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
    /// More steps than a pass may take.
    #[error("no end after {0} steps; starting over")]
    TooManySteps(usize),
}

/// Performs one step. Returns the resource as it is afterwards.
pub async fn perform<K: Managed>(
    context: &Context,
    object: Arc<K>,
    gathered: &Gathered,
    step: Step,
    progress: &mut Progress,
) -> Result<Arc<K>, PassError> {
    match step {
        Step::Finalize => apply_marks(context, &object, &gathered.sight.declared.marks).await,
        Step::Mark(marks) => apply_marks(context, &object, &marks).await,
        Step::RecordIntent(intent) => {
            let changes = planner::change_log(&gathered.sight.declared, progress, None);
            let written = record_intent(context, &object, &intent, &changes).await?;
            progress.logged = progress.performed.len();
            progress.intent = Some(intent);
            Ok(written)
        }
        Step::TakeDeletionTurn(most) => {
            let handle = gathered.handle.as_ref().ok_or(PassError::NoPlatform)?;
            progress.turn = Some(handle.deletions.take(most, jiff::Timestamp::now()));
            context.memory.wake_platform_later(handle.site.key.clone());
            Ok(object)
        }
        Step::Release => release(context, &object).await,
        Step::Settle(_) => Ok(object),
        step => {
            let handle = gathered.handle.as_ref().ok_or(PassError::NoPlatform)?;
            if let Step::Update { id, .. } = &step {
                // It may go elsewhere: the figures of what it hangs under now change with it.
                context.wake_above(handle, K::KIND, id);
            }
            let outcome = on_platform(handle, K::KIND, gathered, &step, progress).await;
            note(context, &*object, handle, &step, outcome, progress);
            Ok(object)
        }
    }
}

/// One request to the platform.
async fn on_platform(
    handle: &Handle,
    kind: crate::api::Kind,
    gathered: &Gathered,
    step: &Step,
    progress: &mut Progress,
) -> Result<(), PlatformError> {
    let platform = &handle.adapter;
    match step {
        Step::LookUp(claim) => match platform.find(kind, claim).await? {
            Some(object) => handle.site.inventory_mut().record(object),
            None => progress.unclaimed = true,
        },
        Step::LookBeside(document) => {
            let objects = platform.beside(kind, document).await?;
            let mut inventory = handle.site.inventory_mut();
            for object in objects {
                inventory.record(object);
            }
            progress.looked_beside = true;
        }
        Step::Read(id) | Step::ConfirmGone(id) => {
            if let Some(object) = platform.read(kind, id).await? {
                handle.site.inventory_mut().record(object);
                progress.fresh = Some(id.clone());
            } else {
                handle.site.inventory_mut().forget(kind, id);
                progress.gone = Some(id.clone());
            }
        }
        Step::Create {
            claim, document, ..
        } => {
            let written = platform
                .create(kind, claim, with_secrets(gathered, document))
                .await?;
            handle.note_unreported();
            record(handle, written, progress);
        }
        Step::Update {
            id,
            etag,
            mark,
            patch,
            ..
        } => {
            let patch = with_secrets(gathered, patch);
            let written = platform
                .update(kind, id, etag.as_deref(), mark.as_ref(), patch)
                .await?;
            record(handle, written, progress);
        }
        Step::SetActive { id, active, .. } => {
            let written = platform.set_active(kind, id, *active).await?;
            record(handle, written, progress);
        }
        Step::SendWelcomeMail(id) => {
            let written = platform.send_welcome_mail(id).await?;
            record(handle, written, progress);
        }
        Step::MoveClient {
            client,
            etag,
            customer,
        } => {
            let moved = platform
                .move_client(client, etag.as_deref(), customer)
                .await?;
            handle.site.inventory_mut().record_client(moved);
        }
        Step::CheckOperation(operation) => {
            let state = platform.operation(operation).await;
            note_operation(gathered, progress, state)?;
        }
        Step::RehearseDeletion(id) => {
            progress.rehearsal = Some(platform.rehearse_deletion(kind, id).await?);
        }
        Step::Delete { id, confirmation } => {
            platform.delete(kind, id, confirmation).await?;
            progress.deleted = Some(id.clone());
            progress.fresh = None;
        }
        Step::Finalize
        | Step::Mark(_)
        | Step::RecordIntent(_)
        | Step::TakeDeletionTurn(_)
        | Step::Release
        | Step::Settle(_) => {}
    }
    Ok(())
}

/// Adds the secret values that the document names by their tags. Only here do they meet a request.
fn with_secrets(gathered: &Gathered, document: &Map<String, Value>) -> Map<String, Value> {
    let mut document = document.clone();
    if let Some(Value::Object(access)) = document.get_mut("webAccess")
        && access.contains_key("passwordTag")
        && let Some(password) = gathered.secrets.get("webAccess.passwordTag")
    {
        access.insert(
            "password".into(),
            Value::String(password.expose_secret().to_owned()),
        );
    }
    document
}

/// Notes the outcome: in this pass's progress, the change log, the log and the metrics.
fn note<K: Managed>(
    context: &Context,
    object: &K,
    handle: &Handle,
    step: &Step,
    outcome: Result<(), PlatformError>,
    progress: &mut Progress,
) {
    let labels = StepLabels {
        kind: K::KIND.as_str().into(),
        step: step.name().into(),
    };
    context.metrics.steps.get_or_create(&labels).inc();
    if let Some((change, fields)) = step.mutation() {
        let ended = match &outcome {
            Ok(()) if progress.operation.is_some() => ChangeOutcome::Sent,
            Ok(()) => ChangeOutcome::Done,
            Err(PlatformError::Refused(_)) => ChangeOutcome::Refused,
            Err(PlatformError::Unreachable(_) | PlatformError::Garbled(_)) => {
                ChangeOutcome::Unknown
            }
            Err(_) => ChangeOutcome::Failed,
        };
        tracing::info!(
            resource = %resource_ref(object),
            platform = %handle.site.key,
            step = change.as_str(),
            fields = fields.join(","),
            outcome = ended.as_str(),
            error = outcome.as_ref().err().map(tracing::field::display),
            "change"
        );
        // A write that was held back before it left is no change.
        if !matches!(
            outcome,
            Err(PlatformError::NotWriter(_) | PlatformError::Throttled { .. })
        ) {
            progress.performed.push(Change {
                at: whole_second(),
                step: change,
                fields: fields.clone(),
                outcome: ended,
            });
        }
        if outcome.is_ok() && step.is_reverting() {
            progress.reverted.extend(fields);
        }
    }
    progress.failure = outcome.err();
}

/// Now, to the second: what a person reads.
fn whole_second() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now)
}

/// Adds the intent to the status as it is, and what this pass has done so far. Refused when the resource has changed meanwhile, so nothing is sent on old news.
async fn record_intent<K: Managed>(
    context: &Context,
    object: &Arc<K>,
    intent: &Intent,
    changes: &[Change],
) -> Result<Arc<K>, PassError> {
    let mut status = object.status_document()?;
    if let Value::Object(members) = &mut status {
        members.insert("changes".into(), serde_json::to_value(changes)?);
        members.insert("intent".into(), serde_json::to_value(intent)?);
    }
    write_status(context, object, &status).await
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
async fn apply_marks<K: Managed>(
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
async fn release<K: Managed>(context: &Context, object: &Arc<K>) -> Result<Arc<K>, PassError> {
    let Some(position) = object
        .finalizers()
        .iter()
        .position(|finalizer| finalizer == names::FINALIZER)
    else {
        return Ok(object.clone());
    };
    let api: Api<K> = Api::namespaced(
        context.client.clone(),
        &object.namespace().unwrap_or_default(),
    );
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
            &Patch::<K>::Json(patch),
        )
        .await?;
    tracing::info!(resource = %resource_ref(&**object), outcome = "Done", "let go");
    Ok(Arc::new(written))
}

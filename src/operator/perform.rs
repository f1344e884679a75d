//! Performing one step, and noting what came of it. Each step is at most one outbound request; nothing is repeated here.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::{
    context::Context,
    gather::Gathered,
    marks::{finalize, mark},
    metrics::StepLabels,
    operations::{note_operation, record},
    platforms::Handle,
    writes::{PassError, record_intent, record_task, release},
};
use crate::{
    api::shared::{Change, ChangeOutcome, ChangeStep},
    planner::{self, PlatformState, Progress, Step},
    platform::PlatformError,
    survey::{Managed, resource_ref},
};

/// Performs one step. Returns the resource as it is afterwards.
pub async fn perform<K: Managed>(
    context: &Context,
    object: Arc<K>,
    gathered: &Gathered,
    step: Step,
    progress: &mut Progress,
) -> Result<Arc<K>, PassError> {
    match step {
        Step::Finalize => {
            progress.finalized = true;
            finalize(context, &object, &gathered.sight.declared.marks).await
        }
        Step::Mark(marks) => {
            let marked = mark(context, object, &gathered.sight.declared.marks, &marks).await;
            progress.marked = Some(marks);
            marked
        }
        Step::RecordIntent(intent) => {
            let changes = planner::change_log(&gathered.sight.declared, progress, None);
            let written = if intent.step == ChangeStep::Create && intent.operation.is_some() {
                record_task(context, object, &intent, &changes).await?
            } else {
                let platform = match &gathered.sight.platform {
                    PlatformState::Observed(platform) => Some(platform.name.as_str()),
                    _ => None,
                };
                let (declared, remote) = (&gathered.sight.declared, &gathered.sight.remote);
                let deletion = planner::deletion_begun(declared, remote, progress, &intent);
                let deletion = deletion.as_ref();
                record_intent(context, &object, platform, &intent, &changes, deletion).await?
            };
            progress.logged = progress.performed.len();
            if intent.operation.is_none() {
                progress.before_intent = progress.performed.len();
            }
            progress.intent = Some(intent);
            Ok(written)
        }
        Step::TakeDeletionPermit(most) => {
            let handle = gathered.handle.as_ref().ok_or(PassError::NoPlatform)?;
            let account = handle.writer.account().ok_or(PassError::NoPlatform)?;
            progress.permit = Some(account.take_permit(most).await?);
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
                progress.note_read(id.clone());
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
        | Step::TakeDeletionPermit(_)
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

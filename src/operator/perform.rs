//! Performing one step, and recording its outcome. Each step is at most one outbound request; nothing is repeated here.

use std::sync::Arc;

use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::{
    asked::{self, Asked},
    clock,
    context::Context,
    error::PassError,
    gather::Gathered,
    marks::{finalize, mark},
    metrics::StepLabels,
    writes::{record_intent, record_task, release},
};
use crate::{
    api::{
        Kind,
        shared::{ChangeStep, Intent},
    },
    planner::{self, Answer, Lesson, PlatformState, Progress, Step},
    platform::{Platform, PlatformError, Problem},
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
    let declared = &gathered.observation.declared;
    let (object, answer) = match &step {
        Step::Finalize => {
            let object = finalize(context, &object, &declared.marks).await?;
            (object, Ok(Answer::Stored))
        }
        Step::Mark(marks) => {
            let object = mark(context, object, &declared.marks, marks).await?;
            (object, Ok(Answer::Stored))
        }
        Step::RecordIntent(intent) => {
            let object = write_down(context, object, gathered, progress, intent).await?;
            (object, Ok(Answer::Stored))
        }
        Step::TakeDeletionPermit(most) => {
            let handle = gathered.handle.as_ref().ok_or(PassError::NoPlatform)?;
            let account = handle.writer.account().ok_or(PassError::NoPlatform)?;
            let permit = account.take_permit(*most).await?;
            (object, Ok(Answer::Permit(permit)))
        }
        Step::Release => return release(context, &object).await,
        Step::Settle(_) => return Ok(object),
        _ => {
            let handle = gathered.handle.as_ref().ok_or(PassError::NoPlatform)?;
            if let Some(wake) = planner::wakes_of_step(K::KIND, &step) {
                context.enqueue(&*object, Some(handle), wake);
            }
            let request = on_platform(&*handle.adapter, K::KIND, gathered, &step);
            let answer = if asked::takes_away(&step) {
                let (stores, platform) = (&context.survey.stores, &handle.site.key);
                let asked = Asked::now(stores, &*object, resource_ref(&*object), platform);
                let answer = asked::while_asked(asked, request).await;
                answer.ok_or(PassError::Overtaken)?
            } else {
                request.await
            };
            count_step(context, K::KIND, &step);
            if matches!(step, Step::Create { .. }) && answer.is_ok() {
                handle.created.notify_one();
            }
            (object, answer)
        }
    };
    let error = answer.as_ref().err().map(ToString::to_string);
    let error = error.map(|error| planner::for_log(declared, &error));
    let lesson = Lesson {
        kind: K::KIND,
        step: &step,
        outcome: answer,
        noted: declared.status.intent.as_ref(),
        at: whole_second(),
    };
    let mut inventory = gathered
        .handle
        .as_ref()
        .map(|handle| handle.site.inventory_mut());
    let change = progress.learn(lesson, inventory.as_deref_mut());
    drop(inventory);
    if let (Some(change), Some(handle)) = (change, &gathered.handle) {
        tracing::info!(
            resource = %resource_ref(&*object),
            platform = %handle.site.key,
            step = change.step.as_str(),
            fields = change.fields.join(","),
            outcome = change.outcome.as_str(),
            error,
            "change"
        );
    }
    Ok(object)
}

/// Records what is about to be sent.
async fn write_down<K: Managed>(
    context: &Context,
    object: Arc<K>,
    gathered: &Gathered,
    progress: &Progress,
    intent: &Intent,
) -> Result<Arc<K>, PassError> {
    let (declared, remote) = (&gathered.observation.declared, &gathered.observation.remote);
    let changes = planner::change_log(declared, progress, None);
    if intent.step == ChangeStep::Create && intent.operation.is_some() {
        return record_task(context, object, intent, &changes).await;
    }
    let platform = match &gathered.observation.platform {
        PlatformState::Observed(platform) => Some(platform.name.as_str()),
        _ => None,
    };
    let deletion = planner::deletion_begun(declared, remote, progress, intent);
    record_intent(
        context,
        &object,
        platform,
        intent,
        &changes,
        deletion.as_ref(),
    )
    .await
}

/// One request to the platform.
async fn on_platform(
    platform: &dyn Platform,
    kind: Kind,
    gathered: &Gathered,
    step: &Step,
) -> Result<Answer, PlatformError> {
    Ok(match step {
        Step::LookUp(claim) => {
            let by_claim = platform
                .by_claim()
                .ok_or_else(|| lacking("find by claim"))?;
            Answer::Claimed(by_claim.find(kind, claim).await?)
        }
        Step::LookBeside(document) => {
            let beside = platform.list_beside().ok_or_else(|| lacking("list"))?;
            Answer::Beside(beside.beside(kind, document).await?)
        }
        Step::Read(id) | Step::ConfirmGone(id) => {
            Answer::Found(platform.read(kind, id).await?.map(Box::new))
        }
        Step::Create {
            claim, document, ..
        } => {
            let document = with_values(gathered, document);
            Answer::Written(platform.create(kind, claim, document).await?)
        }
        Step::Update {
            id,
            etag,
            mark,
            patch,
            ..
        } => {
            let (etag, patch) = (etag.as_deref(), with_values(gathered, patch));
            let written = platform.update(kind, id, etag, mark.as_ref(), patch).await;
            Answer::Written(written?)
        }
        Step::SetActive { id, active, .. } => {
            let suspension = platform.suspension().ok_or_else(|| lacking("suspend"))?;
            Answer::Written(suspension.set_active(kind, id, *active).await?)
        }
        Step::SendWelcomeMail(id) => {
            let mail = platform.mail().ok_or_else(|| lacking("send mail"))?;
            Answer::Written(mail.send_welcome_mail(id).await?)
        }
        Step::MoveClient {
            client,
            etag,
            customer,
        } => {
            let etag = etag.as_deref();
            let clients = platform.clients().ok_or_else(|| lacking("move clients"))?;
            Answer::Moved(clients.move_client(client, etag, customer).await?)
        }
        Step::CheckOperation(operation) => {
            let operations = platform.operations();
            let operations = operations.ok_or_else(|| lacking("finish writes later"))?;
            Answer::Operation(operations.operation(operation).await?)
        }
        Step::RehearseDeletion(id) => {
            let deletion = platform.deletion().ok_or_else(|| lacking("delete"))?;
            Answer::Rehearsed(deletion.rehearse_deletion(kind, id).await?)
        }
        Step::Delete { id, confirmation } => {
            let deletion = platform.deletion().ok_or_else(|| lacking("delete"))?;
            deletion.delete(kind, id, confirmation).await?;
            Answer::Deleted
        }
        Step::Finalize
        | Step::Mark(_)
        | Step::RecordIntent(_)
        | Step::TakeDeletionPermit(_)
        | Step::Release
        | Step::Settle(_) => Answer::Stored,
    })
}

/// An operation that the planner requests only where the platform declares it.
fn lacking(what: &str) -> PlatformError {
    Problem::unsupported(&format!("this platform has no way to {what}")).into()
}

fn count_step(context: &Context, kind: Kind, step: &Step) {
    let labels = StepLabels {
        kind: kind.as_str().into(),
        step: step.name().into(),
    };
    context.metrics.steps.get_or_create(&labels).inc();
}

/// Adds the secret values that the document names by their tags, and the pictures that it names by their digests. Only here do they
/// become part of a request.
fn with_values(gathered: &Gathered, document: &Map<String, Value>) -> Map<String, Value> {
    let mut document = document.clone();
    if let Some(Value::Object(access)) = document.get_mut("webAccess")
        && access.contains_key("passwordTag")
        && let Some(password) = gathered.values.secrets.get("webAccess.passwordTag")
    {
        access.insert(
            "password".into(),
            Value::String(password.expose_secret().to_owned()),
        );
    }
    for (setting, picture) in &gathered.values.pictures {
        planner::put_picture(&mut document, setting, picture);
    }
    document
}

/// The current time, to the second: a person reads it.
fn whole_second() -> jiff::Timestamp {
    let now = clock::now();
    now.round(jiff::Unit::Second).unwrap_or(now)
}

//! The outcome of an accepted write: the platform's tasks.

use super::{
    refusal::words,
    wire::{ErrorBody, Task, TaskOutput},
};
use crate::wire::{Secrets, garbled};
use crate::{
    estate::ObjectId,
    {OperationState, PlatformError, Problem, ProblemKind},
};

pub(super) const OPERATION: &str = "GET /msp/v2/tasks/{taskID}";
/// Queued, in progress and paused come before it. Source: Druva OpenAPI, `GetTaskResponse`.
const FINISHED: i64 = 4;
/// The value of `failed` where nothing failed.
const SUCCEEDED: i64 = 0;
/// The value of `failed` where something failed.
const FAILED: i64 = 1;
/// Customers' names are unique over all of the vendor's customers. Source: Druva OpenAPI, `GetTaskResponse`.
const NAME_TAKEN: &str = "2304";

/// The state of a task. Finished doesn't mean that it succeeded, and a state that isn't understood doesn't count as finished.
///
/// # Errors
/// A finished task that doesn't say how it ended.
pub(super) fn state(task: Task, secrets: &Secrets) -> Result<OperationState, PlatformError> {
    if task.status != Some(FINISHED) {
        return Ok(OperationState::Running);
    }
    let unsaid = || garbled(OPERATION, "finished without an outcome");
    let output = task.output.ok_or_else(unsaid)?;
    match output.failed {
        Some(SUCCEEDED) => Ok(OperationState::Done(made(output))),
        Some(FAILED) => {
            let error = output.error_resp.unwrap_or_default();
            Ok(OperationState::Failed(problem(&error, secrets)))
        }
        // The platform's own value; it has no meaning for clients.
        Some(_) => Ok(OperationState::Running),
        None => Err(unsaid()),
    }
}

fn made(output: TaskOutput) -> Option<ObjectId> {
    let id = output.success_resp?.entity_id?;
    crate::wire::is_usable_id(&id).then(|| ObjectId::new(&id))
}

fn problem(error: &ErrorBody, secrets: &Secrets) -> Problem {
    if error.code.as_deref() == Some(NAME_TAKEN) {
        return Problem {
            kind: ProblemKind::Conflict,
            field: Some("name".to_owned()),
            detail: format!(
                "a customer of this name exists already at Druva, maybe not yours (code {NAME_TAKEN})"
            ),
            remedy: Some("Choose another name, or adopt the existing customer".to_owned()),
            conflicting_id: None,
        };
    }
    Problem {
        kind: ProblemKind::Other,
        field: None,
        detail: format!(
            "the platform accepted the change and then failed: {}",
            words(secrets, error)
        ),
        remedy: None,
        conflicting_id: None,
    }
}

/// A task that the platform doesn't know (any more): there is no status for that, so it may be answered like any bad request.
pub(super) fn lost(error: PlatformError) -> PlatformError {
    match error {
        PlatformError::Refused(problem)
            if matches!(problem.kind, ProblemKind::NotFound | ProblemKind::Invalid) =>
        {
            Problem {
                kind: ProblemKind::NotFound,
                detail: format!(
                    "the platform doesn't know the task (any more), so its outcome is unknown: {}",
                    problem.detail
                ),
                ..problem
            }
            .into()
        }
        error => error,
    }
}

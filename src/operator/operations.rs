//! Writes that the platform finishes later: what is noted of them in a pass.

use super::{gather::Gathered, platforms::Handle};
use crate::{
    api::shared::{Change, ChangeOutcome},
    planner::Progress,
    platform::{OperationState, PlatformError, ProblemKind, Written},
};

/// What a write brought: the object as it is now, or an operation to ask for.
pub fn record(handle: &Handle, written: Written, progress: &mut Progress) {
    match written {
        Written::Done(object) => handle.site.inventory_mut().record(*object),
        Written::Pending(operation) => progress.operation = Some(operation),
    }
}

/// How far an operation is. One that the platform doesn't know any more has an open end.
///
/// # Errors
/// How it failed, or that it couldn't be asked for.
pub fn note_operation(
    gathered: &Gathered,
    progress: &mut Progress,
    state: Result<OperationState, PlatformError>,
) -> Result<(), PlatformError> {
    match state {
        Ok(OperationState::Done(made)) => {
            progress.made = made.or(progress.made.take());
            conclude(gathered, progress, ChangeOutcome::Done);
        }
        Ok(OperationState::Running) => progress.operation_checked = true,
        Ok(OperationState::WaitingForHuman) => {
            (progress.operation_checked, progress.waiting_for_human) = (true, true);
        }
        Ok(OperationState::Failed(problem)) => {
            conclude(gathered, progress, ChangeOutcome::Refused);
            return Err(problem.into());
        }
        Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {
            conclude(gathered, progress, ChangeOutcome::Unknown);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// An operation has ended: the change log says how, and what is known of the object may be older.
fn conclude(gathered: &Gathered, progress: &mut Progress, outcome: ChangeOutcome) {
    progress.operation = None;
    progress.concluded = true;
    let sent = |change: &&mut Change| change.outcome == ChangeOutcome::Sent;
    if let Some(change) = progress.performed.last_mut().filter(sent) {
        change.outcome = outcome;
        progress.logged = progress.logged.min(progress.performed.len() - 1);
    } else if let Some(intent) = &gathered.sight.declared.status.intent {
        progress.performed.push(Change {
            at: intent.at,
            step: intent.step,
            fields: intent.fields.clone(),
            outcome,
        });
    }
}

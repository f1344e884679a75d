//! What was sent to the platform for a resource, as its status records it. I8.

use super::{Declared, Progress, mail};
use crate::{
    api::shared::{Change, ChangeOutcome, ChangeStep},
    estate::Object,
};

/// Outbound mutations kept in status.
const CHANGES_KEPT: usize = 20;

/// The change log: the earlier entries, and what this pass has done. The same failure twice in a row is one entry, so that a
/// retry writes nothing. I8.
pub fn change_log(
    declared: &Declared,
    progress: &Progress,
    object: Option<&Object>,
) -> Vec<Change> {
    let mut changes = declared.status.changes.clone();
    changes.extend(unnoted_creation(declared, progress, object));
    for change in progress.unlogged() {
        let repeated = |last: &Change| {
            change.outcome != ChangeOutcome::Done
                && (last.step, &last.fields, last.outcome)
                    == (change.step, &change.fields, change.outcome)
        };
        match changes.last_mut() {
            // The time within which an unanswered creation or suspension may still be carried out counts from its last
            // request.
            Some(last)
                if repeated(last)
                    && matches!(change.step, ChangeStep::Create | ChangeStep::Suspend)
                    && matches!(change.outcome, ChangeOutcome::Unknown | ChangeOutcome::Sent) =>
            {
                last.at = change.at;
            }
            Some(last) if repeated(last) => {}
            // The answer to an earlier request.
            Some(last)
                if last.outcome == ChangeOutcome::Sent
                    && (last.step, &last.fields) == (change.step, &change.fields) =>
            {
                *last = change.clone();
            }
            _ => changes.push(change.clone()),
        }
    }
    while changes.len() > CHANGES_KEPT {
        let oldest = changes.iter().position(|change| !mail::is_mail(change));
        changes.remove(oldest.unwrap_or_default());
    }
    changes
}

/// A creation that a crash interrupted before it could be recorded: an object with our claim that is no older than the
/// resource was created for it. A resource that is younger than its object has adopted it again instead, and a resource that
/// names the object by id has adopted it.
fn unnoted_creation(
    declared: &Declared,
    progress: &Progress,
    object: Option<&Object>,
) -> Option<Change> {
    let first_seen = declared.status.external_id.is_none();
    let is_creation = |change: &Change| change.step == ChangeStep::Create;
    let noted = declared.status.changes.iter().any(is_creation)
        || progress.performed.iter().any(is_creation);
    let named = declared.lifecycle.external_id.as_deref();
    let object = object
        .filter(|object| first_seen && !noted && object.claim.is_some())
        .filter(|object| named != Some(object.id.as_str()))?;
    let made = object.created_at.filter(|at| *at >= declared.created_at)?;
    Some(Change {
        at: made,
        step: ChangeStep::Create,
        fields: Vec::new(),
        outcome: ChangeOutcome::Done,
    })
}

//! The events of a pass: changes made, and conditions that have changed.

use super::Progress;
use crate::api::{
    ConditionType, Reason,
    shared::{Change, ChangeOutcome, ChangeStep, ManagedStatus},
};

/// One event, before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Whether a person should look at it.
    pub warning: bool,
    /// In one word.
    pub reason: String,
    /// In one sentence.
    pub message: String,
}

/// The events of a pass that ended with status `next` after `previous`. None when nothing happened.
pub fn notes(previous: &ManagedStatus, next: &ManagedStatus, progress: &Progress) -> Vec<Note> {
    let mut notes: Vec<Note> = progress.performed.iter().filter(|change| change.outcome == ChangeOutcome::Done).filter_map(|change| {
        let fields = change.fields.join(", ");
        let reverted = !change.fields.is_empty() && change.fields.iter().all(|field| progress.reverted.contains(field) && !next.unkept.iter().any(|unkept| unkept.field == *field));
        let (reason, message) = match change.step {
            _ if reverted => (Reason::Reverted.as_str(), format!("Drift corrected: {fields} was changed outside Holdfast and has been restored.")),
            ChangeStep::Create => ("Created", format!("Created as {}.", next.external_id.as_deref().unwrap_or("a new object"))),
            ChangeStep::Update | ChangeStep::Move => ("Updated", format!("Updated on the platform: {fields}.")),
            ChangeStep::Suspend => ("Suspended", "Suspended on the platform.".to_owned()),
            ChangeStep::Activate => ("Activated", "Activated on the platform.".to_owned()),
            ChangeStep::MoveClient => ("ClientMoved", format!("Moved to this customer: {fields}.")),
            ChangeStep::SendWelcomeMail => ("WelcomeMailSent", "The platform has sent the welcome mail.".to_owned()),
            ChangeStep::Delete => return None,
        };
        Some(Note { warning: false, reason: reason.to_owned(), message })
    }).collect();
    if previous.external_id.is_none()
        && next.external_id.is_some()
        && !progress
            .performed
            .iter()
            .any(|change| change.step == ChangeStep::Create)
    {
        let id = next.external_id.as_deref().unwrap_or_default();
        let unanswered = |change: &Change| {
            change.step == ChangeStep::Create
                && matches!(change.outcome, ChangeOutcome::Sent | ChangeOutcome::Unknown)
        };
        let made = |change: &Change| {
            change.step == ChangeStep::Create && change.outcome == ChangeOutcome::Done
        };
        let (reason, message) = if previous.changes.iter().any(unanswered)
            || next.changes.iter().any(made)
        {
            (
                "Created",
                format!("Created as {id}; the platform's first answer had been lost."),
            )
        } else {
            let written = if progress.performed.is_empty() {
                "nothing was written."
            } else {
                "only the differences were written."
            };
            (
                "Claimed",
                format!(
                    "Adopted remote object {id} (ownership mark, spec or annotation matches); {written}"
                ),
            )
        };
        notes.push(Note {
            warning: false,
            reason: reason.into(),
            message,
        });
    }
    for alarm in [
        ConditionType::Stalled,
        ConditionType::DeletionBlocked,
        ConditionType::QuotaExceeded,
        ConditionType::LimitNear,
        ConditionType::DriftDetected,
        ConditionType::DriftReturns,
        ConditionType::PlatformReachable,
    ] {
        notes.extend(turned(previous, next, alarm));
    }
    notes
}

/// A warning when a condition has turned bad, or is bad for another reason.
fn turned(previous: &ManagedStatus, next: &ManagedStatus, kind: ConditionType) -> Option<Note> {
    let bad = if kind == ConditionType::PlatformReachable {
        "False"
    } else {
        "True"
    };
    let find = |status: &ManagedStatus| {
        status
            .conditions
            .iter()
            .find(|condition| condition.type_ == kind.as_str() && condition.status == bad)
            .cloned()
    };
    let now = find(next)?;
    let before = find(previous);
    let news =
        before.is_none_or(|before| before.reason != now.reason || before.message != now.message);
    news.then_some(Note {
        warning: true,
        reason: now.reason,
        message: now.message,
    })
}

//! The welcome mail: one request for each object, since a platform may mail again at every one. R-V12.

use super::{PlatformFacts, Step, View, console, lately};
use crate::{
    api::{
        Kind,
        shared::{Change, ChangeOutcome, ChangeStep, ManualStep},
    },
    estate::{Capability, Object},
    rules,
};

/// Field of the spec.
const FIELD: &str = "welcomeMail";

/// The mail where it is due. What Holdfast can't do or can't know becomes a manual step.
pub fn due(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    manual_steps: &mut Vec<ManualStep>,
) -> Option<Step> {
    if view.declared.spec.get(FIELD) != Some(&true.into())
        || object.facts.welcome_mail_sent_at.is_some()
    {
        return None;
    }
    match sent(view) {
        Some(change) if lately::is_open(change) => {
            manual_steps.push(unanswered(change));
            None
        }
        Some(_) => None,
        None if !platform.capabilities.can(Capability::SendWelcomeMail)
            || rules::hands_off(object) =>
        {
            manual_steps.extend(console::step(platform, Kind::Customer, FIELD));
            None
        }
        None => Some(Step::SendWelcomeMail(object.id.clone())),
    }
}

/// The request for the mail that may have been carried out, since the object was created.
fn sent<'a>(view: &'a View<'_>) -> Option<&'a Change> {
    let changes = view.declared.status.changes.iter();
    let mut since_creation = changes
        .chain(&view.progress.performed)
        .rev()
        .take_while(|change| change.step != ChangeStep::Create);
    since_creation.find(|change| is_mail(change))
}

/// Whether a change is a mail that may have been sent. The change log keeps it however many changes follow.
pub fn is_mail(change: &Change) -> bool {
    change.step == ChangeStep::SendWelcomeMail
        && (change.outcome == ChangeOutcome::Done || lately::is_open(change))
}

fn unanswered(change: &Change) -> ManualStep {
    ManualStep {
        field: FIELD.into(),
        step: format!(
            "the request for the welcome mail sent at {} was not answered, and a second request might send a second mail: ask the customer whether the mail arrived, send it at the platform's console if it didn't, then remove welcomeMail from the spec",
            change.at
        ),
    }
}

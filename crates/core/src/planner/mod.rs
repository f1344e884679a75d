//! The one decision maker: from everything gathered to the next single step, and to the status to show.
//!
//! Pure: no clock, no I/O, nothing asynchronous. The operator and `holdfast plan` call the same [`next`].

mod allowance;
mod change_log;
mod claim;
mod cluster_only;
mod conditions;
mod console;
mod converge;
mod creation;
mod deletion;
mod desired;
mod drift;
mod failure;
mod hidden;
mod identity;
mod intent;
mod lately;
mod learn;
mod mail;
mod marks;
mod notes;
mod picture;
mod platform_deletion;
mod refusals;
mod refused;
mod restraint;
mod returns;
mod status;
mod step;
#[cfg(test)]
mod tests;
mod unkept;
mod unmarked;
mod unreadable;
mod view;
mod wakes;

pub use change_log::change_log;
pub use claim::{claim, secret_tag};
pub use conditions::managed_status;
pub use desired::{account_name, remote_name, spec_field};
pub use failure::retry_delay;
pub use hidden::for_log;
pub use lately::{LATE, is_in_doubt, is_under_way, unanswered_creations};
pub use learn::{Answer, Lesson, Progress};
pub use marks::Marks;
pub use notes::{Note, notes};
pub use picture::{PICTURES, Picture, picture_ref, put_picture};
pub use platform_deletion::{PlatformDependents, PlatformRelease, release_platform};
pub use refusals::noted_elsewhere;
pub use refused::refused_status;
pub use restraint::{deletion_begun, is_facet, left_suspended};
pub use returns::returned;
pub use status::{
    Around, HealthCondition, PlanName, PlatformHealth, PlatformSummary, Warned, credits, customer,
    every_source, labels, last_known, plan, platform, remembering, reseller, tenant,
    unreadable_note,
};
pub use step::{DeletionPermit, Settlement, Step, Verdict};
pub use unmarked::{agrees, may_have_made};
pub use view::{
    Backoff, Declared, Neighbours, PlatformFacts, PlatformState, Reference, References, Remote,
    Safety, Seen, Supplements, View, remote_object,
};
pub use wakes::{Wake, wakes_of_release, wakes_of_settlement, wakes_of_step};

use std::{sync::Arc, time::Duration};

use crate::{
    api::{
        bounds::ID_LENGTH,
        conditions::{ConditionType, Reason},
        shared::{DeletionPolicy, Management},
    },
    estate::Object,
};
use identity::{Identity, identity};
use step::settle;

/// How long to wait for something that triggers a reconcile itself, before reconciling anyway.
const PATIENCE: Duration = Duration::from_secs(60);

/// Time between two polls of an operation.
const OPERATION_PAUSE: Duration = Duration::from_secs(5);

/// Time between two polls of an operation that was accepted just now, and of one that takes long.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// How long resources that were applied together may take to arrive.
const YOUNG: jiff::SignedDuration = jiff::SignedDuration::from_secs(3);

/// The age from which on an operation counts as overdue.
const ENDLESS: jiff::SignedDuration = jiff::SignedDuration::from_mins(30);

/// The next step for one resource.
pub fn next(view: &View<'_>) -> Step {
    let mut step = backing_off(view, decide(view));
    if let Step::Settle(settlement) = &mut step
        && hidden::is_hidden(view.declared)
    {
        hidden::redact(view.declared, settlement);
    }
    intent::written_down(view, step)
}

/// A refused or unanswered change isn't sent again before its time, whatever else enqueues the resource. I5
fn backing_off(view: &View<'_>, step: Step) -> Step {
    let sends = step.mutation().is_some() || matches!(step, Step::RehearseDeletion(_));
    match &view.backoff {
        Some(backoff) if sends => settle(backoff.verdict.clone(), Some(backoff.left)),
        _ => step,
    }
}

fn decide(view: &View<'_>) -> Step {
    if let Some(step) = failure::after(view) {
        return step;
    }
    if let Some(step) = not_heard_of_yet(view) {
        return step;
    }
    match &view.platform {
        PlatformState::Observed(platform) => on_platform(view, platform),
        PlatformState::Missing { name } => without_platform(
            view,
            Verdict::Stalled(
                Reason::PlatformMissing,
                format!(
                    "{} BackupPlatform {name:?}, which doesn't exist in namespace {:?}. Create it, or correct the name.",
                    leads_to(view.declared, "platformRef"),
                    view.declared.namespace
                ),
            ),
        ),
        PlatformState::Unresolved { field, name } => without_platform(
            view,
            Verdict::Stalled(
                Reason::ReferenceNotFound,
                format!(
                    "{} {name:?}, which doesn't exist in namespace {:?}. Create it, or correct the name.",
                    leads_to(view.declared, field),
                    view.declared.namespace
                ),
            ),
        ),
        PlatformState::Stalled { name, trouble } => {
            let message = format!(
                "BackupPlatform {name:?}: {}. Reconciliation continues once that platform is Ready.",
                trouble.trim_end_matches('.')
            );
            without_platform(view, stalled_platform(view, message))
        }
        PlatformState::Unreadable { kind, name, why } => {
            let message = format!(
                "{kind} {name:?} exists but can't be read: {why}. Reconciliation continues once it can be read."
            );
            without_platform(view, stalled_platform(view, message))
        }
        PlatformState::Unobserved { name, trouble } => without_platform(
            view,
            match trouble {
                None => Verdict::NotLookedYet,
                Some(trouble) => {
                    let trouble = trouble.trim_end_matches('.');
                    Verdict::Unreachable(format!(
                        "BackupPlatform {name:?}: {trouble}. Reconciliation continues once that platform is Ready."
                    ))
                }
            },
        ),
    }
}

/// A person must act on the platform. `Ready` keeps its last known value: the problem doesn't change it.
fn stalled_platform(view: &View<'_>, message: String) -> Verdict {
    let mut conditions = view.declared.status.conditions.iter();
    let was_ready = conditions.any(|condition| {
        condition.type_ == ConditionType::Ready.as_str() && condition.status != "False"
    });
    if was_ready && !view.declared.deleting {
        Verdict::Unreachable(message)
    } else {
        Verdict::Stalled(Reason::ReferenceNotReady, message)
    }
}

/// Resources that were applied together arrive one after the other: a new resource doesn't report a missing reference at once.
fn not_heard_of_yet(view: &View<'_>) -> Option<Step> {
    let missing = matches!(
        view.platform,
        PlatformState::Missing { .. } | PlatformState::Unresolved { .. }
    );
    let age = view.now().duration_since(view.declared.created_at);
    let young = !age.is_negative() && age < YOUNG;
    (missing && young && !view.declared.deleting)
        .then(|| settle(Verdict::NotLookedYet, Some(SHORT_PAUSE)))
}

/// How a resource gets a reference that may be its parent's: a message names the field that this resource has.
fn leads_to(declared: &Declared, field: &str) -> String {
    let has = |field: &str| {
        declared
            .spec
            .get(field)
            .is_some_and(|value| !value.is_null())
    };
    let parent = ["customerRef", "resellerRef", "parentRef"]
        .into_iter()
        .find(|parent| has(parent));
    match parent {
        Some(parent) if !has(field) => {
            format!("{parent} names a resource whose {field} leads to")
        }
        _ => format!("{field} names"),
    }
}

/// An operation that the platform accepted is settled before anything else is sent; a release need not wait for it.
fn operation(view: &View<'_>) -> Option<Step> {
    let operation = view.progress.operation.as_ref()?;
    if let Some(step) = unmarked::note_operation(view, operation) {
        return Some(step);
    }
    if unmarked::is_just_accepted(view) {
        return Some(settle(at_work(view, operation), Some(SHORT_PAUSE)));
    }
    if !view.progress.operation_checked
        && let Some((Reason::AccountMismatch, hold)) = &view.hold
    {
        // Another account doesn't know the operation, which would look lost.
        let verdict = Verdict::Waiting(Reason::AccountMismatch, hold.clone());
        return Some(settle(verdict, Some(PATIENCE)));
    }
    if !view.progress.operation_checked {
        return Some(Step::CheckOperation(operation.clone()));
    }
    let verdict = if view.progress.waiting_for_human {
        Verdict::Waiting(
            Reason::WaitingForHuman,
            format!(
                "The platform has accepted the change as operation {operation:?}; the platform's staff must approve or carry out the operation."
            ),
        )
    } else {
        at_work(view, operation)
    };
    Some(settle(verdict, Some(pause(view))))
}

/// When the operation was sent, as far as it is noted.
fn sent_at(view: &View<'_>) -> Option<jiff::Timestamp> {
    let noted = view.progress.intent.as_ref();
    let noted = noted.or(view.declared.status.intent.as_ref());
    noted.map(|intent| intent.at)
}

/// The message about an operation in progress, and about one that takes too long.
fn at_work(view: &View<'_>, operation: &str) -> Verdict {
    match sent_at(view).filter(|at| view.now().duration_since(*at) >= ENDLESS) {
        Some(at) => Verdict::Stalled(
            Reason::WaitingForPlatform,
            format!(
                "The platform accepted the change at {at} as operation {operation:?} and hasn't finished it since. Holdfast keeps polling the operation and sends nothing else. Ask the platform's support about its state."
            ),
        ),
        None => Verdict::Waiting(
            Reason::WaitingForPlatform,
            format!(
                "The platform has accepted the change as operation {operation:?} and is working on it."
            ),
        ),
    }
}

/// Time until the next poll of the operation: about as long as it has taken so far, so that a long one costs few requests.
fn pause(view: &View<'_>) -> Duration {
    sent_at(view).map_or(OPERATION_PAUSE, |at| {
        // The note is precise to the second, so it may lie in the future.
        let taken = Duration::try_from(view.now().duration_since(at)).unwrap_or_default();
        taken.clamp(SHORT_PAUSE, LONG_PAUSE)
    })
}

/// Without a platform nothing can be compared; a release needs no platform.
fn without_platform(view: &View<'_>, verdict: Verdict) -> Step {
    let declared = view.declared;
    if declared.deleting {
        if !declared.finalized {
            return settle(Verdict::Released, None);
        }
        if let Some(step) = deletion::dependents_first(view) {
            return step;
        }
        let not_yet = verdict == Verdict::NotLookedYet;
        let (reason, why) = match verdict {
            Verdict::Stalled(reason, why) | Verdict::Waiting(reason, why) => (reason, why),
            Verdict::Unreachable(why) => (Reason::PlatformUnreachable, why),
            _ => (Reason::WaitingForPlatform, String::new()),
        };
        let observing = matches!(
            declared.lifecycle.management,
            Some(Management::Observe | Management::Paused)
        );
        let releases = observing || declared.lifecycle.deletion_policy() == DeletionPolicy::Retain;
        let kept = restraint::kept_without_platform(view, &why);
        match kept.filter(|_| releases) {
            None if releases => return Step::Release,
            _ if not_yet => return settle(Verdict::NotLookedYet, Some(PATIENCE)),
            Some(step) => return step,
            None => {}
        }
        let message = format!(
            "{why} Until then the remote object can't be deleted; set deletionPolicy: Retain to release it unchanged."
        );
        return settle(Verdict::DeletionBlocked(reason, message), Some(PATIENCE));
    }
    if declared.lifecycle.management == Some(Management::Paused) {
        return settle(Verdict::Paused, None);
    }
    settle(verdict, Some(PATIENCE))
}

/// Another writer reverts what Holdfast writes on the resource, and without it no request may be sent.
fn not_kept(what: &str) -> Step {
    let message = format!(
        "{what} is removed as soon as it is written, and nothing is sent to the platform without it. Find what removes it: an admission webhook, or a tool that replaces the whole resource."
    );
    settle(Verdict::Stalled(Reason::Internal, message), Some(PATIENCE))
}

/// An object with an id that can't be noted: part of an id would be another id.
fn unusable(object: &Object) -> Option<Step> {
    let length = object.id.as_str().chars().count();
    let message = format!(
        "The platform's id of this {} has {length} characters, but at most {ID_LENGTH} can be recorded, so nothing is written to it. Ask the platform's support for a shorter id; or set deletionPolicy: Retain and delete the resource, which releases the remote object.",
        object.kind.as_str()
    );
    let verdict = Verdict::Stalled(Reason::PlatformAnswerInvalid, message);
    (length > ID_LENGTH).then(|| settle(verdict, Some(step::LONG_BACKOFF)))
}

fn on_platform(view: &View<'_>, platform: &Arc<PlatformFacts>) -> Step {
    let declared = view.declared;
    let management = platform.management(&declared.lifecycle);
    if declared.deleting {
        return deletion::next(view, platform, management);
    }
    if management == Management::Paused {
        return settle(Verdict::Paused, None);
    }
    if let Some(step) = operation(view) {
        return step;
    }
    if !platform.capabilities.knows(declared.kind) {
        return cluster_only::next(view, platform);
    }
    if management == Management::Manage && !declared.finalized {
        return if view.progress.finalized {
            not_kept("The finalizer holdfast.dev/remote")
        } else {
            Step::Finalize
        };
    }
    if let Some(refusal) = refusals::elsewhere(view, platform).or_else(|| refusals::circle(view)) {
        return refusals::refuse(&refusal);
    }
    if let Some(message) = unreadable::told(view) {
        let verdict = Verdict::Stalled(Reason::PlatformAnswerInvalid, message);
        return settle(verdict, Some(step::LONG_BACKOFF));
    }
    match identity(view, platform) {
        Identity::Unknown => creation::next(view, platform, management),
        Identity::Ours(object) if let Some(step) = unusable(&object) => step,
        Identity::Ours(object) => converge::next(view, platform, management, &object),
        Identity::Made(id) => {
            let marks = Marks {
                external_id: Some(format!("{}/{id}", platform.capabilities.account.id)),
                ..declared.marks.clone()
            };
            if view.progress.marked.as_ref() == Some(&marks) {
                return not_kept("The annotation holdfast.dev/external-id");
            }
            Step::Mark(marks)
        }
        Identity::LookUp(claim) => {
            let elsewhere = declared
                .annotated
                .as_ref()
                .is_some_and(|(account, _)| *account != platform.capabilities.account.id);
            let unasked = creation::unasked(view, platform, management).filter(|_| !elsewhere);
            unasked.unwrap_or(Step::LookUp(claim))
        }
        Identity::Read(id) => Step::Read(id),
        Identity::Forbidden(refusal) => refusals::refuse(&refusal),
        Identity::Refused(reason, message) => settle(Verdict::Stalled(reason, message), None),
        Identity::NotShownYet(message) => settle(
            Verdict::Waiting(Reason::WaitingForPlatform, message),
            Some(OPERATION_PAUSE),
        ),
    }
}

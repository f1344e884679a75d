//! What Holdfast did moments ago and the platform may not show yet: after a write its reads may lag. F4, F5.

use jiff::{SignedDuration, Timestamp};

use super::{Declared, Progress, View};
use crate::{
    api::shared::{Change, ChangeOutcome, ChangeStep, ManagedStatus},
    estate::ObjectId,
    timeline::Timeline,
};

/// How far the time of a change in status lies from when it was.
const ROUNDED: SignedDuration = SignedDuration::from_secs(2);
/// How long a request without an answer may still be carried out, and how long a platform may take to show a change. Source: faults
/// F4 and F5.
pub const LATE: SignedDuration = SignedDuration::from_mins(2);

/// When the object was created, if that was moments ago.
pub fn made_lately(view: &View<'_>) -> Option<Timestamp> {
    let made = last(view, |change| {
        change.step == ChangeStep::Create
            && matches!(change.outcome, ChangeOutcome::Done | ChangeOutcome::Sent)
    })?;
    Some(made.at)
}

/// When an unanswered creation was sent that may still be carried out, even after the object has been created and deleted
/// again.
pub fn unanswered(view: &View<'_>) -> Option<Timestamp> {
    let sent = last(view, |change| {
        change.step == ChangeStep::Create && is_open(change)
    })?;
    Some(sent.at)
}

/// When an unanswered deletion was sent that may still be carried out.
pub fn unanswered_deletion(view: &View<'_>) -> Option<Timestamp> {
    let sent = last(view, |change| change.step == ChangeStep::Delete)?;
    is_open(sent).then_some(sent.at)
}

/// When a process ended that may have sent a creation which nobody noted and which is still to be carried out: only an object
/// that was there before is known to have needed none.
pub fn left_by_another(view: &View<'_>) -> Option<Timestamp> {
    let declared = view.declared;
    let is_noted = declared.status.external_id.is_some() && declared.recreate.is_none();
    let is_open = |since: &&Timestamp| {
        let made_before = |made: Timestamp| made < **since - ROUNDED;
        view.age(**since) < LATE && !(is_noted && made_lately(view).is_none_or(made_before))
    };
    view.taken_over.iter().filter(is_open).max().copied()
}

/// The object that Holdfast deleted moments ago.
pub fn deleted_lately(view: &View<'_>) -> Option<ObjectId> {
    last(view, |change| {
        change.step == ChangeStep::Delete && change.outcome == ChangeOutcome::Done
    })?;
    let claimed = view.remote.claimed.as_ref();
    let noted = view.declared.annotated.as_ref().map(|(_, id)| id);
    claimed.map(|object| &object.id).or(noted).cloned()
}

/// Whether the last change had no answer, moments ago: the inventory may be older than that change.
pub fn is_in_doubt(declared: &Declared, timeline: &Timeline) -> bool {
    let newest = declared.status.changes.last();
    let is_recent = |change: &Change| timeline.age(change.at) < LATE;
    newest.is_some_and(|change| is_recent(change) && is_open(change))
}

/// Whether a change of the object is noted and may be under way: sent by this process, or by one that has ended since.
pub fn is_under_way(declared: &Declared, timeline: &Timeline) -> bool {
    let changes = |step| {
        matches!(
            step,
            ChangeStep::Create | ChangeStep::Update | ChangeStep::Move
        )
    };
    let noted = declared.status.intent.as_ref();
    noted.is_some_and(|intent| changes(intent.step) && timeline.age(intent.at) < LATE)
}

/// The creations without an answer that may still be carried out, also after their resource has left the cluster. I1.
pub fn unanswered_creations(
    status: Option<&ManagedStatus>,
    progress: &Progress,
    timeline: &Timeline,
) -> Vec<Change> {
    let logged = status.map_or(&[][..], |status| &status.changes);
    let may_come = |change: &&Change| {
        change.step == ChangeStep::Create && is_open(change) && timeline.age(change.at) < LATE
    };
    let all = logged.iter().chain(&progress.performed);
    all.filter(may_come).cloned().collect()
}

/// Whether a change has no answer yet.
pub fn is_open(change: &Change) -> bool {
    matches!(change.outcome, ChangeOutcome::Unknown | ChangeOutcome::Sent)
}

fn last<'a>(view: &'a View<'_>, wanted: impl Fn(&Change) -> bool) -> Option<&'a Change> {
    changes(view)
        .rev()
        .find(|change| is_recent(view, change) && wanted(change))
}

fn changes<'a>(view: &'a View<'_>) -> impl DoubleEndedIterator<Item = &'a Change> {
    let unlogged = view.progress.unlogged();
    view.declared.status.changes.iter().chain(unlogged)
}

fn is_recent(view: &View<'_>, change: &Change) -> bool {
    view.age(change.at) < LATE
}

//! Values that another writer reverts after each of our writes: counted, reported, and written at growing intervals. R-D5, I4

use jiff::{SignedDuration, Timestamp};

use super::{PlatformState, View, drift::DRIFT_SHOWN};
use crate::api::{
    conditions::Reason,
    shared::{Change, ChangeOutcome, ChangeStep, DriftReturn, ManagedStatus, Management, Unkept},
};

/// The number of returns from which on a value is reported and written at growing intervals.
const RETURNS: u32 = 3;
/// For how long a return counts.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// The first and the longest wait before a value that keeps coming back is written again.
const SHORTEST: SignedDuration = SignedDuration::from_mins(5);
const LONGEST: SignedDuration = SignedDuration::from_hours(4);
/// Fields that status counts.
const MOST: usize = 100;

/// The record of values that come back in status, at the end of a pass. An edit of the spec resets it.
pub fn returns(view: &View<'_>, unkept: &[Unkept]) -> Vec<DriftReturn> {
    if !corrects(view) || is_edited(view) {
        return Vec::new();
    }
    let noted = view.declared.status.drift_returns.iter();
    let mut returns: Vec<DriftReturn> =
        noted.filter(|noted| counts(view, noted)).cloned().collect();
    for change in corrections(view) {
        for field in &change.fields {
            if !has_returned(view, field) || is_not_kept(view, unkept, field) {
                continue;
            }
            match returns.iter_mut().find(|noted| noted.field == *field) {
                Some(noted) => {
                    noted.times = noted.times.saturating_add(1);
                    noted.last_at = change.at;
                }
                None => returns.push(DriftReturn {
                    field: field.clone(),
                    times: 1,
                    last_at: change.at,
                }),
            }
        }
    }
    returns.truncate(MOST);
    returns
}

/// How often values have come back between two statuses.
pub fn returned(previous: &ManagedStatus, next: &ManagedStatus) -> u64 {
    let before = |field: &str| {
        let mut noted = previous.drift_returns.iter();
        noted
            .find(|noted| noted.field == field)
            .map_or(0, |noted| noted.times)
    };
    let returns = next.drift_returns.iter();
    returns
        .map(|noted| u64::from(noted.times.saturating_sub(before(&noted.field))))
        .sum()
}

/// The condition `DriftReturns`, while it holds.
pub fn condition(returns: &[DriftReturn]) -> Option<(Reason, String)> {
    let told = returns.iter().filter(|noted| noted.times >= RETURNS);
    let fields: Vec<&str> = told.map(|noted| noted.field.as_str()).collect();
    (!fields.is_empty()).then(|| {
        let message = format!(
            "{}: within a day the value was changed back {RETURNS} times or more after Holdfast wrote it. The cause is a user at the platform's console, another tool, or another cluster with the same ownerId. Stop one of the two writers, or list the field under spec.ignore. Until then Holdfast writes the field with a growing backoff of at most {} hours; an edit of the spec resets the backoff.",
            shortened(&fields),
            LONGEST.as_hours()
        );
        (Reason::DriftReturns, message)
    })
}

/// The number of fields that a message names.
pub fn shortened(fields: &[&str]) -> String {
    let more = fields.len().saturating_sub(DRIFT_SHOWN);
    let named = fields[..fields.len() - more].join(", ");
    if more > 0 {
        format!("{named} and {more} more")
    } else {
        named
    }
}

/// When the record of the first reported field expires.
pub fn forgotten_at(returns: &[DriftReturn]) -> Option<Timestamp> {
    let told = returns.iter().filter(|noted| noted.times >= RETURNS);
    told.filter_map(|noted| noted.last_at.checked_add(WINDOW).ok())
        .min()
}

/// Whether what differs is written at all.
pub fn corrects(view: &View<'_>) -> bool {
    let lifecycle = &view.declared.lifecycle;
    let management = match &view.platform {
        PlatformState::Observed(platform) => platform.management(lifecycle),
        _ => lifecycle.management(),
    };
    management == Management::Manage && !view.declared.deleting
}

/// Whether the spec has changed since status was written.
pub fn is_edited(view: &View<'_>) -> bool {
    view.declared.status.observed_generation != Some(view.declared.generation)
}

/// Whether a change wrote fields of an existing object, and the platform confirmed them.
pub fn is_correction(change: &Change) -> bool {
    change.outcome == ChangeOutcome::Done
        && matches!(
            change.step,
            ChangeStep::Update
                | ChangeStep::Move
                | ChangeStep::Suspend
                | ChangeStep::Activate
                | ChangeStep::MoveClient
        )
}

/// What this pass has written of the existing object.
pub fn corrections<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a Change> {
    let performed = view.progress.performed.iter();
    performed.filter(|change| is_correction(change))
}

/// When an earlier pass wrote the field last, according to the change log.
pub fn last_written(view: &View<'_>, field: &str) -> Option<Timestamp> {
    let log = &view.declared.status.changes;
    // The change log also contains what this pass has done, once the next change is recorded.
    let earlier = log.len().saturating_sub(view.progress.logged);
    let mut earlier = log[..earlier].iter().rev();
    let wrote = |change: &&Change| {
        is_correction(change) && change.fields.iter().any(|written| written == field)
    };
    earlier.find(wrote).map(|change| change.at)
}

/// Whether the field was written within the window, and differed again without an edit.
pub fn has_returned(view: &View<'_>, field: &str) -> bool {
    let lately = || {
        let at = last_written(view, field);
        at.is_some_and(|at| view.age(at) < WINDOW)
    };
    !is_edited(view) && (live(view, field).is_some() || lately())
}

/// What status says of a field that comes back, while it counts.
pub fn live<'a>(view: &'a View<'_>, field: &str) -> Option<&'a DriftReturn> {
    let mut noted = view.declared.status.drift_returns.iter();
    noted.find(|noted| noted.field == field && counts(view, noted) && !is_edited(view))
}

fn counts(view: &View<'_>, noted: &DriftReturn) -> bool {
    view.age(noted.last_at) < WINDOW
}

/// Until when a field that keeps coming back is left unchanged.
pub fn until(noted: &DriftReturn) -> Option<Timestamp> {
    let beyond = noted.times.checked_sub(RETURNS)?;
    let wait = SHORTEST.checked_mul(1 << beyond.min(10)).unwrap_or(LONGEST);
    noted.last_at.checked_add(wait.min(LONGEST)).ok()
}

/// Whether the platform keeps the field in one other form, as opposed to another writer that reverts it.
fn is_not_kept(view: &View<'_>, unkept: &[Unkept], field: &str) -> bool {
    let Some(now) = unkept.iter().find(|noted| noted.field == field) else {
        return false;
    };
    let mut before = view.declared.status.unkept.iter();
    before
        .find(|noted| noted.field == field)
        .is_none_or(|before| before.kept == now.kept)
}

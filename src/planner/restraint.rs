//! Time to think again before a deletion, and a limit to how many there may be: `safety` of the `BackupPlatform`.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    PATIENCE, PlatformFacts, Step, Verdict, View,
    settle::{settle, under_rule},
};
use crate::{
    api::{
        Kind,
        shared::{Change, ChangeOutcome, ChangeStep},
    },
    estate::{Capability, Object},
    rules::{Refusal, registry},
};

/// What stands as field in the change log where an object is suspended for the sake of a deletion.
const FIELD: &str = "deletionDelay";

/// Whether the deletion may go out now, as far as the platform's limit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It may.
    Granted,
    /// There were too many; when the next may, if ever.
    Refused(Option<Timestamp>),
}

/// What holds a deletion that nothing else stands against; `None` when it may go out.
pub fn restrained(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Option<Step> {
    if view.declared.allowed_deletion.as_deref() == Some(object.id.as_str()) {
        return None;
    }
    if let Some(step) = delayed(view, platform, object) {
        return Some(step);
    }
    match view.progress.turn {
        Some(Turn::Granted) => None,
        None => Some(Step::TakeDeletionTurn(
            platform.safety.max_deletions_per_hour,
        )),
        Some(Turn::Refused(until)) => Some(too_many(view, platform, object, until)),
    }
}

/// Waits for `deletionDelay`, suspended where that is possible.
fn delayed(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Option<Step> {
    let since = view.declared.deleted_at?;
    let until = since + platform.safety.deletion_delay;
    let left = Duration::try_from(until.duration_since(view.now))
        .ok()
        .filter(|left| !left.is_zero())?;
    let suspendable = Capability::suspend(object.kind)
        .is_some_and(|capability| platform.capabilities.can(capability));
    if suspendable && object.active() && !suspended_by_us(view) {
        return Some(Step::SetActive {
            id: object.id.clone(),
            active: false,
            field: FIELD.into(),
            reverting: false,
        });
    }
    let state = if object.active() {
        "left as it is"
    } else {
        "suspended"
    };
    let message = format!(
        "{} {} is {state} and will be deleted at {until}, when deletionDelay of the BackupPlatform is over",
        object.kind.as_str(),
        object.id
    );
    Some(held(
        &Refusal::new(&registry::DELETION_DELAYED, "", message, way_out(object)),
        left,
    ))
}

fn too_many(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    until: Option<Timestamp>,
) -> Step {
    let next = until.map_or_else(
        || "no deletion goes out while it is 0".to_owned(),
        |until| format!("the next may go out at {until}"),
    );
    let message = format!(
        "maxDeletionsPerHour of BackupPlatform {:?} is {}, and {next}",
        platform.name, platform.safety.max_deletions_per_hour
    );
    let left = until.and_then(|until| Duration::try_from(until.duration_since(view.now)).ok());
    held(
        &Refusal::new(&registry::DELETION_BREAKER, "", message, way_out(object)),
        left.unwrap_or(PATIENCE).max(Duration::from_secs(1)),
    )
}

fn way_out(object: &Object) -> String {
    format!(
        "To delete it now annotate with holdfast.dev/allow-deletion={}; to keep it set deletionPolicy: Retain",
        object.id
    )
}

fn held(refusal: &Refusal, again: Duration) -> Step {
    let verdict = Verdict::DeletionBlocked(refusal.rule.reason, refusal.text());
    under_rule(settle(verdict, Some(again)), refusal)
}

/// Who thinks again gets back what was suspended for the deletion, before it is let go.
pub fn reactivation(view: &View<'_>) -> Option<Step> {
    let known = view.remote.known.as_ref().map(|seen| &seen.object);
    let object = view.remote.claimed.as_ref().or(known)?;
    let wanted_off = match object.kind {
        Kind::Tenant => view.declared.spec.get("state") == Some(&"Suspended".into()),
        _ => view.declared.spec.get("active") == Some(&false.into()),
    };
    if object.active() || wanted_off || !suspended_by_us(view) {
        return None;
    }
    if let Some((reason, hold)) = &view.hold {
        let verdict = Verdict::DeletionBlocked(*reason, hold.clone());
        return Some(settle(verdict, Some(PATIENCE)));
    }
    Some(Step::SetActive {
        id: object.id.clone(),
        active: true,
        field: FIELD.into(),
        reverting: false,
    })
}

/// Whether the last switch of the object was ours, for the sake of the deletion.
fn suspended_by_us(view: &View<'_>) -> bool {
    let changes = view.declared.status.changes.iter();
    let switched = |change: &&Change| {
        matches!(change.step, ChangeStep::Suspend | ChangeStep::Activate)
            && !matches!(
                change.outcome,
                ChangeOutcome::Refused | ChangeOutcome::Failed
            )
    };
    let last = changes.chain(view.progress.unlogged()).rev().find(switched);
    last.is_some_and(|change| change.step == ChangeStep::Suspend && change.fields == [FIELD])
}

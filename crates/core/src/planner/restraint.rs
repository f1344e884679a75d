//! What delays a deletion, `safety` of the `BackupPlatform`: a delay in which it can still be cancelled, and a limit to how
//! many begin within an hour. An object that Holdfast suspended for a deletion is activated again before its resource is
//! released.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    Declared, DeletionPermit, PATIENCE, PlatformFacts, PlatformState, Progress, Remote, Step,
    Verdict, View,
    lately::{LATE, is_open},
    operation,
    step::{settle, under_rule},
    view::remote_object,
};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        names::RELEASE_SUSPENDED_ANNOTATION,
        shared::{
            Change, ChangeOutcome, ChangeStep, DeletionPolicy, DeletionStatus, Intent, Management,
        },
    },
    estate::{Capability, Object, ObjectId},
    rules::{Refusal, registry},
};

/// The field of the change log for an object that is suspended because of a deletion.
const FIELD: &str = "deletionDelay";
/// Time between two reconciles while a suspension may still be carried out.
const SHORT: Duration = Duration::from_secs(10);

/// What holds a deletion that no guard forbids; `None` when it may proceed. Nothing is read or rehearsed for it before.
pub fn restrained(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Option<Step> {
    if is_allowed(view, object) {
        return None;
    }
    if let Some(left) = delay_left(view, platform)
        && !suspends_first(view, platform, object)
    {
        return Some(delayed(view, platform, object, left));
    }
    if is_permitted(view) {
        return None;
    }
    match view.progress.permit {
        Some(DeletionPermit::Granted(_)) => None,
        None => Some(Step::TakeDeletionPermit(
            platform.safety.max_deletions_per_hour,
        )),
        Some(DeletionPermit::Refused(until)) => Some(too_many(view, platform, object, until)),
    }
}

/// What is sent for a deletion that may proceed: the suspension while there is a delay, else `None`.
pub fn suspension(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Option<Step> {
    let due = !is_allowed(view, object)
        && delay_left(view, platform).is_some()
        && suspends_first(view, platform, object);
    due.then(|| switch(&object.id, false))
}

/// `holdfast.dev/allow-deletion` names it: the delay and the limit don't apply.
fn is_allowed(view: &View<'_>, object: &Object) -> bool {
    view.declared.allowed_deletion.as_deref() == Some(object.id.as_str())
}

/// Whether this deletion counts against the limit already: it has begun, or its permit is of this hour. A permit that was
/// taken long ago and had no effect no longer counts.
fn is_permitted(view: &View<'_>) -> bool {
    let deletion = view.declared.status.deletion.as_ref();
    let Some(permitted_at) = deletion.and_then(|deletion| deletion.permitted_at) else {
        return false;
    };
    let begun = |change: &Change| {
        (change.step == ChangeStep::Delete || is_switch(change))
            && (is_open(change) || change.outcome == ChangeOutcome::Done)
    };
    let changes = view.declared.status.changes.iter();
    suspended(view).is_some()
        || changes.chain(view.progress.unlogged()).any(begun)
        || view.age(permitted_at) < SignedDuration::from_hours(1)
}

/// What is left of `deletionDelay`.
fn delay_left(view: &View<'_>, platform: &PlatformFacts) -> Option<Duration> {
    let waited = Duration::try_from(view.age(view.declared.deleted_at?)).unwrap_or_default();
    let left = platform.safety.deletion_delay.checked_sub(waited)?;
    (!left.is_zero()).then_some(left)
}

/// Whether the object is to be suspended for the delay. An object that was activated at the console since stays active.
fn suspends_first(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> bool {
    let suspendable = Capability::suspend(object.kind)
        .is_some_and(|capability| platform.capabilities.can(capability))
        && platform.capabilities.can(Capability::SuspendKeepsData);
    suspendable && object.active() && !(suspended(view).is_some() && is_answered(view))
}

/// Whether the platform has confirmed the last suspension.
fn is_answered(view: &View<'_>) -> bool {
    last_switch(view).is_some_and(|change| change.outcome == ChangeOutcome::Done)
}

fn switch(id: &ObjectId, active: bool) -> Step {
    Step::SetActive {
        id: id.clone(),
        active,
        field: FIELD.into(),
        reverting: false,
    }
}

/// When `left` of the delay has passed. Where the clock was set meanwhile, the time moves with it, and is told by the minute.
fn end_of_delay(view: &View<'_>, platform: &PlatformFacts, left: Duration) -> jiff::Timestamp {
    let planned = view.declared.deleted_at.unwrap_or(view.now()) + platform.safety.deletion_delay;
    let until = view.now() + left;
    if until.duration_since(planned).abs() <= SignedDuration::from_secs(1) {
        return planned;
    }
    until.round(jiff::Unit::Minute).unwrap_or(until)
}

fn delayed(view: &View<'_>, platform: &PlatformFacts, object: &Object, left: Duration) -> Step {
    let state = if object.active() {
        "left unchanged"
    } else {
        "suspended"
    };
    let until = end_of_delay(view, platform, left);
    let message = format!(
        "{} {} is {state} and will be deleted at {until}, when deletionDelay of the BackupPlatform has elapsed",
        object.kind.as_str(),
        object.id
    );
    held(
        &Refusal::new(&registry::DELETION_DELAYED, "", message, way_out(object)),
        left,
    )
}

/// The message contains no instant: it moves with every earlier deletion, and status would be written each time.
fn too_many(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    until: Option<Timestamp>,
) -> Step {
    let next = if until.is_some() {
        "that many deletions have begun within the last hour; this one begins when the limit allows it"
    } else {
        "no deletion begins while it is 0"
    };
    let message = format!(
        "maxDeletionsPerHour of BackupPlatform {:?} is {}, and {next}",
        platform.name, platform.safety.max_deletions_per_hour
    );
    let left = until.and_then(|until| Duration::try_from(until.duration_since(view.now())).ok());
    held(
        &Refusal::new(&registry::DELETION_BREAKER, "", message, way_out(object)),
        // A permit that wasn't used is returned at any time, and reconciling is cheap.
        left.unwrap_or(PATIENCE)
            .clamp(Duration::from_secs(1), PATIENCE),
    )
}

fn way_out(object: &Object) -> String {
    format!(
        "To delete it now, annotate the resource with holdfast.dev/allow-deletion={}; to keep it, set deletionPolicy: Retain",
        object.id
    )
}

fn held(refusal: &Refusal, again: Duration) -> Step {
    let verdict = Verdict::DeletionBlocked(refusal.rule.reason, refusal.text());
    under_rule(settle(verdict, Some(again)), refusal)
}

/// The object that Holdfast suspended for this deletion and hasn't activated again. It is noted before the suspension is sent,
/// so that neither a lost answer nor a crash hides it.
pub fn suspended(view: &View<'_>) -> Option<ObjectId> {
    suspended_object(view.declared, view.progress)
}

fn suspended_object(declared: &Declared, progress: &Progress) -> Option<ObjectId> {
    let noted = declared.status.deletion.as_ref()?.suspended.as_deref()?;
    let mut switches = progress.performed.iter().rev();
    let last = switches.find(|change| is_switch(change));
    let undone = last.is_some_and(|last| match (last.step, last.outcome) {
        (ChangeStep::Activate, ChangeOutcome::Done) => true,
        // An earlier suspension may still have been carried out.
        (ChangeStep::Suspend, ChangeOutcome::Refused) => !may_be_suspended(declared, progress),
        _ => false,
    });
    (!undone).then(|| ObjectId::new(noted))
}

/// Whether a suspension was sent that wasn't refused, and no activation has followed it.
fn may_be_suspended(declared: &Declared, progress: &Progress) -> bool {
    let sent = declared.status.changes.iter().chain(&progress.performed);
    sent.filter(|change| is_switch(change))
        .fold(false, |off, change| match (change.step, change.outcome) {
            (ChangeStep::Activate, ChangeOutcome::Done) => false,
            (ChangeStep::Suspend, ChangeOutcome::Refused) => off,
            (ChangeStep::Suspend, _) => true,
            _ => off,
        })
}

fn is_switch(change: &Change) -> bool {
    matches!(change.step, ChangeStep::Suspend | ChangeStep::Activate) && change.fields == [FIELD]
}

/// The last suspension or activation because of this deletion.
fn last_switch<'a>(view: &'a View<'_>) -> Option<&'a Change> {
    let logged = view.declared.status.changes.iter();
    logged
        .chain(view.progress.unlogged())
        .rev()
        .find(|change| is_switch(change))
}

/// What status says of the deletion at the end of a pass.
pub fn deletion_status(declared: &Declared, progress: &Progress) -> Option<DeletionStatus> {
    let noted = declared.status.deletion.as_ref()?;
    let now = DeletionStatus {
        permitted_at: noted.permitted_at,
        suspended: suspended_object(declared, progress).map(|id| id.to_string()),
    };
    (declared.deleting && now != DeletionStatus::default()).then_some(now)
}

/// What status says of the deletion once this intent is recorded, and before it is sent.
pub fn deletion_begun(
    declared: &Declared,
    remote: &Remote,
    progress: &Progress,
    intent: &Intent,
) -> Option<DeletionStatus> {
    let mut deletion = deletion_status(declared, progress).unwrap_or_default();
    let suspends = intent.step == ChangeStep::Suspend && intent.fields == [FIELD];
    if suspends || intent.step == ChangeStep::Delete {
        if let Some(DeletionPermit::Granted(at)) = progress.permit {
            deletion.permitted_at = Some(at);
        }
        if suspends {
            deletion.suspended =
                remote_object(declared, remote).map(|object| object.id.to_string());
        }
    }
    (deletion != DeletionStatus::default()).then_some(deletion)
}

/// The step before a release: an object that Holdfast suspended for the deletion is activated again. `None` when the resource
/// may be released.
pub fn before_release(view: &View<'_>, management: Management) -> Option<Step> {
    let id = still_suspended(view)?;
    if management != Management::Manage {
        let why = format!(
            "management: {} doesn't allow Holdfast to activate it",
            management.as_str()
        );
        return Some(kept(view, &id, Reason::StillSuspended, &why));
    }
    if let Some((reason, hold)) = &view.hold {
        return Some(kept(view, &id, *reason, hold));
    }
    if let Some(why) = is_elsewhere(view) {
        return Some(kept(view, &id, Reason::AccountMismatch, &why));
    }
    if let Some(step) = operation(view).or_else(|| may_come_late(view, &id)) {
        return Some(step);
    }
    if view.progress.gone.as_ref() == Some(&id) {
        return None;
    }
    if view.progress.fresh.as_ref() != Some(&id) {
        return Some(Step::Read(id));
    }
    let known = view.remote.known.as_ref();
    let known = known.filter(|seen| seen.holder.is_none() && seen.object.claim.is_none());
    let object = view.remote.claimed.as_ref();
    let object = object.or(known.map(|seen| &seen.object));
    // Any other object of this id belongs to another owner by now.
    let object = object.filter(|object| object.id == id && !object.active())?;
    Some(switch(&object.id, true))
}

/// F17: whether the object was suspended in another account than the credential's, which can say nothing about it.
fn is_elsewhere(view: &View<'_>) -> Option<String> {
    let PlatformState::Observed(platform) = &view.platform else {
        return None;
    };
    let declared = view.declared;
    let annotated = declared.annotated.as_ref().map(|(account, _)| account);
    let noted = declared.status.account.as_ref().or(annotated)?;
    let here = &platform.capabilities.account.id;
    (noted != here).then(|| {
        format!("it is in account {noted:?}, while the credential is for {here:?}; correct the credential")
    })
}

/// The object that would stay suspended if the resource were released now, unless the spec or the annotation
/// `holdfast.dev/release-suspended` allows that.
fn still_suspended(view: &View<'_>) -> Option<ObjectId> {
    let id = suspended(view)?;
    let spec = &view.declared.spec;
    let wanted = match view.declared.kind {
        Kind::Tenant => spec.get("state") == Some(&"Suspended".into()),
        _ => spec.get("active") == Some(&false.into()),
    };
    (!wanted && !is_released_suspended(view, &id)).then_some(id)
}

fn is_released_suspended(view: &View<'_>, id: &ObjectId) -> bool {
    view.declared.release_suspended.as_deref() == Some(id.as_str())
}

/// Whether the resource manages a part of another object's record, which stays with that object when the resource is deleted.
pub fn is_facet(view: &View<'_>) -> bool {
    let claimed = view.remote.claimed.as_ref();
    let known = view.remote.known.as_ref().map(|seen| &seen.object);
    claimed.or(known).is_some_and(|object| object.facts.facet)
}

/// The object that a release by `holdfast.dev/release-suspended` leaves suspended, for event and log.
pub fn left_suspended(view: &View<'_>) -> Option<ObjectId> {
    suspended(view).filter(|id| is_released_suspended(view, id))
}

/// An unanswered suspension may be carried out after an activation that is sent now.
fn may_come_late(view: &View<'_>, id: &ObjectId) -> Option<Step> {
    let sent = last_switch(view).filter(|change| change.step == ChangeStep::Suspend)?;
    let open = is_open(sent) && view.age(sent.at) < LATE;
    let why = format!(
        "The suspend request sent at {} was not answered and may still be carried out; Holdfast checks the object two minutes after that time",
        sent.at
    );
    open.then(|| {
        let message = format!("{why}. {}", way_to_release(id));
        let verdict = Verdict::DeletionBlocked(Reason::WaitingForPlatform, message);
        settle(verdict, Some(SHORT))
    })
}

/// A release that is held, since the object would stay suspended.
fn kept(view: &View<'_>, id: &ObjectId, reason: Reason, why: &str) -> Step {
    let verdict = Verdict::DeletionBlocked(reason, kept_message(view, id, why));
    settle(verdict, Some(PATIENCE))
}

fn kept_message(view: &View<'_>, id: &ObjectId, why: &str) -> String {
    format!(
        "Holdfast suspended {} {id} for its deletion, and {}. It is activated as soon as possible and then released. {}",
        view.declared.kind.as_str(),
        why.trim_end_matches('.'),
        way_to_release(id)
    )
}

/// The same where no platform can be asked.
pub fn kept_without_platform(view: &View<'_>, why: &str) -> Option<Step> {
    let id = still_suspended(view)?;
    let why = format!("it can't be activated: {why}");
    Some(kept(view, &id, Reason::StillSuspended, &why))
}

/// The settlement when the release needs the platform, and the platform doesn't answer.
pub fn held_release(view: &View<'_>, why: &str) -> Option<Verdict> {
    let retains = view.declared.lifecycle.deletion_policy() == DeletionPolicy::Retain;
    let id = still_suspended(view).filter(|_| view.declared.deleting && retains)?;
    Some(Verdict::DeletionBlocked(
        Reason::StillSuspended,
        kept_message(view, &id, why),
    ))
}

fn way_to_release(id: &ObjectId) -> String {
    format!(
        "To release it suspended, annotate the resource with {RELEASE_SUSPENDED_ANNOTATION}={id}."
    )
}

/// How to end a deletion that can't go on, for messages.
pub fn way_to_end(view: &View<'_>) -> String {
    let releases = view.declared.lifecycle.deletion_policy() == DeletionPolicy::Retain;
    match still_suspended(view).filter(|_| releases) {
        Some(id) => way_to_release(&id),
        None => "Or set deletionPolicy: Retain to release it unchanged.".into(),
    }
}

impl Progress {
    /// The permit that this pass took and didn't use: it is returned.
    pub fn unused_permit(&self) -> Option<Timestamp> {
        let begun =
            |intent: &Intent| matches!(intent.step, ChangeStep::Suspend | ChangeStep::Delete);
        match self.permit {
            Some(DeletionPermit::Granted(at)) if !self.intent.as_ref().is_some_and(begun) => {
                Some(at)
            }
            _ => None,
        }
    }
}

//! What a failed request means for the resource, and when to retry.

use std::time::Duration;

use super::{
    PATIENCE, PlatformState, Step, Verdict, View,
    desired::spec_field,
    restraint::{held_release, way_to_end},
    step::{LONG_BACKOFF, settle},
    view::remote_object,
};
use crate::{
    api::{Kind, conditions::Reason},
    reply::{PlatformError, Problem, ProblemKind},
};

/// Longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(300);

/// The backoff after `failures` failed passes in a row: 1 s, doubling, at most five minutes.
pub fn retry_delay(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(1).min(9)).min(LONGEST)
}

/// What to do after a failed request; `None` when none failed.
pub fn after(view: &View<'_>) -> Option<Step> {
    let failure = view.progress.failure.as_ref()?;
    if let Some(step) = look_again(view, failure) {
        return Some(step);
    }
    let delay = retry_delay(view.failures + 1);
    let (verdict, again) = match failure {
        PlatformError::Refused(problem) => refused(view, problem, delay),
        PlatformError::Unauthorised(_) => (
            Verdict::Unreachable(format!(
                "{failure}. Correct the Secret that credentialsRef of the BackupPlatform names; it is read again at once."
            )),
            delay.max(PATIENCE),
        ),
        PlatformError::Throttled { retry_after } => (
            Verdict::Waiting(
                Reason::WaitingForPlatform,
                "The platform throttles requests; Holdfast continues when the platform allows it."
                    .into(),
            ),
            (*retry_after).max(delay),
        ),
        PlatformError::NotWriter(why) => (Verdict::Waiting(Reason::NotLeader, why.clone()), delay),
        PlatformError::Unreachable(_)
        | PlatformError::Unavailable(_)
        | PlatformError::Garbled(_) => match held_release(view, &failure.to_string()) {
            Some(held) => (held, delay),
            None => (
                Verdict::Unreachable(format!(
                    "{failure}. No change is lost: Holdfast continues when the platform answers again."
                )),
                delay,
            ),
        },
    };
    Some(settle(verdict, Some(again)))
}

/// A write with a stale version reads the object afresh, once a pass: the inventory would stay stale until the next sweep. The
/// same holds for a creation of an object that existed already.
fn look_again(view: &View<'_>, failure: &PlatformError) -> Option<Step> {
    let PlatformError::Refused(problem) = failure else {
        return None;
    };
    let outrun = matches!(
        problem.kind,
        ProblemKind::PreconditionFailed | ProblemKind::NotFound
    );
    // Our claim is on an object that the inventory doesn't contain yet: the object is ours.
    if problem.kind == ProblemKind::AlreadyExists
        && view.remote.claimed.is_none()
        && !view.progress.unclaimed
        && !view.declared.deleting
        && let PlatformState::Observed(platform) = &view.platform
    {
        let declared = view.declared;
        let claim = platform.claim(declared.kind, &declared.namespace, &declared.name);
        return Some(Step::LookUp(claim));
    }
    let object = remote_object(view.declared, &view.remote)?;
    let looked = view.progress.fresh.as_ref() == Some(&object.id);
    (outrun && !looked && !view.declared.deleting).then(|| Step::Read(object.id.clone()))
}

fn refused(view: &View<'_>, problem: &Problem, delay: Duration) -> (Verdict, Duration) {
    // Where Holdfast knows the remedy better, the platform's advice would only distract.
    let remedy = match (problem.kind, &problem.conflicting_id) {
        (ProblemKind::Conflict, Some(_)) => None,
        _ => problem.remedy.as_deref(),
    };
    let message = sentence(view.declared.kind, problem, remedy);
    if view.declared.deleting {
        let reason = match problem.kind {
            ProblemKind::HasDependents => Reason::HasDependents,
            ProblemKind::BackupActive => Reason::BackupActive,
            ProblemKind::Protected => Reason::Protected,
            ProblemKind::Unsupported => Reason::CapabilityMissing,
            _ => Reason::PlatformRefused,
        };
        return (
            Verdict::DeletionBlocked(reason, format!("{message} {}", way_to_end(view))),
            delay.max(PATIENCE),
        );
    }
    match problem.kind {
        ProblemKind::AlreadyExists
        | ProblemKind::PreconditionFailed
        | ProblemKind::ConfirmationRequired => (
            Verdict::Waiting(
                Reason::Updating,
                "The remote object changed in the meantime; Holdfast observes it again.".into(),
            ),
            delay,
        ),
        ProblemKind::Busy => (Verdict::Waiting(Reason::WaitingForPlatform, message), delay),
        ProblemKind::QuotaExceeded => (Verdict::OverQuota(message), delay.max(PATIENCE)),
        ProblemKind::BackupActive | ProblemKind::HasDependents => (
            Verdict::Waiting(Reason::PlatformRefused, message),
            delay.max(PATIENCE),
        ),
        ProblemKind::Conflict => (
            Verdict::Stalled(
                Reason::NameConflict,
                conflict(view.declared.kind, problem, &message),
            ),
            LONG_BACKOFF,
        ),
        ProblemKind::LocationRequired => (
            Verdict::Stalled(Reason::LocationRequired, message),
            LONG_BACKOFF,
        ),
        ProblemKind::Protected => (Verdict::Stalled(Reason::Protected, message), LONG_BACKOFF),
        ProblemKind::Unsupported => (
            Verdict::Stalled(Reason::CapabilityMissing, message),
            LONG_BACKOFF,
        ),
        ProblemKind::NotFound | ProblemKind::Invalid | ProblemKind::Other => (
            Verdict::Stalled(Reason::PlatformRefused, message),
            LONG_BACKOFF,
        ),
    }
}

fn conflict(kind: Kind, problem: &Problem, message: &str) -> String {
    match &problem.conflicting_id {
        Some(id) => format!(
            "{message} It is {} {id:?}, which this resource doesn't own. To adopt it, set adopt: ById with externalId: {id:?}; otherwise choose another name.",
            kind.as_str()
        ),
        None => message.to_owned(),
    }
}

/// The platform's words as one or two sentences, with the field first, as the spec names it.
fn sentence(kind: Kind, problem: &Problem, remedy: Option<&str>) -> String {
    let mut text = match &problem.field {
        Some(field) => format!("{}: {}", spec_field(kind, field), problem.detail),
        None => problem.detail.clone(),
    };
    for more in [Some(""), remedy].into_iter().flatten() {
        if !more.is_empty() {
            text.push(' ');
            text.push_str(more);
        }
        if !text.ends_with('.') {
            text.push('.');
        }
    }
    text
}

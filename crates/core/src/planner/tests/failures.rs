//! What a failed request means, and when it is tried again.

use std::time::Duration;

use serde_json::json;

use super::fixtures::{ID, Scene, customer, mutates};
use crate::{
    api::conditions::Reason,
    estate::ObjectId,
    planner::{Backoff, Step, Verdict, retry_delay},
    reply::{PlatformError, Problem, ProblemKind},
};

fn problem(kind: ProblemKind) -> Problem {
    Problem {
        kind,
        field: None,
        detail: "the platform's words".into(),
        remedy: None,
        conflicting_id: None,
    }
}

/// A refusal of a kind.
pub fn refused(kind: ProblemKind) -> PlatformError {
    PlatformError::Refused(problem(kind))
}

/// A customer being created, after a failed request.
fn after(failure: PlatformError) -> Scene {
    customer("fabrikam")
        .finalized()
        .unclaimed()
        .failing(failure)
}

// F12
#[test]
fn the_retry_schedule_doubles_from_a_second_to_five_minutes() {
    let schedule: Vec<u64> = (0..=12)
        .map(|failures| retry_delay(failures).as_secs())
        .collect();
    assert_eq!(
        schedule,
        [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    );
    assert_eq!(retry_delay(u32::MAX), Duration::from_secs(300));
}

/// A verdict in short, for tables.
fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Waiting(reason, _) => format!("Waiting/{reason}"),
        Verdict::Stalled(reason, _) => format!("Stalled/{reason}"),
        Verdict::DeletionBlocked(reason, _) => format!("DeletionBlocked/{reason}"),
        Verdict::Unreachable(_) => "Unreachable".into(),
        Verdict::OverQuota(_) => "OverQuota".into(),
        other => format!("{other:?}"),
    }
}

// F11, F12, F13, F16, F20
#[test]
fn every_failure_has_its_verdict_and_its_delay() {
    use PlatformError::{Garbled, NotWriter, Throttled, Unauthorised, Unavailable, Unreachable};
    use ProblemKind::{
        AlreadyExists, BackupActive, ConfirmationRequired, Conflict, HasDependents, Invalid,
        LocationRequired, NotFound, Other, PreconditionFailed, Protected, QuotaExceeded,
        Unsupported,
    };
    let text = || "why".to_owned();
    let wait = |seconds| Throttled {
        retry_after: Duration::from_secs(seconds),
    };
    for (failure, verdict, seconds) in [
        (Unreachable(text()), "Unreachable", 1),
        (Unavailable(text()), "Unreachable", 1),
        (Garbled(text()), "Unreachable", 1),
        (Unauthorised(text()), "Unreachable", 60),
        (NotWriter(text()), "Waiting/NotLeader", 1),
        (wait(0), "Waiting/WaitingForPlatform", 1),
        (wait(42), "Waiting/WaitingForPlatform", 42),
        (refused(AlreadyExists), "Waiting/Updating", 1),
        (refused(PreconditionFailed), "Waiting/Updating", 1),
        (refused(ConfirmationRequired), "Waiting/Updating", 1),
        (refused(BackupActive), "Waiting/PlatformRefused", 60),
        (refused(HasDependents), "Waiting/PlatformRefused", 60),
        (refused(QuotaExceeded), "OverQuota", 60),
        (refused(Conflict), "Stalled/NameConflict", 600),
        (refused(LocationRequired), "Stalled/LocationRequired", 600),
        (refused(Protected), "Stalled/Protected", 600),
        (refused(Unsupported), "Stalled/CapabilityMissing", 600),
        (refused(NotFound), "Stalled/PlatformRefused", 600),
        (refused(Invalid), "Stalled/PlatformRefused", 600),
        (refused(Other), "Stalled/PlatformRefused", 600),
    ] {
        let settlement = after(failure.clone()).settlement();
        assert_eq!(short(&settlement.verdict), verdict, "{failure:?}");
        assert_eq!(
            settlement.again,
            Some(Duration::from_secs(seconds)),
            "{failure:?}"
        );
    }
}

// F12
#[test]
fn failure_after_failure_waits_longer() {
    let mut scene = after(PlatformError::Unreachable("cut".into()));
    scene.failures = 6;
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(64)));
    let mut scene = after(PlatformError::Throttled {
        retry_after: Duration::from_secs(5),
    });
    scene.failures = 6;
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(64)));
}

// F6
#[test]
fn a_write_on_a_stale_version_reads_afresh_once_and_goes_on() {
    let stale = customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "0"}}))
        .failing(refused(ProblemKind::PreconditionFailed));
    assert_eq!(stale.next(), Step::Read(ObjectId::new(ID)));

    let vanished = stale.clone().failing(refused(ProblemKind::NotFound));
    assert_eq!(vanished.next(), Step::Read(ObjectId::new(ID)));

    let mut read = stale.clone().read_afresh();
    read.waiting(Reason::Updating);
    read.progress.failure = None;
    assert!(matches!(read.next(), Step::Update { .. }));
}

// N7
#[test]
fn a_refused_deletion_is_held_with_the_platforms_reason_and_the_way_out() {
    use ProblemKind::{
        BackupActive, ConfirmationRequired, HasDependents, NotFound, Protected, Unsupported,
    };
    for (kind, reason) in [
        (HasDependents, Reason::HasDependents),
        (BackupActive, Reason::BackupActive),
        (Protected, Reason::Protected),
        (Unsupported, Reason::CapabilityMissing),
        (NotFound, Reason::PlatformRefused),
        (ConfirmationRequired, Reason::PlatformRefused),
    ] {
        let scene = customer("fabrikam")
            .with(json!({"deletionPolicy": "Delete"}))
            .applied()
            .deleting()
            .failing(refused(kind));
        let message = scene.blocked(reason);
        assert!(message.starts_with("the platform's words."), "{message}");
        assert!(message.contains("deletionPolicy: Retain"), "{message}");
        assert_eq!(scene.settlement().again, Some(Duration::from_secs(60)));
    }
}

#[test]
fn a_refusal_says_the_field_the_words_and_the_remedy() {
    let failure = Problem {
        field: Some("limits.storage".into()),
        detail: "below what is used".into(),
        remedy: Some("Ask for more than 310Gi.".into()),
        ..problem(ProblemKind::Invalid)
    };
    assert_eq!(
        after(failure.into()).stalled(Reason::PlatformRefused),
        "limits.storage: below what is used. Ask for more than 310Gi."
    );
    let conflict = Problem {
        conflicting_id: Some("77".into()),
        ..problem(ProblemKind::Conflict)
    };
    let message = after(conflict.into()).stalled(Reason::NameConflict);
    assert!(message.contains("externalId: \"77\""), "{message}");
}

// I5, N13
#[test]
fn a_refused_change_rests_until_its_time_whatever_calls_for_a_pass() {
    let mut scene = customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "1"}}));
    assert!(mutates(&scene.next()));
    let verdict = Verdict::Stalled(Reason::PlatformRefused, "no.".into());
    scene.backoff = Some(Backoff {
        verdict: verdict.clone(),
        left: Duration::from_secs(7),
    });
    let settlement = scene.settlement();
    assert_eq!(settlement.verdict, verdict);
    assert_eq!(settlement.again, Some(Duration::from_secs(7)));
    let unchanged = customer("fabrikam").applied();
    assert_eq!(unchanged.settlement().verdict, Verdict::InSync);
}

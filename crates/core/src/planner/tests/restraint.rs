//! What slows a deletion down: a delay in which it can be cancelled, and a limit to how many begin within an hour.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::fixtures::{ID, NAMESPACE, Scene, customer, noon, reseller, service_plan};
use crate::{
    api::{
        Reason,
        shared::{Change, ChangeOutcome, ChangeStep, DeletionStatus, Management},
    },
    estate::{Capability, ObjectId},
    planner::{DeletionPermit, PlatformState, Step, Verdict, change_log, left_suspended},
    reply::PlatformError,
    timeline::{Stretch, Timeline},
};

/// Deleted with `deletionPolicy: Delete` under a delay of an hour.
fn doomed(scene: Scene) -> Scene {
    let mut scene = scene
        .with(json!({"deletionPolicy": "Delete"}))
        .applied()
        .deleting();
    scene.facts.safety.deletion_delay = Duration::from_secs(3600);
    scene
}

fn permitted(mut scene: Scene) -> Scene {
    scene.progress.permit = Some(DeletionPermit::Granted(noon()));
    scene
}

/// The suspension went out, and ended like this.
fn switched_off(mut scene: Scene, outcome: ChangeOutcome) -> Scene {
    scene.declared.status.changes.push(Change {
        at: noon(),
        step: ChangeStep::Suspend,
        fields: vec!["deletionDelay".into()],
        outcome,
    });
    scene.declared.status.deletion = Some(DeletionStatus {
        permitted_at: Some(noon()),
        suspended: Some(ID.into()),
    });
    scene
}

fn suspended(scene: Scene) -> Scene {
    switched_off(scene, ChangeOutcome::Done).drifted(json!({"active": false}))
}

fn retained(scene: Scene) -> Scene {
    scene.with(json!({"deletionPolicy": "Retain"}))
}

fn switch(active: bool) -> Step {
    Step::SetActive {
        id: ObjectId::new(ID),
        active,
        field: "deletionDelay".into(),
        reverting: false,
    }
}

fn deletion() -> Step {
    Step::Delete {
        id: ObjectId::new(ID),
        confirmation: "token".into(),
    }
}

fn read() -> Step {
    Step::Read(ObjectId::new(ID))
}

// R-N7
#[test]
fn the_object_is_suspended_first_and_deleted_when_the_delay_is_over() {
    let scene = doomed(customer("c"));
    assert_eq!(scene.next(), Step::TakeDeletionPermit(10));
    let scene = permitted(scene);
    assert_eq!(scene.next(), read());
    let scene = scene.read_afresh();
    assert_eq!(scene.next(), Step::RehearseDeletion(ObjectId::new(ID)));
    let scene = scene.rehearsed("token");
    assert_eq!(scene.next(), switch(false));

    let mut scene = suspended(doomed(customer("c")));
    let message = scene.blocked(Reason::DeletionDelayed);
    assert!(message.contains("2026-06-01T13:00:00Z"), "{message}");
    assert!(
        message.contains("holdfast.dev/allow-deletion=1042"),
        "{message}"
    );
    assert_eq!(
        scene.settlement().again,
        Some(Duration::from_secs(3600)),
        "no polling"
    );
    scene.now += Duration::from_secs(3600);
    assert_eq!(scene.next(), read(), "counted once: no second permit");
    assert_eq!(scene.read_afresh().rehearsed("token").next(), deletion());
}

// R-N7, F21: the clock of the machine jumps by eight days, and back.
#[test]
fn a_deletion_delay_of_days_ends_no_earlier_because_the_clock_is_set_forward() {
    let day = SignedDuration::from_hours(24);
    let mut scene = suspended(doomed(customer("c")));
    scene.facts.safety.deletion_delay = Duration::from_secs(7 * 86_400);
    let first = Stretch {
        from: jiff::Timestamp::MIN,
        until: noon() + day,
        ended: day,
    };
    let set = first.until + day * 8;
    scene.timeline = Some(Timeline::new(vec![first], set, set + day));
    let message = scene.blocked(Reason::DeletionDelayed);
    assert!(message.contains("2026-06-16T12:00:00Z"), "{message}");
    assert_eq!(
        scene.settlement().again,
        Some(Duration::from_secs(5 * 86_400))
    );
    let late = Stretch {
        ended: day * 6,
        ..first
    };
    scene.timeline = Some(Timeline::new(vec![late], set, set + day * 6));
    assert_eq!(scene.next(), read(), "it is over");
}

// R-N7
#[test]
fn nothing_is_suspended_where_that_may_lose_data() {
    for scene in [
        doomed(customer("c")).without(Capability::SuspendKeepsData),
        doomed(customer("c")).without(Capability::SuspendCustomer),
        doomed(service_plan("gold")),
    ] {
        let message = scene.blocked(Reason::DeletionDelayed);
        assert!(message.contains("left unchanged"), "{message}");
    }
}

// R-N7
#[test]
fn what_was_activated_at_the_console_meanwhile_is_left_so() {
    let scene = switched_off(doomed(customer("c")), ChangeOutcome::Done);
    let message = scene.blocked(Reason::DeletionDelayed);
    assert!(message.contains("left unchanged"), "{message}");
}

// R-N7, F2: the platform may not have received it.
#[test]
fn a_suspension_without_an_answer_is_sent_again() {
    let scene = switched_off(doomed(customer("c")), ChangeOutcome::Unknown);
    assert_eq!(scene.next(), read());
    assert_eq!(scene.read_afresh().rehearsed("token").next(), switch(false));
}

// R-N7
#[test]
fn a_cancelled_deletion_activates_the_object_before_it_is_released() {
    let scene = retained(suspended(doomed(customer("c"))));
    assert_eq!(scene.next(), read(), "read afresh");
    let scene = scene.read_afresh();
    assert_eq!(scene.next(), switch(true));
    let reactivated = scene.clone().drifted(json!({"active": true}));
    assert_eq!(reactivated.next(), Step::Release);
    let by_hand = retained(doomed(customer("c")).drifted(json!({"active": false})));
    assert_eq!(by_hand.next(), Step::Release, "not suspended by us");
    let wanted_off = scene.clone().with(json!({"active": false}));
    assert_eq!(wanted_off.next(), Step::Release, "stays off by the spec");
    assert_eq!(scene.gone(ID).next(), Step::Release);
}

// R-N7, F4: a suspension without an answer may be carried out late, also after an activation.
#[test]
fn a_cancelled_suspension_without_an_answer_is_awaited() {
    let scene = switched_off(doomed(customer("c")), ChangeOutcome::Unknown);
    let mut scene = retained(scene).read_afresh();
    let message = scene.blocked(Reason::WaitingForPlatform);
    assert!(message.contains("release-suspended=1042"), "{message}");
    scene.now += Duration::from_secs(121);
    assert_eq!(scene.next(), Step::Release, "it is active");
    assert_eq!(scene.drifted(json!({"active": false})).next(), switch(true));
}

// R-N7: before the first sweep after a restart, without a platform, without an answer, on hold, when only observed.
#[test]
fn what_cannot_be_activated_now_is_not_released_and_the_message_names_the_way_out() {
    let cancelled = || retained(suspended(doomed(customer("c"))));
    let name = || "msp".to_owned();
    let mut young = cancelled();
    young.unobserved = Some(PlatformState::Unobserved {
        name: name(),
        trouble: None,
    });
    assert_eq!(young.settlement().verdict, Verdict::NotLookedYet);

    let mut missing = cancelled();
    missing.unobserved = Some(PlatformState::Missing { name: name() });
    let mut stalled = cancelled();
    stalled.unobserved = Some(PlatformState::Stalled {
        name: name(),
        trouble: "Secret \"bridge\" doesn't exist".into(),
    });
    let mut held = cancelled();
    held.hold = Some("not now".into());
    let mut observed = cancelled();
    observed.facts.management = Management::Observe;
    let silent = cancelled().failing(PlatformError::Unreachable("no answer".into()));
    for (mut scene, reason) in [
        (missing, Reason::StillSuspended),
        (stalled, Reason::StillSuspended),
        (held, Reason::WaitingForPlatform),
        (observed, Reason::StillSuspended),
        (silent, Reason::StillSuspended),
    ] {
        let message = scene.blocked(reason);
        assert!(
            message.contains("holdfast.dev/release-suspended=1042"),
            "{message}"
        );
        scene.declared.release_suspended = Some("77".into());
        scene.blocked(reason);
        scene.progress.failure = None;
        scene.declared.release_suspended = Some(ID.into());
        assert_eq!(scene.next(), Step::Release);
        assert_eq!(left_suspended(&scene.view()), Some(ObjectId::new(ID)));
    }
}

// R-N7
#[test]
fn the_limit_holds_the_rest_and_the_annotation_lets_one_through() {
    let mut scene = doomed(customer("c"));
    scene.facts.safety.deletion_delay = Duration::ZERO;
    scene.facts.safety.max_deletions_per_hour = 3;
    assert_eq!(scene.next(), Step::TakeDeletionPermit(3));
    let until = noon() + Duration::from_secs(600);
    scene.progress.permit = Some(DeletionPermit::Refused(Some(until)));
    let message = scene.blocked(Reason::TooManyDeletions);
    assert!(!message.contains("2026"), "no instant: {message}");
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(60)));
    assert_eq!(scene.settlement().rule, Some("deletion-breaker"));
    scene.declared.allowed_deletion = Some("77".into());
    scene.blocked(Reason::TooManyDeletions);
    scene.declared.allowed_deletion = Some(ID.into());
    let mut allowed = scene.read_afresh().rehearsed("token");
    assert_eq!(allowed.next(), deletion());
    allowed.facts.safety.deletion_delay = Duration::from_secs(3600);
    assert_eq!(allowed.next(), deletion(), "also without delay");
}

// R-N7: 15 customers were suspended within six seconds under a limit of 10.
#[test]
fn the_limit_counts_a_suspension_too() {
    let mut scene = doomed(customer("c"));
    scene.progress.permit = Some(DeletionPermit::Refused(None));
    scene.blocked(Reason::TooManyDeletions);
}

// R-D6, R-N7
#[test]
fn guards_are_said_before_a_permit_is_taken() {
    let scene = doomed(customer("c")).where_object(|object| object.facts.tenants = 1);
    assert_eq!(scene.next(), read());
    scene.read_afresh().blocked(Reason::HasDependents);
}

// F22: what is deleted below a reseller finds its platform through it.
#[test]
fn a_reseller_goes_after_what_is_being_deleted_below_it() {
    for policy in ["Retain", "Delete"] {
        let mut scene = reseller("r")
            .with(json!({"deletionPolicy": policy}))
            .applied()
            .deleting();
        scene.deleting_below = vec![format!("Customer {NAMESPACE}/c")];
        let message = scene.blocked(Reason::WaitingForDependents);
        assert!(message.contains("Customer backup/c"), "{message}");
        scene.unobserved = Some(PlatformState::Missing { name: "msp".into() });
        scene.blocked(Reason::WaitingForDependents);
    }
}

// R-N7, F2: two suspensions without an answer; the later one counts.
#[test]
fn the_last_suspension_without_an_answer_is_awaited() {
    let scene = switched_off(doomed(customer("c")), ChangeOutcome::Unknown);
    let mut scene = scene.read_afresh().rehearsed("token");
    scene.now += Duration::from_secs(150);
    scene.progress.performed.push(Change {
        at: scene.now,
        step: ChangeStep::Suspend,
        fields: vec!["deletionDelay".into()],
        outcome: ChangeOutcome::Unknown,
    });
    let changes = change_log(&scene.declared, &scene.progress, None);
    assert_eq!(changes.last().expect("one").at, scene.now);
}

// R-N7, F2: the platform refuses the second suspension since it works on the first.
#[test]
fn a_refused_second_suspension_does_not_hide_the_first() {
    let scene = switched_off(doomed(customer("c")), ChangeOutcome::Unknown);
    let mut scene = retained(scene);
    scene.progress.performed.push(Change {
        at: scene.now,
        step: ChangeStep::Suspend,
        fields: vec!["deletionDelay".into()],
        outcome: ChangeOutcome::Refused,
    });
    scene.now += Duration::from_secs(150);
    assert_eq!(scene.next(), read());
    scene.declared.status.changes.clear();
    assert_eq!(scene.next(), Step::Release, "the only one was refused");
}

// F17: what another account doesn't know isn't gone, nor switched on.
#[test]
fn what_was_suspended_in_another_account_is_not_released() {
    let mut scene = retained(suspended(doomed(customer("c")))).gone(ID);
    assert_eq!(scene.next(), Step::Release);
    scene.declared.status.account = Some("another".into());
    let message = scene.blocked(Reason::AccountMismatch);
    assert!(message.contains("release-suspended=1042"), "{message}");
}

// R-N7: ten permits an hour for deletions that the platform fails are no hundred deletions when it recovers.
#[test]
fn a_permit_without_effect_counts_for_its_hour_only() {
    let mut scene = doomed(customer("c"));
    scene.facts.safety.deletion_delay = Duration::ZERO;
    scene.declared.status.deletion = Some(DeletionStatus {
        permitted_at: Some(noon()),
        suspended: None,
    });
    assert_eq!(scene.next(), read());
    scene.now += Duration::from_secs(3600);
    assert_eq!(scene.next(), Step::TakeDeletionPermit(10));
}

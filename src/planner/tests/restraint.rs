//! Time to think again before a deletion, and a limit to how many there may be.

use std::time::Duration;

use serde_json::json;

use super::fixtures::{ID, Scene, customer, noon, service_plan};
use crate::{
    api::{
        Reason,
        shared::{Change, ChangeOutcome, ChangeStep},
    },
    estate::ObjectId,
    planner::{Step, Turn},
};

/// Deleted with `deletionPolicy: Delete` under a delay of an hour, rehearsed.
fn doomed(scene: Scene) -> Scene {
    let mut scene = scene
        .with(json!({"deletionPolicy": "Delete"}))
        .applied()
        .deleting()
        .read_afresh()
        .rehearsed("token");
    scene.facts.safety.deletion_delay = Duration::from_secs(3600);
    scene
}

fn suspended(mut scene: Scene) -> Scene {
    scene.declared.status.changes.push(Change {
        at: noon(),
        step: ChangeStep::Suspend,
        fields: vec!["deletionDelay".into()],
        outcome: ChangeOutcome::Done,
    });
    scene.drifted(json!({"active": false}))
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

// R-N7
#[test]
fn the_object_is_suspended_first_and_deleted_when_the_delay_is_over() {
    let scene = doomed(customer("c"));
    assert_eq!(scene.next(), switch(false));
    let mut scene = suspended(scene);
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
    assert_eq!(scene.next(), Step::TakeDeletionTurn(10));
    scene.progress.turn = Some(Turn::Granted);
    assert_eq!(scene.next(), deletion());
}

// R-N7
#[test]
fn what_cannot_be_suspended_waits_as_it_is() {
    let message = doomed(service_plan("gold")).blocked(Reason::DeletionDelayed);
    assert!(message.contains("left as it is"), "{message}");
}

// R-N7
#[test]
fn who_thinks_again_gets_it_back_switched_on() {
    let retain = json!({"deletionPolicy": "Retain"});
    let scene = suspended(doomed(customer("c"))).with(retain.clone());
    assert_eq!(scene.next(), switch(true));
    let reactivated = scene.clone().drifted(json!({"active": true}));
    assert_eq!(reactivated.next(), Step::Release);
    let by_hand = doomed(customer("c"))
        .drifted(json!({"active": false}))
        .with(retain.clone());
    assert_eq!(by_hand.next(), Step::Release, "not suspended by us");
    let wanted_off = scene.with(json!({"active": false}));
    assert_eq!(wanted_off.next(), Step::Release, "stays off by the spec");
}

// R-N7
#[test]
fn the_limit_holds_the_rest_and_the_annotation_lets_one_through() {
    let mut scene = doomed(customer("c"));
    scene.facts.safety.deletion_delay = Duration::ZERO;
    scene.facts.safety.max_deletions_per_hour = 3;
    assert_eq!(scene.next(), Step::TakeDeletionTurn(3));
    let until = noon() + Duration::from_secs(600);
    scene.progress.turn = Some(Turn::Refused(Some(until)));
    let message = scene.blocked(Reason::TooManyDeletions);
    assert!(message.contains("2026-06-01T12:10:00Z"), "{message}");
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(600)));
    assert_eq!(scene.settlement().rule, Some("deletion-breaker"));
    scene.declared.allowed_deletion = Some("77".into());
    scene.blocked(Reason::TooManyDeletions);
    scene.declared.allowed_deletion = Some(ID.into());
    assert_eq!(scene.next(), deletion());
    scene.facts.safety.deletion_delay = Duration::from_secs(3600);
    assert_eq!(scene.next(), deletion(), "also without delay");
}

// R-D6, R-N7
#[test]
fn guards_are_said_before_anything_is_suspended() {
    let scene = doomed(customer("c")).where_object(|object| object.facts.tenants = 1);
    scene.blocked(Reason::HasDependents);
}

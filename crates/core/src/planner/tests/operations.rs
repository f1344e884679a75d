//! Writes that the platform accepts now and finishes later.

use std::time::Duration;

use serde_json::json;

use super::fixtures::{Scene, customer};
use crate::{
    api::{
        conditions::Reason,
        shared::{Change, ChangeOutcome, ChangeStep},
    },
    planner::{PlatformState, Step, Verdict},
};

fn pending(mut scene: Scene) -> Scene {
    scene.progress.operation = Some("op-1".into());
    scene
}

// F3
#[test]
fn an_accepted_operation_is_asked_for_before_anything_else() {
    let scene = pending(customer("fabrikam").finalized());
    assert_eq!(scene.next(), Step::CheckOperation("op-1".into()));
    let edited = pending(
        customer("fabrikam")
            .applied()
            .edited(json!({"active": false})),
    );
    assert_eq!(edited.next(), Step::CheckOperation("op-1".into()));
}

#[test]
fn a_running_operation_is_asked_for_again_a_little_later() {
    let mut scene = pending(customer("fabrikam").finalized());
    scene.progress.operation_checked = true;
    assert!(scene.waiting(Reason::WaitingForPlatform).contains("op-1"));
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(5)));
    scene.progress.waiting_for_human = true;
    assert!(scene.waiting(Reason::WaitingForHuman).contains("staff"));
}

// F1, I8
#[test]
fn status_keeps_the_operation_for_after_a_restart() {
    let mut scene = pending(customer("fabrikam").finalized());
    scene.progress.operation_checked = true;
    scene.progress.performed.push(Change {
        at: scene.now,
        step: ChangeStep::Create,
        fields: vec!["displayName".into()],
        outcome: ChangeOutcome::Sent,
    });
    let status = scene.status();
    let intent = status.intent.clone().expect("an intent");
    assert_eq!(intent.operation.as_deref(), Some("op-1"));
    assert_eq!(intent.step, ChangeStep::Create);

    scene.declared.status = status;
    scene.progress.performed.clear();
    scene.now += Duration::from_secs(60);
    assert_eq!(scene.status().intent, Some(intent), "it doesn't move");

    // It can't be carried out any more.
    scene.progress.operation = None;
    scene.now += Duration::from_secs(120);
    let done = scene.unclaimed().with(json!({"management": "Observe"}));
    assert_eq!(done.status().intent, None);
}

// I3
#[test]
fn paused_asks_for_no_operation_either() {
    let scene = pending(
        customer("fabrikam")
            .with(json!({"management": "Paused"}))
            .finalized(),
    );
    assert_eq!(scene.settlement().verdict, Verdict::Paused);
    assert_eq!(
        scene.status().intent.and_then(|intent| intent.operation),
        Some("op-1".into()),
        "and doesn't forget it"
    );
}

#[test]
fn letting_go_is_not_held_up_by_an_operation() {
    let scene = pending(customer("fabrikam").applied().deleting());
    assert_eq!(scene.next(), Step::Release);
    let mut orphaned = scene;
    orphaned.unobserved = Some(PlatformState::Missing { name: "msp".into() });
    assert_eq!(orphaned.next(), Step::Release);
}

// I7
#[test]
fn deleting_settles_the_operation_first() {
    let scene = customer("fabrikam").with(json!({"deletionPolicy": "Delete"}));
    let scene = pending(scene.finalized().unclaimed().deleting());
    assert_eq!(scene.next(), Step::CheckOperation("op-1".into()));
}

//! What was done moments ago: a platform may not show it yet, and a crash may have swallowed the note of it.

use std::time::Duration;

use serde_json::json;

use super::fixtures::{ID, Scene, customer, noon, remote, tenant};
use crate::{
    api::{
        Kind, Reason,
        shared::{Change, ChangeOutcome, ChangeStep, ManagedStatus},
    },
    estate::ObjectId,
    planner::{Step, Verdict, notes},
};

fn change(step: ChangeStep, outcome: ChangeOutcome) -> Change {
    Change {
        at: noon(),
        step,
        fields: Vec::new(),
        outcome,
    }
}

/// Deleted by the platform's own word, which goes on showing it.
fn deleted_and_still_shown() -> Scene {
    let mut scene = customer("fabrikam")
        .with(json!({"deletionPolicy": "Delete"}))
        .applied()
        .deleting();
    let deletion = change(ChangeStep::Delete, ChangeOutcome::Done);
    scene.declared.status.changes.push(deletion);
    scene
}

// I7, F5
#[test]
fn an_object_that_is_still_shown_after_its_deletion_is_neither_let_go_nor_deleted_twice() {
    let scene = deleted_and_still_shown();
    assert_eq!(scene.next(), Step::ConfirmGone(ObjectId::new(ID)));
    let message = scene
        .clone()
        .read_afresh()
        .blocked(Reason::WaitingForPlatform);
    assert!(message.contains("still lists it"), "{message}");
    assert_eq!(scene.clone().gone(ID).next(), Step::Release);
    let mut later = scene;
    later.now += Duration::from_secs(121);
    assert_eq!(later.next(), Step::TakeDeletionPermit(10), "from the start");
}

// F5
#[test]
fn an_object_made_moments_ago_is_not_let_go_because_the_platform_does_not_show_it() {
    let mut scene = customer("fabrikam")
        .with(json!({"deletionPolicy": "Delete"}))
        .applied()
        .deleting();
    scene.declared.status.changes = vec![change(ChangeStep::Create, ChangeOutcome::Done)];
    scene.remote.claimed = None;
    let mut scene = scene.unclaimed().gone(ID);
    scene.blocked(Reason::WaitingForPlatform);
    scene.now += Duration::from_secs(121);
    assert_eq!(scene.next(), Step::Release);
}

// F5
#[test]
fn an_object_made_moments_ago_has_not_vanished() {
    let mut scene = customer("fabrikam").applied();
    scene.declared.status.changes = vec![change(ChangeStep::Create, ChangeOutcome::Done)];
    scene.remote.claimed = None;
    let mut scene = scene.gone(ID);
    scene.waiting(Reason::WaitingForPlatform);
    scene.now += Duration::from_secs(121);
    scene.stalled(Reason::VanishedOnPlatform);
}

// F3
#[test]
fn after_a_change_without_an_answer_the_object_is_read_before_anything_is_concluded() {
    let mut scene = customer("fabrikam").applied();
    scene.declared.status.changes = vec![change(ChangeStep::Update, ChangeOutcome::Unknown)];
    assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)));
    assert_eq!(scene.read_afresh().settlement().verdict, Verdict::InSync);
}

// I8
#[test]
fn a_creation_that_a_crash_swallowed_is_in_the_change_log() {
    let mut scene = customer("fabrikam").applied();
    scene.declared.status = ManagedStatus::default();
    let made = noon() + Duration::from_secs(1);
    let crashed = scene
        .clone()
        .where_object(|object| object.created_at = Some(made));
    let changes = crashed.status().changes;
    let expected = Change {
        at: made,
        ..change(ChangeStep::Create, ChangeOutcome::Done)
    };
    assert_eq!(changes, [expected]);
    let told = notes(
        &crashed.declared.status,
        &crashed.status(),
        &crashed.progress,
    );
    assert_eq!(told[0].reason, "Created");
    assert!(scene.status().changes.is_empty(), "taken back, not made");
}

// R-N3
#[test]
fn a_resource_that_holds_one_object_does_not_take_another_by_id() {
    let scene = customer("fabrikam")
        .applied()
        .edited(json!({"adopt": "ById", "externalId": "77"}));
    let message = scene.stalled(Reason::OwnedByAnother);
    assert!(message.contains("externalId"), "{message}");
    assert!(message.contains(ID), "{message}");
}

// R-N4
#[test]
fn the_mark_travels_with_the_first_write_after_an_adoption() {
    let object = remote(
        Kind::Customer,
        "77",
        &json!({"name": "Fabrikam GmbH", "profile": {"phone": "+49 30 1"}}),
    );
    let scene = customer("fabrikam")
        .with(json!({"adopt": "ById", "externalId": "77"}))
        .finalized()
        .noting("77")
        .knowing(object, None);
    let claim = scene.claim();
    assert!(
        matches!(scene.next(), Step::Update { mark: Some(mark), .. } if mark == claim),
        "{:?}",
        scene.next()
    );
    let applied = customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "+49 30 1"}}));
    assert!(matches!(applied.next(), Step::Update { mark: None, .. }));
}

// R-N4
#[test]
fn a_tenant_of_the_same_customer_and_product_is_matched() {
    let settings = json!({"customerId": "7", "planId": "3", "product": "HybridWorkloads"});
    let scene = tenant("fabrikam-hybrid")
        .finalized()
        .unclaimed()
        .beside(remote(Kind::Tenant, "88", &settings), None);
    let message = scene.stalled(Reason::NameConflict);
    assert!(message.contains("customer and product"), "{message}");
    let matching = scene.with(json!({"adopt": "Matching"}));
    assert!(
        matches!(matching.next(), Step::Mark(marks) if marks.external_id.as_deref() == Some("9f/88")),
        "{:?}",
        matching.next()
    );
}

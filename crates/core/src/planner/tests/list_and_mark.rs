//! Platforms that make an object in two requests: under a name that carries the claim, then its true name and its mark.

use std::time::Duration;

use serde_json::json;

use super::fixtures::{Scene, customer, remote};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{Change, ChangeOutcome, ChangeStep, Intent},
    },
    estate::{Creation, Object, ObjectId},
    planner::{Answer, Lesson, Step},
};

fn fabrikam() -> Scene {
    let mut scene = customer("fabrikam").finalized().unclaimed();
    scene.facts.capabilities.creation = Creation::ListAndMark.everywhere();
    scene
}

/// What stands beside the object to be made is listed, and reads so.
fn listed(mut scene: Scene, objects: &[Object]) -> Scene {
    let step = scene.next();
    assert!(matches!(step, Step::LookBeside(_)), "{step:?}");
    let lesson = Lesson {
        kind: Kind::Customer,
        step: &step,
        outcome: Ok(Answer::Beside(objects.to_vec())),
        noted: None,
        at: scene.now,
    };
    let mut inventory = crate::inventory::Inventory::default();
    scene.progress.learn(lesson, Some(&mut inventory));
    scene
}

/// A creation was sent so long ago, and its answer was lost.
fn lost(mut scene: Scene, id: &str, ago: Duration) -> Scene {
    scene.declared.status.intent = Some(Intent {
        id: id.into(),
        step: ChangeStep::Create,
        at: scene.now - ago,
        fields: vec!["displayName".into()],
        operation: None,
        parent: None,
        names: vec!["Fabrikam GmbH".into()],
        request_hash: None,
    });
    scene.declared.status.changes = vec![Change {
        at: scene.now - ago,
        step: ChangeStep::Create,
        fields: vec!["displayName".into()],
        outcome: ChangeOutcome::Unknown,
    }];
    scene
}

fn other(id: &str) -> Object {
    remote(Kind::Customer, id, &json!({"name": "Contoso"}))
}

/// An object that was made by the first of the two requests.
fn provisional(scene: &Scene, id: &str) -> Object {
    let name = format!("Fabrikam GmbH [{}]", scene.claim());
    let mut object = remote(Kind::Customer, id, &json!({"name": name}));
    object.facts.provisional = true;
    object
}

// I1
#[test]
fn a_creation_waits_for_two_lists_that_read_the_same() {
    let once = listed(fabrikam(), &[other("1")]);
    assert!(matches!(once.next(), Step::LookBeside(_)));
    let changed = listed(once.clone(), &[other("1"), other("2")]);
    assert!(matches!(changed.next(), Step::LookBeside(_)));
    let twice = listed(once, &[other("1")]);
    let Step::RecordIntent(intent) = twice.first() else {
        panic!("then it is written down: {:?}", twice.first());
    };
    assert_eq!(intent.names, ["Fabrikam GmbH"]);
}

// I1, I4
#[test]
fn lists_that_never_read_the_same_hold_the_creation_back() {
    let mut scene = fabrikam();
    for round in 0..4 {
        scene = listed(scene, &[other(&round.to_string())]);
    }
    let message = scene.waiting(Reason::WaitingForPlatform);
    assert!(
        message.contains("list changes while Holdfast reads it"),
        "{message}"
    );
}

// I1, F2: ten minutes, two more lists, and then once more under the same claim; after that a person has to look.
#[test]
fn a_lost_creation_is_sent_once_more_after_ten_minutes() {
    let early = lost(fabrikam(), "1-77", Duration::from_secs(300));
    let early = listed(listed(early, &[]), &[]);
    let message = early.waiting(Reason::CreateOutcomeUnknown);
    assert!(message.contains("under the same claim"), "{message}");

    // Who has looked at the console needn't wait that long; but longer than a request may be under way.
    assert!(message.contains("retry-create=1-77."), "{message}");
    let asked = |age: u64, id: &str| {
        let mut scene = lost(fabrikam(), "1-77", Duration::from_secs(age));
        scene.declared.retry_create = Some(id.to_owned());
        listed(listed(scene, &[]), &[])
    };
    let Step::RecordIntent(intent) = asked(121, "1-77").first() else {
        panic!("at once: {:?}", asked(121, "1-77").first());
    };
    assert!(!intent.id.ends_with("-again"), "{intent:?}");
    asked(121, "1-76").waiting(Reason::CreateOutcomeUnknown);
    let hasty = asked(60, "1-77").waiting(Reason::CreateOutcomeUnknown);
    assert!(!hasty.contains("retry-create"), "{hasty}");

    let late = lost(fabrikam(), "1-77", Duration::from_secs(601));
    let late = listed(listed(late, &[]), &[]);
    let Step::RecordIntent(intent) = late.first() else {
        panic!("once more: {:?}", late.first());
    };
    assert!(intent.id.ends_with("-again"), "{intent:?}");

    let again = lost(fabrikam(), "1-77-again", Duration::from_secs(3600));
    let again = listed(listed(again, &[]), &[]);
    let message = again.stalled(Reason::CreateOutcomeUnknown);
    assert!(message.contains("retry-create=1-77-again"), "{message}");
}

// I1
#[test]
fn an_object_that_is_not_marked_yet_is_read_and_gets_name_and_mark_in_one_request() {
    let scene = fabrikam().noting("54");
    let object = provisional(&scene, "54");
    let mut scene = scene.holding(object);
    assert_eq!(scene.next(), Step::Read(ObjectId::new("54")));
    scene.progress.fresh = Some(ObjectId::new("54"));
    let Step::RecordIntent(intent) = scene.first() else {
        panic!("written down first: {:?}", scene.first());
    };
    assert_eq!(
        (intent.step, intent.fields),
        (ChangeStep::Update, vec!["displayName".to_owned()])
    );
    let Step::Update { mark, patch, .. } = scene.next() else {
        panic!("then finished: {:?}", scene.next());
    };
    assert_eq!(mark, Some(scene.claim()));
    assert_eq!(json!(patch), json!({"name": "Fabrikam GmbH"}));
}

// I1, I2: nothing says which of the two is ours, so neither is written, deleted or counted as the right one.
#[test]
fn two_objects_with_our_mark_are_named_and_neither_is_taken() {
    let scene = fabrikam();
    let object = remote(Kind::Customer, "12", &json!({"name": "Fabrikam GmbH"}));
    let mut scene = scene.holding(object);
    scene.remote.twins = vec![ObjectId::new("17")];
    let message = scene.stalled(Reason::SeveralMarked);
    assert!(message.contains("12 and 17"), "{message}");

    let deleting = scene
        .clone()
        .with(json!({"deletionPolicy": "Delete"}))
        .deleting();
    let message = deleting.blocked(Reason::SeveralMarked);
    assert!(message.contains("Retain"), "{message}");
    let released = scene.clone().deleting();
    assert_eq!(released.next(), Step::Release);

    let by_word = scene.with(json!({"adopt": "ById", "externalId": "12"}));
    assert!(
        !matches!(by_word.next(), Step::Settle(_)),
        "{:?}",
        by_word.next()
    );
}

// I1: the resource goes while its creation may still be carried out.
#[test]
fn a_deletion_waits_for_a_creation_without_an_answer() {
    let deleting = |ago| {
        let scene = lost(fabrikam(), "1-77", Duration::from_secs(ago));
        scene.with(json!({"deletionPolicy": "Delete"})).deleting()
    };
    deleting(300).blocked(Reason::CreateOutcomeUnknown);
    let late = listed(listed(deleting(601), &[]), &[]);
    assert_eq!(late.next(), Step::Release);
}

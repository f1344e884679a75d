//! Our marks on a resource, which others may write too: they hold nothing up.

use serde_json::json;

use super::fixtures::{ID, Scene, customer};
use crate::{
    api::{conditions::Reason, names::EXTERNAL_ID_ANNOTATION},
    planner::{Step, Verdict},
};

const GOLD: &str = "plan.holdfast.dev/gold";

/// A settled customer with a label of ours that says what isn't so.
fn foreign() -> Scene {
    let mut scene = customer("fabrikam").applied();
    scene
        .declared
        .marks
        .labels
        .insert(GOLD.into(), String::new());
    scene
}

#[test]
fn a_label_that_is_not_so_is_taken_off() {
    let Step::Mark(marks) = foreign().first() else {
        panic!("no marks");
    };
    assert!(!marks.labels.contains_key(GOLD));
}

// Another writer reverts it at once: the same marks are written once a pass, and the pass continues.
#[test]
fn the_same_marks_are_written_once_a_pass() {
    let mut scene = foreign();
    let Step::Mark(marks) = scene.first() else {
        panic!("no marks");
    };
    scene.progress.marked = Some(marks);
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
    let scene = scene.edited(json!({"profile": {"phone": "5"}}));
    assert!(matches!(scene.next(), Step::Update { .. }));
}

#[test]
fn what_somebody_insists_on_is_left() {
    let mut scene = foreign();
    scene.insisted.insert(GOLD.into());
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
    scene.declared.marks.external_id = Some("elsewhere/7".into());
    let Step::Mark(marks) = scene.first() else {
        panic!("no marks");
    };
    assert!(marks.external_id.is_some() && !marks.labels.contains_key(GOLD));
    scene.insisted.insert(EXTERNAL_ID_ANNOTATION.into());
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
}

// Without the finalizer nothing may be sent, and it isn't written again and again.
#[test]
fn a_finalizer_that_does_not_stay_is_said_and_not_fought_for() {
    let mut scene = customer("fabrikam").noting(ID);
    assert_eq!(scene.first(), Step::Finalize);
    scene.progress.finalized = true;
    let said = scene.stalled(Reason::Internal);
    assert!(said.contains("holdfast.dev/remote"), "{said}");
}

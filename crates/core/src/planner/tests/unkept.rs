//! Values that don't stay: sent twice at most, reported with both values, written at growing intervals when another writer
//! reverts them.

use std::sync::Arc;

use serde_json::json;

use super::fixtures::{ID, Scene, customer, hidden_customer, tenant};
use crate::{
    api::{
        conditions::Reason,
        shared::{Change, ChangeOutcome, ChangeStep, DriftReturn, ManagedStatus},
    },
    estate::{Client, ObjectId},
    planner::{Note, Progress, Step, Verdict, notes},
};

const MINUTE: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// The step was carried out, and the platform's answer leaves the object as it was.
fn without_effect(mut scene: Scene) -> Scene {
    let (step, fields) = scene.next().mutation().expect("something is sent");
    scene.progress.intent = None;
    scene.progress.performed.push(Change {
        at: scene.now,
        step,
        fields,
        outcome: ChangeOutcome::Done,
    });
    scene
}

/// A whole pass in which one write has no effect, with the looks that belong to it; and a minute passes.
fn ineffective_pass(mut scene: Scene) -> Scene {
    if matches!(scene.next(), Step::Read(_)) {
        scene.progress.note_read(&ObjectId::new(ID));
    }
    let mut scene = without_effect(scene);
    if matches!(scene.next(), Step::Read(_)) {
        scene.progress.note_read(&ObjectId::new(ID));
    }
    ended(scene)
}

fn ended(mut scene: Scene) -> Scene {
    scene.declared.status = scene.status();
    scene.progress = Progress::default();
    scene.now += MINUTE;
    scene
}

fn edited() -> Scene {
    customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "+49 555"}}))
}

// R-D5, I4
#[test]
fn a_field_is_written_once_a_pass_and_the_same_value_twice_at_most() {
    let once = without_effect(edited());
    let said = once.waiting(Reason::ValueNotKept);
    assert!(
        said.contains("profile.phone: Holdfast sent \"+49 555\""),
        "{said}"
    );
    let twice = ineffective_pass(ended(once));
    let said = twice.stalled(Reason::ValueNotKept);
    assert!(said.contains("keeps \"+49 30 5550100\""), "{said}");
    assert_eq!(twice.status().unkept[0].times, 2);
    assert_eq!(twice.status(), twice.declared.status, "I4");
}

// R-D5
#[test]
fn before_the_second_time_it_is_looked_again_and_not_at_once() {
    let mut scene = without_effect(edited());
    scene.declared.status = scene.status();
    scene.progress = Progress::default();
    scene.waiting(Reason::ValueNotKept);
    scene.now += MINUTE;
    assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)));
}

// R-D5
#[test]
fn a_value_that_is_not_kept_is_sent_again_when_one_of_the_two_changes() {
    let stuck = ineffective_pass(ended(without_effect(edited())));
    let by_spec = stuck
        .clone()
        .edited(json!({"profile": {"phone": "+49 556"}}));
    let by_platform = stuck.clone().drifted(json!({"profile": {"phone": "0"}}));
    for scene in [by_spec, by_platform] {
        assert!(matches!(scene.next(), Step::Update { .. }));
    }
    let as_kept = stuck.edited(json!({"profile": {"phone": "+49 30 5550100"}}));
    assert_eq!(as_kept.settlement().verdict, Verdict::InSync);
    assert!(as_kept.status().unkept.is_empty());
}

// R-D5
#[test]
fn other_fields_are_written_meanwhile_and_alone() {
    let stuck = ineffective_pass(ended(without_effect(edited())));
    let scene = stuck.edited(json!({"profile": {"fax": "1"}}));
    assert!(matches!(scene.next(), Step::Update { fields, .. } if fields == ["profile.fax"]));
}

// R-V8, R-D31
#[test]
fn a_switch_without_effect_is_not_sent_for_ever() {
    let scene = tenant("t")
        .with(json!({"state": "Active"}))
        .applied()
        .edited(json!({"state": "Suspended"}));
    let said = ineffective_pass(ended(without_effect(scene))).stalled(Reason::ValueNotKept);
    assert!(said.contains("state: Holdfast sent \"false\""), "{said}");
}

// R-V5
#[test]
fn a_client_that_does_not_move_is_moved_twice_at_most() {
    let mut scene = customer("fabrikam")
        .applied()
        .edited(json!({"clients": {"ids": ["pc-17"]}}));
    let client = Client {
        id: ObjectId::new("pc-17"),
        customer_id: ObjectId::new("7"),
        etag: None,
    };
    scene.remote.clients = Some([("pc-17".to_owned(), Some(client))].into());
    let said = ineffective_pass(ended(without_effect(scene))).stalled(Reason::ValueNotKept);
    assert!(said.contains("clients.ids[pc-17]"), "{said}");
}

// R-D2, I5
#[test]
fn neither_secrets_nor_hidden_names_are_in_what_is_said_of_values_that_are_not_kept() {
    let mut scene = customer("fabrikam").applied();
    scene
        .supplements
        .settings
        .insert("webAccess.passwordTag", "t-new".into());
    let stuck = ineffective_pass(ended(without_effect(scene)));
    let said = stuck.stalled(Reason::ValueNotKept);
    assert!(
        said.contains("webAccess.passwordRef: Holdfast sent \"(secret)\""),
        "{said}"
    );
    assert!(!format!("{:?}", stuck.status()).contains("t-new"));
    let hidden = hidden_customer("fabrikam")
        .with(json!({"profile": {"notes": "x"}}))
        .applied()
        .edited(json!({"profile": {"notes": "of Fabrikam GmbH"}}));
    let stuck = ineffective_pass(ended(without_effect(hidden)));
    assert!(!format!("{:?}", stuck.status()).contains("Fabrikam GmbH"));
}

/// Drift that was undone so often before.
fn returned(times: u32) -> Scene {
    let mut scene = customer("fabrikam").applied();
    scene.declared.status.drift_returns = vec![DriftReturn {
        field: "profile.phone".into(),
        times,
        last_at: scene.now,
    }];
    scene.drifted(json!({"profile": {"phone": "0"}}))
}

fn conditions(status: &ManagedStatus) -> Vec<String> {
    let conditions = status.conditions.iter();
    conditions
        .map(|one| format!("{}={}/{}", one.type_, one.status, one.reason))
        .collect()
}

// R-D5, R-N3
#[test]
fn from_the_third_return_on_a_field_is_left_alone_for_longer_and_longer() {
    for (times, minutes) in [(3, 5), (4, 10), (5, 20), (8, 160), (9, 240), (40, 240)] {
        let mut scene = returned(times);
        scene.waiting(Reason::DriftReturns);
        let left = std::time::Duration::from_secs(minutes * 60);
        assert_eq!(scene.settlement().again, Some(left), "{times}");
        scene.now += left;
        assert!(matches!(
            scene.next(),
            Step::Update {
                reverting: true,
                ..
            } | Step::RecordIntent(_)
        ));
    }
    assert!(matches!(returned(2).next(), Step::Update { .. }));
    assert_eq!(
        conditions(&returned(3).status()),
        [
            "Ready=False/DriftReturns",
            "Reconciling=True/DriftReturns",
            "Synced=False/DriftReturns",
            "DriftDetected=True/Differs",
            "DriftReturns=True/DriftReturns",
        ]
    );
}

// R-D5
#[test]
fn an_edit_or_only_observing_ends_the_wait() {
    let edited = returned(9).edited(json!({"profile": {"fax": "1"}}));
    assert!(
        matches!(edited.next(), Step::Update { fields, .. } if fields.contains(&"profile.phone".into()))
    );
    let observed = returned(9).with(json!({"management": "Observe"}));
    assert!(observed.status().drift_returns.is_empty());
}

// R-N3
#[test]
fn a_return_is_counted_once_it_is_corrected_and_told_once() {
    let mut scene = returned(2);
    let before = scene.declared.status.clone();
    scene = without_effect(scene).drifted(json!({"profile": {"phone": "+49 30 5550100"}}));
    assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)), "read back");
    scene.progress.note_read(&ObjectId::new(ID));
    let status = scene.status();
    assert_eq!(status.drift_returns[0].times, 3);
    assert_eq!(crate::planner::returned(&before, &status), 1);
    let told = |previous: &ManagedStatus| {
        let notes = notes(previous, &status, &Progress::default());
        let of_returns = |note: &&Note| note.reason == "DriftReturns";
        notes.iter().filter(of_returns).count()
    };
    assert_eq!((told(&before), told(&status)), (1, 0));
}

// I4
#[test]
fn one_correction_of_drift_is_no_return_and_costs_no_look() {
    let mut scene = customer("fabrikam").applied();
    scene.declared.status.changes.push(Change {
        at: scene.now - 25 * 60 * MINUTE,
        step: ChangeStep::Update,
        fields: vec!["profile.phone".into()],
        outcome: ChangeOutcome::Done,
    });
    let held = Arc::clone(scene.remote.claimed.as_ref().expect("an object"));
    let mut scene = without_effect(scene.drifted(json!({"profile": {"phone": "0"}})));
    scene.remote.claimed = Some(held);
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
    assert!(scene.status().drift_returns.is_empty());
}

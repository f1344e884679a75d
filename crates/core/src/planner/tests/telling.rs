//! Conditions, the change log and events: said once, said right.

use std::time::Duration;

use serde_json::json;

use super::fixtures::{ID, Scene, customer, found, mutates, noon, tenant};
use crate::{
    api::{
        conditions::{ConditionType, Reason},
        shared::{Change, ChangeOutcome, ChangeStep, ManagedStatus},
    },
    planner::{Note, PlatformState, Progress, Reference, Step, notes},
    reply::PlatformError,
};

/// The conditions of a status as `Type=Status/Reason`.
fn conditions(status: &ManagedStatus) -> Vec<String> {
    let one = |condition: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        format!(
            "{}={}/{}",
            condition.type_, condition.status, condition.reason
        )
    };
    status.conditions.iter().map(one).collect()
}

fn change(step: ChangeStep, fields: &[&str], outcome: ChangeOutcome) -> Change {
    Change {
        at: noon(),
        step,
        fields: fields.iter().map(|&field| field.into()).collect(),
        outcome,
    }
}

fn outage() -> PlatformError {
    PlatformError::Unreachable("cut".into())
}

// R-N1
#[allow(clippy::large_stack_arrays, reason = "a table, in a test")]
#[test]
fn each_verdict_has_its_conditions() {
    let applied = || customer("fabrikam").applied();
    let paused = json!({"management": "Paused"});
    let observe = json!({"management": "Observe"});
    let vanished = customer("fabrikam").finalized().noting(ID).gone(ID);
    let waiting = tenant("t").finalized().unclaimed().referring(
        "customerRef",
        "fabrikam",
        Reference::Found {
            id: None,
            deleting: false,
            platform: None,
        },
    );
    let mut blocked = applied()
        .with(json!({"deletionPolicy": "Delete"}))
        .deleting();
    blocked.unobserved = Some(PlatformState::Missing { name: "msp".into() });
    for (scene, expected) in [
        (applied(), vec!["Ready=True/InSync", "Synced=True/InSync"]),
        (
            applied().with(observe.clone()),
            vec!["Ready=True/Observing", "Synced=True/InSync"],
        ),
        (
            applied()
                .with(observe)
                .drifted(json!({"profile": {"phone": "0"}})),
            vec![
                "Ready=True/Observing",
                "Synced=False/Differs",
                "DriftDetected=True/Differs",
            ],
        ),
        (
            applied().with(paused),
            vec!["Ready=True/InSync", "Paused=True/Paused"],
        ),
        (
            vanished,
            vec![
                "Ready=False/VanishedOnPlatform",
                "Stalled=True/VanishedOnPlatform",
            ],
        ),
        (
            waiting,
            vec![
                "Ready=False/ReferenceNotReady",
                "Reconciling=True/ReferenceNotReady",
            ],
        ),
        (
            blocked,
            vec![
                "Ready=False/Deleting",
                "DeletionBlocked=True/PlatformMissing",
            ],
        ),
        (
            applied().failing(outage()),
            vec![
                "Ready=True/InSync",
                "Reconciling=True/PlatformUnreachable",
                "PlatformReachable=False/PlatformUnreachable",
            ],
        ),
    ] {
        assert_eq!(conditions(&scene.status()), expected);
    }
}

#[test]
fn every_pass_raises_the_observed_generation_also_when_it_failed() {
    let scene = customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "0"}}));
    let status = scene.failing(outage()).status();
    assert_eq!(status.observed_generation, Some(2));
    assert_eq!(conditions(&status)[0], "Ready=Unknown/PlatformUnreachable");
}

// F12
#[test]
fn ready_stays_as_last_known_for_an_hour_of_outage() {
    let mut scene = customer("fabrikam").applied().failing(outage());
    scene.declared.status = scene.status();
    for (minutes, expected) in [(1, "True"), (59, "True"), (61, "Unknown")] {
        scene.now = noon() + Duration::from_secs(60 * minutes);
        let ready = &scene.status().conditions[0];
        assert_eq!(
            (ready.type_.as_str(), ready.status.as_str()),
            ("Ready", expected)
        );
    }
}

// I4
#[test]
fn a_condition_keeps_its_time_while_its_status_stays() {
    let mut scene = customer("fabrikam").applied();
    let before = scene.declared.status.clone();
    scene.now += Duration::from_secs(3600);
    assert_eq!(scene.status(), before, "an idle pass writes nothing");
    let outage = scene.failing(outage()).status();
    let reachable = &outage.conditions[2];
    assert_eq!(reachable.type_, ConditionType::PlatformReachable.as_str());
    assert_eq!(
        reachable.last_transition_time.0,
        noon() + Duration::from_secs(3600)
    );
    assert_eq!(outage.conditions[0].last_transition_time.0, noon());
}

// I8, R-N13
#[test]
fn the_last_twenty_changes_are_kept_oldest_first() {
    let mut scene = customer("fabrikam").applied();
    for number in 0..25 {
        let field = format!("field-{number}");
        scene
            .progress
            .performed
            .push(change(ChangeStep::Update, &[&field], ChangeOutcome::Done));
    }
    let changes = scene.status().changes;
    assert_eq!(changes.len(), 20);
    assert_eq!(changes[0].fields, ["field-5"]);
    assert_eq!(changes[19].fields, ["field-24"]);
}

#[test]
fn what_is_known_stays_said_while_the_platform_is_out_of_sight() {
    let mut scene = customer("fabrikam").applied();
    scene.unobserved = Some(PlatformState::Missing { name: "msp".into() });
    scene.remote.claimed = None;
    let (before, status) = (&scene.declared.status, scene.status());
    assert_eq!(status.external_id.as_deref(), Some(ID));
    assert_eq!(status.claim, before.claim);
    assert_eq!(status.platform.as_deref(), Some("msp"));
    assert_eq!(status.protection, before.protection);
}

/// The notes of a pass from one status to another.
fn noted(before: &ManagedStatus, scene: &Scene) -> Vec<Note> {
    notes(before, &scene.status(), &scene.progress)
}

// I4, F4
#[test]
fn the_same_failure_twice_is_one_entry_and_an_unanswered_creation_moves_its_time() {
    use ChangeOutcome::{Refused, Unknown};
    for (step, outcome, moves) in [
        (ChangeStep::Update, Refused, false),
        (ChangeStep::Update, Unknown, false),
        (ChangeStep::Create, Refused, false),
        (ChangeStep::Create, Unknown, true),
    ] {
        let mut scene = customer("fabrikam")
            .finalized()
            .unclaimed()
            .failing(outage());
        scene.progress.performed.push(change(step, &["a"], outcome));
        scene.declared.status = scene.status();
        let later = noon() + Duration::from_secs(100);
        scene.progress.performed[0].at = later;
        let changes = scene.status().changes;
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].at == later, moves, "{step} {outcome}");
    }
}

// I4
#[test]
fn an_idle_pass_tells_nothing() {
    let scene = customer("fabrikam").applied();
    assert_eq!(noted(&scene.declared.status, &scene), []);
}

// R-N3
#[test]
fn drift_undone_is_told_with_the_fields_and_an_edit_as_a_change() {
    let mut scene = customer("fabrikam").applied();
    let performed = change(ChangeStep::Update, &["profile.phone"], ChangeOutcome::Done);
    scene.progress.performed.push(performed);
    let edited = noted(&scene.declared.status, &scene);
    assert_eq!(edited[0].reason, "Updated");
    scene.progress.reverted.push("profile.phone".into());
    let reverted = noted(&scene.declared.status, &scene);
    assert_eq!(reverted.len(), 1);
    assert_eq!(reverted[0].reason, "Reverted");
    assert!(reverted[0].message.contains("profile.phone"));
}

#[test]
fn each_change_that_was_done_is_told_and_no_other() {
    use ChangeStep::{Activate, Create, Delete, MoveClient, SendWelcomeMail, Suspend, Update};
    let scene = customer("fabrikam").applied();
    let status = &scene.declared.status;
    for (step, reason) in [
        (Create, Some("Created")),
        (Update, Some("Updated")),
        (Suspend, Some("Suspended")),
        (Activate, Some("Activated")),
        (MoveClient, Some("ClientMoved")),
        (SendWelcomeMail, Some("WelcomeMailSent")),
        (Delete, None),
    ] {
        for &outcome in ChangeOutcome::ALL {
            let progress = Progress {
                performed: vec![change(step, &["a"], outcome)],
                ..Progress::default()
            };
            let told = notes(status, status, &progress);
            let expected = reason.filter(|_| outcome == ChangeOutcome::Done);
            assert_eq!(
                told.first().map(|note| note.reason.as_str()),
                expected,
                "{step} {outcome}"
            );
        }
    }
}

// R-N11
#[test]
fn taking_back_is_told_and_creating_is_not_called_so() {
    let scene = customer("fabrikam").applied();
    let nothing = ManagedStatus::default();
    assert_eq!(noted(&nothing, &scene)[0].reason, "Claimed");
    let mut created = scene.clone();
    let performed = change(ChangeStep::Create, &[], ChangeOutcome::Done);
    created.progress.performed.push(performed);
    let told = noted(&nothing, &created);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].reason, "Created");

    // Younger than the resource, and named by it: adopted, with our mark and what differed.
    let mut named = scene
        .clone()
        .where_object(|object| object.created_at = Some(noon()));
    named.declared.lifecycle.external_id = Some(ID.into());
    named.declared.status.external_id = None;
    let performed = change(ChangeStep::Update, &["profile.phone"], ChangeOutcome::Done);
    named.progress.performed.push(performed);
    let told = noted(&nothing, &named);
    assert_eq!(told[0].reason, "Updated");
    assert_eq!(told[1].reason, "Claimed");
    assert!(
        told[1]
            .message
            .ends_with("only the differences were written.")
    );

    let lost = ManagedStatus {
        changes: vec![change(ChangeStep::Create, &[], ChangeOutcome::Unknown)],
        ..ManagedStatus::default()
    };
    let told = noted(&lost, &scene);
    assert_eq!(
        told[0].reason, "Created",
        "by us, though the answer was lost"
    );
}

#[test]
fn an_alarm_is_told_when_it_turns_or_changes_and_not_again() {
    let mut scene = customer("fabrikam").finalized().noting(ID).gone(ID);
    let before = ManagedStatus::default();
    let told = noted(&before, &scene);
    assert!(told[0].warning);
    assert_eq!(told[0].reason, Reason::VanishedOnPlatform.as_str());
    scene.declared.status = scene.status();
    assert_eq!(noted(&scene.declared.status, &scene), []);
    let other = scene
        .clone()
        .with(json!({"adopt": "ById", "externalId": ID}));
    assert_eq!(
        noted(&scene.declared.status, &other)[0].reason,
        Reason::NotFoundById.as_str()
    );
}

// R-D3
#[test]
fn a_customer_without_tenants_is_ready() {
    let status = customer("fabrikam").applied().status();
    assert_eq!(conditions(&status)[0], "Ready=True/InSync");
}

// R-N12
#[test]
fn manual_steps_never_touch_ready() {
    let scene = customer("fabrikam")
        .referring("resellerRef", "northwind", found("5"))
        .applied()
        .edited(json!({"profile": {"phone": "0"}}))
        .without(crate::estate::Capability::UpdateCustomer);
    assert!(!mutates(&scene.next()));
    let said = conditions(&scene.status());
    assert_eq!(said[0], "Ready=True/InSync");
    assert!(said.contains(&"ManualStepPending=True/ConsoleStepRequired".to_owned()));
}

// I8: a crash between the note and the answer leaves an entry of unknown outcome; a creation needs no note.
#[test]
fn a_change_is_written_down_before_it_is_sent() {
    let edited = customer("fabrikam")
        .with(json!({"profile": {"notes": "old"}}))
        .applied()
        .edited(json!({"profile": {"notes": "new"}}));
    let Step::RecordIntent(intent) = edited.first() else {
        panic!("not written down: {:?}", edited.first());
    };
    assert_eq!(
        (intent.step, intent.fields.as_slice()),
        (ChangeStep::Update, ["profile.notes".to_owned()].as_slice())
    );

    let mut crashed = edited.declared.status.clone();
    crashed.intent = Some(intent);
    let resumed = Progress::resumed(&crashed);
    assert_eq!(resumed.performed.len(), 1);
    assert_eq!(resumed.performed[0].outcome, ChangeOutcome::Unknown);
}

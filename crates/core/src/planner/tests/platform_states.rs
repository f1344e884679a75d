//! Without an observed platform nothing is decided about the remote object; a release is still possible.

use serde_json::json;

use super::fixtures::{Scene, customer, mutates};
use crate::{
    api::conditions::Reason,
    planner::{PlatformState, Step, Verdict},
};

fn states() -> [(PlatformState, &'static str); 4] {
    let name = || "msp".to_owned();
    [
        (PlatformState::Missing { name: name() }, "doesn't exist"),
        (
            PlatformState::Unresolved {
                field: "resellerRef",
                name: "northwind".into(),
            },
            "resellerRef names \"northwind\"",
        ),
        (
            PlatformState::Unobserved {
                name: name(),
                trouble: None,
            },
            "NotLookedYet",
        ),
        (
            PlatformState::Unobserved {
                name: name(),
                trouble: Some("no route".into()),
            },
            "no route",
        ),
    ]
}

fn at(mut scene: Scene, state: PlatformState) -> Scene {
    scene.unobserved = Some(state);
    scene
}

// I7, F14
#[test]
fn an_unobserved_platform_leads_to_no_step_at_all() {
    for (state, words) in states() {
        for scene in [customer("fabrikam"), customer("fabrikam").applied()] {
            let settlement = at(scene, state.clone()).settlement();
            let text = format!("{:?}", settlement.verdict).replace('\\', "");
            assert!(text.contains(words), "{text}");
            assert!(settlement.again.is_some());
        }
    }
}

#[test]
fn what_is_wrong_decides_between_waiting_and_stalled() {
    let verdict = |index: usize| {
        let (state, _) = states()[index].clone();
        at(customer("fabrikam"), state).settlement().verdict
    };
    assert!(matches!(
        verdict(0),
        Verdict::Stalled(Reason::PlatformMissing, _)
    ));
    assert!(matches!(
        verdict(1),
        Verdict::Stalled(Reason::ReferenceNotFound, _)
    ));
    assert_eq!(verdict(2), Verdict::NotLookedYet);
    assert!(matches!(verdict(3), Verdict::Unreachable(_)));
}

// F22
#[test]
fn retain_observe_and_paused_let_go_without_a_platform() {
    for (state, _) in states() {
        for spec in [
            json!({}),
            json!({"deletionPolicy": "Retain"}),
            json!({"deletionPolicy": "Delete", "management": "Observe"}),
            json!({"deletionPolicy": "Delete", "management": "Paused"}),
        ] {
            let scene = customer("fabrikam").with(spec).applied().deleting();
            assert_eq!(at(scene, state.clone()).next(), Step::Release);
        }
    }
}

// F22, I7
#[test]
fn delete_without_a_platform_is_held_and_says_how_to_let_go() {
    for (state, words) in states() {
        let scene = customer("fabrikam")
            .with(json!({"deletionPolicy": "Delete"}))
            .applied()
            .deleting();
        let scene = at(scene, state);
        assert!(!mutates(&scene.next()));
        if scene.settlement().verdict == Verdict::NotLookedYet {
            continue;
        }
        let Verdict::DeletionBlocked(_, message) = scene.settlement().verdict else {
            panic!("not held: {:?}", scene.next());
        };
        assert!(message.contains(words), "{message}");
        assert!(message.contains("deletionPolicy: Retain"), "{message}");
    }
}

#[test]
fn paused_says_so_also_without_a_platform() {
    for (state, _) in states() {
        let scene = customer("fabrikam").with(json!({"management": "Paused"}));
        assert_eq!(at(scene, state).settlement().verdict, Verdict::Paused);
    }
}

#[test]
fn a_resource_without_our_finalizer_goes_by_itself() {
    for (state, _) in states() {
        let scene = customer("fabrikam").deleting();
        assert_eq!(at(scene, state).settlement().verdict, Verdict::Released);
    }
}

// R-N1: what was applied together may arrive in any order; no alarm is raised by that.
#[test]
fn of_a_resource_made_only_now_nothing_is_said_to_be_missing() {
    for (state, _) in &states()[..2] {
        let mut scene = at(customer("fabrikam"), state.clone());
        scene.declared.created_at = scene.now - std::time::Duration::from_secs(2);
        assert_eq!(scene.settlement().verdict, Verdict::NotLookedYet);
        assert!(scene.settlement().again.is_some());
    }
}

// R-N1: a Secret that is missing says nothing about what was applied before.
#[test]
fn what_was_ready_stays_so_while_a_person_must_act_on_the_platform() {
    let stalled = || PlatformState::Stalled {
        name: "msp".into(),
        trouble: "Secret \"msp\" doesn't exist".into(),
    };
    let young = at(customer("fabrikam"), stalled());
    assert!(young.stalled(Reason::ReferenceNotReady).contains("Secret"));
    let settled = at(customer("fabrikam").applied(), stalled());
    let Verdict::Unreachable(message) = settled.settlement().verdict else {
        panic!("not as last known");
    };
    assert!(message.contains("Secret"), "{message}");
}

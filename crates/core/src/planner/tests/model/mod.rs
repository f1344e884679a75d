//! A model checker: the planner against a platform in memory, cut off before and after every request.

mod exhaustive;
mod histories;
mod invariants;
mod kept;
mod platform;
mod walk;
mod world;

use serde_json::{Value, json};
use walk::{Variant, Walk};
use world::{End, Fault, World};

use super::fixtures::customer;
use crate::{
    estate::{Creation, ObjectId},
    planner::Verdict,
};

fn end_of(world: &World) -> Vec<(ObjectId, Value)> {
    assert!(!world.exists, "the resource is gone");
    world.platform.documents()
}

/// A walk on which one thing goes wrong, or nothing.
fn walk(policy: &str, fault: Option<(usize, Fault)>, variant: Variant) -> World {
    let mut walk = Walk::of(policy, variant);
    walk.world.fault = fault;
    while walk.turn() {}
    walk.world
}

/// The ways of creation in which an object carries our claim.
const MARKED: [Creation; 3] = [
    Creation::ByReference,
    Creation::AskFirst,
    Creation::ListAndMark,
];

/// The ways of creation of a customer.
const CREATIONS: [Creation; 4] = [
    Creation::ByReference,
    Creation::AskFirst,
    Creation::ListAndMark,
    Creation::UniqueName,
];

/// Every request of the walk goes wrong in every way, one at a time, and the outcome stays the same.
fn every_fault_on(variant: Variant) {
    for policy in ["Delete", "Retain"] {
        let calm = walk(policy, None, variant);
        let expected = end_of(&calm);
        assert_eq!(expected.len(), if policy == "Delete" { 1 } else { 2 });
        for at in 0..calm.requests {
            for fault in Fault::ALL {
                let world = walk(policy, Some((at, fault)), variant);
                assert_eq!(
                    end_of(&world),
                    expected,
                    "{policy}, {fault:?} at {at}, {variant:?}"
                );
            }
        }
    }
}

// F1, F2, F3, F4, I1, I2, I3, I4, I7
#[test]
fn a_fault_around_any_request_changes_nothing_about_the_outcome() {
    for creation in CREATIONS {
        every_fault_on(Variant {
            empty_lists: false,
            creation,
        });
    }
}

// F14, I1, I2
#[test]
fn empty_lists_all_the_time_change_nothing_about_the_outcome() {
    for creation in CREATIONS {
        every_fault_on(Variant {
            empty_lists: true,
            creation,
        });
    }
}

/// Deleted under a delay, and cancelled before the given request.
fn cancelled(at: usize, fault: Option<(usize, Fault)>) -> World {
    let mut scene = customer("fabrikam").with(json!({"deletionPolicy": "Delete"}));
    scene.facts.safety.deletion_delay = std::time::Duration::from_secs(3600);
    let mut world = World::new(scene);
    for _ in 0..5 {
        world.whole_sweep();
        world.pass();
    }
    world.delete();
    world.requests = 0;
    world.fault = fault;
    world.cancelled_at = Some(at);
    for _ in 0..30 {
        world.whole_sweep();
        if world.pass() == End::Released {
            world.wait_for_late();
            return world;
        }
        // The request that it was to be cancelled before is never sent, as nothing is left to do.
        if world.requests <= at && world.fault.is_none_or(|(at, _)| at < world.requests) {
            world.cancel();
        }
    }
    panic!("no end: {:?}", world.scene.next());
}

// R-N7, F1, F2, F4: whatever is lost, and whenever the deletion is cancelled, the object is released switched on.
#[test]
fn a_cancelled_deletion_never_leaves_an_object_suspended() {
    for at in 0..8 {
        let calm = cancelled(at, None);
        for fault_at in 0..calm.requests {
            for fault in Fault::ALL {
                let world = cancelled(at, Some((fault_at, fault)));
                let documents = world.platform.documents();
                let [(_, document)] = documents.as_slice() else {
                    panic!("deleted: {at}, {fault:?} at {fault_at}");
                };
                assert_ne!(
                    document["active"],
                    json!(false),
                    "cancelled at {at}, {fault:?} at {fault_at}: {:?}",
                    world.platform.log
                );
            }
        }
    }
}

// I4, F18
#[test]
fn a_server_that_recases_and_reorders_is_left_in_peace() {
    let scene = customer("fabrikam").with(json!({
        "profile": {"email": "Office@Fabrikam.example"},
        "contacts": [{"email": "b@fabrikam.example"}, {"email": "a@fabrikam.example"}],
    }));
    let mut world = World::new(scene);
    assert_eq!(world.come_to_rest(), End::Settled(Verdict::InSync));
    assert_eq!(world.platform.log.len(), 1);
    assert_eq!(world.noted(), Some("1".into()));
}

// R-N11
#[test]
fn a_new_cluster_takes_the_object_back_without_a_write() {
    let mut world = World::new(customer("fabrikam").with(json!({"active": true})));
    world.come_to_rest();
    let mut after = World::new(customer("fabrikam").with(json!({"active": true})));
    after.platform = world.platform.clone();
    assert_eq!(after.come_to_rest(), End::Settled(Verdict::InSync));
    assert_eq!(after.platform.log, world.platform.log);
    assert_eq!(after.noted(), world.noted());
}

// F6, I4: without a sweep in between.
#[test]
fn a_change_at_the_console_just_before_an_edit_is_overcome_at_once() {
    let mut world = World::new(customer("fabrikam"));
    world.come_to_rest();
    world
        .platform
        .change_by_hand(&json!({"profile": {"notes": "by hand"}}));
    world.edit(&json!({"profile": {"phone": "1"}}));
    assert_eq!(world.pass(), End::Settled(Verdict::InSync));
    let (_, document) = &world.platform.documents()[0];
    assert_eq!(
        document["profile"],
        json!({"phone": "1", "notes": "by hand"})
    );
}

// F19
#[test]
fn what_is_removed_at_the_console_is_reported_and_not_made_anew() {
    let mut world = World::new(customer("fabrikam"));
    world.come_to_rest();
    world.platform.remove_by_hand();
    let End::Settled(Verdict::Stalled(reason, _)) = world.come_to_rest() else {
        panic!("not reported");
    };
    assert_eq!(reason.as_str(), "VanishedOnPlatform");
}

//! Random histories: edits, faults, stale and empty sweeps, restarts, hands at the console, in any order.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    MARKED,
    world::{End, Fault, World},
};
use crate::{
    api::{Kind, conditions::Reason},
    estate::{Creation, Settings, differences},
    planner::{Verdict, desired, tests::fixtures::customer},
};

/// Something that happens.
#[derive(Debug, Clone)]
enum Event {
    Edit(Value),
    /// A pass in which the n-th request from now goes wrong, or none.
    Pass(Option<(usize, Fault)>),
    Sweep,
    BeginSweep,
    FinishSweep,
    EmptySweep,
    Restart,
    /// A person changes the object at the platform.
    Console(Value),
    /// A person removes it there.
    Vanish,
    /// `kubectl replace`: our annotation is lost.
    Replace,
}

fn spec_patch() -> impl Strategy<Value = Value> {
    let phone = || prop_oneof![Just(json!("")), "[0-9]{1,3}".prop_map(|text| json!(text))];
    prop_oneof![
        phone().prop_map(|phone| json!({"profile": {"phone": phone}})),
        phone().prop_map(|fax| json!({"profile": {"fax": fax, "email": "Ops@Fabrikam.example"}})),
        (1..4u32).prop_map(|size| json!({"limits": {"storage": format!("{size}Gi")}})),
        any::<bool>().prop_map(|active| json!({"active": active})),
        Just(json!({"active": null, "limits": null})),
        (0..3usize).prop_map(|count| {
            let contact = |number| json!({"email": format!("C{number}@fabrikam.example")});
            json!({"contacts": (0..count).map(contact).collect::<Vec<_>>()})
        }),
        prop_oneof![
            Just("Manage"),
            Just("Manage"),
            Just("Observe"),
            Just("Paused")
        ]
        .prop_map(|management| json!({"management": management})),
        prop_oneof![Just("Fabrikam GmbH"), Just("Fabrikam AG")]
            .prop_map(|name| json!({"displayName": name})),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let fault = (0..8usize, prop::sample::select(Fault::ALL.to_vec()));
    prop_oneof![
        6 => prop::option::of(fault).prop_map(Event::Pass),
        3 => spec_patch().prop_map(Event::Edit),
        2 => Just(Event::Sweep),
        2 => Just(Event::BeginSweep),
        2 => Just(Event::FinishSweep),
        1 => Just(Event::EmptySweep),
        1 => Just(Event::Restart),
        1 => spec_patch_at_console().prop_map(Event::Console),
        1 => Just(Event::Replace),
    ]
}

fn spec_patch_at_console() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"profile": {"phone": "by hand"}})),
        Just(json!({"active": false})),
        Just(json!({"profile": {"notes": "by hand"}})),
        Just(json!({"contacts": null})),
    ]
}

fn happen(world: &mut World, event: &Event) {
    match event {
        Event::Edit(patch) => world.edit(patch),
        Event::Pass(fault) => {
            world.fault = fault.map(|(ahead, fault)| (world.requests + ahead, fault));
            world.pass();
        }
        Event::Sweep => world.whole_sweep(),
        Event::BeginSweep => world.begin_sweep(),
        Event::FinishSweep => world.finish_sweep(),
        Event::EmptySweep => world.empty_sweep(),
        Event::Restart => world.restart(),
        Event::Console(patch) => world.platform.change_by_hand(patch),
        Event::Vanish => world.platform.remove_by_hand(),
        Event::Replace => {
            world.scene.declared.annotated = None;
            world.scene.declared.marks.external_id = None;
        }
    }
}

/// A world with a bystander that must stay as it is.
fn world(policy: &str, creation: Creation) -> World {
    let mut scene = customer("fabrikam").with(json!({"deletionPolicy": policy}));
    scene.facts.capabilities.creation = creation.everywhere();
    let mut world = World::new(scene);
    world.platform.add_by_hand(Kind::Customer, bystander());
    world
}

fn bystander() -> Value {
    json!({"name": "Bystander", "profile": {"phone": "0"}})
}

fn bystander_is_untouched(world: &World) -> bool {
    world.platform.documents()[0].1 == bystander()
}

/// Whether the platform holds what the spec says.
fn in_agreement(world: &World) -> bool {
    let wanted = desired::desired(&world.scene.view(), &world.scene.facts).expect("a good spec");
    let claim = world.claim();
    let object = world.platform.find(Kind::Customer, &claim);
    let held = object
        .into_iter()
        .next()
        .map_or_else(Settings::default, |object| object.settings);
    differences(Kind::Customer, &wanted, &held).is_empty()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    // I1, I2, I3, I4, I7, F1-F3, F6, F14, F31
    #[test]
    fn any_history_ends_in_agreement_and_then_in_silence(
        events in prop::collection::vec(event(), 1..40),
        creation in prop::sample::select(MARKED.to_vec()),
    ) {
        let mut world = world("Delete", creation);
        for event in &events {
            happen(&mut world, event);
        }
        world.edit(&json!({"management": "Manage"}));
        prop_assert_eq!(world.come_to_rest(), End::Settled(Verdict::InSync));
        prop_assert!(in_agreement(&world));
        prop_assert!(bystander_is_untouched(&world));
        prop_assert_eq!(world.platform.documents().len(), 2);
    }

    // I2, I3, I7
    #[test]
    fn any_history_that_ends_with_a_deletion_leaves_what_the_policy_says(
        before in prop::collection::vec(event(), 1..25),
        after in prop::collection::vec(event(), 0..15),
        deletes in any::<bool>(),
        creation in prop::sample::select(MARKED.to_vec()),
    ) {
        let mut world = world(if deletes { "Delete" } else { "Retain" }, creation);
        for event in &before {
            happen(&mut world, event);
        }
        world.edit(&json!({"management": "Manage"}));
        world.delete();
        for event in &after {
            happen(&mut world, event);
        }
        prop_assert_eq!(world.come_to_rest(), End::Released);
        world.wait_for_late();
        let made = world.platform.log.iter().any(|mutation| mutation.what == "Create");
        prop_assert!(bystander_is_untouched(&world));
        let left = world.platform.documents().len() == 2;
        prop_assert_eq!(left, made && !deletes);
    }

    // F19, I1
    #[test]
    fn what_vanished_is_never_made_anew_unasked(
        before in prop::collection::vec(event(), 1..20),
        after in prop::collection::vec(event(), 0..20),
        creation in prop::sample::select(MARKED.to_vec()),
    ) {
        let mut world = world("Retain", creation);
        for event in &before {
            happen(&mut world, event);
        }
        world.edit(&json!({"management": "Manage"}));
        world.come_to_rest();
        happen(&mut world, &Event::Vanish);
        for event in &after {
            happen(&mut world, event);
        }
        world.edit(&json!({"management": "Manage"}));
        let end = world.come_to_rest();
        prop_assert!(
            matches!(end, End::Settled(Verdict::Stalled(Reason::VanishedOnPlatform, _))),
            "{end:?}"
        );
        prop_assert_eq!(world.platform.documents().len(), 1);
    }
}

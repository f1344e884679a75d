//! Random histories: resellers, customers and tenants come, change, go and come again with their children staying; operators
//! restart; what is granted is carried out at once or later, on two platforms of one account.

use std::collections::HashMap;

use proptest::prelude::*;

use super::{
    below, licensed, reseller,
    roll::Share,
    world::{LICENCES, SCOPES, World},
};
use crate::{
    api::{Customer, Reseller},
    survey::resource_ref,
};

const RESELLERS: [&str; 2] = ["northwind", "tailspin"];
const CUSTOMERS: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Debug, Clone)]
enum Event {
    Allot(usize, usize, u64),
    /// Below a reseller, or directly on the platform.
    Declare(usize, usize, Option<usize>, u64),
    CarryOutReseller(usize, usize),
    CarryOut(usize, usize),
    /// The pass comes, and what it is granted is carried out later.
    Look(usize, usize),
    LeaveReseller(usize, usize),
    Leave(usize, usize),
    /// A person at the console removes what no resource stands for.
    CleanUp,
    Sweep(usize),
    /// Two lists in succession leave out every n-th object.
    Hide(usize, usize),
    Restart,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let scope = || 0..SCOPES.len();
    let (at, who) = (|| 0..RESELLERS.len(), || 0..CUSTOMERS.len());
    let event = prop_oneof![
        2 => (scope(), at(), 5..30_u64).prop_map(|(scope, at, amount)| Event::Allot(scope, at, amount)),
        2 => (scope(), at()).prop_map(|(scope, at)| Event::CarryOutReseller(scope, at)),
        5 => (scope(), who(), prop::option::weighted(0.7, at()), 1..15_u64)
            .prop_map(|(scope, who, below, amount)| Event::Declare(scope, who, below, amount)),
        6 => (scope(), who()).prop_map(|(scope, who)| Event::CarryOut(scope, who)),
        3 => (scope(), who()).prop_map(|(scope, who)| Event::Look(scope, who)),
        1 => (scope(), at()).prop_map(|(scope, at)| Event::LeaveReseller(scope, at)),
        1 => (scope(), who()).prop_map(|(scope, who)| Event::Leave(scope, who)),
        1 => Just(Event::CleanUp),
        2 => scope().prop_map(Event::Sweep),
        1 => (scope(), 1..4_usize).prop_map(|(scope, every)| Event::Hide(scope, every)),
        1 => Just(Event::Restart),
    ];
    prop::collection::vec(event, 1..120)
}

/// Removes every object that no resource manages, and everything below it.
fn clean_up(world: &mut World) {
    let index = world.scopes[0].survey.index.clone();
    let left: Vec<_> = world
        .objects
        .values()
        .filter(|object| index.holder("9f", object).is_none())
        .map(|object| object.id.clone())
        .collect();
    for id in left {
        let has_children = world
            .objects
            .values()
            .any(|object| object.parent().as_ref() == Some(&id));
        if !has_children {
            world.objects.remove(&id);
        }
    }
    world.sweep(0);
    world.sweep(1);
}

/// What is granted by one list excuses nothing that the next one shows: each is judged alone.
fn in_steps(event: &Event) -> Vec<Event> {
    let before = match event {
        Event::Hide(scope, _) => Some(Event::Sweep(*scope)),
        _ => None,
    };
    before.into_iter().chain([event.clone()]).collect()
}

fn happen(world: &mut World, event: &Event) {
    match *event {
        Event::Allot(scope, at, amount) => {
            world.declare::<Reseller>(scope, RESELLERS[at], &reseller(amount));
            world.look::<Reseller>(scope, RESELLERS[at]);
        }
        Event::Declare(scope, who, Some(at), amount) => {
            world.declare::<Customer>(scope, CUSTOMERS[who], &below(RESELLERS[at], amount));
        }
        Event::Declare(scope, who, None, amount) => {
            world.declare::<Customer>(scope, CUSTOMERS[who], &licensed(amount));
        }
        Event::CarryOutReseller(scope, at) => {
            world.carry_out::<Reseller>(scope, RESELLERS[at]);
        }
        Event::CarryOut(scope, who) => {
            world.carry_out::<Customer>(scope, CUSTOMERS[who]);
        }
        Event::Look(scope, who) => {
            world.look::<Customer>(scope, CUSTOMERS[who]);
        }
        Event::LeaveReseller(scope, at) => {
            world.remove::<Reseller>(scope, RESELLERS[at]);
        }
        Event::Leave(scope, who) => {
            world.remove::<Customer>(scope, CUSTOMERS[who]);
        }
        Event::CleanUp => clean_up(world),
        Event::Sweep(scope) => {
            world.sweep(scope);
        }
        Event::Hide(scope, every) => {
            let hidden = world.objects.keys().step_by(every);
            world.hidden = hidden.cloned().collect();
            world.sweep(scope);
            world.sweep(scope);
            world.hidden.clear();
        }
        Event::Restart => world.restart(),
    }
}

/// What is held of the account's licences, and of each reseller's storage on the platform, with what there is.
fn shares(world: &World) -> Vec<(String, u64, u64)> {
    let mut shares = vec![("licences".to_owned(), world.held(None), LICENCES)];
    for scope in 0..SCOPES.len() {
        for (reseller, id) in world.resellers(scope) {
            let holds = world
                .objects
                .get(&id)
                .and_then(|object| object.settings.whole("allotment.storage"));
            let name = resource_ref(&*reseller).to_string();
            shares.push((name, world.held(Some(&id)), holds.unwrap_or(u64::MAX)));
        }
    }
    shares
}

/// Every pass once, and both sweeps: the ledger has heard everything.
fn settle(world: &mut World) {
    for _ in 0..2 {
        for scope in 0..SCOPES.len() {
            for name in RESELLERS {
                world.read::<Reseller>(scope, name);
                world.look::<Reseller>(scope, name);
            }
            for name in CUSTOMERS {
                world.read::<Customer>(scope, name);
                world.look::<Customer>(scope, name);
            }
        }
        for scope in 0..SCOPES.len() {
            world.sweep(scope);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    // R-N6, R-V20, R-V7: never is more held than there is, nor granted unless what is held alone is more; and whatever has
    // happened, the ledger knows the same as one that is opened from the same caches.
    #[test]
    fn no_history_overcommits_and_the_ledger_is_that_of_a_fresh_start(history in events()) {
        let mut world = World::new();
        let mut before = HashMap::new();
        for event in history.iter().flat_map(in_steps) {
            happen(&mut world, &event);
            for (pool, held, allotted) in shares(&world) {
                prop_assert!(held <= allotted, "{event:?}: {pool} has {allotted}, and {held} of it are held");
            }
            let now = world.roll().shares();
            for (pool, share) in &now {
                // Less may be allotted than was, and an object may turn out to hold something: then nobody is granted more.
                let taken: u64 = share.claims.values().map(|(_, taken)| taken).sum();
                if share.allotted.is_none_or(|allotted| taken <= allotted) {
                    continue;
                }
                for (who, (held, taken)) in &share.claims {
                    let (_, had) = before.get(pool).and_then(|share: &Share| share.claims.get(who)).copied().unwrap_or_default();
                    prop_assert!(taken <= held.max(&had), "{event:?}: {who} had {had} and holds {held}, and has {taken} of {pool} now: {share:?}");
                }
            }
            before = now;
        }
        settle(&mut world);
        let live = world.roll().members();
        world.restart();
        settle(&mut world);
        prop_assert_eq!(live, world.roll().members());
    }
}

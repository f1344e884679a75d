//! The ledger over random histories of two resellers: customers are created, grow, shrink, move between them and are deleted,
//! while the allotments of the resellers shrink and grow. A model platform carries out what was granted, and later than that.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Amounts, Ledger, Membership, Rank, allotment};

const RESELLERS: [&str; 2] = ["northwind", "tailspin"];
const CUSTOMERS: u8 = 12;

fn storage(amount: u64) -> Amounts {
    [Some(amount), None, None, None]
}

/// What a customer has, or wants: an amount of a reseller's.
type Place = (usize, u64);

/// As the operator states it: a customer that moves claims the new place, and holds the old one until the platform has carried
/// it out.
fn memberships(held: Option<Place>, wanted: Place) -> Vec<Membership<&'static str>> {
    let member = |reseller: usize, held, wanted| Membership {
        pool: RESELLERS[reseller],
        held: storage(held),
        wanted: storage(wanted),
        perhaps: [None; 4],
    };
    match held {
        Some((reseller, has)) if reseller == wanted.0 => vec![member(reseller, has, wanted.1)],
        Some((reseller, has)) => vec![member(reseller, has, 0), member(wanted.0, 0, wanted.1)],
        None => vec![member(wanted.0, 0, wanted.1)],
    }
}

fn rank(customer: u8) -> Rank {
    Rank {
        created: jiff::Timestamp::from_second(i64::from(customer)).expect("an instant"),
        name: format!("c{customer}"),
    }
}

#[derive(Debug, Clone)]
enum Event {
    /// A spec says how much of which reseller; with another reseller than before it is a move.
    Declare(u8, Place),
    /// The platform carries out what a customer was granted.
    CarryOut(u8),
    Leave(u8),
    /// The spec of a reseller says how much there is.
    Allot(usize, u64),
    /// The platform carries that out, unless it is below what is granted.
    CarryOutAllotment(usize),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let customer = || 0..CUSTOMERS;
    let event = prop_oneof![
        5 => (customer(), 0..2usize, 0..60u64).prop_map(|(who, at, amount)| Event::Declare(who, (at, amount))),
        4 => customer().prop_map(Event::CarryOut),
        1 => customer().prop_map(Event::Leave),
        1 => (0..2usize, 20..200u64).prop_map(|(at, amount)| Event::Allot(at, amount)),
        1 => (0..2usize).prop_map(Event::CarryOutAllotment),
    ];
    prop::collection::vec(event, 1..160)
}

/// The ledger, and the platform that it speaks of.
struct World {
    ledger: Ledger<&'static str, u8>,
    specs: BTreeMap<u8, Place>,
    granted: BTreeMap<u8, Place>,
    held: BTreeMap<u8, Place>,
    allotted: [u64; 2],
    has: [u64; 2],
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            ledger: Ledger::default(),
            specs: BTreeMap::new(),
            granted: BTreeMap::new(),
            held: BTreeMap::new(),
            allotted: [100, 60],
            has: [100, 60],
        };
        world.tell(0);
        world.tell(1);
        world
    }

    /// What a reseller can give: the smaller of what its spec says and what the platform holds for it.
    fn gives(&self, at: usize) -> u64 {
        let (spec, held) = (storage(self.allotted[at]), storage(self.has[at]));
        allotment(&spec, Some(&held))[0].expect("a limit")
    }

    fn tell(&mut self, at: usize) {
        let gives = storage(self.gives(at));
        let promoted = self.ledger.allot(&RESELLERS[at], gives);
        self.note(promoted);
    }

    fn note(&mut self, promoted: Vec<u8>) {
        for who in promoted {
            self.granted.insert(who, self.specs[&who]);
        }
    }

    /// States what a customer holds and wants; whether it is granted.
    fn declare(&mut self, who: u8) -> bool {
        let wanted = self.specs[&who];
        let claims = memberships(self.held.get(&who).copied(), wanted);
        let outcome = self.ledger.declare(&who, &rank(who), &claims, true);
        self.note(outcome.promoted);
        let fits = outcome.shortages.is_empty();
        if fits {
            self.granted.insert(who, wanted);
        } else {
            self.granted.remove(&who);
        }
        fits
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Declare(who, wanted) => {
                self.specs.insert(who, wanted);
                self.declare(who);
            }
            Event::CarryOut(who) => {
                if self.specs.contains_key(&who) && self.declare(who) {
                    self.held.insert(who, self.specs[&who]);
                    self.declare(who);
                }
            }
            Event::Leave(who) => {
                self.specs.remove(&who);
                self.granted.remove(&who);
                self.held.remove(&who);
                let promoted = self.ledger.leave(&who);
                self.note(promoted);
            }
            Event::Allot(at, amount) => {
                self.allotted[at] = amount;
                self.tell(at);
            }
            Event::CarryOutAllotment(at) => {
                if self.allotted[at] >= self.ledger.taken(&RESELLERS[at])[0] {
                    self.has[at] = self.allotted[at];
                    self.tell(at);
                }
            }
        }
    }

    fn on_platform(&self, at: usize) -> u64 {
        let held = self.held.values().filter(|held| held.0 == at);
        held.map(|held| held.1).sum()
    }

    /// What is left of a reseller for a customer that doesn't hold it yet.
    fn free(&self, at: usize) -> u64 {
        let taken = self.ledger.taken(&RESELLERS[at])[0];
        self.gives(at).saturating_sub(taken)
    }
}

proptest! {
    // R-N6, R-V20, R-S4: whatever happens, customers of a reseller never hold more than it has at that moment, no customer
    // that fits is left waiting, and no customer loses what was granted.
    #[test]
    fn no_history_overcommits_or_starves(history in events()) {
        let mut world = World::new();
        for event in &history {
            world.happen(event);
            for (at, name) in RESELLERS.iter().enumerate() {
                let (held, has) = (world.on_platform(at), world.has[at]);
                prop_assert!(held <= has, "{name} has {has}, and its customers hold {held}");
                prop_assert!(world.ledger.taken(name)[0] >= held);
            }
            for (who, wanted) in world.specs.clone() {
                let before = world.granted.get(&who).copied();
                let fits = world.declare(who);
                prop_assert!(fits || before != Some(wanted), "{who} lost what it was granted");
                let has = world.held.get(&who).filter(|held| held.0 == wanted.0);
                let more = wanted.1.saturating_sub(has.map_or(0, |held| held.1));
                prop_assert!(fits || more > world.free(wanted.0), "{who} waits, and there is room for it");
            }
        }
    }

    // R-N6, R-S4: after a restart all claimants are in line before the first is served, so the order of arrival changes
    // nothing.
    #[test]
    fn the_order_of_arrival_changes_nothing(
        customers in prop::collection::vec((prop::option::of((0..2usize, 0..20u64)), (0..2usize, 0..40u64)), 1..15),
        shift in 0..15usize,
    ) {
        let line: Vec<(u8, (Option<Place>, Place))> = (0u8..).zip(customers).collect();
        let serve = |order: &[(u8, (Option<Place>, Place))]| {
            let mut ledger = Ledger::default();
            for reseller in RESELLERS {
                ledger.allot(&reseller, storage(100));
            }
            for (who, (held, wanted)) in order {
                ledger.enrol(who, &rank(*who), &memberships(*held, *wanted));
            }
            ledger.serve_all();
            let declared = order.iter().map(|(who, (held, wanted))| {
                let claims = memberships(*held, *wanted);
                let outcome = ledger.declare(who, &rank(*who), &claims, true);
                (*who, outcome.shortages.is_empty())
            });
            declared.collect::<BTreeMap<u8, bool>>()
        };
        let mut turned = line.clone();
        turned.rotate_left(shift % line.len());
        turned.reverse();
        prop_assert_eq!(serve(&line), serve(&turned));
    }
}

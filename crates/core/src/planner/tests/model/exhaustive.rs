//! Every way in which faults may fall on one walk: each request goes well, or goes wrong in one of the ways of going wrong, until the
//! walk has had as many faults as it may. From where another way has led before, it isn't walked on again.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;

use super::{
    CREATIONS, end_of, walk as calm_walk,
    walk::{Variant, Walk},
    world::Fault,
};
use crate::estate::ObjectId;

/// Faults of one walk in `make test`; FAULTS asks for more.
const FAULTS: usize = 2;

/// A walk as far as it has come, and what has gone wrong on it: at which request, and how.
#[derive(Clone)]
struct Path {
    walk: Walk,
    faults: Vec<(usize, Fault)>,
}

impl Path {
    /// The ways in which the next request may go.
    fn ways(&self, most: usize) -> Vec<Option<Fault>> {
        let mut ways = vec![None];
        if self.faults.len() < most {
            ways.extend(Fault::ALL.map(Some));
        }
        ways
    }

    /// One request further, and whether anything is left to do then.
    fn further(&self, way: Option<Fault>) -> (Self, bool) {
        let mut path = self.clone();
        let fault = way.map(|fault| (path.walk.world.requests, fault));
        path.faults.extend(fault);
        path.walk.world.fault = fault;
        let goes_on = path.walk.turn();
        (path, goes_on)
    }
}

/// What was passed through.
#[derive(Default)]
struct Count {
    /// Each with the number of faults so far.
    states: HashSet<(usize, u64)>,
    requests: usize,
    ends: usize,
}

/// Walks in every way with so many faults at most.
fn search(policy: &str, variant: Variant, most: usize) -> Count {
    let expected = end_of(&calm_walk(policy, None, variant));
    let mut count = Count::default();
    let mut open = vec![Path {
        walk: Walk::of(policy, variant),
        faults: Vec::new(),
    }];
    while let Some(path) = open.pop() {
        for way in path.ways(most) {
            count.requests += 1;
            let walked = catch_unwind(AssertUnwindSafe(|| step(&path, way, &expected)));
            let Ok(further) = walked else {
                panic!("{policy}, {variant:?}: {:?}, then {way:?}", path.faults);
            };
            let Some(mut further) = further else {
                count.ends += 1;
                continue;
            };
            let state = (further.faults.len(), further.walk.hash());
            if count.states.insert(state) {
                open.push(further);
            }
        }
    }
    count
}

/// One request further; `None` when the walk is over, and ended as it should.
fn step(path: &Path, way: Option<Fault>, expected: &[(ObjectId, Value)]) -> Option<Path> {
    let (further, goes_on) = path.further(way);
    if goes_on {
        return Some(further);
    }
    assert_eq!(end_of(&further.walk.world), expected);
    None
}

/// Where it is walked: everywhere, or only where most can go wrong. What may go wrong under Retain may go wrong under Delete.
fn grounds(everywhere: bool) -> Vec<(&'static str, Variant)> {
    let mut grounds = Vec::new();
    for creation in CREATIONS {
        for (policy, empty_lists) in [
            ("Delete", false),
            ("Delete", true),
            ("Retain", false),
            ("Retain", true),
        ] {
            if everywhere || (policy, empty_lists) == ("Delete", false) {
                let variant = Variant {
                    empty_lists,
                    creation,
                };
                grounds.push((policy, variant));
            }
        }
    }
    grounds
}

// F1, F2, F3, F4, F14, I1, I2, I3, I7
#[test]
fn faults_wherever_they_fall_change_nothing_about_the_outcome() {
    let asked = std::env::var("FAULTS").ok();
    let grounds = grounds(asked.is_some());
    let most = asked.map_or(FAULTS, |asked| asked.parse().expect("a number"));
    let (next, states) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((policy, variant)) =
                    grounds.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let count = search(policy, *variant, most);
                    let (seen, requests, ends) = (count.states.len(), count.requests, count.ends);
                    println!(
                        "{policy}, {variant:?}: {seen} states, {requests} requests, {ends} ends"
                    );
                    states.fetch_add(seen, Ordering::Relaxed);
                }
            });
        }
    });
    println!("{} states with {most} faults at most", states.into_inner());
}

//! Several faults in one walk: whatever goes wrong first, something else goes wrong soon afterwards.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::estate::Creation;

use super::{CREATIONS, Variant, end_of, go, start, walk, world::Fault};

/// Whether a creation is carried out a minute late, and the process that knows of it ends before it has said so anywhere. Where
/// objects carry our claim nothing is noted before a creation, so that a deletion within that minute can't wait for it.
fn is_unknown_to_all(creation: Creation, first: Fault, second: Fault) -> bool {
    creation.is_repeatable()
        && first == Fault::Late
        && matches!(second, Fault::CrashBefore | Fault::CrashAfter)
}

/// How many requests later the next fault strikes at most, in `make test`; WINDOW asks for more.
const WINDOW: usize = 1;
/// How many faults a walk has; FAULTS asks for more.
const FAULTS: usize = 2;

fn number(name: &str) -> Option<usize> {
    let asked = std::env::var(name).ok()?;
    Some(asked.parse().expect("a number"))
}

// F1, F2, F3, F4, I1, I2, I3, I7
#[test]
fn two_faults_soon_after_each_other_change_nothing_about_the_outcome() {
    let (window, faults) = (number("WINDOW"), number("FAULTS"));
    let counts = window.is_some() || faults.is_some();
    let (window, faults) = (window.unwrap_or(WINDOW), faults.unwrap_or(FAULTS));
    // Everything that may go wrong under Retain may go wrong under Delete.
    let policies: &[&str] = if counts {
        &["Delete", "Retain"]
    } else {
        &["Delete"]
    };
    let walks: Vec<_> = CREATIONS
        .iter()
        .flat_map(|creation| policies.iter().map(|policy| (*creation, *policy)))
        .collect();
    let (next, counted) = (AtomicUsize::new(0), Mutex::new((HashSet::new(), 0)));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((creation, policy)) = walks.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let variant = Variant {
                        empty_lists: false,
                        creation: *creation,
                    };
                    let (states, walked) = every_row(policy, variant, window, faults, counts);
                    let mut counted = counted.lock().expect("no walk has failed");
                    counted.0.extend(states);
                    counted.1 += walked;
                }
            });
        }
    });
    let (states, walked) = counted.into_inner().expect("no walk has failed");
    // States are counted where a window is asked for: it takes long.
    println!("{} states in {walked} walks", states.len());
}

/// All rows of so many further faults, each at most so many requests after the one before; the last first.
fn rows(
    first: Fault,
    creation: Creation,
    window: usize,
    further: usize,
) -> Vec<Vec<(usize, Fault)>> {
    if further == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for later in 0..window {
        for fault in Fault::ALL {
            if is_unknown_to_all(creation, first, fault) {
                continue;
            }
            for mut row in rows(fault, creation, window, further - 1) {
                row.push((later, fault));
                all.push(row);
            }
        }
    }
    all
}

fn every_row(
    policy: &str,
    variant: Variant,
    window: usize,
    faults: usize,
    counts: bool,
) -> (HashSet<u64>, usize) {
    let calm = walk(policy, None, variant);
    let expected = end_of(&calm);
    let (mut states, mut walked) = (HashSet::new(), 0);
    for at in 0..calm.requests {
        for first in Fault::ALL {
            for row in rows(first, variant.creation, window, faults - 1) {
                let said = format!("{policy}, {variant:?}: {first:?} at {at}, then {row:?}");
                let mut world = start(policy, variant.creation);
                world.fault = Some((at, first));
                world.more_faults = row;
                world.states = counts.then(|| std::mem::take(&mut states));
                let walking = AssertUnwindSafe(|| go(&mut world, variant.empty_lists));
                assert!(catch_unwind(walking).is_ok(), "{said}");
                assert_eq!(end_of(&world), expected, "{said}");
                states = world.states.take().unwrap_or_default();
                walked += 1;
            }
        }
    }
    (states, walked)
}

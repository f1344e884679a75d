//! The whole operator in one process: its real controllers, watches, sweeps and Leases against an API server and an adversarial
//! platform in memory, under a clock that stands still between events, from a seed.
//!
//! `FIRST=1 SEEDS=1000 cargo test --test simulation -- --nocapture` plays others, and `make soak` many; `SHRINK=1` leaves out of a failing story what
//! it doesn't need, `TRACE=1` prints each act and request. A seed decides the story and the faults; the order in which the operator's own
//! maps are walked isn't part of it, so a failing seed may have to be played a few times.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

mod acts;
mod answers;
mod cast;
mod chance;
mod cluster;
mod compared;
mod driver;
mod faults;
mod grants;
mod judge;
mod kept;
mod matrix;
mod platform;
mod processes;
mod rest;
mod store;
mod story;
mod world;

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use story::Story;

/// As the operator itself has it: a quarter of what a story computes was the other one's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Stories in `make test`.
const SEEDS: u64 = 150;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// Plays one story on a clock of its own.
fn play(story: &Story) -> Result<world::Summary, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(world::play(story))
}

/// Leaves out what isn't needed for the failure.
fn shrunk(story: &Story) -> Story {
    let mut story = story.clone();
    let mut index = 0;
    while index < story.acts.len() {
        let mut without = story.clone();
        without.acts.remove(index);
        if play(&without).is_err() {
            story = without;
        } else {
            index += 1;
        }
    }
    story
}

// I1, I2, I3, I4, I7, F1, F2, F4, F5, F9, F10, F12, F14, F20
#[test]
fn whatever_happens_the_operator_keeps_its_word() {
    let (first, seeds) = (number("FIRST", 1), number("SEEDS", SEEDS));
    let next = AtomicU64::new(first);
    let failed: Mutex<Vec<(u64, String)>> = Mutex::default();
    let (states, died) = (Mutex::new(BTreeSet::new()), AtomicUsize::new(0));
    let begun = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..number("JOBS", 2) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    match play(&Story::of(seed)) {
                        Ok(summary) => {
                            let world::Summary {
                                mutations,
                                requests,
                                writes,
                                states: seen,
                                died: ends,
                            } = summary;
                            states.lock().unwrap().extend(seen);
                            died.fetch_add(ends, Ordering::Relaxed);
                            println!(
                                "{seed}: {mutations} changes, {requests} requests, {writes} writes"
                            );
                        }
                        Err(broken) => {
                            println!(
                                "{seed}: broken: {}",
                                broken.chars().take(600).collect::<String>()
                            );
                            failed.lock().unwrap().push((seed, broken));
                        }
                    }
                }
            });
        }
    });
    println!(
        "{seeds} seeds from {first}, {} distinct states, {} deaths at a request, {} s",
        states.into_inner().unwrap().len(),
        died.into_inner(),
        begun.elapsed().as_secs()
    );
    let failed = failed.into_inner().unwrap();
    if let Some((seed, broken)) = failed.first() {
        let mut story = Story::of(*seed);
        if std::env::var_os("SHRINK").is_some() {
            story = shrunk(&story);
        }
        let seeds: Vec<String> = failed
            .iter()
            .map(|(seed, broken)| format!("{seed}: {broken}"))
            .collect();
        panic!(
            "{} of {} seeds:\n{}\n\nseed {seed}: {broken}\n{story:#?}",
            failed.len(),
            number("SEEDS", SEEDS),
            seeds.join("\n")
        );
    }
}

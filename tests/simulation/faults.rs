//! F6 and F10 by themselves: users and consoles act, and nothing but the API server goes wrong.

use std::time::Duration;

use crate::{
    platform::Texts,
    play,
    story::{Act, Story},
};

/// Stories in `make test`.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=8;

/// The story of a seed on a platform without faults, with these of the API server from the beginning to the end.
fn under(seed: u64, cluster: Act) -> Story {
    let mut story = Story::of(seed);
    story.operators = 1;
    story.nature.texts = Texts::AsSent;
    story.nature.ignores = None;
    story.nature.lists_lag = Duration::ZERO;
    story.acts.retain(|(_, act)| {
        matches!(
            act,
            Act::Apply { .. } | Act::Delete(_) | Act::ConsoleEdit(_) | Act::Sweep
        )
    });
    story.acts.insert(0, (Duration::ZERO, cluster));
    story
}

fn plays(cluster: &Act) {
    for seed in SEEDS {
        let story = under(seed, cluster.clone());
        if let Err(broken) = play(&story) {
            panic!("seed {seed}: {broken}\n{story:#?}");
        }
    }
}

// F6, I1, I2, I4: every watch lags by up to ten seconds, so that decisions are made on resources that have changed.
#[test]
fn f06_what_a_stale_cache_shows_is_never_written() {
    plays(&Act::Cluster {
        fails: 0,
        loses: 0,
        delay: Duration::from_secs(10),
    });
}

// F10, I1, I2, I4: four of ten requests fail, half of them after they were carried out.
#[test]
fn f10_an_api_server_that_fails_and_loses_answers_is_asked_again_without_a_loop() {
    plays(&Act::Cluster {
        fails: 200,
        loses: 200,
        delay: Duration::ZERO,
    });
}

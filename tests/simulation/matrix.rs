//! F1: an operator dies before and after every changing request of a story, to the API server and to the platform.

use std::time::Duration;

use crate::{
    number, play,
    processes::When,
    story::{Act, Story},
};

/// In `make test` some points of one story; `make soak` asks for all of several.
const STORIES: u64 = 1;
const STRIDE: u64 = 5;

/// The story of a seed with one operator, which is started again within three acts.
fn dying(seed: u64, requests: u64, when: When) -> Story {
    let mut story = Story::of(seed);
    story.operators = 1;
    let others = |act: &Act| !matches!(act, Act::Kill(_) | Act::KillAt { .. } | Act::Stop(_));
    story.acts.retain(|(_, act)| others(act));
    for at in (0..story.acts.len()).rev().step_by(3) {
        story
            .acts
            .insert(at, (Duration::from_secs(1), Act::Start(0)));
    }
    let dies = Act::KillAt {
        operator: 0,
        requests,
        when,
    };
    story.acts.insert(0, (Duration::ZERO, dies));
    story
}

#[test]
fn a_death_at_any_request_changes_nothing_about_the_promises() {
    let (first, stories) = (number("FIRST", 1), number("MATRIX", STORIES));
    let stride = if std::env::var_os("MATRIX").is_some() {
        1
    } else {
        usize::try_from(STRIDE).expect("small")
    };
    let mut deaths = 0;
    for seed in first..first + stories {
        for requests in (0..).step_by(stride) {
            let mut died = 0;
            for when in [When::Before, When::After] {
                let story = dying(seed, requests, when);
                match play(&story) {
                    Ok(summary) => died += summary.died,
                    Err(broken) => panic!("{when:?} request {requests}: {broken}\n{story:?}"),
                }
            }
            // The story has fewer requests than that.
            if died == 0 {
                break;
            }
            deaths += died;
        }
    }
    println!("{deaths} deaths in {stories} stories");
    assert!(deaths > 10, "the operator dies in these stories");
}

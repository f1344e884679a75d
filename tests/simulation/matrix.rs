//! F1: an operator dies before and after every changing request of a story, to the API server and to the platform.

use std::time::Duration;

use holdfast_core::estate::Creation;

use crate::{
    number,
    platform::{Nature, Texts, Unsaid},
    play,
    processes::When,
    story::{Act, Story},
};

/// In `make test` some points of one story; `make soak` asks for all of several.
const STORIES: u64 = 1;
const STRIDE: u64 = 5;

/// Every way in which objects are created, and all that a platform may do there without saying so.
fn natures(story: &Story) -> Vec<Nature> {
    let nature = |creation, names_unique, marks_new| Nature {
        creation,
        texts: Texts::AsSent,
        reuses_ids: false,
        unsaid: Unsaid {
            names_unique,
            marks_new,
        },
        ..story.nature.clone()
    };
    let said = [
        Creation::ByReference,
        Creation::AskFirst,
        Creation::UniqueName,
    ];
    let said = said.map(|creation| nature(creation, false, false));
    let unsaid = [(false, false), (false, true), (true, false), (true, true)];
    let unsaid = unsaid.map(|(unique, marks)| nature(Creation::ListAndMark, unique, marks));
    said.into_iter().chain(unsaid).collect()
}

/// The story of a seed on such a platform with one operator, which is started again within three acts.
fn dying(seed: u64, nature: &Nature, requests: u64, when: When) -> Story {
    let mut story = Story::of(seed);
    (story.operators, story.nature) = (1, nature.clone());
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
    for seed in first..first + stories {
        for nature in natures(&Story::of(seed)) {
            let deaths = deaths(seed, &nature, stride);
            println!(
                "{seed}, {:?}, {:?}: {deaths} deaths",
                nature.creation, nature.unsaid
            );
            assert!(deaths > 10, "the operator dies in this story");
        }
    }
}

/// Plays a story once for each death that there can be in it.
fn deaths(seed: u64, nature: &Nature, stride: usize) -> usize {
    let mut deaths = 0;
    for requests in (0..).step_by(stride) {
        let mut died = 0;
        for when in [When::Before, When::After] {
            let story = dying(seed, nature, requests, when);
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
    deaths
}

//! Answers of which half are broken, by a seed: the driver says so, or reads what is there.

use holdfast_testkit::{mutate::Chance, tap::Tap};

use crate::{
    asking::{ask_everything, assert_fit_to_be_said},
    stage::{Stage, bridge_at},
};

/// Seeds in `make test`; SEEDS asks for more.
const SEEDS: u64 = 150;

// F13, F24: nothing that a platform can send stops the process or reaches a person unreadable.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_a_bridge_stops_anything() {
    let stage = Stage::set().await;
    let objects = stage.furnish().await;
    let access = stage.host.estate("backup", "msp").await.unwrap();
    let tap = Tap::before(&access.url).await;
    let seeds = std::env::var("SEEDS").map_or(SEEDS, |text| text.parse().unwrap());
    for seed in 0..seeds {
        tap.garble(seed);
        // Each time a driver that knows nothing, so that no breaker is open.
        let bridge = bridge_at(&tap.url, &access.token);
        let ids = objects
            .each_ref()
            .map(|object| (object.kind, object.id.clone()));
        let errors = ask_everything(bridge, ids.to_vec(), Chance::new(seed)).await;
        assert_fit_to_be_said(seed, &errors);
    }
}

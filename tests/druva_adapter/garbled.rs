//! Answers of which half are broken, by a seed: the driver says so, or reads what is there.

use holdfast_api::Kind;
use holdfast_core::estate::ObjectId;
use holdfast_testkit::{mutate::Chance, tap::Tap};

use crate::{
    asking::{ask_everything, assert_fit_to_be_said},
    dialect::{Stage, adapter_at},
};

/// Seeds in `make test`; SEEDS asks for more.
const SEEDS: u64 = 150;

// F13, F24: nothing that the vendor's service can send stops the process or reaches a person unreadable.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_the_dialect_stops_anything() {
    let stage = Stage::set().await;
    let contoso = stage.customer("Contoso").await;
    let tap = Tap::before(&stage.platform.url()).await;
    let seeds = std::env::var("SEEDS").map_or(SEEDS, |text| text.parse().unwrap());
    let others = [Kind::Tenant, Kind::ServicePlan].map(|kind| (kind, ObjectId::new("1")));
    let objects = [&[(Kind::Customer, contoso.id.clone())], &others[..]].concat();
    for seed in 0..seeds {
        tap.garble(seed);
        let druva = adapter_at(&stage.platform, &tap.url.parse().unwrap());
        let errors = ask_everything(druva, objects.clone(), Chance::new(seed)).await;
        assert_fit_to_be_said(seed, &errors);
    }
}

//! The catalogue of faults, class by class, through the whole operator, with the platform as a process of its own. After each:
//! at most one object a claim (I1), nothing that nobody asked for (I2), nothing deleted (I3), and silence in the end (I4).
//! `docs/reliability.md` lists them all.

use crate::HOLDFAST;
use holdfast_testkit::{
    bridge::Bridge,
    operator::{Stage, customer},
};
use serde_json::Value;

mod accounts;
mod answers;
mod cluster;
mod console;
mod creation;
mod process;

/// An operator with one platform, on which customer `bystander` is Ready.
async fn stage_with_platform(prefix: &str) -> (Stage, Bridge) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    stage.apply(&[bridge.manifest(), customer("bystander", "msp", "")].join("---\n"));
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    (stage, bridge)
}

async fn phone(bridge: &Bridge, name: &str) -> Value {
    bridge
        .console
        .named("customers", &format!("Customer {name}"))
        .await["profile"]["phone"]
        .clone()
}

/// Id of the remote object of `bystander`.
fn bystander(stage: &Stage) -> String {
    let object = stage.get("customer/bystander");
    let id = object["status"]["externalId"].as_str();
    id.unwrap_or_default().to_owned()
}

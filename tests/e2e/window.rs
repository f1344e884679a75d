//! A quota that begins and ends by the clock.

use crate::HOLDFAST;
use std::time::Duration;

use holdfast_testkit::{
    bridge::Bridge,
    operator::{Stage, customer, eventually},
    resources::{declared, merge},
};
use jiff::Timestamp;
use serde_json::{Value, json};

const TENANT: &str = "tenant/fabrikam-hybrid";

fn quota(stage: &Stage) -> Value {
    stage.get(TENANT)["status"]["quota"].clone()
}

// R-D33
#[tokio::test(flavor = "multi_thread")]
async fn a_quota_begins_and_ends_at_its_instant_without_one_request() {
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let stage = Stage::start(HOLDFAST, "window").await;
    let rarely = bridge
        .manifest()
        .replace("sweepInterval: 60s", "sweepInterval: 1h, usageInterval: 1h");
    let plan = declared(
        "ServicePlan",
        "gold",
        "platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]",
    );
    let tenant = declared(
        "Tenant",
        "fabrikam-hybrid",
        "customerRef: {name: fabrikam}, servicePlanRef: {name: gold}, product: HybridWorkloads",
    );
    stage.apply(&[rarely, customer("fabrikam", "msp", ""), plan, tenant].join("---\n"));
    stage.await_ready(&[TENANT]).await;
    eventually("creations have brought the reports forward", || async {
        bridge.requests("GET /v1/usage").await >= 2
    })
    .await;

    let now = Timestamp::from_second(Timestamp::now().as_second()).expect("an instant");
    let (begins, ends) = (now + Duration::from_secs(12), now + Duration::from_secs(16));
    let window =
        json!({"credits": 50, "effectiveAt": begins.to_string(), "endsAt": ends.to_string()});
    merge(&stage, TENANT, &json!({"spec": {"quota": window}}));
    eventually("it waits for its beginning", || async {
        quota(&stage)
            == json!({"allotted": "0", "inEffect": false, "nextChangeAt": begins.to_string()})
    })
    .await;
    stage.await_ready(&[TENANT]).await;
    let passes = async || {
        let passes = "holdfast_reconcile_seconds_count";
        stage.measured(passes, "kind=\"Tenant\"").await
    };
    let before = (bridge.requests("").await, passes().await);
    eventually("it has begun", || async {
        quota(&stage)
            == json!({"allotted": "50", "inEffect": true, "nextChangeAt": ends.to_string()})
    })
    .await;
    assert!(Timestamp::now() >= begins, "not before its time");
    eventually("it is over", || async {
        quota(&stage) == json!({"allotted": "0", "inEffect": false})
    })
    .await;
    assert!(Timestamp::now() >= ends, "not before its time");
    assert_eq!(bridge.requests("").await, before.0, "nobody was asked");
    let woken = passes().await - before.1;
    // Two or three for each change of its status; every second would be 16.
    assert!(woken <= 10.0, "{woken} passes: that is polling");
}

//! What a customer inherits, from whom, and how it hears of an edit above.

use crate::HOLDFAST;
use serde_json::{Value, json};

use super::look::{changes, swept};
use holdfast_testkit::operator::{Stage, embedded_platform, eventually};

/// A distributor, a reseller below it, and a customer at the bottom; only names.
const CHAIN: &str = "---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {name: nordic}
spec: {platformRef: {name: msp}, displayName: Nordic, level: Distributor}
---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {name: northwind}
spec: {platformRef: {name: msp}, parentRef: {name: nordic}, displayName: Northwind}
---
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {name: fabrikam}
spec: {resellerRef: {name: northwind}, displayName: Fabrikam}
";
const ALL: [&str; 3] = ["reseller/nordic", "reseller/northwind", "customer/fabrikam"];

fn patch(stage: &Stage, object: &str, spec: &Value) {
    let patch = json!({ "spec": spec }).to_string();
    stage.show(&["patch", object, "--type=merge", "-p", &patch]);
}

/// Waits until a part of the customer's effective values is this.
async fn comes_out(stage: &Stage, part: &str, wanted: Value) {
    let says = || stage.get("customer/fabrikam")["status"]["effective"][part].clone();
    eventually(&format!("{part} is {wanted}"), || async {
        says() == wanted
    })
    .await;
}

// R-V9, R-S7
#[tokio::test(flavor = "multi_thread")]
async fn customers_and_resellers_say_what_they_inherit_and_from_whom() {
    let stage = Stage::start(HOLDFAST, "inherited").await;
    stage.apply(&format!("{}{CHAIN}", embedded_platform("msp")));
    stage.await_ready(&ALL).await;
    let console = stage.console("msp");
    comes_out(&stage, "bandwidth", json!({"mode": "Inherit"})).await;

    let slow = json!({"mode": "Always", "maxRate": "5M"});
    patch(&stage, "backupplatform/msp", &json!({ "bandwidth": slow }));
    let from = json!({"mode": "Always", "maxRate": "5M", "from": "BackupPlatform/msp"});
    comes_out(&stage, "bandwidth", from).await;
    stage
        .await_condition(
            "backupplatform/msp",
            "ManualStepPending",
            "True/ConsoleStepRequired",
        )
        .await;

    // Two levels up: each that comes out otherwise wakes those below it.
    let hours = json!({"from": "08:00", "to": "18:00", "timeZone": "Europe/Berlin", "exceptWeekends": true});
    let office = json!({"mode": "Window", "window": hours, "maxRate": "20M"});
    let own = json!({"bandwidth": office, "branding": {"companyName": "Nordic"}});
    patch(&stage, "reseller/nordic", &own);
    let from =
        json!({"mode": "Window", "window": hours, "maxRate": "20M", "from": "Reseller/nordic"});
    comes_out(&stage, "bandwidth", from).await;
    let colour = json!({"branding": {"primaryColour": "#0a7"}});
    patch(&stage, "reseller/northwind", &colour);
    let both = json!({"companyName": "Nordic", "primaryColour": "#0a7", "from": "Reseller/northwind, Reseller/nordic"});
    comes_out(&stage, "branding", both).await;
    patch(
        &stage,
        "customer/fabrikam",
        &json!({"bandwidth": {"mode": "Unlimited"}}),
    );
    comes_out(
        &stage,
        "bandwidth",
        json!({"mode": "Unlimited", "from": "Customer/fabrikam"}),
    )
    .await;

    // What is inherited is shown and not written: the customer got its own setting and no other.
    stage.await_ready(&ALL).await;
    assert_eq!(changes(&console, "/v1/customers/").await.len(), 2);

    // Who has nothing to say anew says nothing.
    let versions = || ALL.map(|object| stage.get(object)["metadata"]["resourceVersion"].clone());
    // The first figures may still be on their way: they are read beside the sweeps.
    let (mut before, mut silent) = (versions(), 0);
    for _ in 0..30 {
        swept(&stage).await;
        let now = versions();
        let same = std::mem::replace(&mut before, now.clone()) == now;
        silent = if same { silent + 1 } else { 0 };
        if silent == 4 {
            return;
        }
    }
    panic!("status is written at sweep after sweep: {before:?}");
}

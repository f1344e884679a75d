//! F19, F23, F27 and F28: what people do beside Holdfast, at the console and with kubectl.

use crate::HOLDFAST;
use holdfast_testkit::{
    bridge::{Bridge, TOKEN, legible_conditions, secret},
    operator::{Stage, customer, eventually},
};
use reqwest::Method;
use serde_json::json;

use super::{bystander, phone, stage_with_platform};

// F19
#[tokio::test(flavor = "multi_thread")]
async fn f19_what_vanished_is_made_anew_only_by_word() {
    let (stage, bridge) = stage_with_platform("vanished").await;
    let first = bystander(&stage);
    bridge
        .console
        .call(
            Method::DELETE,
            &format!("/v1/customers/{first}?mode=purge&force=true"),
            None,
        )
        .await;
    stage.sweep("msp");
    stage
        .await_condition("customer/bystander", "Stalled", "True/VanishedOnPlatform")
        .await;
    bridge.sweep(&stage, 2).await;
    stage
        .await_condition("customer/bystander", "Stalled", "True/VanishedOnPlatform")
        .await;
    legible_conditions(&stage, &["customer/bystander"], &[TOKEN]);
    assert_eq!(bridge.creations().await.into_values().sum::<usize>(), 1);
    stage.show(&[
        "annotate",
        "customer/bystander",
        &format!("holdfast.dev/recreate={first}"),
    ]);
    stage.await_ready(&["customer/bystander"]).await;
    assert_ne!(bystander(&stage), first);
    assert_eq!(bridge.creations().await.into_values().sum::<usize>(), 2);
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
}

// F23
#[tokio::test(flavor = "multi_thread")]
async fn f23_a_finalizer_that_was_taken_away_comes_back_before_the_next_write() {
    let (stage, bridge) = stage_with_platform("stripped").await;
    let strip = [
        "patch",
        "customer/bystander",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null},"spec":{"profile":{"phone":"23"}}}"#,
    ];
    stage.show(&strip);
    stage.await_ready(&["customer/bystander"]).await;
    assert_eq!(
        stage.get("customer/bystander")["metadata"]["finalizers"],
        json!(["holdfast.dev/remote"])
    );
    assert_eq!(phone(&bridge, "bystander").await, "23");
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
}

// F27, R-V3: a limit that was lowered at the console comes back; one that the spec puts below what is stored is not sent.
#[tokio::test(flavor = "multi_thread")]
async fn f27_no_limit_is_set_below_what_is_stored() {
    let (stage, bridge) = stage_with_platform("below-use").await;
    let limited = |limit: &str| {
        customer(
            "bystander",
            "msp",
            &format!(", limits: {{storage: {limit}}}"),
        )
    };
    stage.apply(&limited("50Gi"));
    stage.await_ready(&["customer/bystander"]).await;
    let held = async || {
        let customers = bridge.console.list("customers").await;
        let ours = customers
            .into_iter()
            .find(|item| item["name"] == "Customer bystander");
        ours.expect("it is there")["limits"]["storage"].clone()
    };
    let limit = held().await;
    let less = json!({"limits": {"storage": 10_u64 << 30}});
    bridge
        .console
        .change("customers", &bystander(&stage), less)
        .await;
    bridge.sweep(&stage, 1).await;
    eventually("the limit is restored", || async { held().await == limit }).await;

    // The platform reports more than the new limit as stored.
    bridge.faults("[{when: {method: GET, route: /v1/usage}, then: {merge: {storageBytes: 32212254720, storageMaxBytes: 32212254720}}}]");
    bridge.sweep(&stage, 1).await;
    eventually("it is seen", || async {
        let used = stage.get("customer/bystander")["status"]["usage"]["storage"].clone();
        used == json!("30Gi")
    })
    .await;
    let before = bridge.console.mutations().await;
    stage.apply(&limited("20Gi"));
    stage
        .await_condition("customer/bystander", "Ready", "False")
        .await;
    eventually("it says why", || async {
        let message = stage.message("customer/bystander", "Ready");
        message.contains("20Gi") && message.contains("30Gi")
    })
    .await;
    assert_eq!(bridge.console.mutations().await, before);
    stage.apply(&limited("40Gi"));
    stage.await_ready(&["customer/bystander"]).await;
}

// F28, R-N7: a prune of everything, as a wrong path in a repository brings about.
#[tokio::test(flavor = "multi_thread")]
async fn f28_of_a_crowd_that_is_pruned_at_once_no_more_go_than_the_limit_allows() {
    const CROWD: usize = 120;
    const LIMIT: usize = 10;
    let stage = Stage::start(HOLDFAST, "pruned").await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let platform = bridge.platform("").replace(
        "maxDeletionsPerHour: 10000",
        &format!("maxDeletionsPerHour: {LIMIT}"),
    );
    let names = (0..CROWD).map(|number| format!("c{number:03}"));
    let crowd = names.map(|name| customer(&name, "msp", ", deletionPolicy: Delete"));
    let manifests: Vec<String> = [secret("msp", TOKEN), platform]
        .into_iter()
        .chain(crowd)
        .collect();
    stage.apply(&manifests.join("---\n"));
    let there = async || {
        let customers = bridge.console.list("customers").await;
        let ours = customers
            .iter()
            .filter(|item| !item["externalRef"].is_null());
        ours.count()
    };
    eventually("all are on the platform", || async {
        there().await == CROWD
    })
    .await;
    stage.show(&["delete", "customers", "--all", "--wait=false"]);
    let held = format!(
        "Deletions held by safety.maxDeletionsPerHour: {}.",
        CROWD - LIMIT
    );
    eventually("the rest is held, and counted", || async {
        let message = stage.message("backupplatform/msp", "DeletionsHeld");
        message.starts_with(&held)
    })
    .await;
    assert_eq!(there().await, CROWD - LIMIT);
    bridge.sweep(&stage, 3).await;
    assert_eq!(there().await, CROWD - LIMIT);
}

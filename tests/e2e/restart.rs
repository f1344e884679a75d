//! A restart changes nothing: nobody hears of trouble that there isn't, and who was first stays first.

use crate::HOLDFAST;
use std::{collections::BTreeMap, time::Duration};

use holdfast_testkit::{
    operator::{Stage, customer, embedded_platform, eventually},
    resources::{declared, merge},
};
use reqwest::Method;
use serde_json::{Value, json};

/// Customers of a settled estate, each with a tenant: enough for their lists to arrive one after the other.
const CUSTOMERS: usize = 40;

/// Times that the operator is restarted.
const RESTARTS: usize = 6;

async fn restart(stage: &mut Stage) {
    assert!(stage.terminate().success());
    stage.run().await;
}

/// Until every resource has been passed over since the start, and the platform observed.
async fn all_passed(stage: &Stage, resources: usize) {
    let enough = f64::from(u32::try_from(resources).expect("few"));
    eventually("everything is passed over", || async {
        let swept = stage.measured("holdfast_sweep_seconds_count", "").await;
        let passed = stage.measured("holdfast_reconcile_seconds_count", "").await;
        swept >= 1.0 && passed >= enough
    })
    .await;
    // What is put off is put off by a second.
    tokio::time::sleep(Duration::from_secs(3)).await;
}

/// The version of every object of ours, by kind and name: any write raises it.
fn versions(stage: &Stage) -> BTreeMap<String, (String, Value)> {
    let list = stage.show(&["get", "holdfast", "-o", "json"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let named = items.into_iter().map(|item| {
        let meta = &item["metadata"];
        let name = format!("{}/{}", item["kind"], meta["name"]);
        let version = meta["resourceVersion"].as_str().unwrap_or_default();
        (
            name,
            (version.to_owned(), item["status"]["conditions"].clone()),
        )
    });
    named.collect()
}

fn estate() -> String {
    let mut manifests = vec![
        embedded_platform("msp").replace("usageInterval: 10s", "usageInterval: 1h"),
        declared(
            "Reseller",
            "northwind",
            "platformRef: {name: msp}, level: Distributor, displayName: Northwind, allotment: {storage: 100Ti, credits: 5000}",
        ),
        declared(
            "Reseller",
            "tailspin",
            "platformRef: {name: msp}, parentRef: {name: northwind}, displayName: Tailspin, allotment: {storage: 50Ti, credits: 2000}",
        ),
        declared(
            "ServicePlan",
            "gold",
            "platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, NAS]}]",
        ),
    ];
    for number in 0..CUSTOMERS {
        let reseller = ["northwind", "tailspin"][number % 2];
        manifests.push(declared("Customer", &format!("c{number:02}"), &format!("resellerRef: {{name: {reseller}}}, displayName: Customer {number}, country: \"DE\", limits: {{storage: 1Ti, credits: 50}}")));
        manifests.push(declared("Tenant", &format!("t{number:02}"), &format!("customerRef: {{name: c{number:02}}}, servicePlanRef: {{name: gold}}, product: HybridWorkloads, type: Commercial, storageRegions: [eu-central-1], workloads: [{{name: NAS}}], quota: {{credits: 20}}")));
    }
    manifests.join("---\n")
}

// R-N1: Flux takes a Stalled that lasts a second for a failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_on_a_settled_estate_writes_nothing_and_changes_no_condition() {
    let mut stage = Stage::start(HOLDFAST, "restart-quiet").await;
    stage.apply(&estate());
    let mut objects = vec![
        "reseller/northwind".to_owned(),
        "reseller/tailspin".to_owned(),
    ];
    objects.extend((0..CUSTOMERS).flat_map(|number| {
        [
            format!("customer/c{number:02}"),
            format!("tenant/t{number:02}"),
        ]
    }));
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    stage.await_ready(&objects).await;
    // Reports follow a start, and say what the platform has counted since the estate was made.
    restart(&mut stage).await;
    all_passed(&stage, objects.len()).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    for round in 1..=RESTARTS {
        let before = versions(&stage);
        restart(&mut stage).await;
        all_passed(&stage, before.len() - 1).await;
        let after = versions(&stage);
        let changed: Vec<String> = after
            .iter()
            .filter(|(name, state)| before.get(*name) != Some(state))
            .map(|(name, (_, conditions))| {
                format!("{name}: {} became {conditions}", before[name].1)
            })
            .collect();
        assert!(changed.is_empty(), "restart {round}: {changed:#?}");
    }
}

// R-N4, F14: what was first is told by age, not by whose pass comes first.
#[tokio::test(flavor = "multi_thread")]
async fn the_older_of_two_keeps_what_both_adopt_by_id_whatever_mark_it_carries_over_every_restart()
{
    let mut stage = Stage::start(HOLDFAST, "restart-older").await;
    stage.apply(&embedded_platform("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let console = stage.console("msp");
    let settings = json!({"name": "Legacy", "country": "DE"});
    let made = console
        .call(
            Method::PUT,
            "/v1/customers/by-ref/other-tool-1",
            Some(settings),
        )
        .await;
    let id = made["id"].as_str().expect("an id").to_owned();
    let adopting = |name: &str| {
        declared(
            "Customer",
            name,
            &format!(
                "platformRef: {{name: msp}}, displayName: Legacy, country: \"DE\", adopt: ById, externalId: \"{id}\", profile: {{phone: {name}}}"
            ),
        )
    };
    stage.apply(&adopting("z-old"));
    stage.await_ready(&["customer/z-old"]).await;
    // Kubernetes tells ages by the second, and of two that are equally old the name decides.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    stage.apply(&adopting("a-young"));
    stage
        .await_condition("customer/a-young", "Stalled", "True/OwnedByAnother")
        .await;
    let phone = || async { console.named("customers", "Legacy").await["profile"]["phone"].clone() };
    assert_eq!(phone().await, json!("z-old"));
    for round in 1..=RESTARTS {
        restart(&mut stage).await;
        all_passed(&stage, 2).await;
        assert_eq!(
            stage.condition("customer/z-old", "Ready"),
            "True/InSync",
            "restart {round}"
        );
        assert_eq!(
            stage.condition("customer/a-young", "Stalled"),
            "True/OwnedByAnother",
            "restart {round}"
        );
        assert_eq!(phone().await, json!("z-old"), "restart {round}");
    }
    // When the older lets go, the younger needs nobody to wake it.
    merge(
        &stage,
        "customer/z-old",
        &json!({"spec": {"deletionPolicy": "Retain"}}),
    );
    stage.show(&["delete", "customer/z-old"]);
    stage.await_ready(&["customer/a-young"]).await;
    assert_eq!(phone().await, json!("a-young"));
}

// R-N6: what leaves without our finalizer leaves the ledger all the same, and what it leaves on the platform counts on.
#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_without_our_finalizer_leaves_the_ledger_once_its_object_is_gone() {
    let stage = Stage::start(HOLDFAST, "ledger-leaves").await;
    let limited = |name: &str| {
        customer(name, "msp", ", limits: {storage: 100Gi}")
            .replace("platformRef: {name: msp}", "resellerRef: {name: northwind}")
    };
    stage.apply(
        &[
            embedded_platform("msp"),
            declared(
                "Reseller",
                "northwind",
                "platformRef: {name: msp}, displayName: Northwind, allotment: {storage: 100Gi}",
            ),
            limited("first"),
        ]
        .join("---\n"),
    );
    stage.await_ready(&["customer/first"]).await;
    stage.apply(&limited("second"));
    stage
        .await_condition("customer/second", "QuotaExceeded", "True/QuotaExceeded")
        .await;
    // Somebody strips the finalizer in the same breath, before the operator can say that it lets go.
    let id = stage.get("customer/first")["status"]["externalId"].clone();
    merge(
        &stage,
        "customer/first",
        &json!({"spec": {"management": "Observe"}}),
    );
    stage.show(&[
        "patch",
        "customer/first",
        "--type=merge",
        "-p",
        r#"{"metadata": {"finalizers": null}}"#,
    ]);
    stage.show(&["delete", "customer/first"]);
    eventually("it is gone", || async {
        stage.get("customer/first").is_null()
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        stage.condition("customer/second", "QuotaExceeded"),
        "True/QuotaExceeded",
        "its object still holds all of it"
    );
    let console = stage.console("msp");
    console
        .change(
            "customers",
            id.as_str().expect("an id"),
            json!({"limits": {"storage": null}}),
        )
        .await;
    stage.sweep("msp");
    stage.await_ready(&["customer/second"]).await;
}

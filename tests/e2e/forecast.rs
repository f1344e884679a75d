//! When what is allotted to a reseller runs out, from the figures of the customers below it.

use holdfast_testkit::operator::{Stage, embedded_platform, eventually};
use serde_json::Value;

use crate::HOLDFAST;

const ESTATE: &str = r#"apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: gold}
spec:
  platformRef: {name: msp}
  planName: Gold
  products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}]
---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {name: nordic}
spec: {platformRef: {name: msp}, displayName: Nordic, level: Distributor, allotment: {storage: 1Ti, warnAtPercent: 5}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {name: northwind}
spec: {platformRef: {name: msp}, parentRef: {name: nordic}, displayName: Northwind IT, level: Reseller}
---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {name: idle}
spec: {platformRef: {name: msp}, displayName: Idle, level: Reseller, allotment: {storage: 1Ti, warnAtPercent: 5}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {name: fabrikam}
spec: {resellerRef: {name: northwind}, displayName: Fabrikam, country: "DE", limits: {storage: 1Ti}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {name: fabrikam-hybrid}
spec: {customerRef: {name: fabrikam}, servicePlanRef: {name: gold}, product: HybridWorkloads, type: Commercial, storageRegions: [eu-central-1]}
"#;

fn usage(stage: &Stage, object: &str) -> Value {
    stage.get(object)["status"]["usage"].clone()
}

// R-N6, R-N16: a distributor's allotment as large as the limit of the only customer, who is below a reseller below it, runs out on
// the same day; it is said by condition, event and metric; and nothing of it is written again while nothing changes.
#[tokio::test(flavor = "multi_thread")]
async fn an_allotment_is_foretold_from_all_customers_below() {
    let stage = Stage::start(HOLDFAST, "forecast").await;
    stage.apply(&format!("{}---\n{ESTATE}", embedded_platform("msp")));
    stage.await_ready(&["tenant/fabrikam-hybrid"]).await;
    stage.sweep("msp");
    eventually("the figures are there", || async {
        let customer = usage(&stage, "customer/fabrikam");
        customer["storagePercent"].as_u64() > Some(5)
            && customer["storage"] == usage(&stage, "reseller/nordic")["storage"]
    })
    .await;
    let customer = usage(&stage, "customer/fabrikam");
    assert_eq!(customer["forecast"], "RunsOut", "{customer}");
    let nordic = usage(&stage, "reseller/nordic");
    assert_eq!(nordic, customer);
    let allotment = &stage.get("reseller/nordic")["status"]["allotment"];
    assert_eq!(allotment["storage"]["used"], customer["storage"]);

    let northwind = usage(&stage, "reseller/northwind");
    assert_eq!(northwind["storage"], customer["storage"]);
    assert_eq!(northwind["forecast"], Value::Null, "it has no allotment");
    assert_eq!(usage(&stage, "reseller/idle"), Value::Null);

    stage
        .await_condition("reseller/nordic", "LimitNear", "True/LimitReached")
        .await;
    let message = stage.message("reseller/nordic", "LimitNear");
    assert!(message.contains("Raise allotment.storage,"), "{message}");
    assert_eq!(stage.condition("reseller/nordic", "Ready"), "True/InSync");
    let told = stage.get("reseller/northwind")["status"]["conditions"].to_string();
    assert!(!told.contains("LimitNear"), "nobody asked: {told}");
    eventually("the event is there", || async {
        let events = stage.show(&["get", "events", "-o", "jsonpath={.items[*].reason}"]);
        events.contains("LimitReached")
    })
    .await;
    its_metrics(&stage, &nordic).await;
    nothing_is_written_again(&stage).await;
}

async fn its_metrics(stage: &Stage, usage: &Value) {
    let labels = format!(
        r#"platform="msp",namespace="{}",reseller="nordic""#,
        stage.namespace()
    );
    let allotted = stage
        .measured("holdfast_reseller_storage_allotted_bytes", &labels)
        .await;
    assert!((allotted - 2_f64.powi(40)).abs() < 1.0, "{allotted}");
    let used = stage
        .measured("holdfast_reseller_storage_bytes", &labels)
        .await;
    assert!(used > 0.05 * allotted, "{used}");
    let exhausted = "holdfast_reseller_allotment_exhausted_timestamp_seconds";
    let at = stage.measured(exhausted, &labels).await;
    let day = usage["quotaExhaustedOn"].as_str().expect("a day");
    let midnight: jiff::Timestamp = format!("{day}T00:00:00Z").parse().expect("an instant");
    let seconds = f64::from(i32::try_from(midnight.as_second()).expect("before 2038"));
    assert!((at - seconds).abs() < 1.0, "{at}");
}

async fn nothing_is_written_again(stage: &Stage) {
    let version = || stage.get("reseller/nordic")["metadata"]["resourceVersion"].clone();
    let before = version();
    for _ in 0..3 {
        stage.sweep("msp");
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    assert_eq!(version(), before);
}

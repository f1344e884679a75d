//! One resource of each kind, and ways to look at them from both sides.

use crate::HOLDFAST;
use serde_json::Value;

use holdfast_testkit::operator::{Console, Stage, embedded_platform};
pub use holdfast_testkit::resources::{events, merge};

/// One resource of each managed kind, below one another.
pub const OBJECTS: [&str; 5] = [
    "backupplatform/msp",
    "reseller/northwind",
    "serviceplan/gold",
    "customer/fabrikam",
    "tenant/fabrikam-hybrid",
];

/// An estate of one resource of each kind. `more` is added to each spec.
pub fn estate(more: &str) -> String {
    let platform = embedded_platform("msp");
    format!(
        r#"{platform}---
apiVersion: holdfast.dev/v1alpha1
kind: Reseller
metadata: {{name: northwind}}
spec: {{platformRef: {{name: msp}}, level: Reseller, displayName: Northwind IT, country: "DE", serviceType: AllInclusive, allotment: {{storage: 10Ti, credits: 500}}, profile: {{phone: "1"}}{more}}}
---
apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {{name: gold}}
spec:
  platformRef: {{name: msp}}
  planName: Gold
  products: [{{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL, NAS]}}]
  usageReport: Monthly
  {plan_more}
---
apiVersion: holdfast.dev/v1alpha1
kind: Customer
metadata: {{name: fabrikam}}
spec: {{resellerRef: {{name: northwind}}, displayName: Fabrikam GmbH, country: "DE", stage: Production, profile: {{phone: "1"}}, limits: {{storage: 1Ti}}{more}}}
---
apiVersion: holdfast.dev/v1alpha1
kind: Tenant
metadata: {{name: fabrikam-hybrid}}
spec: {{customerRef: {{name: fabrikam}}, servicePlanRef: {{name: gold}}, product: HybridWorkloads, storageRegions: [eu-central-1], workloads: [{{name: FileServers}}, {{name: NAS}}], quota: {{credits: 50}}{more}}}
"#,
        plan_more = more.trim_start_matches(", "),
    )
}

/// An operator with such an estate, all of it Ready.
pub async fn settled(prefix: &str, more: &str) -> (Stage, Console) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    stage.apply(&estate(more));
    stage.await_ready(&OBJECTS).await;
    let console = stage.console("msp");
    (stage, console)
}

/// The remote object of a resource.
pub async fn remote(stage: &Stage, console: &Console, object: &str) -> Value {
    let kind = match object.split('/').next() {
        Some("reseller") => "resellers",
        Some("serviceplan") => "plans",
        Some("customer") => "customers",
        _ => "tenants",
    };
    let claim = stage.get(object)["status"]["claim"].clone();
    let items = console.list(kind).await;
    let ours = |item: &Value| item["externalRef"] == claim && !claim.is_null();
    items.into_iter().find(ours).unwrap_or(Value::Null)
}

/// Changes a remote object at the console.
pub async fn meddle(stage: &Stage, console: &Console, kind: &str, object: &str, patch: Value) {
    let id = remote(stage, console, object).await["id"]
        .as_str()
        .expect("it is on the platform")
        .to_owned();
    console.change(kind, &id, patch).await;
}

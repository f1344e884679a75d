//! What the platform refuses isn't asked again and again.

use crate::HOLDFAST;
use serde_json::json;

use super::look::{merge, swept};
use holdfast_testkit::operator::{Stage, customer, embedded_platform};

// I4, R-V3: a refusal is said, and then waits for somebody to act; it costs neither the platform nor the API server anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_change_is_not_tried_again_at_once() {
    let stage = Stage::start(HOLDFAST, "refused").await;
    let plan = "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: gold}\nspec: {platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]}\n";
    let tenant = "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: fabrikam-hybrid}\nspec: {customerRef: {name: fabrikam}, servicePlanRef: {name: gold}, product: HybridWorkloads}\n";
    let manifests = [
        &embedded_platform("msp"),
        &customer("fabrikam", "msp", ""),
        plan,
        tenant,
    ];
    stage.apply(&manifests.join("---\n"));
    stage
        .await_ready(&["customer/fabrikam", "tenant/fabrikam-hybrid"])
        .await;
    let console = stage.console("msp");
    merge(
        &stage,
        "fabrikam",
        &json!({"spec": {"limits": {"storage": "1Gi"}}}),
    );
    stage
        .await_condition("customer/fabrikam", "Stalled", "True/PlatformRefused")
        .await;
    let refused = async || {
        let mutations = console.mutations().await;
        let refused = mutations.iter().filter(|item| item["outcome"] == "refused");
        refused.count()
    };
    let before = refused().await;
    for _ in 0..3 {
        swept(&stage).await;
    }
    let more = refused().await - before;
    assert!(more <= 3, "{more} refusals during three sweeps");
}

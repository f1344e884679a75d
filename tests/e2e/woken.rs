//! What a resource says because of another one is taken back when that one changes, comes or goes: at once, not with a poll.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use holdfast_testkit::operator::{Stage, customer, embedded_platform};

use crate::HOLDFAST;

/// Well below the minute after which a waiting resource is reconciled anyway.
const SOON: Duration = Duration::from_secs(40);

async fn soon(stage: &Stage, objects: &[&str]) {
    let ready = stage.await_ready(objects);
    let woken = tokio::time::timeout(SOON, ready).await;
    let said = objects.iter().map(|object| stage.message(object, "Ready"));
    let said: Vec<String> = said.collect();
    assert!(
        woken.is_ok(),
        "nothing woke {objects:?}: {said:?}\n{}",
        stage.log()
    );
}

async fn stalled(stage: &Stage, object: &str, reason: &str) {
    stage
        .await_condition(object, "Stalled", &format!("True/{reason}"))
        .await;
}

/// A stage with a platform that is swept once a day.
async fn staged(prefix: &str) -> Stage {
    let stage = Stage::start(HOLDFAST, prefix).await;
    let platform = embedded_platform("msp").replace("sweepInterval: 60s", "sweepInterval: 24h");
    stage.apply(&platform);
    stage.await_ready(&["backupplatform/msp"]).await;
    stage
}

fn reseller(name: &str, more: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Reseller\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: msp}}, displayName: \"Reseller {name}\"{more}}}\n"
    )
}

fn plan(workloads: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {{name: gold}}\nspec: {{platformRef: {{name: msp}}, planName: Gold, products: [{{product: HybridWorkloads, edition: Enterprise, workloads: [{workloads}]}}]}}\n"
    )
}

fn tenant(name: &str, customer: &str, more: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: {name}}}\nspec: {{customerRef: {{name: {customer}}}, product: HybridWorkloads{more}}}\n"
    )
}

// R-V20: a parent, a plan, a Secret or a platform that comes later.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_noticed_as_soon_as_it_comes() {
    let stage = staged("comes").await;
    stage.apply(
        &customer("it", "msp", ", resellerRef: {name: northwind}")
            .replace("platformRef: {name: msp}, ", ""),
    );
    stalled(&stage, "customer/it", "ReferenceNotFound").await;
    stage.apply(&reseller("northwind", ""));
    soon(&stage, &["customer/it"]).await;

    stage.apply(&tenant("it", "it", ", servicePlanRef: {name: gold}"));
    stalled(&stage, "tenant/it", "ReferenceNotFound").await;
    stage.apply(&plan("FileServers"));
    soon(&stage, &["tenant/it"]).await;

    stage.apply(&tenant("early", "late", ", servicePlanRef: {name: gold}"));
    stalled(&stage, "tenant/early", "ReferenceNotFound").await;
    stage.apply(&customer("late", "msp", ""));
    soon(&stage, &["tenant/early"]).await;

    stage.apply(&customer("elsewhere", "other", ""));
    stalled(&stage, "customer/elsewhere", "PlatformMissing").await;
    stage.apply(&embedded_platform("other"));
    soon(&stage, &["customer/elsewhere"]).await;

    let access = ", webAccess: {username: u, passwordRef: {name: web, key: password}}";
    stage.apply(&customer("late", "msp", access));
    stalled(&stage, "customer/late", "SecretMissing").await;
    // Its other edits don't wait for the Secret.
    let edited = format!("{access}, profile: {{phone: \"2\"}}");
    stage.apply(&customer("late", "msp", &edited));
    let console = stage.console("msp");
    holdfast_testkit::operator::eventually("the other edit arrives", || async {
        console.named("customers", "Customer late").await["profile"]["phone"] == "2"
    })
    .await;
    stalled(&stage, "customer/late", "SecretMissing").await;
    stage.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: correct-horse-battery}\n");
    soon(&stage, &["customer/late"]).await;
}

// R-S4: a tenant is where its customer is, and that is where its reseller is.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_below_notices_that_the_resource_two_above_goes_and_comes() {
    let stage = staged("above").await;
    stage.apply(&reseller("northwind", ""));
    stage.apply(
        &customer("it", "msp", ", resellerRef: {name: northwind}")
            .replace("platformRef: {name: msp}, ", ""),
    );
    stage.apply(&plan("FileServers"));
    stage.apply(&tenant("it", "it", ", servicePlanRef: {name: gold}"));
    soon(&stage, &["tenant/it"]).await;
    stage.kubectl(&["delete", "reseller/northwind", "--wait=false"], "");
    let told = stage.await_condition("tenant/it", "Stalled", "True/ReferenceNotFound");
    assert!(
        tokio::time::timeout(SOON, told).await.is_ok(),
        "nothing woke the tenant: {}",
        stage.message("tenant/it", "Ready")
    );
    stage.apply(&reseller("northwind", ""));
    soon(&stage, &["customer/it", "tenant/it"]).await;
}

// R-V20, R-S4: another resource that gives up a name, a client, a share or a place.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_noticed_as_soon_as_it_goes() {
    let stage = staged("goes").await;
    let below = |name: &str, size: &str| {
        let more = format!(", resellerRef: {{name: northwind}}, limits: {{storage: {size}}}");
        customer(name, "msp", &more).replace("platformRef: {name: msp}, ", "")
    };
    stage.apply(&reseller("northwind", ", allotment: {storage: 1Ti}"));
    stage.apply(&below("first", "800Gi"));
    soon(&stage, &["customer/first"]).await;
    stage.apply(&below("second", "800Gi"));
    stage
        .await_condition("customer/second", "QuotaExceeded", "True")
        .await;
    stage.apply(&below("first", "200Gi"));
    soon(&stage, &["customer/first", "customer/second"]).await;

    let renamed =
        |name: &str| customer(name, "msp", "").replace(&format!("Customer {name}"), "Same Ltd");
    stage.apply(&renamed("holder"));
    soon(&stage, &["customer/holder"]).await;
    stage.apply(&renamed("waiter"));
    stalled(&stage, "customer/waiter", "OwnedByAnother").await;
    stage.apply(&renamed("holder").replace("Same Ltd", "Other Ltd"));
    soon(&stage, &["customer/holder", "customer/waiter"]).await;

    let listed =
        |name: &str, ids: &str| customer(name, "msp", &format!(", clients: {{ids: [{ids}]}}"));
    stage.apply(&listed("with", "\"pc-17\""));
    soon(&stage, &["customer/with"]).await;
    stage.apply(&listed("without", "\"pc-17\""));
    stalled(&stage, "customer/without", "ClientConflict").await;
    stage.apply(&listed("with", ""));
    soon(&stage, &["customer/without"]).await;

    // What the plan lacks, and then has.
    stage.apply(&plan("FileServers"));
    stage.apply(&tenant(
        "t",
        "holder",
        ", servicePlanRef: {name: gold}, workloads: [{name: MSSQL}]",
    ));
    stage.await_condition("tenant/t", "Stalled", "True").await;
    stage.apply(&plan("FileServers, MSSQL"));
    soon(&stage, &["tenant/t"]).await;

    // A circle of parents, told as such, until one of them leaves it.
    stage.apply(&reseller(
        "a",
        ", level: SubDistributor, parentRef: {name: b}",
    ));
    stage.apply(&reseller(
        "b",
        ", level: SubDistributor, parentRef: {name: a}",
    ));
    for object in ["reseller/a", "reseller/b"] {
        stage.await_condition(object, "Stalled", "True").await;
    }
    let said = stage.message("reseller/b", "Stalled");
    assert!(said.contains("cycle"), "{said}");
    stage.apply(&reseller("b", ", level: Distributor"));
    soon(&stage, &["reseller/b", "reseller/a"]).await;
}

// R-N4: what stands on the platform under no resource is in the way of one until a sweep sees it go, whatever the reports say.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_at_the_platform_is_noticed_when_it_goes() {
    let stage = Stage::start(HOLDFAST, "foreign").await;
    let platform = embedded_platform("msp").replace("usageInterval: 10s", "usageInterval: 24h");
    stage.apply(&platform);
    stage.await_ready(&["backupplatform/msp"]).await;
    let console = stage.console("msp");
    let foreign = json!({"name": "Customer it", "country": "DE", "storageLocation": "de-1"});
    let path = "/v1/customers/by-ref/made-at-the-console";
    let made = console.call(Method::PUT, path, Some(foreign)).await;
    let id = made["id"].as_str().expect("an id");
    stage.sweep("msp");
    stage.apply(&customer("it", "msp", ""));
    stalled(&stage, "customer/it", "NameConflict").await;
    console
        .change("customers", id, json!({"name": "Another"}))
        .await;
    stage.sweep("msp");
    soon(&stage, &["customer/it"]).await;
}

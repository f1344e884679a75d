//! What was granted stays granted and counted, whatever comes and goes beside it.

use crate::HOLDFAST;
use holdfast_testkit::{
    bridge::{Bridge, TOKEN, bridge_platform, secret},
    operator::{Console, Stage, embedded_platform, eventually},
    resources::declared,
};

/// Each takes half a GiB.
const CHILDREN: usize = 30;

/// Refused requests show that the ledger had granted what there wasn't.
async fn nothing_was_refused(console: &Console) {
    let mutations = console.mutations().await;
    let refused = mutations
        .iter()
        .filter(|item| item["outcome"] != "accepted");
    assert_eq!(refused.count(), 0, "{mutations:#?}");
}

// R-V20, R-N6: 23Ti of 20Ti were granted, and sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_reseller_that_is_deleted_and_applied_again_still_has_what_its_customers_took() {
    let stage = Stage::start(HOLDFAST, "ledger-again").await;
    let reseller = "platformRef: {name: msp}, displayName: Northwind, allotment: {storage: 20Gi}";
    let reseller = declared("Reseller", "northwind", reseller);
    let below = |name: &str, storage: &str| {
        let spec = format!(
            "resellerRef: {{name: northwind}}, displayName: {name}, country: \"DE\", limits: {{storage: {storage}}}"
        );
        declared("Customer", name, &spec)
    };
    let names: Vec<String> = (0..CHILDREN)
        .map(|number| format!("c{number:02}"))
        .collect();
    let children = names.iter().map(|name| below(name, "512Mi"));
    let settled = [embedded_platform("msp"), reseller.clone()];
    stage.apply(
        &settled
            .into_iter()
            .chain(children)
            .collect::<Vec<_>>()
            .join("---\n"),
    );
    for name in &names {
        stage.await_ready(&[&format!("customer/{name}")]).await;
    }
    stage.show(&["delete", "reseller/northwind", "--timeout=60s"]);
    // Who asks at once comes before the children have been looked at again.
    stage.apply(&[reseller, below("second", "8Gi")].join("---\n"));
    stage
        .await_condition("customer/second", "QuotaExceeded", "True/QuotaExceeded")
        .await;
    let message = stage.message("customer/second", "QuotaExceeded");
    assert!(message.contains("5Gi of its 20Gi"), "{message}");
    nothing_was_refused(&stage.console("msp")).await;
}

// R-V7, R-N6: two platforms of one account share its pool of 500 licences.
#[tokio::test(flavor = "multi_thread")]
async fn two_platforms_of_one_account_grant_its_licences_once() {
    let stage = Stage::start(HOLDFAST, "ledger-two").await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let other = bridge_platform("other", &bridge.console.url, "");
    stage.apply(&[bridge.manifest(), secret("other", TOKEN), other].join("---\n"));
    stage
        .await_ready(&["backupplatform/msp", "backupplatform/other"])
        .await;
    let fixed = |name: &str, platform: &str| {
        let spec = format!(
            "platformRef: {{name: {platform}}}, displayName: {name}, country: \"DE\", limits: {{licences: {{mode: Fixed, count: 300}}}}"
        );
        declared("Customer", name, &spec)
    };
    stage.apply(&fixed("first", "msp"));
    stage.await_ready(&["customer/first"]).await;
    stage.apply(&fixed("second", "other"));
    stage
        .await_condition("customer/second", "QuotaExceeded", "True/QuotaExceeded")
        .await;
    let message = stage.message("customer/second", "QuotaExceeded");
    assert!(message.contains("200 of its 500"), "{message}");
    nothing_was_refused(&bridge.console).await;
}

// R-V20, R-N6, F4: a creation with an outcome that isn't known takes its share, also for a process that has just started.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_granted_counts_over_a_restart() {
    let mut stage = Stage::start(HOLDFAST, "ledger-doubt").await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let reseller = "platformRef: {name: msp}, displayName: Northwind, allotment: {storage: 10Gi}";
    let below = |name: &str, storage: &str| {
        let spec = format!(
            "resellerRef: {{name: northwind}}, displayName: {name}, country: \"DE\", limits: {{storage: {storage}}}"
        );
        declared("Customer", name, &spec)
    };
    let settled = [
        bridge.manifest(),
        declared("Reseller", "northwind", reseller),
        below("first", "4Gi"),
        below("second", "4Gi"),
    ];
    stage.apply(&settled.join("---\n"));
    stage
        .await_ready(&["customer/first", "customer/second"])
        .await;

    // The platform carries the creation out only after the operator has been killed and started again.
    bridge.faults("[{when: {method: PUT, route: /v1/customers, times: 1}, then: {late: 20s}}]");
    stage.apply(&below("late", "2Gi"));
    eventually("the creation is sent", || async {
        bridge.requests("PUT /v1/customers").await > 2
    })
    .await;
    stage.kill();
    stage.run().await;
    stage.apply(&below("younger", "1Gi"));
    stage
        .await_condition("customer/younger", "QuotaExceeded", "True/QuotaExceeded")
        .await;
    stage.await_ready(&["customer/late"]).await;
    assert_eq!(
        stage.condition("customer/younger", "QuotaExceeded"),
        "True/QuotaExceeded"
    );
    nothing_was_refused(&bridge.console).await;
    let customers = bridge.console.list("customers").await;
    let made = |name: &str| customers.iter().filter(|item| item["name"] == name).count();
    assert_eq!((made("late"), made("younger")), (1, 0));

    // Room appears, and is found without another edit of the customer.
    stage.apply(&declared(
        "Reseller",
        "northwind",
        &reseller.replace("10Gi", "11Gi"),
    ));
    stage.await_ready(&["customer/younger"]).await;
    nothing_was_refused(&bridge.console).await;
}

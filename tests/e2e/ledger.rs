//! What was granted stays granted and counted, whatever comes and goes beside it.

use crate::HOLDFAST;
use holdfast_testkit::{
    bridge::{Bridge, TOKEN, bridge_platform, secret},
    operator::{Console, Stage, embedded_platform},
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

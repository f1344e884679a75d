//! F16 and F17: credentials that are revoked, rotated, or open another account.

use holdfast_testkit::{
    bridge::{TOKEN, legible_conditions, secret},
    operator::customer,
};
use reqwest::Method;
use serde_json::Value;

use super::{phone, stage_with_platform};

// F16, R-D41
#[tokio::test(flavor = "multi_thread")]
async fn f16_a_rotated_credential_takes_effect_without_a_restart_and_unsettles_nothing() {
    let (stage, bridge) = stage_with_platform("rotated").await;
    stage.apply(&secret("msp", "revoked"));
    stage
        .await_condition(
            "backupplatform/msp",
            "CredentialsValid",
            "False/CredentialsInvalid",
        )
        .await;
    assert!(
        stage
            .condition("customer/bystander", "Ready")
            .starts_with("True"),
        "Ready stays as last known"
    );
    stage.apply(&secret("msp", TOKEN));
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
    bridge
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
}

// F17, R-D41
#[tokio::test(flavor = "multi_thread")]
async fn f17_a_credential_that_opens_another_account_writes_nothing_until_that_is_confirmed() {
    let (stage, mut bridge) = stage_with_platform("other-account").await;
    bridge.replace_estate().await;
    stage.sweep("msp");
    stage
        .await_condition(
            "backupplatform/msp",
            "AccountMatches",
            "False/AccountMismatch",
        )
        .await;
    stage.apply(&customer("bystander", "msp", ", profile: {phone: \"17\"}"));
    stage
        .await_condition("customer/bystander", "Reconciling", "True/AccountMismatch")
        .await;
    legible_conditions(
        &stage,
        &["backupplatform/msp", "customer/bystander"],
        &[TOKEN, "revoked"],
    );
    assert_eq!(
        bridge.console.mutations().await,
        Vec::<Value>::new(),
        "nothing in the other account"
    );

    bridge.restore_estate().await;
    stage.sweep("msp");
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    assert_eq!(phone(&bridge, "bystander").await, "17");

    bridge.replace_estate().await;
    stage.sweep("msp");
    stage
        .await_condition(
            "backupplatform/msp",
            "AccountMatches",
            "False/AccountMismatch",
        )
        .await;
    let capabilities = bridge
        .console
        .call(Method::GET, "/v1/capabilities", None)
        .await;
    let account = capabilities["account"]["id"].as_str().expect("an id");
    stage.show(&[
        "annotate",
        "backupplatform/msp",
        &format!("holdfast.dev/confirm-account={account}"),
    ]);
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
    bridge
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
}

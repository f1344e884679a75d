//! Values that don't stay: a platform that keeps them in its own form, and somebody who sets them back after each of our writes.

use crate::HOLDFAST;
use std::time::Duration;

use holdfast_testkit::{
    bridge::Bridge,
    operator::{Stage, customer, eventually},
    resources::{events, merge},
};
use serde_json::{Value, json};

const CUSTOMER: &str = "customer/fabrikam";
/// Changes that the operator sent, without the creation.
const WRITES: &str = "PATCH /v1/customers";

async fn stage_with_platform(prefix: &str) -> (Stage, Bridge) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    stage.apply(&bridge.manifest());
    stage.await_ready(&["backupplatform/msp"]).await;
    (stage, bridge)
}

fn with_phone(phone: &str) -> String {
    customer(
        "fabrikam",
        "msp",
        &format!(", profile: {{phone: \"{phone}\", notes: \"n1\"}}"),
    )
}

async fn held(bridge: &Bridge) -> Value {
    let fabrikam = bridge.console.named("customers", "Customer fabrikam");
    fabrikam.await
}

/// Somebody else sets the phone at the platform, and the next sweep sees it.
async fn set_by_others(stage: &Stage, bridge: &Bridge, phone: &str) {
    let id = held(bridge).await["id"].as_str().expect("an id").to_owned();
    let patch = json!({"profile": {"phone": phone}});
    bridge.console.change("customers", &id, patch).await;
    bridge.sweep(stage, 1).await;
}

// F18, R-D5, I4: a value that the platform keeps in its own form is sent twice, then a person is told; everything else goes on.
#[tokio::test(flavor = "multi_thread")]
async fn f18_a_value_that_the_platform_keeps_in_its_own_form_is_sent_twice_and_told() {
    let (stage, bridge) = stage_with_platform("normalised").await;
    bridge.faults("[{when: {route: /v1/customers}, then: {merge: {profile: {phone: '0049555'}}}}]");
    stage.apply(&with_phone("+49 555"));
    stage
        .await_condition(CUSTOMER, "Stalled", "True/ValueNotKept")
        .await;
    let said = stage.message(CUSTOMER, "Stalled");
    for part in ["profile.phone", "+49 555", "0049555", "spec.ignore"] {
        assert!(said.contains(part), "{part} isn't in {said}");
    }
    assert_eq!(stage.condition(CUSTOMER, "Ready"), "False/ValueNotKept");
    let drift = &stage.get(CUSTOMER)["status"]["drift"];
    assert_eq!(drift[0]["observed"], "0049555");
    bridge.sweep(&stage, 3).await;
    assert_eq!(bridge.requests(WRITES).await, 2, "{}", stage.log());
    let version = || stage.get(CUSTOMER)["metadata"]["resourceVersion"].clone();
    let before = version();
    bridge.sweep(&stage, 3).await;
    assert_eq!(version(), before, "I4");

    merge(
        &stage,
        CUSTOMER,
        &json!({"spec": {"profile": {"notes": "n2"}}}),
    );
    eventually("the other field is written", || async {
        held(&bridge).await["profile"]["notes"] == "n2"
    })
    .await;
    stage
        .await_condition(CUSTOMER, "Stalled", "True/ValueNotKept")
        .await;
    assert_eq!(bridge.requests(WRITES).await, 3, "and this field alone");

    merge(
        &stage,
        CUSTOMER,
        &json!({"spec": {"profile": {"phone": "0049555"}}}),
    );
    stage.await_ready(&[CUSTOMER]).await;
    assert_eq!(bridge.requests(WRITES).await, 3, "as the platform has it");
}

// R-D5, I4: the same where the answer to a write repeats what was sent, and only reads show what is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_only_reads_show_in_another_form_is_told_too() {
    let (stage, bridge) = stage_with_platform("read-form").await;
    bridge.faults(
        "[{when: {method: GET, route: /v1/customers}, then: {merge: {profile: {phone: '0049555'}}}}]",
    );
    stage.apply(&with_phone("+49 555"));
    stage.await_ready(&[CUSTOMER]).await;
    for _ in 0..2 {
        bridge.sweep(&stage, 1).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stage
        .await_condition(CUSTOMER, "Stalled", "True/ValueNotKept")
        .await;
    let writes = bridge.requests(WRITES).await;
    assert!(writes <= 3, "{writes} writes");
    bridge.sweep(&stage, 3).await;
    assert_eq!(bridge.requests(WRITES).await, writes, "{}", stage.log());
}

// R-D5, R-N3, I4: another cluster, a tool or a person that sets a value back after each of our writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_comes_back_again_and_again_is_told_and_left_for_longer_and_longer() {
    let (stage, bridge) = stage_with_platform("returns").await;
    stage.apply(&with_phone("1"));
    stage.await_ready(&[CUSTOMER]).await;
    for time in 1..=4 {
        set_by_others(&stage, &bridge, "2").await;
        eventually("it is set back", || async {
            held(&bridge).await["profile"]["phone"] == "1"
        })
        .await;
        stage.await_ready(&[CUSTOMER]).await;
        let told = stage.condition(CUSTOMER, "DriftReturns");
        let expected = if time == 4 { "True/DriftReturns" } else { "" };
        if time == 4 {
            stage
                .await_condition(CUSTOMER, "DriftReturns", expected)
                .await;
        } else {
            assert_eq!(told, expected, "after {time}");
        }
    }
    assert!(
        stage
            .message(CUSTOMER, "DriftReturns")
            .contains("profile.phone")
    );
    let counted = stage.measured("holdfast_drift_returns_total", "Customer");
    assert!(counted.await >= 3.0);

    let before = bridge.console.mutations().await.len();
    set_by_others(&stage, &bridge, "2").await;
    stage
        .await_condition(CUSTOMER, "Ready", "False/DriftReturns")
        .await;
    bridge.sweep(&stage, 3).await;
    assert_eq!(
        bridge.console.mutations().await.len(),
        before,
        "left for now"
    );
    for (kind, expected) in [
        ("Reconciling", "True/DriftReturns"),
        ("Synced", "False/DriftReturns"),
        ("DriftDetected", "True/Differs"),
    ] {
        assert_eq!(stage.condition(CUSTOMER, kind), expected);
    }
    let told = events(&stage, CUSTOMER);
    let told = told
        .iter()
        .filter(|(reason, note, _)| reason == "DriftReturns" && note.contains("another cluster"));
    assert_eq!(told.count(), 1);

    merge(
        &stage,
        CUSTOMER,
        &json!({"spec": {"profile": {"phone": "3"}}}),
    );
    stage.await_ready(&[CUSTOMER]).await;
    assert_eq!(held(&bridge).await["profile"]["phone"], "3");
    assert_eq!(stage.condition(CUSTOMER, "DriftReturns"), "");
}

// R-N11: moving to another cluster as the README says, seen from the one that is left: it only looks, then lets go.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_only_observes_leaves_everything_to_the_one_that_takes_over() {
    let (stage, bridge) = stage_with_platform("moving").await;
    stage.apply(&with_phone("1"));
    stage.await_ready(&[CUSTOMER]).await;
    merge(
        &stage,
        "backupplatform/msp",
        &json!({"spec": {"management": "Observe"}}),
    );
    stage
        .await_condition(CUSTOMER, "Ready", "True/Observing")
        .await;
    let before = bridge.console.mutations().await.len();
    for phone in ["2", "3", "4", "5"] {
        set_by_others(&stage, &bridge, phone).await;
    }
    stage
        .await_condition(CUSTOMER, "DriftDetected", "True/Differs")
        .await;
    assert_eq!(stage.condition(CUSTOMER, "DriftReturns"), "");
    let released = HOLDFAST.run(&["release", CUSTOMER, "-n", stage.namespace()]);
    assert!(
        released.status.success(),
        "{}",
        String::from_utf8_lossy(&released.stderr)
    );
    stage.show(&["delete", CUSTOMER]);
    // The one that takes over has the same YAML, with what was changed meanwhile.
    merge(
        &stage,
        "backupplatform/msp",
        &json!({"spec": {"management": "Manage"}}),
    );
    stage.apply(&with_phone("5"));
    stage.await_ready(&[CUSTOMER]).await;
    assert_eq!(
        bridge.console.mutations().await.len(),
        before,
        "found by its mark"
    );
}

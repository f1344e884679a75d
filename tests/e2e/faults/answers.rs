//! F11 to F14: whatever the platform says instead of the truth, nothing is deleted or made again, and what was Ready stays so.

use holdfast_testkit::{
    bridge::{Bridge, TOKEN, legible_conditions},
    operator::{Stage, customer, eventually},
};

use super::{phone, stage_with_platform};

/// Requests for customers are answered so.
fn to_lists(then: &str) -> String {
    format!("{{when: {{method: GET, route: /v1/customers}}, then: {{{then}}}}}")
}

/// Sweeps under each of these faults change nothing anywhere, and the next one without it is as any other.
async fn assert_nothing_changes(prefix: &str, faults: &[String]) -> (Stage, Bridge) {
    let (stage, bridge) = stage_with_platform(prefix).await;
    let before = bridge.console.mutations().await.len();
    for fault in faults {
        bridge.faults(&format!("[{fault}]"));
        let asked = bridge.requests("").await;
        stage.sweep("msp");
        eventually(&format!("the fault strikes: {fault}"), || async {
            bridge.requests("").await > asked
        })
        .await;
        bridge.faults("[]");
        bridge.sweep(&stage, 1).await;
        stage.await_ready(&["backupplatform/msp"]).await;
        let ready = stage.condition("customer/bystander", "Ready");
        assert!(ready.starts_with("True"), "{fault}: {ready}");
    }
    let after = bridge.console.mutations().await.len();
    assert_eq!(after, before, "nothing was sent");
    bridge
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
    (stage, bridge)
}

// F11, R-N9: seconds, a date, absurd, negative, nothing at all.
#[tokio::test(flavor = "multi_thread")]
async fn f11_a_platform_that_throttles_is_waited_for_and_changes_nothing() {
    let waits = [
        "\"1\"",
        "\"Wed, 25 Nov 2020 10:00:00 GMT\"",
        "\"-5\"",
        "\"soon\"",
    ];
    let mut faults = waits.map(|wait| {
        format!("{{when: {{route: /v1/capabilities, times: 1}}, then: {{status: {{code: 429, retryAfter: {wait}}}}}}}")
    })
    .to_vec();
    faults.push("{when: {route: /v1/capabilities, times: 1}, then: {status: {code: 429}}}".into());
    assert_nothing_changes("throttles", &faults).await;
}

// F12, R-N9: an edit made meanwhile arrives afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn f12_a_platform_that_is_down_keeps_what_was_ready_and_gets_the_edit_afterwards() {
    let codes = [500, 502, 503].map(|code| to_lists(&format!("status: {{code: {code}}}")));
    let (stage, bridge) = assert_nothing_changes("down", &codes).await;
    bridge.faults("[{when: {route: /v1/c}, then: {status: {code: 503}}}]");
    stage.sweep("msp");
    stage
        .await_condition(
            "backupplatform/msp",
            "PlatformReachable",
            "False/PlatformUnreachable",
        )
        .await;
    stage.apply(&customer("bystander", "msp", ", profile: {phone: \"503\"}"));
    stage
        .await_condition(
            "customer/bystander",
            "PlatformReachable",
            "False/PlatformUnreachable",
        )
        .await;
    legible_conditions(
        &stage,
        &["backupplatform/msp", "customer/bystander"],
        &[TOKEN],
    );
    bridge.faults("[]");
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    assert_eq!(phone(&bridge, "bystander").await, "503");
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
    bridge
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
}

// F13, R-N9
#[tokio::test(flavor = "multi_thread")]
async fn f13_what_is_no_answer_is_taken_for_none() {
    let faults = [
        to_lists("truncate: 30"),
        to_lists(
            "status: {code: 200, contentType: text/html, body: \"<html>Please log in</html>\"}",
        ),
        to_lists(
            "status: {code: 200, contentType: application/json, body: \"{\\\"error\\\": \\\"no\\\"}\"}",
        ),
        to_lists("status: {code: 200, contentType: application/json, body: \"\"}"),
        to_lists(
            "status: {code: 200, contentType: \"application/json; charset=utf-16\", body: \"[]\"}",
        ),
    ];
    assert_nothing_changes("no-answer", &faults).await;
}

// F14, R-N9: a list is believed where it is whole, and what is missing from it is asked for by id.
#[tokio::test(flavor = "multi_thread")]
async fn f14_an_empty_or_partial_list_deletes_and_recreates_nothing() {
    let lists = ["empty", "half", "incomplete", "secondPageFails", "loop"];
    let mut faults = lists
        .map(|list| to_lists(&format!("list: {list}")))
        .to_vec();
    faults.push(to_lists("status: {code: 403}"));
    assert_nothing_changes("lists", &faults).await;
}

//! The minimal bridge of `examples/bridge/` with the operator before it.

use holdfast_testkit::{
    bridge::{bridge_platform, secret},
    example_bridge::ExampleBridge,
    operator::{Stage, eventually},
};
use serde_json::{Value, json};

use crate::HOLDFAST;

/// The customers that the bridge holds.
async fn customers(bridge: &ExampleBridge) -> Vec<Value> {
    let asked = reqwest::Client::new()
        .get(format!("{}/v1/customers", bridge.url))
        .bearer_auth(&bridge.token);
    let answer = asked.send().await.expect("the bridge answers");
    let page: Value = answer.json().await.expect("JSON");
    page["items"].as_array().cloned().unwrap_or_default()
}

fn fabrikam(phone: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: fabrikam}}\nspec: {{platformRef: {{name: store}}, displayName: Fabrikam GmbH, deletionPolicy: Delete, profile: {{email: ops@fabrikam.example, phone: \"{phone}\"}}, limits: {{storage: 500Gi}}}}\n"
    )
}

// R-N19: made once, changed after the bridge died, and removed.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_lives_on_the_minimal_bridge() {
    let mut bridge = ExampleBridge::start().await;
    let stage = Stage::start(HOLDFAST, "example").await;
    stage.apply(&secret("store", &bridge.token));
    stage.apply(&bridge_platform("store", &bridge.url, ""));
    stage.apply(&fabrikam("+49 30 1"));
    stage.await_ready(&["customer/fabrikam"]).await;
    let made = customers(&bridge).await;
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(made[0]["name"], "Fabrikam GmbH");
    assert_eq!(made[0]["limits"]["storage"], json!(500_u64 << 30));
    let claim = &stage.get("customer/fabrikam")["status"]["claim"];
    assert!(claim.is_string() && made[0]["externalRef"] == *claim);

    bridge.restart().await;
    stage.apply(&fabrikam("+49 30 2"));
    eventually("the new number arrives", || async {
        customers(&bridge).await[0]["profile"]["phone"] == "+49 30 2"
    })
    .await;
    stage.await_ready(&["customer/fabrikam"]).await;
    assert_eq!(customers(&bridge).await[0]["id"], made[0]["id"]);

    stage.show(&["delete", "customer/fabrikam", "--timeout=60s"]);
    assert_eq!(customers(&bridge).await, [""; 0]);
}

//! A halt that is called on a whole platform is heard at once, whatever else is out of order.

use std::time::Duration;

use serde_json::json;

use holdfast_testkit::{
    bridge::{Bridge, TOKEN, secret},
    operator::{Stage, customer, eventually},
    resources::merge,
};

use crate::HOLDFAST;

// R-N7, R-N9, F22: everything was deleted together, Secret and platform included, and waits out its delay by the credential in
// memory. Whoever notices it and says Observe is heard, although the Secret is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_halt_is_heard_while_the_secret_is_missing() {
    let stage = Stage::start(HOLDFAST, "halt").await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let platform = bridge
        .platform("")
        .replace("deletionDelay: 0s", "deletionDelay: 15s");
    let doomed = customer("fabrikam", "msp", ", deletionPolicy: Delete");
    stage.apply(&[secret("msp", TOKEN), platform, doomed].join("---\n"));
    stage.await_ready(&["customer/fabrikam"]).await;
    for object in ["customer/fabrikam", "backupplatform/msp", "secret/msp"] {
        stage.show(&["delete", "--wait=false", object]);
    }
    stage
        .await_condition(
            "customer/fabrikam",
            "DeletionBlocked",
            "True/DeletionDelayed",
        )
        .await;
    let managed = |management: &str| {
        let spec = json!({"spec": {"management": management}});
        merge(&stage, "backupplatform/msp", &spec);
    };
    managed("Observe");
    stage
        .await_condition(
            "customer/fabrikam",
            "DeletionBlocked",
            "True/StillSuspended",
        )
        .await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let remote = async || bridge.console.named("customers", "Customer fabrikam").await;
    assert!(!remote().await.is_null(), "its delay is over, and it stays");
    managed("Manage");
    eventually("the deletion goes on", || async {
        stage.get("customer/fabrikam").is_null()
    })
    .await;
    assert!(remote().await.is_null());
}

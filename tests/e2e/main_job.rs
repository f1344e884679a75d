//! The main job, end to end: YAML in, the platform follows, status comes back.

use crate::HOLDFAST;
use holdfast_testkit::operator::{Stage, customer, embedded_platform, eventually};
use serde_json::json;

// R-D1, R-D5, R-N1, R-N3: created once, edited, and set back when changed behind our back, with an event that names the field.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_follows_its_yaml_in_both_directions() {
    let stage = Stage::start(HOLDFAST, "main-job").await;
    stage.apply(&embedded_platform("msp"));
    stage.apply(&customer("fabrikam", "msp", ", profile: {phone: \"1\"}"));
    stage
        .await_ready(&["backupplatform/msp", "customer/fabrikam"])
        .await;
    let console = stage.console("msp");
    let made = console.named("customers", "Customer fabrikam").await;
    assert_eq!(made["profile"]["phone"], "1");
    assert_eq!(
        made["externalRef"],
        stage.get("customer/fabrikam")["status"]["claim"]
    );
    let id = made["id"].as_str().unwrap().to_owned();

    stage.apply(&customer("fabrikam", "msp", ", profile: {phone: \"2\"}"));
    eventually("the edit is on the platform", || async {
        console.named("customers", "Customer fabrikam").await["profile"]["phone"] == "2"
    })
    .await;

    console
        .change(
            "customers",
            &id,
            json!({"profile": {"phone": "3", "fax": "4"}}),
        )
        .await;
    stage.sweep("msp");
    eventually("the change is set back", || async {
        console.named("customers", "Customer fabrikam").await["profile"]["phone"] == "2"
    })
    .await;
    let unmanaged = console.named("customers", "Customer fabrikam").await;
    assert_eq!(
        unmanaged["profile"]["fax"], "4",
        "what the spec leaves out isn't touched"
    );
    eventually("an event names the field", || async {
        let events = stage.show(&["events", "--for", "customer/fabrikam"]);
        events
            .lines()
            .any(|line| line.contains("Reverted") && line.contains("profile.phone"))
    })
    .await;
    let creations = console
        .mutations()
        .await
        .iter()
        .filter(|item| item["method"] == "PUT")
        .count();
    assert_eq!(creations, 1);
}

/// Of each customer that has a resource: name, mark and id of the remote object, as the platform and as the resource say.
async fn held(stage: &Stage) -> Vec<[serde_json::Value; 4]> {
    let console = stage.console("msp");
    let mut held = Vec::new();
    for name in ["one", "two"] {
        let status = stage.get(&format!("customer/{name}"))["status"].clone();
        let remote = console
            .named("customers", &format!("Customer {name}"))
            .await;
        assert_eq!(status["externalId"], remote["id"], "{name}");
        assert_eq!(status["claim"], remote["externalRef"], "{name}");
        held.push([
            name.into(),
            remote["externalRef"].clone(),
            remote["id"].clone(),
            remote["createdAt"].clone(),
        ]);
    }
    held
}

// R-N11: a new cluster, the same YAML: everything is taken back with not one write.
#[tokio::test(flavor = "multi_thread")]
async fn losing_the_cluster_loses_nothing() {
    let stage = Stage::start(HOLDFAST, "n11").await;
    let manifests = [
        embedded_platform("msp"),
        customer("one", "msp", ""),
        customer("two", "msp", ", limits: {storage: 10Gi}"),
    ]
    .join("---\n");
    stage.apply(&manifests);
    stage.await_ready(&["customer/one", "customer/two"]).await;
    let console = stage.console("msp");
    let before = console.mutations().await.len();
    let before_loss = held(&stage).await;

    // What a lost cluster looks like from here: every object is gone, and no finalizer was served.
    let mut stage = stage;
    stage.kill();
    for object in ["customer/one", "customer/two", "backupplatform/msp"] {
        stage.show(&[
            "patch",
            object,
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ]);
    }
    stage.show(&["delete", "customers,backupplatforms", "--all"]);
    stage.run().await;
    stage.apply(&manifests);
    stage
        .await_ready(&["backupplatform/msp", "customer/one", "customer/two"])
        .await;
    assert_eq!(
        stage.console("msp").mutations().await.len(),
        before,
        "taken back without a write"
    );
    let after = held(&stage).await;
    assert_eq!(
        after, before_loss,
        "each resource holds its object, by its mark"
    );
}

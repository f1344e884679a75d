//! F7, F8, F9 and F22: what the cluster does: an older state, events that are missed, watches that end or hang, deletions in
//! any order.

use std::time::{Duration, Instant};

use crate::HOLDFAST;
use holdfast_testkit::{
    Cluster,
    bridge::{Bridge, TOKEN, legible_conditions},
    kubectl,
    operator::{Stage, customer, eventually},
    relay::Relay,
};
use reqwest::Method;
use serde_json::json;

use super::{bystander, phone, stage_with_platform};

// F22: platform or Secret first, or the whole namespace: Retain lets go at once, Delete says why it waits and can be let go.
#[tokio::test(flavor = "multi_thread")]
async fn f22_in_whatever_order_things_are_deleted_nothing_sticks_without_a_reason() {
    let (stage, bridge) = stage_with_platform("order").await;
    stage.apply(
        &[
            customer("released", "msp", ""),
            customer("doomed", "msp", ", deletionPolicy: Delete"),
            customer("last", "msp", ""),
        ]
        .join("---\n"),
    );
    stage
        .await_ready(&["customer/released", "customer/doomed", "customer/last"])
        .await;
    let before = bridge.console.mutations().await.len();
    stage.show(&["delete", "secret/msp"]);
    stage
        .await_condition("backupplatform/msp", "Stalled", "True/CredentialsMissing")
        .await;
    assert!(
        stage
            .condition("customer/released", "Ready")
            .starts_with("True"),
        "Ready stays as last known"
    );
    stage.show(&["delete", "customer/released", "--timeout=60s"]);
    stage.show(&["delete", "backupplatform/msp"]);
    stage
        .await_condition("customer/last", "Stalled", "True/PlatformMissing")
        .await;
    stage.show(&["delete", "customer/doomed", "--wait=false"]);
    stage
        .await_condition("customer/doomed", "DeletionBlocked", "True/PlatformMissing")
        .await;
    legible_conditions(&stage, &["customer/doomed", "customer/last"], &[TOKEN]);
    stage.show(&[
        "patch",
        "customer/doomed",
        "--type=merge",
        "-p",
        r#"{"spec":{"deletionPolicy":"Retain"}}"#,
    ]);
    stage.show(&["wait", "customer/doomed", "--for=delete", "--timeout=60s"]);

    stage.apply(&bridge.manifest());
    stage
        .await_ready(&["backupplatform/msp", "customer/last"])
        .await;
    let output = kubectl(
        &["delete", "namespace", stage.namespace(), "--timeout=60s"],
        "",
    );
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        stage.log()
    );
    assert_eq!(
        bridge.console.mutations().await.len(),
        before,
        "I3: nothing was sent"
    );
    assert_eq!(
        bridge
            .console
            .list("customers")
            .await
            .iter()
            .filter(|item| !item["externalRef"].is_null())
            .count(),
        4
    );
}

/// Takes a resource out of the cluster as a lost cluster would: the finalizer isn't served.
fn lose(stage: &Stage, object: &str) {
    let strip = r#"{"metadata":{"finalizers":null}}"#;
    stage.show(&["patch", object, "--type=merge", "-p", strip]);
    stage.show(&["delete", object, "--wait=false", "--ignore-not-found"]);
    stage.show(&["wait", object, "--for=delete", "--timeout=30s"]);
}

// F7, R-N11: a cluster restored from a backup knows an id that is dead, misses one resource, and holds an older spec.
#[tokio::test(flavor = "multi_thread")]
async fn f07_a_cluster_that_is_set_back_loses_and_doubles_nothing() {
    let (mut stage, bridge) = stage_with_platform("set-back").await;
    let backup = stage.get("customer/bystander");
    let dead = bystander(&stage);
    let purge = format!("/v1/customers/{dead}?mode=purge&force=true");
    bridge.console.call(Method::DELETE, &purge, None).await;
    stage.sweep("msp");
    stage
        .await_condition("customer/bystander", "Stalled", "True/VanishedOnPlatform")
        .await;
    let recreate = format!("holdfast.dev/recreate={dead}");
    stage.show(&["annotate", "customer/bystander", &recreate]);
    stage.await_ready(&["customer/bystander"]).await;
    let alive = bystander(&stage);
    assert_ne!(alive, dead);
    stage.apply(&customer("later", "msp", ", deletionPolicy: Delete"));
    stage.await_ready(&["customer/later"]).await;
    let before = bridge.console.mutations().await;

    stage.kill();
    lose(&stage, "customer/bystander");
    lose(&stage, "customer/later");
    let mut restored = backup.clone();
    for member in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
    ] {
        restored["metadata"]
            .as_object_mut()
            .expect("metadata")
            .remove(member);
    }
    let create = ["create", "-f", "-"];
    assert!(
        stage
            .kubectl(&create, &restored.to_string())
            .status
            .success()
    );
    let status = json!({"status": backup["status"]}).to_string();
    let patch = [
        "patch",
        "customer/bystander",
        "--subresource=status",
        "--type=merge",
        "-p",
        &status,
    ];
    stage.show(&patch);
    assert_eq!(bystander(&stage), dead, "as in the backup");
    stage.run().await;

    eventually("it holds the object that is alive", || async {
        bystander(&stage) == alive
    })
    .await;
    stage.await_ready(&["customer/bystander"]).await;
    bridge.sweep(&stage, 2).await;
    assert_eq!(bridge.console.mutations().await, before);
    let customers = bridge.console.list("customers").await;
    assert!(
        customers
            .iter()
            .any(|item| item["name"] == "Customer later")
    );
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
}

// F8: created and deleted, edited and reverted, deleted and made again under its name, all while nobody watched.
#[tokio::test(flavor = "multi_thread")]
async fn f08_what_happened_unwatched_ends_as_if_it_had_been_watched() {
    let (mut stage, bridge) = stage_with_platform("unwatched").await;
    let doomed = customer("replaced", "msp", ", deletionPolicy: Delete");
    stage.apply(&doomed);
    stage.await_ready(&["customer/replaced"]).await;
    let held = |stage: &Stage| stage.get("customer/replaced")["status"]["externalId"].clone();
    let first = held(&stage);
    let before = bridge.console.mutations().await;

    stage.kill();
    stage.apply(&customer("fleeting", "msp", ""));
    stage.show(&["delete", "customer/fleeting", "--timeout=30s"]);
    stage.apply(&customer("bystander", "msp", ", profile: {phone: \"8\"}"));
    stage.apply(&customer("bystander", "msp", ""));
    lose(&stage, "customer/replaced");
    stage.apply(&doomed);
    stage.run().await;

    let objects = [
        "backupplatform/msp",
        "customer/bystander",
        "customer/replaced",
    ];
    stage.await_ready(&objects).await;
    assert_eq!(
        held(&stage),
        first,
        "the new resource of the name holds the object by its mark"
    );
    assert_eq!(bridge.console.mutations().await, before);
    let objects = ["customer/bystander", "customer/replaced"];
    bridge.assert_silent(&stage, &objects).await;
    bridge.assert_nothing_strange(&stage, &objects).await;
}

// F9: connections to the API server break, again and again, and then hang without breaking.
#[tokio::test(flavor = "multi_thread")]
async fn f09_watches_that_break_or_hang_miss_no_edit_for_long() {
    let cluster = Cluster::start("watches").await;
    let mut stage = Stage::without_operator(HOLDFAST, cluster);
    let relay = Relay::before_the_api_server(&mut stage).await;
    stage.run().await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    stage.apply(&[bridge.manifest(), customer("bystander", "msp", "")].join("---\n"));
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    let edit = async |phone: &str| {
        let more = format!(", profile: {{phone: \"{phone}\"}}");
        stage.apply(&customer("bystander", "msp", &more));
    };
    for number in ["1", "2", "3"] {
        relay.cut();
        edit(number).await;
        eventually("the edit arrives after a cut", || async {
            phone(&bridge, "bystander").await == number
        })
        .await;
    }
    relay.cut();
    stage.apply(&customer("gone", "msp", ", deletionPolicy: Delete"));
    stage.await_ready(&["customer/gone"]).await;
    stage.show(&["delete", "customer/gone", "--wait=false"]);
    relay.cut();
    stage.show(&["wait", "customer/gone", "--for=delete", "--timeout=60s"]);

    let (lines, hung) = (relay.opened(), Instant::now());
    relay.hang();
    edit("hung").await;
    while phone(&bridge, "bystander").await != "hung" {
        assert!(
            hung.elapsed() < Duration::from_secs(400),
            "the watch still hangs:\n{}",
            stage.log()
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    eprintln!(
        "the edit arrived {} s after all lines hung",
        hung.elapsed().as_secs()
    );
    assert!(relay.opened() > lines, "over a new line");
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
    assert_eq!(bridge.creations().await.into_values().max(), Some(1));
}

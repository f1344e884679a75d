//! Deleting: letting go, deleting on the platform, releasing.

use crate::HOLDFAST;
use serde_json::{Value, json};

use super::estate::{OBJECTS, estate, events, merge, remote, settled};
use holdfast_testkit::operator::eventually;

// I3, I7, R-N11: Retain. Deleting every resource leaves the platform untouched; the same YAML takes all back without a write.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_retained_stays_on_the_platform_and_is_taken_back_without_a_write() {
    let (stage, console) = settled("retain", "").await;
    let before = console.mutations().await;
    let ids: Vec<Value> = OBJECTS[1..]
        .iter()
        .map(|object| stage.get(object)["status"]["externalId"].clone())
        .collect();
    assert!(ids.iter().all(Value::is_string), "{ids:?}");
    for object in OBJECTS.iter().rev() {
        stage.show(&["delete", object, "--timeout=60s"]);
    }
    stage.apply(&estate(""));
    stage.await_ready(&OBJECTS).await;
    assert_eq!(console.mutations().await, before);
    for (object, id) in OBJECTS[1..].iter().zip(ids) {
        assert_eq!(stage.get(object)["status"]["externalId"], id, "{object}");
    }
    eventually("it is said", || async {
        events(&stage, "customer/fabrikam")
            .iter()
            .any(|(reason, ..)| reason == "Claimed")
    })
    .await;

    // Parents first is as good: nothing is orphaned, nothing is stuck.
    for object in OBJECTS {
        stage.show(&["delete", object, "--timeout=60s"]);
    }
    assert_eq!(console.mutations().await, before);
}

// R-D6, R-S3, R-D22, I7, F22: the parent waits until nothing hangs below it, and its finalizer goes after the remote object.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_held_until_nothing_hangs_below_and_the_finalizer_goes_last() {
    let (stage, console) = settled("delete", ", deletionPolicy: Delete").await;
    for object in &OBJECTS[1..4] {
        stage.show(&["delete", object, "--wait=false"]);
    }
    for object in &OBJECTS[1..4] {
        stage
            .await_condition(object, "DeletionBlocked", "True/HasDependents")
            .await;
        assert!(
            stage.get(object)["metadata"]["finalizers"]
                .to_string()
                .contains("holdfast.dev/remote")
        );
        let message = stage.message(object, "DeletionBlocked");
        assert!(
            message.contains("deletionPolicy: Retain"),
            "says the way out: {message}"
        );
        assert!(!remote(&stage, &console, object).await.is_null());
    }
    // Meanwhile nothing below is touched.
    let below = remote(&stage, &console, "tenant/fabrikam-hybrid").await;
    assert_eq!(below["active"], true);

    // The plan is let go of instead; the rest follows the tenant, from below.
    merge(
        &stage,
        "serviceplan/gold",
        &json!({"spec": {"deletionPolicy": "Retain"}}),
    );
    stage.show(&["wait", "--for=delete", "serviceplan/gold", "--timeout=60s"]);
    stage.show(&["delete", "tenant/fabrikam-hybrid", "--timeout=60s"]);
    for object in ["customer/fabrikam", "reseller/northwind"] {
        stage.show(&["wait", "--for=delete", object, "--timeout=60s"]);
    }
    for (kind, name) in [
        ("customers", "Fabrikam GmbH"),
        ("resellers", "Northwind IT"),
    ] {
        assert!(console.named(kind, name).await.is_null(), "{name} is gone");
    }
    assert!(
        !console.named("plans", "Gold").await.is_null(),
        "what was let go of stays"
    );
    let mutations = console.mutations().await;
    let deleted: Vec<_> = mutations
        .iter()
        .filter(|item| item["method"] == "DELETE" && item["outcome"] == "accepted")
        .collect();
    assert_eq!(deleted.len(), 3, "each once: {deleted:#?}");
    let refused: Vec<_> = mutations
        .iter()
        .filter(|item| item["outcome"] != "accepted")
        .collect();
    assert!(
        refused.is_empty(),
        "nothing was tried that the rules forbid: {refused:#?}"
    );
}

// R-N7, F22: as a prune does it, all at once and in any order: what is released first doesn't hold up what is deleted below it.
#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_below_is_deleted_also_when_those_above_were_let_go_first() {
    let (stage, console) = settled("prune", ", deletionPolicy: Delete").await;
    merge(
        &stage,
        "reseller/northwind",
        &json!({"spec": {"deletionPolicy": "Retain"}}),
    );
    stage.show(&["delete", "reseller/northwind", "--timeout=60s"]);
    for object in ["customer/fabrikam", "tenant/fabrikam-hybrid"] {
        stage.show(&["delete", object, "--wait=false"]);
    }
    for object in ["tenant/fabrikam-hybrid", "customer/fabrikam"] {
        stage.show(&["wait", "--for=delete", object, "--timeout=60s"]);
    }
    assert!(console.named("customers", "Fabrikam GmbH").await.is_null());
    assert!(!console.named("resellers", "Northwind IT").await.is_null());
}

// I3: `holdfast release` lets one object go; it stays in Kubernetes, unmanaged, and can be taken up again.
#[tokio::test(flavor = "multi_thread")]
async fn one_released_object_can_be_deleted_without_the_platform_noticing_or_be_taken_up_again() {
    let (stage, console) = settled("release", ", deletionPolicy: Delete").await;
    let before = console.mutations().await.len();
    let released = HOLDFAST.run(&["release", "customer/fabrikam", "-n", stage.namespace()]);
    assert!(
        released.status.success(),
        "{}",
        String::from_utf8_lossy(&released.stderr)
    );
    stage
        .await_condition("customer/fabrikam", "Paused", "True")
        .await;
    let fabrikam = stage.get("customer/fabrikam");
    assert!(
        fabrikam["metadata"]["finalizers"].is_null(),
        "no finalizer is put back"
    );
    assert_eq!(fabrikam["spec"]["deletionPolicy"], "Retain");
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"management": null, "profile": {"phone": "5"}}}),
    );
    eventually("it is managed again", || async {
        remote(&stage, &console, "customer/fabrikam").await["profile"]["phone"] == "5"
    })
    .await;
    let released = HOLDFAST.run(&["release", "customer/fabrikam", "-n", stage.namespace()]);
    assert!(released.status.success());
    stage.show(&["delete", "customer/fabrikam", "--timeout=60s"]);
    assert_eq!(console.mutations().await.len(), before + 1);
    let missing = HOLDFAST.run(&["release", "customer/nobody", "-n", stage.namespace()]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("nobody"));
}

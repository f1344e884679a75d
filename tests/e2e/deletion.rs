//! Deleting, cancelling a deletion, and removing everything at once: nothing stays switched off, nothing hangs for good, and
//! no more begins within an hour than is allowed.

use crate::HOLDFAST;
use std::{collections::BTreeSet, time::Duration};

use kube::ResourceExt;
use serde_json::{Value, json};

use holdfast_testkit::{
    bridge::{Bridge, TOKEN, bridge_platform, secret},
    kubectl,
    operator::{Stage, customer, eventually},
    resources::{declared, events, merge},
    versions::Versions,
};

const HOUR: &str = ", safety: {maxDeletionsPerHour: 10, deletionDelay: 1h}";

fn platform(bridge: &Bridge, more: &str) -> String {
    bridge.platform("").replace(
        ", safety: {maxDeletionsPerHour: 10000, deletionDelay: 0s}",
        more,
    )
}

/// An operator with a bridge platform under these terms, and customers that go from the platform with their resources.
async fn settled(prefix: &str, safety: &str, names: &[&str]) -> (Stage, Bridge) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let mut manifests = vec![secret("msp", TOKEN), platform(&bridge, safety)];
    let doomed = |name: &&str| customer(name, "msp", ", deletionPolicy: Delete");
    manifests.extend(names.iter().map(doomed));
    stage.apply(&manifests.join("---\n"));
    for name in names {
        stage.await_ready(&[&format!("customer/{name}")]).await;
    }
    (stage, bridge)
}

async fn active(bridge: &Bridge, name: &str) -> Value {
    let name = format!("Customer {name}");
    bridge.console.named("customers", &name).await["active"].clone()
}

fn delete(stage: &Stage, object: &str) {
    stage.show(&["delete", "--wait=false", object]);
}

async fn gone(stage: &Stage, object: &str) {
    eventually(&format!("{object} is gone"), || async {
        stage.get(object).is_null()
    })
    .await;
}

async fn suspended(stage: &Stage, bridge: &Bridge, name: &str) {
    let object = format!("customer/{name}");
    delete(stage, &object);
    stage
        .await_condition(&object, "DeletionBlocked", "True/DeletionDelayed")
        .await;
    assert_eq!(active(bridge, name).await, false, "{name} is suspended");
}

fn retain(stage: &Stage, object: &str) {
    merge(
        stage,
        object,
        &json!({"spec": {"deletionPolicy": "Retain"}}),
    );
}

// R-N7, R-N9: while the operator is down, and then before its first sweep.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_cancelled_while_the_operator_is_down_leaves_nothing_suspended() {
    let (mut stage, bridge) = settled("cancel-down", HOUR, &["fabrikam"]).await;
    suspended(&stage, &bridge, "fabrikam").await;
    assert!(stage.terminate().success());
    retain(&stage, "customer/fabrikam");
    bridge.faults("[{when: {method: GET, route: /v1/capabilities, times: 1}, then: {delay: 3s}}]");
    stage.run().await;
    gone(&stage, "customer/fabrikam").await;
    assert_eq!(active(&bridge, "fabrikam").await, true);
}

/// The last change was five minutes ago.
fn antedate(stage: &Stage, object: &str) {
    let mut status = stage.get(object)["status"].clone();
    let changes = status["changes"].as_array_mut().expect("changes");
    let last = changes.last_mut().expect("one");
    last["at"] = json!(jiff::Timestamp::now() - jiff::SignedDuration::from_mins(5));
    let patch = json!({"status": {"changes": changes}}).to_string();
    let patch = [
        "patch",
        object,
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ];
    stage.show(&patch);
}

// R-N7, F2: the platform has carried the suspension out, and nobody heard of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_whose_answer_is_lost_is_undone_before_the_release() {
    let (mut stage, bridge) = settled("cancel-lost", HOUR, &["fabrikam"]).await;
    bridge.faults("[{when: {method: POST, route: /v1/customers}, then: {drop: after}}]");
    delete(&stage, "customer/fabrikam");
    eventually("it is suspended all the same", || async {
        active(&bridge, "fabrikam").await == false
    })
    .await;
    stage
        .await_condition("customer/fabrikam", "DeletionBlocked", "True")
        .await;
    stage.kill();
    retain(&stage, "customer/fabrikam");
    bridge.faults("[]");
    stage.run().await;
    eventually("the message says for what it waits", || async {
        let message = stage.message("customer/fabrikam", "DeletionBlocked");
        message.contains("may still be carried out") && message.contains("release-suspended=")
    })
    .await;
    assert_eq!(
        active(&bridge, "fabrikam").await,
        false,
        "not before its time"
    );
    // It may be carried out late for two minutes; they pass more quickly by this.
    stage.kill();
    antedate(&stage, "customer/fabrikam");
    stage.run().await;
    gone(&stage, "customer/fabrikam").await;
    assert_eq!(active(&bridge, "fabrikam").await, true);
}

// R-N7: the message names the way out, and who takes it is told what stays.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_activated_waits_until_somebody_says_that_it_may_stay_suspended() {
    let (stage, mut bridge) = settled("cancel-silent", HOUR, &["fabrikam"]).await;
    suspended(&stage, &bridge, "fabrikam").await;
    let id = stage.get("customer/fabrikam")["status"]["externalId"].clone();
    let id = id.as_str().expect("an id");
    bridge.stop();
    retain(&stage, "customer/fabrikam");
    let way_out = format!("holdfast.dev/release-suspended={id}");
    eventually("the message names the way out", || async {
        let message = stage.message("customer/fabrikam", "DeletionBlocked");
        message.contains(&way_out)
    })
    .await;
    let released = HOLDFAST.run(&["release", "customer/fabrikam", "-n", stage.namespace()]);
    assert_eq!(released.status.code(), Some(1));
    let said = String::from_utf8_lossy(&released.stderr).into_owned();
    assert!(
        said.contains("--leave-suspended") && said.contains("fabrikam"),
        "{said}"
    );
    assert!(!stage.get("customer/fabrikam").is_null(), "still there");
    stage.show(&["annotate", "customer/fabrikam", &way_out]);
    gone(&stage, "customer/fabrikam").await;
    eventually("an event says what stays", || async {
        let events = events(&stage, "customer/fabrikam");
        let stays = |(reason, note, _): &(String, String, u64)| {
            reason == "ReleasedSuspended" && note.contains(id)
        };
        events.iter().any(stays)
    })
    .await;
    assert!(stage.log().contains("stays suspended"));
    bridge.run().await;
    assert_eq!(active(&bridge, "fabrikam").await, false);
}

// R-N7: `holdfast release` during the delay.
#[tokio::test(flavor = "multi_thread")]
async fn the_release_command_has_the_operator_activate_what_it_suspended() {
    let (stage, bridge) = settled("cancel-release", HOUR, &["fabrikam", "contoso"]).await;
    suspended(&stage, &bridge, "fabrikam").await;
    suspended(&stage, &bridge, "contoso").await;
    let released = HOLDFAST.run(&["release", "customer/fabrikam", "-n", stage.namespace()]);
    let error = String::from_utf8_lossy(&released.stderr);
    assert!(released.status.success(), "{error}");
    gone(&stage, "customer/fabrikam").await;
    assert_eq!(active(&bridge, "fabrikam").await, true);
    let versions = Versions::of(&stage, "contoso").await;
    let left = [
        "release",
        "customer/contoso",
        "--leave-suspended",
        "-n",
        stage.namespace(),
    ];
    assert!(HOLDFAST.run(&left).status.success());
    gone(&stage, "customer/contoso").await;
    assert_eq!(active(&bridge, "contoso").await, false);
    // Between two writes, the operator would activate it.
    let retained = versions.all().await;
    let retained = retained.iter().filter(|version| {
        version.data["spec"]["deletionPolicy"] == "Retain" && version.annotations().is_empty()
    });
    assert_eq!(retained.count(), 0, "retained before it was annotated");
}

// R-N7: where suspending may lose data, the deletion waits as it is.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_suspended_on_a_platform_that_does_not_promise_to_keep_the_data() {
    let (stage, bridge) = settled("keeps", HOUR, &[]).await;
    let verbs = "[CreateCustomer, UpdateCustomer, DeleteCustomer, SuspendCustomer]";
    bridge.faults(&format!(
        "[{{when: {{route: /v1/capabilities}}, then: {{merge: {{verbs: {verbs}}}}}}}]"
    ));
    bridge.sweep(&stage, 1).await;
    stage.apply(&customer("fabrikam", "msp", ", deletionPolicy: Delete"));
    stage.await_ready(&["customer/fabrikam"]).await;
    delete(&stage, "customer/fabrikam");
    stage
        .await_condition(
            "customer/fabrikam",
            "DeletionBlocked",
            "True/DeletionDelayed",
        )
        .await;
    assert_ne!(active(&bridge, "fabrikam").await, false);
    let message = stage.message("customer/fabrikam", "DeletionBlocked");
    assert!(message.contains("left unchanged"), "{message}");
}

async fn suspensions(bridge: &Bridge) -> BTreeSet<String> {
    let customers = bridge.console.list("customers").await.into_iter();
    let suspended = customers.filter(|customer| customer["active"] == false);
    let name = |customer: Value| customer["name"].as_str().unwrap_or_default().to_owned();
    suspended.map(name).collect()
}

// R-N7, R-N9: 15 customers were suspended within six seconds under a limit of 10. A suspension counts, once, also for the
// process after this one; whoever waits costs nothing.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_deletions_begin_than_the_limit_allows_also_after_a_restart() {
    let names = ["c1", "c2", "c3", "c4", "c5"];
    let safety = ", safety: {maxDeletionsPerHour: 2, deletionDelay: 1h}";
    let (mut stage, bridge) = settled("limit", safety, &names).await;
    let all: Vec<String> = names
        .iter()
        .map(|name| format!("customer/{name}"))
        .collect();
    for object in &all {
        delete(&stage, object);
    }
    let held = |stage: &Stage, reason: &str| {
        let held = |object: &&String| {
            stage.condition(object, "DeletionBlocked") == format!("True/{reason}")
        };
        all.iter().filter(held).count()
    };
    let as_it_should_be =
        |stage: &Stage| held(stage, "DeletionDelayed") == 2 && held(stage, "TooManyDeletions") == 3;
    eventually("two have begun, three wait", || async {
        as_it_should_be(&stage)
    })
    .await;
    let begun = suspensions(&bridge).await;
    assert_eq!(begun.len(), 2, "{begun:?}");
    let waiting = all
        .iter()
        .find(|object| stage.condition(object, "DeletionBlocked") == "True/TooManyDeletions");
    let message = stage.message(waiting.expect("one waits"), "DeletionBlocked");
    assert!(!message.contains("202"), "no instant: {message}");

    // After the creations the reports are read, and what they say is written once.
    eventually("every customer has its figures", || async {
        let told = |object: &String| stage.get(object)["status"]["usage"].is_object();
        all.iter().all(told)
    })
    .await;
    bridge.sweep(&stage, 3).await;
    // Who is asked again and again sends nothing and writes nothing.
    let version = |object: &String| stage.get(object)["metadata"]["resourceVersion"].clone();
    let before: Vec<Value> = all.iter().map(version).collect();
    let rehearsals =
        bridge.requests("POST").await + bridge.requests("GET /v1/customers/{id}").await;
    bridge.sweep(&stage, 2).await;
    let after: Vec<Value> = all.iter().map(version).collect();
    assert_eq!(after, before);
    assert_eq!(
        bridge.requests("POST").await + bridge.requests("GET /v1/customers/{id}").await,
        rehearsals
    );

    stage.kill();
    stage.run().await;
    bridge.sweep(&stage, 2).await;
    eventually("all is as before", || async { as_it_should_be(&stage) }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(suspensions(&bridge).await, begun);

    // Another platform of the same account has no permits of its own.
    let other = bridge_platform("other", &bridge.console.url, "");
    let other = other.replace("maxDeletionsPerHour: 10000", "maxDeletionsPerHour: 2");
    let doomed = customer("d1", "other", ", deletionPolicy: Delete");
    stage.apply(&[secret("other", TOKEN), other, doomed].join("---\n"));
    stage.await_ready(&["customer/d1"]).await;
    delete(&stage, "customer/d1");
    stage
        .await_condition("customer/d1", "DeletionBlocked", "True/TooManyDeletions")
        .await;
    // Other tests on this API server release everything: nothing of this one may need an operator then.
    for object in &all {
        let left = [
            "release",
            object,
            "--leave-suspended",
            "-n",
            stage.namespace(),
        ];
        assert!(HOLDFAST.run(&left).status.success());
    }
}

/// Every permit was taken more than an hour ago.
fn antedate_permits(stage: &Stage) {
    let lease = stage.leases().remove(0).0;
    let key = "holdfast.dev/deletion-permits";
    let document: Value =
        serde_json::from_str(&stage.show(&["get", &lease, "-o", "json"])).expect("JSON");
    let record = document["metadata"]["annotations"][key].as_str();
    let (minute, count) = record
        .and_then(|record| record.split_once(':'))
        .expect("permits");
    let minute: u64 = minute.parse().expect("a minute");
    let old = format!("{key}={}:{count}", minute - 62);
    stage.show(&["annotate", "--overwrite", &lease, &old]);
}

// R-N7: another process that takes the account over knows the permits, and a slot that frees goes to one: nothing is asked or
// written for the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_freed_slot_costs_one_rehearsal_and_a_takeover_forgets_no_permit() {
    let names = ["c1", "c2", "c3", "c4"];
    let safety = ", safety: {maxDeletionsPerHour: 1, deletionDelay: 0s}";
    let (mut stage, bridge) = settled("slot", safety, &names).await;
    bridge.sweep(&stage, 3).await;
    for name in names {
        delete(&stage, &format!("customer/{name}"));
    }
    let left = |stage: &Stage| -> Vec<String> {
        let objects = names.iter().map(|name| format!("customer/{name}"));
        objects
            .filter(|object| !stage.get(object).is_null())
            .collect()
    };
    let held = |stage: &Stage, wanted: usize| {
        let left = left(stage);
        let all = left
            .iter()
            .all(|object| stage.condition(object, "DeletionBlocked") == "True/TooManyDeletions");
        all && left.len() == wanted
    };
    eventually("one is gone, three wait", || async { held(&stage, 3) }).await;

    stage.kill();
    let mut second = stage.beside();
    second.run().await;
    eventually("the second leads", || async {
        second.measured("holdfast_leader", "").await > 0.5
    })
    .await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert!(held(&second, 3), "no permit is forgotten");

    assert!(second.terminate().success());
    antedate_permits(&second);
    let version =
        |stage: &Stage, object: &String| stage.get(object)["metadata"]["resourceVersion"].clone();
    let waiting = left(&second);
    let before: Vec<Value> = waiting
        .iter()
        .map(|object| version(&second, object))
        .collect();
    let asked = bridge.requests("DELETE").await;
    second.run().await;
    eventually("one more is gone, two wait", || async { held(&second, 2) }).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let same = waiting.iter().zip(before);
    let same = same.filter(|(object, before)| version(&second, object) == *before);
    assert_eq!(same.count(), 2, "nothing is written for those that wait");
    // A rehearsal and the deletion itself.
    assert_eq!(bridge.requests("DELETE").await - asked, 2);
}

/// A namespace full of things, some of which go from the platform with it.
fn estate(bridge: &Bridge) -> String {
    let delete = "deletionPolicy: Delete";
    let plan = "platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]";
    let tenant = format!(
        "customerRef: {{name: fabrikam}}, servicePlanRef: {{name: gold}}, product: HybridWorkloads, {delete}"
    );
    let reseller = "platformRef: {name: msp}, displayName: Northwind IT";
    let below = format!(
        "resellerRef: {{name: northwind}}, displayName: Fabrikam, country: \"DE\", {delete}"
    );
    [
        secret("msp", TOKEN),
        platform(
            bridge,
            ", safety: {maxDeletionsPerHour: 10, deletionDelay: 2s}",
        ),
        declared("Reseller", "northwind", reseller),
        declared("ServicePlan", "gold", plan),
        declared("Customer", "fabrikam", &below),
        declared("Tenant", "fabrikam-hybrid", &tenant),
        customer("kept", "msp", ""),
    ]
    .join("---\n")
}

const ESTATE: [&str; 5] = [
    "reseller/northwind",
    "serviceplan/gold",
    "customer/fabrikam",
    "tenant/fabrikam-hybrid",
    "customer/kept",
];

async fn settled_estate(prefix: &str) -> (Stage, Bridge) {
    let stage = Stage::start_leasing_in(HOLDFAST, prefix, "default").await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    stage.apply(&estate(&bridge));
    stage.await_ready(&ESTATE).await;
    let platform = stage.get("backupplatform/msp");
    assert_eq!(
        platform["metadata"]["finalizers"],
        json!(["holdfast.dev/remote"])
    );
    (stage, bridge)
}

/// What is deleted is gone from the platform, and what is retained is there, switched on.
async fn as_the_policies_say(bridge: &Bridge) {
    let console = &bridge.console;
    assert!(console.named("customers", "Fabrikam").await.is_null());
    assert_ne!(active(bridge, "kept").await, false);
    assert!(
        console
            .named("customers", "Customer kept")
            .await
            .is_object()
    );
    assert!(console.named("resellers", "Northwind IT").await.is_object());
    assert!(console.named("plans", "Gold").await.is_object());
}

// F22, R-N7: `kubectl delete namespace` takes Secret and platform in its first round, and ends by itself all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_deleted_ends_by_itself() {
    let (stage, bridge) = settled_estate("ns-delete").await;
    let deleted = kubectl(
        &["delete", "namespace", stage.namespace(), "--timeout=90s"],
        "",
    );
    let error = String::from_utf8_lossy(&deleted.stderr);
    assert!(deleted.status.success(), "{error}\n{}", stage.log());
    as_the_policies_say(&bridge).await;
}

// F22: without the Secret nobody can ask the platform after a restart: the resource says so, and Retain frees it.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_without_the_secret_a_deletion_says_what_is_missing() {
    let (mut stage, bridge) = settled_estate("ns-restart").await;
    stage.kill();
    stage.show(&["delete", "secret", "msp"]);
    delete(&stage, "backupplatform/msp");
    delete(&stage, "tenant/fabrikam-hybrid");
    stage.run().await;
    eventually("it says which Secret is missing", || async {
        let message = stage.message("tenant/fabrikam-hybrid", "DeletionBlocked");
        message.contains("Secret \"msp\"") && message.contains("Retain")
    })
    .await;
    eventually("the platform says who still needs it", || async {
        let said = stage.message("backupplatform/msp", "DeletionBlocked");
        said.contains("Tenant") && said.contains("fabrikam-hybrid")
    })
    .await;
    retain(&stage, "tenant/fabrikam-hybrid");
    gone(&stage, "tenant/fabrikam-hybrid").await;
    gone(&stage, "backupplatform/msp").await;
    let tenants = bridge.console.list("tenants").await;
    let left = tenants.iter().any(|tenant| {
        tenant["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("Fabrikam /"))
    });
    assert!(left, "left as it was: {tenants:#?}");
}

// F22: one file with the platform first, as the examples have it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_the_platform_first_is_deleted_and_replaced() {
    let (stage, bridge) = settled_estate("file-delete").await;
    let manifest = estate(&bridge);
    let deleted = stage.kubectl(&["delete", "--timeout=90s", "-f", "-"], &manifest);
    let error = String::from_utf8_lossy(&deleted.stderr);
    assert!(deleted.status.success(), "{error}\n{}", stage.log());
    as_the_policies_say(&bridge).await;
    stage.apply(&manifest);
    stage.await_ready(&ESTATE).await;
    let file = stage.data.path().join("all.yaml");
    std::fs::write(&file, &manifest).expect("written");
    let file = file.to_str().expect("a path in UTF-8");
    let replaced = stage.kubectl(&["replace", "--force", "--timeout=90s", "-f", file], "");
    let error = String::from_utf8_lossy(&replaced.stderr);
    assert!(replaced.status.success(), "{error}\n{}", stage.log());
    stage.await_ready(&ESTATE).await;
}

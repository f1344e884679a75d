//! Crashes, lost clusters and second operators: nothing is lost, nothing is doubled, one writes.

use crate::HOLDFAST;
use std::collections::BTreeSet;

use holdfast_testkit::{
    console::Served,
    operator::{Console, Stage, customer, embedded_platform, eventually},
    resources::{examples, unready},
};
use serde_json::{Value, json};

const CUSTOMERS: usize = 200;

fn many(more: &str) -> String {
    let manifests: Vec<String> = (0..CUSTOMERS)
        .map(|number| customer(&format!("c{number:03}"), "msp", more))
        .collect();
    manifests.join("---\n")
}

/// Our own customers on the platform.
async fn ours(console: &Console) -> Vec<Value> {
    let mut customers = console.list("customers").await;
    customers.retain(|customer| !customer["externalRef"].is_null());
    customers
}

/// I1: each claim once, each name once.
fn assert_single(customers: &[Value]) {
    for field in ["externalRef", "name"] {
        let distinct: BTreeSet<String> = customers
            .iter()
            .map(|customer| customer[field].to_string())
            .collect();
        assert_eq!(distinct.len(), customers.len(), "{field} isn't unique");
    }
}

async fn customers_ready(stage: &Stage) -> f64 {
    stage
        .measured(
            "holdfast_condition",
            r#"kind="Customer",type="Ready",status="True""#,
        )
        .await
}

async fn accepted(console: &Console, method: &str) -> usize {
    let mutations = console.mutations().await;
    let taken = |item: &&Value| item["method"] == method && item["outcome"] == "accepted";
    mutations.iter().filter(taken).count()
}

// R-N9, F1, I1: killed in the midst of creating and of updating two hundred customers.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_are_made_and_changed_once_each_although_the_operator_is_killed_twice()
 {
    let mut stage = Stage::start(HOLDFAST, "crash").await;
    stage.apply(&embedded_platform("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let console = stage.console("msp");
    stage.apply(&many(", deletionPolicy: Delete"));
    eventually("it is amid creating", || async {
        ours(&console).await.len() > 20
    })
    .await;
    stage.kill();
    stage.run().await;
    eventually("all are Ready", || async {
        customers_ready(&stage).await >= 200.0
    })
    .await;
    let customers = ours(&console).await;
    assert_eq!(customers.len(), CUSTOMERS);
    assert_single(&customers);
    assert_eq!(
        accepted(&console, "PUT").await,
        CUSTOMERS,
        "each was made once"
    );

    // Updates: every customer ends with the new value; a write that was already in is not repeated.
    let before = accepted(&console, "PATCH").await;
    stage.apply(&many(r#", deletionPolicy: Delete, profile: {phone: "2"}"#));
    eventually("it is amid updating", || async {
        accepted(&console, "PATCH").await > before + 20
    })
    .await;
    stage.kill();
    stage.run().await;
    eventually("all are updated", || async {
        ours(&console)
            .await
            .iter()
            .all(|customer| customer["profile"]["phone"] == "2")
    })
    .await;
    eventually("all are Ready", || async {
        customers_ready(&stage).await >= 200.0
    })
    .await;
    assert_eq!(
        accepted(&console, "PATCH").await,
        before + CUSTOMERS,
        "each was changed once"
    );
}

// R-N11, I2, I3, I4, R-N1: all of examples/, lost with its cluster and applied again: not one write.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_are_taken_back_without_one_write_after_their_cluster_is_lost() {
    let mut stage = Stage::start(HOLDFAST, "examples").await;
    let manifests = examples(stage.namespace());
    stage.apply(&manifests);
    eventually("the examples are Ready", || async {
        unready(&stage).is_empty()
    })
    .await;
    let before = stage.console("msp").mutations().await;
    assert!(
        before.iter().all(|item| item["outcome"] == "accepted"),
        "nothing was tried in vain"
    );

    stage.kill();
    let kinds = "resellers,serviceplans,customers,tenants,backupplatforms";
    let names = stage.show(&["get", kinds, "-o", "name"]);
    assert!(names.lines().count() >= 17, "{names}");
    let strip = r#"[{"op": "remove", "path": "/metadata/finalizers"}]"#;
    for name in names.lines() {
        stage.show(&["patch", name, "--type=json", "-p", strip]);
    }
    stage.show(&["delete", kinds, "--all"]);
    stage.run().await;
    stage.apply(&manifests);
    eventually("the examples are Ready again", || async {
        unready(&stage).is_empty()
    })
    .await;
    stage.sweep("msp");
    eventually("they stay so", || async { unready(&stage).is_empty() }).await;
    assert_eq!(stage.console("msp").mutations().await, before);
}

/// The holder of the one Lease in the namespace; empty when nobody holds it.
fn holder(stage: &Stage) -> String {
    stage
        .show(&[
            "get",
            "leases",
            "-o",
            "jsonpath={.items[*].spec.holderIdentity}",
        ])
        .trim()
        .to_owned()
}

/// The name under which an operator holds Leases.
fn identity(stage: &Stage) -> String {
    let text = std::fs::read_to_string(stage.data.path().join("identity")).expect("an identity");
    text.trim().to_owned()
}

async fn leads(stage: &Stage) -> bool {
    stage.measured("holdfast_leader", "").await > 0.5
}

async fn writes_sent(stage: &Stage) -> f64 {
    let mut sent = 0.0;
    for step in ["Create", "Update", "Activate", "Suspend", "Delete"] {
        let labels = format!("step=\"{step}\"");
        sent += stage.measured("holdfast_steps_total", &labels).await;
    }
    sent
}

// F20, R-N9: two operators with one account. One writes; when it is killed the other takes over; a woken one steps back.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_operators_one_writes_and_the_other_takes_over_when_it_is_killed() {
    let served = Served::start(HOLDFAST).await;
    let mut first = Stage::start(HOLDFAST, "lease").await;
    first.apply(&served.manifest("msp"));
    first.apply(&customer("one", "msp", ""));
    first
        .await_ready(&["backupplatform/msp", "customer/one"])
        .await;
    assert_eq!(holder(&first), identity(&first));
    let mut second = first.beside();
    second.run().await;
    eventually("the second has looked around", || async {
        second.measured("holdfast_sweep_seconds_count", "").await >= 1.0
    })
    .await;
    for number in 2..12 {
        first.apply(&customer(&format!("c{number}"), "msp", ""));
    }
    for number in 2..12 {
        first.await_ready(&[&format!("customer/c{number}")]).await;
    }
    assert!(!leads(&second).await);
    assert!(
        writes_sent(&second).await < 0.5,
        "the second sent something"
    );
    assert_eq!(served.console.mutations().await.len(), 11);
    assert!(
        served
            .console
            .mutations()
            .await
            .iter()
            .all(|item| item["outcome"] == "accepted")
    );

    first.kill();
    second.apply(&customer("late", "msp", ""));
    second.await_ready(&["customer/late"]).await;
    assert_eq!(holder(&second), identity(&second));
    assert!(leads(&second).await);
    let customers = ours(&served.console).await;
    assert_eq!(customers.len(), 12);
    assert_single(&customers);

    // The first comes back, and stays an onlooker.
    first.run().await;
    first.apply(&customer("last", "msp", ""));
    first.await_ready(&["customer/last"]).await;
    assert!(!leads(&first).await);
    assert!(
        writes_sent(&first).await < 0.5,
        "the one that came back sent something"
    );
    assert_eq!(ours(&served.console).await.len(), 13);

    // A graceful end gives the Lease back at once, so the other need not wait for it to run out.
    let status = second.terminate();
    assert_eq!(status.code(), Some(0));
    eventually("the first takes over", || async { leads(&first).await }).await;
    assert_eq!(holder(&first), identity(&first));
}

// F20: whoever loses the Lease sends nothing more, and goes on when it is free again.
#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_lease_stops_writes_and_a_graceful_stop_gives_it_back() {
    let mut stage = Stage::start(HOLDFAST, "stolen").await;
    stage.apply(&embedded_platform("msp"));
    stage.apply(&customer("one", "msp", ""));
    stage.await_ready(&["customer/one"]).await;
    let console = stage.console("msp");
    let lease = stage
        .show(&["get", "leases", "-o", "name"])
        .trim()
        .to_owned();
    let now = jiff::Timestamp::now();
    let stolen = json!({"spec": {"holderIdentity": "a-thief", "renewTime": format!("{now:.6}"), "leaseDurationSeconds": 3600}});
    stage.show(&["patch", &lease, "--type=merge", "-p", &stolen.to_string()]);
    eventually("it knows", || async { !leads(&stage).await }).await;
    let before = console.mutations().await.len();
    stage.apply(&customer("one", "msp", r#", profile: {phone: "2"}"#));
    stage.apply(&customer("two", "msp", ""));
    for object in ["customer/one", "customer/two"] {
        stage
            .await_condition(object, "Ready", "False/NotLeader")
            .await;
    }
    assert_eq!(console.mutations().await.len(), before);
    let message = stage.message("customer/two", "Ready");
    assert!(message.contains("Lease"), "{message}");

    stage.show(&[
        "patch",
        &lease,
        "--type=merge",
        "-p",
        r#"{"spec": {"holderIdentity": ""}}"#,
    ]);
    stage.await_ready(&["customer/one", "customer/two"]).await;
    assert_eq!(console.mutations().await.len(), before + 2);

    let status = stage.terminate();
    assert_eq!(status.code(), Some(0), "{}", stage.log());
    assert_eq!(holder(&stage), "", "the Lease is given back");
}

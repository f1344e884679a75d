//! Crashes and lost clusters: nothing is lost, nothing is doubled.

use crate::HOLDFAST;
use std::collections::BTreeSet;

use holdfast_testkit::{
    operator::{Console, Stage, customer, embedded_platform, eventually},
    resources::{examples, unready},
};
use serde_json::Value;

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
async fn f01_two_hundred_customers_are_made_and_changed_once_each_although_the_operator_is_killed_twice()
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

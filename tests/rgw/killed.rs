//! `kill -9` of the gateway and of the operator, in the middle of creations. I1: one user each.

use std::{collections::BTreeSet, time::Duration};

use holdfast_testkit::{
    kubectl,
    operator::{Stage, eventually},
};

use crate::{HOLDFAST, before::Before, customer, gateway::Gateway, uid};

const CUSTOMERS: usize = 200;

// R-N9, R-N18: 200 customers, three kills of the operator and one of the gateway: one user each.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_are_one_user_each_after_four_kills() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let mut stage = Stage::start(HOLDFAST, "killed").await;
    let untouched = Before::of(&gateway);
    let before: BTreeSet<String> = gateway.claimed().into_iter().collect();
    stage.apply(&gateway.manifest("killed", ""));
    stage.await_ready(&["backupplatform/killed"]).await;
    let names: Vec<String> = (0..CUSTOMERS).map(|number| format!("c-{number}")).collect();
    let manifests: Vec<String> = names
        .iter()
        .map(|name| customer(name, "killed", ", limits: {storage: 1Gi, clients: 2}"))
        .collect();
    let (namespace, manifests) = (stage.namespace().to_owned(), manifests.join("---\n"));
    let applying = tokio::task::spawn_blocking(move || {
        kubectl(&["apply", "-n", &namespace, "-f", "-"], &manifests)
    });
    let made = || gateway.claimed().len() - before.len();
    for round in 0..3 {
        eventually("some are made", || async { made() > round * 25 }).await;
        if round == 1 {
            gateway.kill();
            tokio::time::sleep(Duration::from_secs(2)).await;
            gateway.revive();
        }
        stage.kill();
        assert!(made() < CUSTOMERS, "round {round} is too late");
        stage.run().await;
    }
    assert!(applying.await.unwrap().status.success());
    let objects: Vec<String> = names
        .iter()
        .map(|name| format!("customer/{name}"))
        .collect();
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    stage.await_ready(&objects).await;
    let made: BTreeSet<String> = gateway.claimed().into_iter().collect();
    let ours: BTreeSet<String> = names.iter().map(|name| uid(&stage, name)).collect();
    assert_eq!(ours.len(), CUSTOMERS);
    assert_eq!(made.difference(&before).count(), CUSTOMERS, "one user each");
    assert!(ours.is_subset(&made));
    untouched.judge(&gateway, &ours);
    for uid in ours.iter().step_by(20) {
        let user = gateway.user(uid);
        assert_eq!(user["user_quota"]["max_size"], 1 << 30, "{user}");
        assert_eq!(user["max_buckets"], 2, "{user}");
    }
}

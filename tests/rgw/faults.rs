//! What befalls a store: full, away for a minute, killed in the midst of changes, without a log. Afterwards the store's own lists
//! are asked: one user each (I1), nobody else's user touched (I2), nothing deleted (I3), and what the specs say (I4).

use std::{collections::BTreeSet, time::Duration};

use holdfast_testkit::{
    kubectl,
    operator::{Stage, eventually},
    resources::merge,
};
use serde_json::{Value, json};

use crate::{
    HOLDFAST,
    before::Before,
    customer,
    gateway::{Gateway, Keys},
    life::{access, login},
    uid,
};

const WOODGROVE: Keys = Keys {
    name: "woodgrove-of-the-tests",
    secret: "secret-of-woodgrove-of-the-tests",
};

const AMID: Keys = Keys {
    name: "amid-of-the-tests",
    secret: "secret-of-amid-of-the-tests",
};

const TAILSPIN: Keys = Keys {
    name: "tailspin-of-the-tests",
    secret: "secret-of-tailspin-of-the-tests",
};

fn objects(names: &[String]) -> Vec<String> {
    names
        .iter()
        .map(|name| format!("customer/{name}"))
        .collect()
}

async fn all_ready(stage: &Stage, names: &[String]) -> BTreeSet<String> {
    let objects = objects(names);
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    stage.await_ready(&objects).await;
    names.iter().map(|name| uid(stage, name)).collect()
}

// R-N9, R-N18: a full store takes neither users nor quotas; when there is room again, all goes on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_delays_everything_and_doubles_nothing() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "full").await;
    let before = Before::of(&gateway);
    let names: Vec<String> = ["full-0", "full-1", "full-2"].map(str::to_owned).into();
    stage.apply(&gateway.manifest("full", ""));
    stage.apply(&customer(&names[0], "full", ", limits: {storage: 1Gi}"));
    all_ready(&stage, &names[..1]).await;

    gateway.fill_up(true);
    merge(
        &stage,
        "customer/full-0",
        &json!({"spec": {"limits": {"storage": "2Gi"}}}),
    );
    for name in &names[1..] {
        stage.apply(&customer(
            name,
            "full",
            ", limits: {storage: 1Gi, clients: 3}",
        ));
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let ready = stage.condition("customer/full-1", "Ready");
    gateway.fill_up(false);
    assert!(
        !ready.starts_with("True"),
        "a full store has made a user: {ready}"
    );
    let ours = all_ready(&stage, &names).await;
    before.judge(&gateway, &ours);
    for (name, size) in names.iter().zip([2_u64 << 30, 1 << 30, 1 << 30]) {
        assert_eq!(
            gateway.user(&uid(&stage, name))["user_quota"]["max_size"],
            size
        );
    }
}

// R-N9, R-N18: nothing that was there is doubted while the gateway is away, and what was edited meanwhile is applied after.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_comes_back_after_a_minute_is_caught_up_with() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "away").await;
    let before = Before::of(&gateway);
    let names: Vec<String> = ["away-0", "away-1"].map(str::to_owned).into();
    stage.apply(&gateway.manifest("away", ""));
    for name in &names {
        stage.apply(&customer(name, "away", ", limits: {storage: 1Gi}"));
    }
    let ours = all_ready(&stage, &names).await;
    gateway.kill();
    merge(
        &stage,
        "customer/away-0",
        &json!({"spec": {"limits": {"storage": "3Gi"}}}),
    );
    stage
        .await_condition("backupplatform/away", "PlatformReachable", "False")
        .await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let ready = stage.condition("customer/away-1", "Ready");
    gateway.revive();
    assert!(
        ready.starts_with("True"),
        "nothing is known against it: {ready}"
    );
    all_ready(&stage, &names).await;
    eventually("what was edited meanwhile is applied", || async {
        gateway.user(&uid(&stage, "away-0"))["user_quota"]["max_size"] == 3_u64 << 30
    })
    .await;
    before.judge(&gateway, &ours);
}

// R-N9, R-N18: kill -9 of operator and gateway amid changes of quotas, and while a person moves a bucket.
#[tokio::test(flavor = "multi_thread")]
async fn changes_and_moves_survive_kills() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let mut stage = Stage::start(HOLDFAST, "amid").await;
    let before = Before::of(&gateway);
    let names: Vec<String> = (0..40).map(|number| format!("amid-{number}")).collect();
    stage.apply(&gateway.manifest("amid", ""));
    let declared = |limits: &str| {
        let more = |name: &String| match name.as_str() {
            "amid-0" => format!("{limits}{}", access("amid-0", WOODGROVE)),
            "amid-1" => format!("{limits}{}", access("amid-1", AMID)),
            _ => limits.to_owned(),
        };
        let manifests: Vec<String> = names
            .iter()
            .map(|name| customer(name, "amid", &more(name)))
            .collect();
        manifests.join("---\n")
    };
    stage.apply(&login("amid-0", WOODGROVE));
    stage.apply(&login("amid-1", AMID));
    stage.apply(&declared(", limits: {storage: 1Gi, clients: 2}"));
    let ours = all_ready(&stage, &names).await;
    gateway.repository(WOODGROVE, "amid-backup").await;

    // The quotas that the gateway was asked for since then, by its own log.
    let asked = gateway.logged("&quota-type=user").len();
    let asked = || gateway.logged("&quota-type=user").len() - asked;
    let (namespace, edited) = (
        stage.namespace().to_owned(),
        declared(", limits: {storage: 5Gi, clients: 4}"),
    );
    let applying = tokio::task::spawn_blocking(move || {
        kubectl(&["apply", "-n", &namespace, "-f", "-"], &edited)
    });
    for round in 0..3 {
        eventually("some are changed", || async { asked() > round * 8 }).await;
        // What waited for the gateway comes all at once.
        assert!(
            round == 2 || asked() < names.len(),
            "round {round} is too late"
        );
        if round == 1 {
            // The operator is at it.
            gateway.kill();
            tokio::time::sleep(Duration::from_secs(1)).await;
            gateway.revive();
        } else {
            stage.kill();
            stage.run().await;
        }
    }
    assert!(applying.await.unwrap().status.success());
    all_ready(&stage, &names).await;
    for uid in &ours {
        let user = gateway.user(uid);
        assert_eq!(user["user_quota"]["max_size"], 5_u64 << 30, "{user}");
        assert_eq!(user["max_buckets"], 4, "{user}");
    }

    // The move is a person's; the step stays until it is seen done, whoever is killed in between.
    let listed = json!({"spec": {"clients": {"ids": ["amid-backup"]}}});
    merge(&stage, "customer/amid-1", &listed);
    stage
        .await_condition("customer/amid-1", "ManualStepPending", "True")
        .await;
    let target = uid(&stage, "amid-1");
    let (done, said) = gateway.restic(AMID, "amid-backup", &["snapshots"]);
    assert!(!done, "it is another's: {said}");
    gateway.kill();
    let chown = ["bucket", "chown", "--bucket", "amid-backup"];
    gateway.admin(&[&chown[..], &["--uid", &target]].concat());
    stage.kill();
    gateway.revive();
    stage.run().await;
    stage.sweep("amid");
    eventually("the step is seen done", || async {
        !stage
            .condition("customer/amid-1", "ManualStepPending")
            .starts_with("True")
    })
    .await;
    let bucket = gateway.admin(&["bucket", "stats", "--bucket", "amid-backup"]);
    assert_eq!(bucket["owner"], target.as_str());
    // The gateway's log has what was written before under the old owner's name; nothing was written since.
    eventually("the last write moved with its bucket", || async {
        let status = stage.get("customer/amid-1")["status"].clone();
        let source = &status["health"]["worst"][0];
        source["name"] == "amid-backup" && source["lastWriteAt"].is_string()
    })
    .await;
    let (done, said) = gateway.restic(AMID, "amid-backup", &["snapshots"]);
    assert!(done, "the step that was told is all that it takes: {said}");
    before.judge(&gateway, &ours);
}

// R-N12, R-N18: without a log the gateway can't say when something was written, and nothing is made up.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_log_no_write_is_told() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let before = Before::of(&gateway);
    gateway.restart_with_log(false);
    let stage = Stage::start(HOLDFAST, "nolog").await;
    stage.apply(&gateway.manifest("nolog", ""));
    stage.apply(&login("tailspin", TAILSPIN));
    stage.apply(&customer(
        "tailspin",
        "nolog",
        &access("tailspin", TAILSPIN),
    ));
    stage.await_ready(&["customer/tailspin"]).await;
    gateway.repository(TAILSPIN, "nolog-backup").await;
    eventually("the bucket is told", || async {
        stage.get("customer/tailspin")["status"]["health"]["dataSources"]["total"] == 1
    })
    .await;
    // Longer than a gateway with a log keeps an entry to itself, and several reports.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let status = stage.get("customer/tailspin")["status"].clone();
    gateway.restart_with_log(true);
    assert_eq!(
        status["health"]["worst"][0]["lastWriteAt"],
        Value::Null,
        "{status}"
    );
    stage
        .await_ready(&["backupplatform/nolog", "customer/tailspin"])
        .await;
    // With one, the next write is told.
    eventually("a write is told", || async {
        let backup = ["backup", "/etc/hostname"];
        let (done, said) = gateway.restic(TAILSPIN, "nolog-backup", &backup);
        assert!(done, "{said}");
        let status = stage.get("customer/tailspin")["status"].clone();
        status["health"]["worst"][0]["lastWriteAt"].is_string()
    })
    .await;
    before.judge(&gateway, &[uid(&stage, "tailspin")].into());
}

//! Several operators beside each other: of each account one reconciles and writes, and another takes over when it ends.

use std::time::{Duration, Instant};

use holdfast_testkit::{
    bridge::{bridge_platform, secret},
    console::Served,
    operator::{Console, Stage, customer, embedded_platform, eventually},
};
use serde_json::json;

use crate::HOLDFAST;

/// The one account's Lease, as `lease/NAME`, once the one that the platform had before is gone.
async fn lease(stage: &Stage) -> String {
    eventually("the account has a Lease, and the platform none", || async {
        stage.leases().len() == 1
    })
    .await;
    stage.leases().remove(0).0
}

/// The holder of the one account's Lease.
fn holder(stage: &Stage) -> String {
    match &stage.leases()[..] {
        [(_, holder)] => holder.clone(),
        other => panic!("not one Lease: {other:?}"),
    }
}

/// The name under which an operator holds Leases.
fn identity(stage: &Stage) -> String {
    let text = std::fs::read_to_string(stage.data.path().join("identity")).expect("an identity");
    text.trim().to_owned()
}

async fn leads(stage: &Stage) -> bool {
    stage.measured("holdfast_leader", "").await > 0.5
}

async fn stands_by(stage: &Stage, lease: &str) {
    let name = lease.trim_start_matches("lease/");
    eventually("it stands by", || async {
        let log = stage.log();
        let mut lines = log.lines();
        lines.any(|line| line.contains("stands by") && line.contains(name))
    })
    .await;
}

async fn steps_taken(stage: &Stage) -> f64 {
    stage.measured("holdfast_steps_total", "").await
        + stage.measured("holdfast_status_writes_total", "").await
        + stage.measured("holdfast_platform_requests_total", "").await
}

/// Our own customers on the platform: each once.
async fn single_customers(console: &Console) -> usize {
    let mut customers = console.list("customers").await;
    customers.retain(|customer| !customer["externalRef"].is_null());
    let distinct: std::collections::BTreeSet<String> = customers
        .iter()
        .map(|customer| customer["externalRef"].to_string())
        .collect();
    assert_eq!(distinct.len(), customers.len(), "one was made twice");
    customers.len()
}

/// The versions of every resource of ours.
fn versions(stage: &Stage) -> String {
    let kinds = "backupplatforms,resellers,serviceplans,customers,tenants";
    let columns = "custom-columns=K:.kind,N:.metadata.name,V:.metadata.resourceVersion";
    stage.show(&["get", kinds, "-o", columns])
}

// F20, R-N9: one reconciles, the other sends and writes nothing; when one is killed the other takes over; a woken one steps back.
#[tokio::test(flavor = "multi_thread")]
async fn f20_of_two_operators_one_works_and_the_other_takes_over_when_it_is_killed() {
    let served = Served::start(HOLDFAST).await;
    let mut first = Stage::start(HOLDFAST, "lease").await;
    first.apply(&served.manifest("msp"));
    first.apply(&customer("one", "msp", ""));
    first
        .await_ready(&["backupplatform/msp", "customer/one"])
        .await;
    let lease = lease(&first).await;
    assert_eq!(holder(&first), identity(&first));
    let mut second = first.beside();
    second.run().await;
    stands_by(&second, &lease).await;
    for number in 2..12 {
        first.apply(&customer(&format!("c{number}"), "msp", ""));
    }
    for number in 2..12 {
        first.await_ready(&[&format!("customer/c{number}")]).await;
    }
    assert!(!leads(&second).await);
    assert!(steps_taken(&second).await < 0.5, "the second did something");
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
    let killed = Instant::now();
    second.apply(&customer("late", "msp", ""));
    second.await_ready(&["customer/late"]).await;
    // The clock is no judge here: a Lease lasts 15 s, and its last renewal is at most 5 s old.
    assert!(killed.elapsed() > Duration::from_secs(10), "too early");
    assert_eq!(holder(&second), identity(&second));
    assert!(leads(&second).await);
    assert_eq!(single_customers(&served.console).await, 12);

    // The first comes back, and stands by.
    first.run().await;
    stands_by(&first, &lease).await;
    first.apply(&customer("last", "msp", ""));
    first.await_ready(&["customer/last"]).await;
    assert!(!leads(&first).await);
    assert!(
        steps_taken(&first).await < 0.5,
        "the one that came back did something"
    );
    assert_eq!(single_customers(&served.console).await, 13);

    // A graceful end gives the Lease back at once, so the other need not wait for it to run out.
    let status = second.terminate();
    assert_eq!(status.code(), Some(0));
    eventually("the first takes over", || async { leads(&first).await }).await;
    assert_eq!(holder(&first), identity(&first));
    first.apply(&customer("one", "msp", r#", profile: {phone: "2"}"#));
    eventually("and works", || async {
        served.console.named("customers", "Customer one").await["profile"]["phone"] == "2"
    })
    .await;
}

// F20: a process that loses the Lease sends and writes nothing more, and goes on when it is free again.
#[tokio::test(flavor = "multi_thread")]
async fn f20_a_stolen_lease_stops_everything_and_a_graceful_stop_gives_it_back() {
    let mut stage = Stage::start(HOLDFAST, "stolen").await;
    stage.apply(&embedded_platform("msp"));
    stage.apply(&customer("one", "msp", ""));
    stage.await_ready(&["customer/one"]).await;
    let console = stage.console("msp");
    let lease = lease(&stage).await;
    let now = jiff::Timestamp::now();
    let stolen = json!({"spec": {"holderIdentity": "a-thief", "renewTime": format!("{now:.6}"), "leaseDurationSeconds": 3600}});
    stage.show(&["patch", &lease, "--type=merge", "-p", &stolen.to_string()]);
    eventually("it knows", || async { !leads(&stage).await }).await;
    stands_by(&stage, "a-thief").await;
    let before = console.mutations().await.len();
    stage.apply(&customer("one", "msp", r#", profile: {phone: "2"}"#));
    stage.apply(&customer("two", "msp", ""));
    let applied = versions(&stage);
    stage.sweep("msp");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(console.mutations().await.len(), before);
    let kept = |text: &str| {
        let lines = text.lines().filter(|line| !line.contains("BackupPlatform"));
        lines.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        kept(&versions(&stage)),
        kept(&applied),
        "a status was written"
    );

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

// F20, F21: another's clock, however far off, doesn't make its Lease ours: only watching it unchanged does.
#[tokio::test(flavor = "multi_thread")]
async fn f21_a_lease_with_a_time_long_past_is_watched_for_its_duration_before_it_is_taken() {
    let served = Served::start(HOLDFAST).await;
    let mut stage = Stage::start(HOLDFAST, "clock").await;
    stage.apply(&served.manifest("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let lease = lease(&stage).await;
    assert_eq!(stage.terminate().code(), Some(0));
    // A process that holds it, with a clock that is an hour behind ours.
    let held = json!({"spec": {"holderIdentity": "another", "renewTime": "2020-01-01T00:00:00.000000Z", "leaseDurationSeconds": 15}});
    stage.show(&["patch", &lease, "--type=merge", "-p", &held.to_string()]);
    stage.run().await;
    stands_by(&stage, "another").await;
    let seen = Instant::now();
    for _ in 0..3 {
        // It lives: each renewal starts the watch anew.
        tokio::time::sleep(Duration::from_secs(4)).await;
        let renewed = json!({"spec": {"renewTime": format!("2020-01-01T00:00:{:02}.000000Z", seen.elapsed().as_secs())}});
        stage.show(&["patch", &lease, "--type=merge", "-p", &renewed.to_string()]);
        assert_eq!(holder(&stage), "another");
    }
    let last = Instant::now();
    eventually("it takes over when the other is gone", || async {
        leads(&stage).await
    })
    .await;
    assert!(
        last.elapsed() > Duration::from_secs(13),
        "{:?}",
        last.elapsed()
    );
}

// F20: a Lease that vanishes isn't free: its holder restores it, and nobody else takes it.
#[tokio::test(flavor = "multi_thread")]
async fn f20_a_lease_that_vanishes_stays_with_its_holder() {
    let served = Served::start(HOLDFAST).await;
    let first = Stage::start(HOLDFAST, "vanish").await;
    first.apply(&served.manifest("msp"));
    first.await_ready(&["backupplatform/msp"]).await;
    let lease = lease(&first).await;
    let mut second = first.beside();
    second.run().await;
    stands_by(&second, &lease).await;
    for _ in 0..3 {
        first.show(&["delete", &lease]);
        eventually("its holder restores it", || async {
            !first.leases().is_empty()
        })
        .await;
        assert_eq!(holder(&first), identity(&first));
        assert!(leads(&first).await && !leads(&second).await);
    }
    first.apply(&customer("one", "msp", ""));
    first.await_ready(&["customer/one"]).await;
    assert!(steps_taken(&second).await < 0.5, "the second did something");
}

// F20, I4: whatever the platform's state, one of two writes status: reachable, not reachable, paused, or none at all.
#[tokio::test(flavor = "multi_thread")]
async fn f20_of_two_operators_one_writes_status_whatever_the_state_of_the_platform() {
    let served = Served::start(HOLDFAST).await;
    let first = Stage::start(HOLDFAST, "silent").await;
    first.apply(&served.manifest("msp"));
    first.apply(&customer("one", "msp", ""));
    first.await_ready(&["customer/one"]).await;
    let mut second = first.beside();
    second.run().await;
    // One that was never reached, one without its Secret, one paused; and what refers to each, and to nothing.
    first.apply(&secret("nowhere", "a-token-of-sixteen-characters"));
    first.apply(&bridge_platform("nowhere", "http://127.0.0.1:9/", ""));
    first.apply(&bridge_platform("keyless", "http://127.0.0.1:9/", ""));
    first.apply(&bridge_platform(
        "paused",
        "http://127.0.0.1:9/",
        ", management: Paused",
    ));
    for platform in ["nowhere", "keyless", "paused", "missing"] {
        first.apply(&customer(&format!("on-{platform}"), platform, ""));
    }
    let (unreached, keyless) = ("backupplatform/nowhere", "backupplatform/keyless");
    first
        .await_condition(unreached, "PlatformReachable", "False")
        .await;
    first.await_condition(keyless, "Stalled", "True").await;
    first
        .await_condition("backupplatform/paused", "Paused", "True")
        .await;
    for customer in ["nowhere", "keyless", "missing"] {
        let object = format!("customer/on-{customer}");
        eventually("it is said why it waits", || async {
            !first.condition(&object, "Ready").is_empty()
        })
        .await;
    }
    // Until what was still on its way is written.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = versions(&first);
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(
        versions(&first),
        before,
        "a status was written while nothing changed"
    );
    // Each platform has a Lease, and each Lease one holder.
    let leases = first.leases();
    assert_eq!(leases.len(), 4, "{leases:?}");
    assert!(
        leases.iter().all(|(_, holder)| !holder.is_empty()),
        "{leases:?}"
    );
}

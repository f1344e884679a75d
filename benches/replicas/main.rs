//! Two operators beside each other: what they do while nothing happens, and how soon the second goes on when the first is killed.
//!
//! The platform is the reference server behind the bridge contract, with N customers (1,000) and 20 ms a request. Once the first
//! operator has read the reports, the platform reports other figures, so that two operators which both wrote would never
//! agree. Then MINUTES (10) pass, the first is killed with `kill -9`, and a customer is edited. Run by `make bench-replicas`.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use holdfast_testkit::{
    Program,
    bridge::{Bridge, TOKEN, bridge_platform, secret},
    operator::{Stage, eventually},
};
use kube::{
    Api,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use holdfast_api::Customer;

/// Latency of every request, and with other figures in the reports.
const SLOW: &str = "[{then: {delay: 20ms}}]";
const OTHER_FIGURES: &str = "[{then: {delay: 20ms}}, {when: {method: GET, route: /v1/usage}, then: {merge: {storageBytes: 7, storageMaxBytes: 7}}}]";
/// Reports are read once, at the start.
const INTERVALS: &str = ", usageInterval: 1h";

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let customers = number("N", 1_000);
    let minutes = number("MINUTES", 10);
    let binary = std::env::var("HOLDFAST_BIN").expect("HOLDFAST_BIN: path of the operator");
    let program = Program(Box::leak(binary.into_boxed_str()));
    let bridge = Bridge::start(program, "msp").await;
    bridge.faults(SLOW);
    let mut first = Stage::start(program, "bench-replicas").await;
    let platform = bridge_platform("msp", &bridge.console.url, INTERVALS);
    first.apply(&[secret("msp", TOKEN), platform].join("---\n"));
    let api: Api<Customer> = Api::namespaced(first.cluster.client.clone(), first.namespace());
    create(&api, customers).await;
    settle(&first).await;

    bridge.faults(OTHER_FIGURES);
    let mut second = first.beside();
    second.run().await;
    settle(&second).await;
    println!("\n| {customers} customers, two operators | |\n|---|---|");
    idle(&first, &second, &bridge, minutes).await;
    fail_over(&mut first, &second, &bridge, &api, customers).await;
}

fn number(name: &str, default: usize) -> usize {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty());
    text.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text}: a number"))
    })
}

async fn create(api: &Api<Customer>, count: usize) {
    eprintln!("bench: {count} customers");
    let made = stream::iter(0..count).map(|number| async move {
        let spec = json!({"platformRef": {"name": "msp"}, "displayName": format!("Customer {number}"), "country": "DE"});
        let spec = serde_json::from_value(spec).expect("a spec");
        let customer = Customer::new(&format!("c{number:05}"), spec);
        let created = api.create(&PostParams::default(), &customer).await;
        created.expect("created");
    });
    made.buffer_unordered(16).collect::<Vec<()>>().await;
    let mut ready = 0;
    while ready < count {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let list = api.list(&ListParams::default()).await.expect("a list");
        ready = list
            .items
            .iter()
            .filter(|customer| is_ready(customer))
            .count();
    }
}

fn is_ready(customer: &Customer) -> bool {
    let status = customer.status.as_ref();
    status.is_some_and(|status| {
        let mut conditions = status.managed.conditions.iter();
        conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
    })
}

/// Until no object of ours has changed for ten seconds.
async fn settle(stage: &Stage) {
    let mut before = String::new();
    loop {
        let now = versions(stage);
        if now == before {
            return;
        }
        before = now;
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
}

/// The version of every object of ours: any write raises it.
fn versions(stage: &Stage) -> String {
    let columns = "custom-columns=K:.kind,N:.metadata.name,V:.metadata.resourceVersion";
    stage.show(&["get", "holdfast", "-o", columns])
}

async fn idle(first: &Stage, second: &Stage, bridge: &Bridge, minutes: usize) {
    eprintln!("bench: {minutes} idle minutes");
    let written = async || {
        let writes = "holdfast_status_writes_total";
        first.measured(writes, "").await + second.measured(writes, "").await
    };
    let (before, writes, changes) = (
        versions(first),
        written().await,
        bridge.console.mutations().await,
    );
    let (requests, begun) = (bridge.requests("").await, Instant::now());
    tokio::time::sleep(Duration::from_secs(60) * u32::try_from(minutes).expect("few")).await;
    let after = versions(first);
    let changed = before
        .lines()
        .zip(after.lines())
        .filter(|(before, after)| before != after);
    let seconds = begun.elapsed().as_secs();
    println!(
        "| idle for {seconds} s: objects that changed | {} |",
        changed.count()
    );
    println!("| status writes | {} |", written().await - writes);
    let sent = bridge.console.mutations().await.len() - changes.len();
    println!("| platform writes | {sent} |");
    let requests = bridge.requests("").await - requests;
    println!("| platform requests, sweeps every minute | {requests} |");
}

async fn fail_over(
    first: &mut Stage,
    second: &Stage,
    bridge: &Bridge,
    api: &Api<Customer>,
    customers: usize,
) {
    eprintln!("bench: kill -9 of the holder");
    let before = bridge.console.mutations().await.len();
    first.kill();
    let killed = Instant::now();
    let edit = json!({"spec": {"profile": {"phone": "4711"}}});
    let (params, edit) = (PatchParams::default(), Patch::Merge(&edit));
    let edited = api.patch("c00000", &params, &edit).await;
    edited.expect("edited");
    eventually("the edit is on the platform", || async {
        bridge.console.mutations().await.len() > before
    })
    .await;
    let taken = killed.elapsed().as_secs_f64();
    println!("| kill -9 of the holder: the other writes after | {taken:.1} s |");
    settle(second).await;
    let sent = bridge.console.mutations().await.len() - before;
    println!("| platform writes after it | {sent} |");
    let mut objects = bridge.console.list("customers").await;
    objects.retain(|object| !object["externalRef"].is_null());
    let claims: BTreeSet<String> = objects
        .iter()
        .map(|object: &Value| object["externalRef"].to_string())
        .collect();
    assert_eq!(objects.len(), customers, "each is on the platform");
    assert_eq!(claims.len(), customers, "each is there once");
    println!(
        "| customers on the platform, each once | {} |",
        claims.len()
    );
}

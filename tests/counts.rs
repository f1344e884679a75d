//! What things cost, counted where they arrive: requests at the platform, writes at the API server. Never timed. Alone in its
//! program, since the API server counts for everybody.

use std::collections::BTreeMap;

use holdfast_testkit::{
    Program,
    bridge::Bridge,
    operator::{Stage, customer, eventually},
};
use reqwest::Method;
use serde_json::json;

/// The program under test.
const HOLDFAST: Program = Program(env!("CARGO_BIN_EXE_holdfast"));

const CUSTOMERS: usize = 200;
/// Sweeps that may pass by while the customers are made, and what each reads at most.
const SWEEPS_MEANWHILE: i64 = 3;
/// Pages of one sweep: capabilities, pool, and one page of each of six lists, since all customers fit on one.
const PAGES: i64 = 8;
/// Reports, which the first sweep of a process reads too, and each that a person asks for.
const REPORTS: i64 = 2;
/// Sweeps watched for doing nothing.
const IDLE_SWEEPS: u32 = 4;

/// Requests by what they are.
type Counts = BTreeMap<String, i64>;

/// What came since.
fn since(before: &Counts, now: &Counts) -> Counts {
    let news = |(what, count): (&String, &i64)| {
        let more = count - before.get(what).copied().unwrap_or_default();
        (more != 0).then(|| (what.clone(), more))
    };
    now.iter().filter_map(news).collect()
}

fn total(counts: &Counts) -> i64 {
    counts.values().sum()
}

/// Requests to the platform by method and route; a console's looks at counts and trail left out.
async fn requests(bridge: &Bridge) -> Counts {
    let stats = bridge.console.call(Method::GET, "/v1/stats", None).await;
    let requests = stats["requests"].as_object().expect("counts by route");
    requests
        .iter()
        .filter(|(route, _)| !route.ends_with("/stats") && !route.ends_with("/audit"))
        .map(|(route, count)| (route.clone(), count.as_i64().unwrap_or_default()))
        .collect()
}

/// Writes to our kinds and to events by verb, resource, subresource and answer, refused ones too: the API server's own count.
/// This test's own are left out: what it creates, and the annotation by which it asks for a sweep. The Lease's renewal
/// isn't a write to our kinds.
fn writes(stage: &Stage) -> Counts {
    let page = stage.show(&["get", "--raw", "/metrics"]);
    let mut counts = Counts::new();
    for line in page.lines() {
        let Some((sample, count)) = line.rsplit_once(' ') else {
            continue;
        };
        let label = |name: &str| {
            let (_, rest) = sample.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        let part = |name| label(name).unwrap_or_default();
        let ours = ["holdfast.dev", "events.k8s.io"].contains(&part("group"));
        let reads = ["GET", "LIST", "WATCH"].contains(&part("verb"));
        if !sample.starts_with("apiserver_request_total{") || !ours || reads {
            continue;
        }
        let (verb, resource, subresource) = (part("verb"), part("resource"), part("subresource"));
        let by_this_test = subresource.is_empty()
            && (verb == "POST" && resource != "events"
                || verb == "PATCH" && resource == "backupplatforms");
        if !by_this_test {
            let what = format!("{verb} {resource} {subresource} {}", part("code"));
            let count: f64 = count.parse().expect("a number");
            #[allow(
                clippy::cast_possible_truncation,
                reason = "a count, printed as a float"
            )]
            let count = count as i64;
            *counts.entry(what).or_default() += count;
        }
    }
    counts
}

async fn await_all_ready(stage: &Stage) {
    let labels = r#"kind="Customer",type="Ready",status="True""#;
    eventually("all customers are Ready", || async {
        let ready = stage.measured("holdfast_condition", labels).await;
        (ready - 200.0).abs() < 0.5
    })
    .await;
}

/// Sweeps until one goes by in which nobody was written to: nothing that has begun is left.
async fn settle(stage: &Stage, bridge: &Bridge) {
    loop {
        let before = (writes(stage), bridge.console.mutations().await.len());
        bridge.sweep(stage, 2).await;
        if before == (writes(stage), bridge.console.mutations().await.len()) {
            return;
        }
    }
}

/// I4: sweeps read pages, nothing else, and nobody is written to.
async fn assert_idle(stage: &Stage, bridge: &Bridge) {
    let before = (
        requests(bridge).await,
        writes(stage),
        bridge.console.mutations().await.len(),
    );
    bridge.sweep(stage, IDLE_SWEEPS).await;
    let read = since(&before.0, &requests(bridge).await);
    println!("{IDLE_SWEEPS} idle sweeps: {read:#?}");
    for route in read.keys() {
        let page = route.starts_with("GET /v1/") && !route.contains('{');
        assert!(page, "a sweep asks for single objects: {read:#?}");
    }
    // A sweep that a person asks for reads the reports too.
    let most = (PAGES + REPORTS) * i64::from(IDLE_SWEEPS);
    assert!(total(&read) <= most, "{read:#?}");
    assert_eq!(since(&before.1, &writes(stage)), Counts::new());
    assert_eq!(bridge.console.mutations().await.len(), before.2);
}

// R-D1, R-N9, I4: a customer costs one platform request and at most four API-server writes; an idle sweep its pages and no
// write; an edit one platform write; a restart a sweep and not one write anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_customers_cost_one_request_each_and_then_nothing() {
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let mut stage = Stage::start(HOLDFAST, "counts").await;
    stage.apply(&bridge.manifest());
    // Neither a sweep nor a report comes by itself.
    stage.apply(
        &bridge
            .platform(", usageInterval: 24h")
            .replace("60s", "24h"),
    );
    stage.await_ready(&["backupplatform/msp"]).await;

    let before = (requests(&bridge).await, writes(&stage));
    let manifests: Vec<String> = (0..CUSTOMERS)
        .map(|number| customer(&format!("c{number:03}"), "msp", ", limits: {storage: 1Ti}"))
        .collect();
    stage.apply(&manifests.join("---\n"));
    await_all_ready(&stage).await;
    let (asked, written) = (
        since(&before.0, &requests(&bridge).await),
        since(&before.1, &writes(&stage)),
    );
    println!("to get there: {asked:#?} {written:#?}");
    let customers = bridge.console.list("customers").await;
    let ours = customers
        .iter()
        .filter(|customer| !customer["externalRef"].is_null());
    assert_eq!(ours.count(), CUSTOMERS);
    let creations = bridge.creations().await;
    assert_eq!(creations.len(), CUSTOMERS);
    assert!(creations.values().all(|count| *count == 1), "{creations:?}");
    let limit = 200 + SWEEPS_MEANWHILE * (PAGES + REPORTS);
    assert!(total(&asked) <= limit, "{asked:#?}");
    // Finalizer, marks, status, and an event; a few are looked at before their platform is known, and say so first. The
    // platform's own status counts along, for many customers at a time.
    let (of_platform, of_customers): (Counts, Counts) = written
        .into_iter()
        .partition(|(what, _)| what.contains("backupplatforms"));
    assert!(total(&of_customers) <= 4 * 205, "{of_customers:#?}");
    assert!(total(&of_platform) <= 100, "{of_platform:#?}");

    // Creations bring the reports forward, once none has followed for a while: then the customers show figures.
    eventually("the figures are read", || async {
        requests(&bridge).await.get("GET /v1/usage").copied() >= Some(2)
    })
    .await;
    settle(&stage, &bridge).await;
    assert_idle(&stage, &bridge).await;
    plan_of_nothing(&stage, &bridge, &manifests.join("---\n")).await;

    // One edit.
    let before = (bridge.console.mutations().await.len(), writes(&stage));
    let patch = json!({"spec": {"limits": {"storage": "2Ti"}}}).to_string();
    stage.show(&["patch", "customer/c007", "--type=merge", "-p", &patch]);
    stage.await_ready(&["customer/c007"]).await;
    settle(&stage, &bridge).await;
    let mutations = bridge.console.mutations().await;
    assert_eq!(mutations.len() - before.0, 1, "{:#?}", mutations.last());
    assert_eq!(mutations[before.0]["fields"], json!(["limits.storage"]));
    let written = since(&before.1, &writes(&stage));
    println!("an edit: {written:#?}");
    // This test's own, what is about to be sent, how it ended, and an event.
    assert!(total(&written) <= 4, "{written:#?}");

    restart(&mut stage, &bridge).await;
}

/// A plan in which nothing changes asks for pages, as a sweep does, and writes nothing. R-N2
async fn plan_of_nothing(stage: &Stage, bridge: &Bridge, manifests: &str) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("customers.yaml");
    std::fs::write(&file, manifests).expect("a file");
    let before = (requests(bridge).await, writes(stage));
    let output = HOLDFAST.run(&[
        "plan",
        "-f",
        file.to_str().expect("a path"),
        "-n",
        stage.namespace(),
    ]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.contains("Nothing changes on the platform: 200 unchanged"),
        "{text}"
    );
    let read = since(&before.0, &requests(bridge).await);
    println!("a plan of nothing: {read:#?}");
    assert!(total(&read) <= PAGES + REPORTS, "{read:#?}");
    assert_eq!(since(&before.1, &writes(stage)), Counts::new());
}

/// A new process over what is there: it looks once, knows everybody, and writes nothing.
async fn restart(stage: &mut Stage, bridge: &Bridge) {
    stage.kill();
    let before = (
        requests(bridge).await,
        writes(stage),
        bridge.console.mutations().await.len(),
    );
    stage.run().await;
    await_all_ready(stage).await;
    let read = since(&before.0, &requests(bridge).await);
    println!("a restart: {read:#?}");
    assert!(total(&read) <= PAGES + REPORTS, "{read:#?}");
    assert_idle(stage, bridge).await;
    assert_eq!(since(&before.1, &writes(stage)), Counts::new());
    assert_eq!(bridge.console.mutations().await.len(), before.2);
}

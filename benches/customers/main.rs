//! How fast, and at what cost, N customers get onto the platform and are kept there.
//!
//! The API server, the reference platform and the operator are processes of their own, as in production; this one only
//! applies, edits, reads counters and looks at the watch. Nothing is asserted against the clock; counts are.

mod counters;
mod process;
mod stage;
mod table;

use std::time::{Duration, Instant};

use counters::{Counts, since, total};
use stage::{SWEEPS, Stage};
use table::{Table, median};

/// Edits measured while sweeps run.
const EDITS: usize = 50;
/// The two reports.
const REPORTS: [&str; 2] = ["GET /v1/usage", "GET /v1/health"];
/// Between two looks at a counter.
const PAUSE: Duration = Duration::from_millis(50);
/// How long nothing may happen for things to count as settled.
const QUIET: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() {
    let number = |name: &str, default: usize| {
        std::env::var(name)
            .ok()
            .filter(|text| !text.is_empty())
            .map_or(default, |text| {
                text.parse()
                    .unwrap_or_else(|_| panic!("{name}={text}: a number"))
            })
    };
    let (customers, tenants) = (number("N", 1_000), number("TENANTS", 0));
    assert!(
        tenants <= customers,
        "TENANTS: at most one a customer, so at most N"
    );
    let mut table = Table::new(customers, tenants);
    let mut stage = Stage::set(customers, tenants).await;
    arrive(&mut stage, &mut table).await;
    idle(&stage, &mut table).await;
    plan(&stage, &mut table).await;
    edit(&stage, &mut table).await;
    restart(&mut stage, &mut table).await;
    table.print();
}

/// Applies everything, and waits until it is on the platform and says so.
async fn arrive(stage: &mut Stage, table: &mut Table) {
    eprintln!("bench: applying");
    let (requests, writes) = (stage.console.requests().await, stage.writes().await);
    let started = Instant::now();
    stage.apply().await;
    table.row(
        "applying took",
        format!("{:.1} s", started.elapsed().as_secs_f64()),
    );
    stage.all_ready(PAUSE).await;
    table.row(
        "all Ready",
        format!("{:.1} s", started.elapsed().as_secs_f64()),
    );
    settled(stage).await;
    let requests = since(&requests, &stage.console.requests().await);
    let mut writes = since(&writes, &stage.writes().await);
    writes
        .retain(|what, _| !what.starts_with("POST customers") && !what.starts_with("POST tenants"));
    stage.check().await;
    table.row("customers on the platform", stage.customers().await);
    table.row("platform requests to get there", total(&requests));
    table.row("API-server writes to settle", total(&writes));
    table.detail("platform requests to get there", &requests);
    table.detail("API-server writes to settle", &writes);
}

/// A plan in which nothing changes, as a reviewer of a pull request would run it.
async fn plan(stage: &Stage, table: &mut Table) {
    eprintln!("bench: a plan of nothing");
    let requests = stage.console.requests().await;
    let took = stage.plan();
    let requests = since(&requests, &stage.console.requests().await);
    table.row(
        "plan that changes nothing",
        format!("{:.2} s", took.as_secs_f64()),
    );
    table.row(
        "plan that changes nothing: platform requests",
        total(&requests),
    );
    table.detail("plan that changes nothing: platform requests", &requests);
}

/// Sweeps with nothing to do, and a minute with one sweep in it.
async fn idle(stage: &Stage, table: &mut Table) {
    eprintln!("bench: idle sweeps");
    // The sweep after a creation also reads consumption and health, which is its own thing.
    stage.sweep().await;
    settled(stage).await;
    let (requests, writes) = (stage.console.requests().await, stage.writes().await);
    let before = stage.operator().processor_seconds();
    for _ in 0..SWEEPS {
        stage.sweep().await;
    }
    let used = stage.operator().processor_seconds() - before;
    let requests = since(&requests, &stage.console.requests().await);
    let writes = idle_writes(since(&writes, &stage.writes().await));
    // These sweeps are asked for, which reads the reports too.
    let (reports, sweeps) = requests
        .into_iter()
        .partition::<Counts, _>(|(what, _)| REPORTS.contains(&what.as_str()));
    table.row(
        &format!("{SWEEPS} idle sweeps: platform requests"),
        total(&sweeps),
    );
    table.row("with them, requests for the reports", total(&reports));
    table.row(
        &format!("{SWEEPS} idle sweeps: API-server writes"),
        total(&writes),
    );
    table.row(
        "idle sweep: CPU",
        format!("{:.3} s", used / f64::from(SWEEPS)),
    );
    table.detail("idle sweeps: platform requests", &sweeps);
    table.detail("idle sweeps: API-server writes", &writes);
    eprintln!("bench: an idle minute");
    settled(stage).await;
    let before = stage.operator().processor_seconds();
    stage.sweep().await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    let used = stage.operator().processor_seconds() - before;
    table.row(
        "CPU of an idle minute with one sweep",
        format!("{used:.2} s"),
    );
    table.row(
        "resident memory, idle",
        format!("{:.1} MiB", stage.operator().mebibytes("VmRSS")),
    );
    table.row(
        "resident memory, highest so far",
        format!("{:.1} MiB", stage.operator().mebibytes("VmHWM")),
    );
}

/// The request for a sweep is an annotation of ours, not the operator's write.
fn idle_writes(mut writes: Counts) -> Counts {
    writes.retain(|what, _| what != "PATCH backupplatforms  200");
    writes
}

/// From the edit's leaving here to the platform's record of it, while one sweep follows the other.
async fn edit(stage: &Stage, table: &mut Table) {
    eprintln!("bench: edits while sweeps run");
    stage.sweep_every("1s").await;
    let mut milliseconds = Vec::new();
    let mut seen = stage.console.last_change().await;
    for edit in 0..EDITS {
        let left = stage.edit(edit).await;
        let (arrived, last) = stage.console.next_change(seen).await;
        seen = last;
        milliseconds.push((arrived - left).max(0));
        tokio::time::sleep(Duration::from_millis(137)).await;
    }
    let worst = milliseconds.iter().max().copied().unwrap_or_default();
    table.row(
        "edit to platform, median / worst",
        format!("{} / {worst} ms", median(&mut milliseconds)),
    );
    stage.sweep_every("24h").await;
    settled(stage).await;
}

/// A new process over what is there.
async fn restart(stage: &mut Stage, table: &mut Table) {
    eprintln!("bench: restart");
    stage.stop_operator();
    let (requests, writes) = (stage.console.requests().await, stage.writes().await);
    let started = Instant::now();
    stage.start_operator();
    stage.all_ready(Duration::from_millis(20)).await;
    table.row(
        "restart: all observed",
        format!("{:.2} s", started.elapsed().as_secs_f64()),
    );
    settled(stage).await;
    let requests = since(&requests, &stage.console.requests().await);
    let writes = since(&writes, &stage.writes().await);
    table.row("restart: platform requests", total(&requests));
    table.row("restart: API-server writes", total(&writes));
    table.detail("restart: platform requests", &requests);
    table.detail("restart: API-server writes", &writes);
    table.row(
        "restart: highest resident memory",
        format!("{:.1} MiB", stage.operator().mebibytes("VmHWM")),
    );
}

/// Waits until neither the API server nor the platform has got a request of ours for a while.
async fn settled(stage: &Stage) {
    let mut last = (Counts::new(), Counts::new());
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < QUIET {
        let now = (stage.writes().await, stage.console.requests().await);
        if now != last {
            (last, quiet_since) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

//! What a sweep of an account at Cove costs, and the statistics of its devices: requests, time and memory.
//!
//! The platform is the simulator's dialect, a process of its own with 20 ms a request; the adapter is in this one, and the
//! memory is this one's. Run by `make bench-cove`. Nothing is asserted against the clock.

#[allow(dead_code, reason = "the bench of customers uses the rest")]
#[path = "../customers/process.rs"]
mod process;
mod service;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use holdfast_core::estate::Scope;
use holdfast_platforms::{
    Budgets, Platform as _, Reports as _, RequestObserver, WriterGuard,
    cove::{Cove, CoveOptions},
    http::HttpOptions,
};

use service::Service;

/// What the account holds.
const RESELLERS: usize = 500;
const CUSTOMERS: usize = 5_000;
const DEVICES: usize = 20_000;
/// Days that the operator asks for; Cove knows only now.
const DAYS: u16 = 30;
/// The default budget: requests a second, and at once.
const RATE: f64 = 5.0;
const BURST: f64 = 10.0;

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let (Some("serve"), Some(data)) = (arguments.next().as_deref(), arguments.next()) {
        run(service::serve(&data));
    } else {
        run(measure());
    }
}

fn run(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Runtime::new();
    runtime.expect("a runtime").block_on(work);
}

/// Counts requests; everything may be written.
#[derive(Default)]
struct Counter(AtomicU64);

impl RequestObserver for Counter {
    fn finished(&self, _: &'static str, _: &'static str, _: Duration) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl WriterGuard for Counter {
    fn may_write(&self) -> Result<(), String> {
        Ok(())
    }
}

async fn measure() {
    eprintln!("bench: {RESELLERS} resellers, {CUSTOMERS} customers, {DEVICES} devices");
    let service = Service::start().await;
    service.fill(RESELLERS, CUSTOMERS, DEVICES).await;
    let counter = Arc::new(Counter::default());
    let cove = adapter(&service, &counter);
    println!(
        "\n| | requests | without a limit | at least, by the budget | memory before | at most |\n|---|---|---|---|---|---|"
    );
    let sweep = async || {
        let seen = cove.observe(Scope::default()).await.expect("a sweep");
        assert_eq!(
            seen.objects.len(),
            RESELLERS + CUSTOMERS,
            "everything is seen"
        );
    };
    row("first sweep", &counter, sweep).await;
    row("every other", &counter, sweep).await;
    let with_clients = async || {
        let seen = cove
            .observe(Scope { clients: true })
            .await
            .expect("a sweep");
        assert_eq!(seen.clients.len(), DEVICES, "every device is seen");
    };
    row("with the devices of each customer", &counter, with_clients).await;
    let reports = async || {
        let usage = cove.usage(DAYS).await.expect("consumption");
        let health = cove.health(DAYS).await.expect("health");
        assert_eq!(
            (usage.rows.len(), health.rows.len()),
            (CUSTOMERS, CUSTOMERS)
        );
    };
    row("usage and health", &counter, reports).await;
}

fn adapter(service: &Service, counter: &Arc<Counter>) -> Cove {
    let adapter = Cove::new(CoveOptions {
        endpoint: service.endpoint.parse().expect("an address"),
        partner: service::PARTNER.into(),
        username: service::USERNAME.into(),
        password: service::PASSWORD.into(),
        root_partner: None,
        drops_columns: false,
        rate_limit: None,
        budgets: Arc::new(Budgets::default()),
        http: HttpOptions {
            ca_bundle_pem: None,
            observer: Arc::clone(counter) as Arc<dyn RequestObserver>,
            writer: Arc::clone(counter) as Arc<dyn WriterGuard>,
        },
    });
    adapter.expect("an adapter")
}

async fn row(title: &str, counter: &Counter, work: impl AsyncFn()) {
    // Forgets the most that was resident so far.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let (before, resident) = (counter.0.load(Ordering::Relaxed), mebibytes("VmRSS"));
    let started = Instant::now();
    work().await;
    let seconds = started.elapsed().as_secs_f64();
    let requests = counter.0.load(Ordering::Relaxed) - before;
    #[allow(clippy::cast_precision_loss, reason = "few requests")]
    let least = ((requests as f64 - BURST) / RATE).max(0.0);
    let most = mebibytes("VmHWM");
    println!(
        "| {title} | {requests} | {seconds:.1} s | {least:.1} s | {resident:.0} MiB | {most:.0} MiB |"
    );
}

fn mebibytes(line: &str) -> f64 {
    process::mebibytes(std::process::id(), line)
}

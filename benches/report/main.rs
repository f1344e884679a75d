//! What reports over many customers cost: `holdfast report`, the release build and a process of its own, reads them page by page from
//! a server in this process that answers as an API server does; with `--live` from the reference platform, in this process as well.
//!
//! `N=10000 cargo bench --bench report` (`make bench-report`). KEEP=<folder> keeps what the reports say. Nothing is asserted
//! against the clock.

mod estate;
mod platform;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Path as Segment, Query, State},
    routing::get,
};
use estate::Estate;

/// How often the process is asked for its memory. What it needed most is kept by the kernel until it ends.
const ASKED_EVERY: Duration = Duration::from_millis(5);

/// What no report should need more of.
const GOAL: (Duration, u64) = (Duration::from_secs(3), 200 << 10);

const REPORTS: [&[&str]; 13] = [
    &["usage", "-o", "table"],
    &["usage", "-o", "csv", "--all-columns"],
    &["usage", "-o", "json", "--all-columns"],
    &["usage", "-o", "html"],
    &["customers", "-o", "html"],
    &["health", "-o", "html"],
    &["health", "-o", "csv", "--all-columns"],
    &["invoice", "-o", "csv", "--month", estate::MONTH],
    &["invoice", "-o", "html", "--month", estate::MONTH],
    &["usage", "-o", "table", "--live"],
    &["customers", "-o", "csv", "--live", "--all-columns"],
    &["health", "-o", "html", "--live"],
    &["health", "-o", "csv", "--live", "--by", "source"],
];

#[tokio::main]
async fn main() {
    let count = std::env::var("N").ok().and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(10_000);
    let folder = tempfile::tempdir().expect("a folder");
    let keep = std::env::var_os("KEEP").map_or_else(|| folder.path().to_owned(), PathBuf::from);
    fs::create_dir_all(&keep).expect("a folder");
    let kubeconfig = folder.path().join("kubeconfig");
    let data = folder.path().join("platform");
    let live = platform::Live::of(count, &data).await;
    let address = serve(Estate::of(count, &live.customers)).await;
    fs::write(&kubeconfig, config(&address)).expect("written");
    println!("{count} customers with a tenant each, release build");
    println!("| Report | Seconds | Peak memory | Goal |\n|---|---|---|---|");
    for arguments in REPORTS {
        let [subject, _, format, more @ ..] = arguments else {
            unreachable!("a subject and a format")
        };
        let name = [&[*subject], more].concat().join("").replace("--", "-");
        let output = keep.join(format!("{name}.{format}"));
        let (elapsed, peak) = measured(&kubeconfig, &live, arguments, &output);
        println!(
            "| {} | {:.2} | {} MiB | {} |",
            arguments.join(" "),
            elapsed.as_secs_f64(),
            peak >> 10,
            if elapsed < GOAL.0 && peak < GOAL.1 {
                "kept"
            } else {
                "missed"
            }
        );
    }
}

/// Runs a report and says how long it took and how many KiB it needed at most.
fn measured(
    kubeconfig: &Path,
    live: &platform::Live,
    arguments: &[&str],
    output: &Path,
) -> (Duration, u64) {
    let started = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .args(["report"])
        .args(arguments)
        .env("KUBECONFIG", kubeconfig)
        .env("PLATFORM_URL", &live.url)
        .env("PLATFORM_TOKEN", &live.token)
        .stdout(Stdio::from(File::create(output).expect("a file")))
        .spawn()
        .expect("it starts");
    let mut peak = 0;
    let status = loop {
        if let Some(status) = process.try_wait().expect("its state") {
            break status;
        }
        peak = peak.max(most(process.id()));
        std::thread::sleep(ASKED_EVERY);
    };
    assert!(status.success(), "{arguments:?}: {status}");
    (started.elapsed(), peak)
}

/// KiB that a process needed at most until now.
fn most(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}

fn config(address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: bench\nclusters: [{{name: bench, cluster: {{server: \"http://{address}\"}}}}]\ncontexts: [{{name: bench, context: {{cluster: bench, user: bench, namespace: backup}}}}]\nusers: [{{name: bench, user: {{}}}}]\n"
    )
}

/// Answers lists as an API server does, page by page.
async fn serve(estate: Estate) -> String {
    let list = async |State(estate): State<Arc<Estate>>,
                      Segment(plural): Segment<String>,
                      Query(asked): Query<estate::Asked>| {
        (
            [("content-type", "application/json")],
            estate.page(&plural, &asked),
        )
    };
    let router = Router::new()
        .route(
            "/apis/holdfast.dev/v1alpha1/namespaces/backup/{plural}",
            get(list),
        )
        .route("/api/v1/namespaces/holdfast-invoices/{plural}", get(list))
        .with_state(Arc::new(estate));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

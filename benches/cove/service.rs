//! An account at Cove: the simulator's dialect as a process of its own, and a person at its console.

use std::{net::SocketAddr, time::Duration};

use holdfast_simulator::{CoveOptions, CovePlatform};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Process, free_port};

pub const PARTNER: &str = "Bench MSP (ops@bench.example)";
pub const USERNAME: &str = "bench-api";
pub const PASSWORD: &str = "token-of-the-bench";
const CONSOLE: &str = "console-token-of-the-bench";
/// What every request takes besides.
const LATENCY: Duration = Duration::from_millis(20);
/// Rows that are put in at once.
const AT_ONCE: usize = 500;

/// Serves an estate, in the process made for it, until that is ended.
pub async fn serve(data: &str) {
    let port = std::env::var("BENCH_PORT").expect("a port");
    let platform = CovePlatform::start(CoveOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a number"))),
        latency: Some(LATENCY),
        partner: Some(PARTNER.to_owned()),
        username: Some(USERNAME.to_owned()),
        password: Some(PASSWORD.into()),
        console_token: Some(CONSOLE.into()),
        ..CoveOptions::new(data)
    });
    let _platform = platform.await.expect("the platform starts");
    std::future::pending::<()>().await;
}

/// A running account.
pub struct Service {
    pub endpoint: String,
    console: String,
    http: reqwest::Client,
    _process: Process,
    _directory: TempDir,
}

impl Service {
    pub async fn start() -> Self {
        let directory = TempDir::new().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let port = free_port().to_string();
        let process = Process::start(
            &std::env::current_exe().expect("this program"),
            &["serve", path("estate.sqlite").to_str().expect("a path")],
            &[("BENCH_PORT", &port)],
            &path("log"),
        );
        let base = format!("http://127.0.0.1:{port}");
        let http = reqwest::Client::builder().no_proxy().build();
        let service = Self {
            endpoint: format!("{base}/jsonapi"),
            console: format!("{base}/console"),
            http: http.expect("a client"),
            _process: process,
            _directory: directory,
        };
        while service.http.get(&base).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        service
    }

    /// Puts in resellers, customers spread over them, and devices spread over those.
    pub async fn fill(&self, resellers: usize, customers: usize, devices: usize) {
        let rows = (0..resellers)
            .map(|number| json!({"Name": format!("Reseller {number:03}"), "Level": "Reseller"}));
        let parents = self.put("partners", rows).await;
        let rows = (0..customers).map(|number| customer(number, parents[number % parents.len()]));
        let owners = self.put("partners", rows).await;
        let rows = (0..devices).map(|number| device(number, owners[number % owners.len()]));
        self.put("devices", rows).await;
    }

    async fn put(&self, what: &str, mut rows: impl Iterator<Item = Value>) -> Vec<i64> {
        let mut ids = Vec::new();
        loop {
            let part: Vec<Value> = rows.by_ref().take(AT_ONCE).collect();
            if part.is_empty() {
                break;
            }
            let request = self.http.post(format!("{}/{what}", self.console));
            let answer = request.bearer_auth(CONSOLE).json(&part).send().await;
            let answer = answer.expect("the console answers");
            assert!(answer.status().is_success(), "{}", answer.status());
            let made: Vec<i64> = answer.json().await.expect("ids");
            ids.extend(made);
        }
        ids
    }
}

fn customer(number: usize, parent: i64) -> Value {
    json!({
        "Name": format!("Customer {number:05} GmbH"), "ParentId": parent, "ExternalCode": format!("CWM:{number}"),
        "Company": {
            "LegalCompanyName": format!("Customer {number:05} GmbH"), "PhoneNumber": "+49 30 5550100", "VatNumber": "DE123456789",
            "PostAddress": {"Address": "Musterweg 1", "City": "Berlin", "ZipCode": "10115", "Country": "DE"},
        },
    })
}

/// A server with files, system state and a database.
fn device(number: usize, owner: i64) -> Value {
    let mut columns = json!({"I14": "52613349376", "I78": "D01D02D10"});
    for code in ["D01", "D02", "D10"] {
        for (field, value) in [("F00", "5"), ("F09", "1767225600"), ("F15", "1767225600")] {
            columns[format!("{code}{field}")] = value.into();
        }
    }
    json!({"Name": format!("srv-{number:05}"), "PartnerId": owner, "columns": columns})
}

//! Druva as a process of its own: the embedded platform's dialect of it, a person at its console, and a checker on the line
//! that validates every request against the vendor's contract.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Program,
    dialect::{Dialect, TOKEN},
    druva_contract::Contract,
    operator::{Console, Stage, eventually},
    tap::{Heard, Tap},
};

/// The client id that the platform accepts.
pub const CLIENT_ID: &str = "client-of-the-tests";
/// Its secret key.
pub const SECRET_KEY: &str = "secret-key-kept-from-every-log";

/// One account at Druva.
pub struct Druva {
    /// A person at its console.
    pub console: Console,
    dialect: Dialect,
    tap: Tap,
}

impl Druva {
    /// Starts one on a new estate.
    pub async fn start(program: Program) -> Self {
        let variables = [
            ("HOLDFAST_PLATFORM_CLIENT_ID", CLIENT_ID),
            ("HOLDFAST_PLATFORM_SECRET_KEY", SECRET_KEY),
        ];
        let dialect = Dialect::start(program, "druva", &variables).await;
        let tap = Tap::before(&dialect.url).await;
        let console = Console {
            url: dialect.url.clone(),
            token: TOKEN.to_owned(),
        };
        Self {
            console,
            dialect,
            tap,
        }
    }

    /// The address of its interface.
    pub fn endpoint(&self) -> String {
        format!("{}/", self.tap.url)
    }

    /// Injects these faults instead of those in force.
    pub fn faults(&self, yaml: &str) {
        self.dialect.faults(yaml);
    }

    /// Creates an object at the console.
    pub async fn make(&self, kind: &str, name: &str, document: Value) -> Value {
        let path = format!("/v1/{kind}/by-ref/console-{name}");
        self.console.call(Method::PUT, &path, Some(document)).await
    }

    /// The Secret with the credentials, and a `BackupPlatform` of this name.
    pub fn manifest(&self, name: &str, more: &str) -> String {
        let endpoint = self.endpoint();
        format!(
            "{}---\napiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: {name}}}\nspec: {{ownerId: 0d0bb2de-8f3c-4cf6-9df0-2c8a2f1f5f10, druva: {{endpoint: \"{endpoint}\", credentialsRef: {{name: {name}}}}}, rateLimit: {{requestsPerSecond: 500, burst: 500}}, sweepInterval: 60s, usageInterval: 10s{more}}}\n",
            secret(name, SECRET_KEY)
        )
    }

    /// Requests a sweep now, and waits until that is over.
    pub async fn sweep(&self, stage: &Stage, platform: &str) {
        let before = self.requests("GET /msp/v2/storage-regions").await;
        stage.sweep(platform);
        eventually("a sweep goes by", || async {
            self.requests("GET /msp/v2/storage-regions").await > before
        })
        .await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }

    /// Requests so far of routes that begin so, without those of the console.
    pub async fn requests(&self, route: &str) -> u64 {
        self.console.requests(route).await
    }
}

/// The contract's verdict on a request.
fn judge(contract: &Contract, heard: &Heard) -> Result<(), String> {
    let (method, uri) = heard.line.split_once(' ').expect("method and path");
    let url = reqwest::Url::parse(&format!("http://platform{uri}")).expect("a URL");
    let query: Vec<_> = url.query_pairs().into_owned().collect();
    let body = match &heard.body {
        Value::Null if url.path() == "/msp/auth/v1/token" => {
            Some(json!({"grant_type": "client_credentials"}))
        }
        Value::Null => None,
        body => Some(body.clone()),
    };
    contract.check_request(method, url.path(), &query, &heard.headers, body.as_ref())
}

impl Drop for Druva {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let (contract, heard) = (Contract::load(), self.tap.heard());
            let judged = heard
                .iter()
                .filter_map(|heard| judge(&contract, heard).err());
            let strange: Vec<String> = judged.collect();
            assert!(!heard.is_empty() && strange.is_empty(), "{strange:#?}");
        }
    }
}

/// The Secret with these credentials.
pub fn secret(name: &str, secret_key: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{clientId: {CLIENT_ID}, secretKey: {secret_key}}}\n"
    )
}

/// One account with plans that were made at its console.
pub async fn with_plans(program: Program) -> Druva {
    let druva = Druva::start(program).await;
    for (name, edition) in [("Gold", "Enterprise"), ("Silver", "Business")] {
        let products = json!([
            {"product": "HybridWorkloads", "edition": edition, "workloads": ["FileServers", "MSSQL", "VMware"]},
            {"product": "SaaSAppsAndEndpoints", "edition": "Enterprise", "workloads": ["Microsoft365", "Endpoints"]},
        ]);
        let plan = json!({"name": name, "products": products, "usageReport": "Monthly"});
        druva.make("plans", name, plan).await;
    }
    druva
}

/// Writes of the operator, by method and path.
pub async fn writes(druva: &Druva) -> Vec<String> {
    let mutations = druva.console.mutations().await;
    let line = |item: &Value| {
        format!(
            "{} {}",
            item["method"].as_str().unwrap_or_default(),
            item["path"].as_str().unwrap_or_default()
        )
    };
    mutations.iter().map(line).collect()
}

/// A customer that Druva accepts.
pub fn customer(name: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: druva}}, displayName: \"Customer {name}\", accountName: {name}, profile: {{phone: \"+49 30 5550100\", address: {{text: Hauptstrasse 1}}}}}}\n"
    )
}

/// A tenant of a customer, on the plan `gold`.
pub fn tenant(name: &str, of: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: {name}}}\nspec: {{customerRef: {{name: {of}}}, servicePlanRef: {{name: gold}}, product: HybridWorkloads, type: Commercial, storageRegions: [eu-central-1], licenceExpiresAt: \"2028-12-31T00:00:00Z\"}}\n"
    )
}

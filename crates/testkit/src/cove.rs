//! Cove as a process of its own: the simulator's dialect of it, a person at its console, and a checker on the line that
//! validates every request and answer against the contract.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Program,
    cove_contract::Contract,
    dialect::{Dialect, TOKEN},
    local,
    operator::{Stage, eventually},
    tap::{Heard, Tap},
};

/// The API user's customer.
pub const PARTNER: &str = "Acme MSP (ops@acme.example)";
/// Its name.
pub const USERNAME: &str = "acme-api";
/// Its token.
pub const PASSWORD: &str = "token-kept-from-every-log";

/// Methods that change something.
pub const MUTATING: [&str; 5] = [
    "AddPartner",
    "ModifyPartner",
    "ModifyAutoDeploymentPartnerState",
    "RemovePartner",
    "ModifyAccount",
];

/// One Management Service.
pub struct Cove {
    dialect: Dialect,
    tap: Tap,
}

impl Cove {
    /// Starts one on a new estate.
    pub async fn start(program: Program) -> Self {
        let variables = [
            ("HOLDFAST_PLATFORM_PARTNER", PARTNER),
            ("HOLDFAST_PLATFORM_USERNAME", USERNAME),
            ("HOLDFAST_PLATFORM_PASSWORD", PASSWORD),
        ];
        let dialect = Dialect::start(program, "cove", &variables).await;
        let tap = Tap::before(&dialect.url).await;
        Self { dialect, tap }
    }

    /// The address of its interface.
    pub fn endpoint(&self) -> String {
        format!("{}/jsonapi", self.tap.url)
    }

    /// Injects these faults instead of those in force.
    pub fn faults(&self, yaml: &str) {
        self.dialect.faults(yaml);
    }

    async fn console(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/console/{path}", self.dialect.url);
        let mut request = local::client().request(method, url).bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the console answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// Everything that it holds, and requests by method.
    pub async fn state(&self) -> Value {
        self.console(Method::GET, "state", None).await
    }

    /// Partners, by the names that the console shows.
    pub async fn partner(&self, name: &str) -> Value {
        let state = self.state().await;
        let partners = state["partners"].as_array().cloned().unwrap_or_default();
        let mut named = partners
            .into_iter()
            .filter(|partner| partner["Name"] == name);
        let found = named.next().unwrap_or_default();
        assert!(named.next().is_none(), "two partners are called {name}");
        found
    }

    /// Puts partners in as they are; their ids.
    pub async fn add_partners(&self, rows: Value) -> Vec<i64> {
        ids(self.console(Method::POST, "partners", Some(rows)).await)
    }

    /// Puts devices in, with the values of their columns; their ids.
    pub async fn add_devices(&self, rows: Value) -> Vec<i64> {
        ids(self.console(Method::POST, "devices", Some(rows)).await)
    }

    /// How it behaves where the documents are silent.
    pub async fn modes(&self, modes: Value) {
        self.console(Method::POST, "modes", Some(modes)).await;
    }

    /// The Secret with the credentials, and a `BackupPlatform` of this name.
    pub fn manifest(&self, name: &str, more: &str) -> String {
        let endpoint = self.endpoint();
        format!(
            "{}---\napiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: {name}}}\nspec: {{ownerId: 0d0bb2de-8f3c-4cf6-9df0-2c8a2f1f5f10, cove: {{endpoint: \"{endpoint}\", credentialsRef: {{name: {name}}}}}, rateLimit: {{requestsPerSecond: 500, burst: 500}}, sweepInterval: 60s, usageInterval: 10s{more}}}\n",
            secret(name, PASSWORD)
        )
    }

    /// Requests a sweep now, and waits until that is over.
    pub async fn sweep(&self, stage: &Stage, platform: &str) {
        let before = self.count("EnumerateLocations");
        stage.sweep(platform);
        eventually("a sweep goes by", || async {
            self.count("EnumerateLocations") > before
        })
        .await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }

    /// Everything that was heard on the line.
    pub fn heard(&self) -> Vec<Heard> {
        self.tap.heard()
    }

    /// Requests so far of a method.
    pub fn count(&self, method: &str) -> usize {
        let heard = self.tap.heard();
        let calls = heard.iter().filter(|heard| heard.body["method"] == method);
        calls.count()
    }

    /// Writes of the operator, by method and what is written.
    pub fn writes(&self) -> Vec<String> {
        let heard = self.tap.heard();
        let writes = heard.iter().filter(|heard| {
            let method = heard.body["method"].as_str().unwrap_or_default();
            MUTATING.contains(&method)
        });
        let told = |heard: &Heard| {
            format!(
                "{} {}",
                heard.body["method"].as_str().unwrap_or_default(),
                heard.body["params"]
            )
        };
        writes.map(told).collect()
    }
}

impl Drop for Cove {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let heard = self.tap.heard();
            let strange = Contract::load().judge(&heard);
            assert!(!heard.is_empty() && strange.is_empty(), "{strange:#?}");
        }
    }
}

fn ids(answer: Value) -> Vec<i64> {
    let ids = answer.as_array().cloned().unwrap_or_default();
    ids.iter().filter_map(Value::as_i64).collect()
}

/// The Secret with these credentials.
pub fn secret(name: &str, password: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{partner: \"{PARTNER}\", username: {USERNAME}, password: {password}}}\n"
    )
}

/// The columns of a device that backs up files and a database: the one is fresh, the other as it is said.
pub fn server_with_database(now: i64, database: (u8, i64)) -> Value {
    let (status, success) = database;
    json!({
        "I14": "52613349376", "I32": "2", "I59": "1", "I78": "D01D10", "I81": "Virtual",
        "D01F00": "5", "D01F09": (now - 3600).to_string(), "D01F15": (now - 3600).to_string(),
        "D10F00": status.to_string(), "D10F09": success.to_string(), "D10F15": (now - 3600).to_string(),
        "D09F00": "5", "D09F09": (now - 3600).to_string(), "D09F03": "214748364800",
    })
}

//! The operator as its own process, and the embedded platform as a person at its console sees it.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Cluster, kubectl};

/// How long anything may take before a test gives up on it.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A namespace with an operator of its own.
pub struct Stage {
    /// The API server and the namespace.
    pub cluster: Cluster,
    /// What the operator keeps on disk.
    pub data: TempDir,
    process: Option<Child>,
    ports: (u16, u16),
}

impl Stage {
    /// Starts an operator in a namespace of its own.
    pub async fn start(prefix: &str) -> Self {
        let cluster = Cluster::start(prefix).await;
        let data = TempDir::new().expect("a directory");
        let mut stage = Self {
            cluster,
            data,
            process: None,
            ports: (free_port(), free_port()),
        };
        stage.run().await;
        stage
    }

    /// Starts the operator (again).
    pub async fn run(&mut self) {
        let namespace = self.namespace().to_owned();
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log file");
        let child = Command::new(env!("CARGO_BIN_EXE_holdfast"))
            .args([
                "run",
                "--namespace",
                &namespace,
                "--lease-namespace",
                &namespace,
            ])
            .args(["--data-dir".as_ref(), self.data.path().as_os_str()])
            .args(["--listen", &format!("127.0.0.1:{}", self.ports.0)])
            .args(["--platform-listen", &format!("127.0.0.1:{}", self.ports.1)])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the operator starts");
        self.process = Some(child);
        let url = format!("http://127.0.0.1:{}/readyz", self.ports.0);
        eventually("the operator is ready", || async {
            reqwest::get(&url)
                .await
                .is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
    }

    /// The namespace.
    pub fn namespace(&self) -> &str {
        &self.cluster.namespace
    }

    /// The operator's log.
    pub fn log_path(&self) -> std::path::PathBuf {
        self.data.path().join("operator.log")
    }

    /// Everything that the operator has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().expect("the operator can be killed");
            child.wait().expect("the operator ends");
        }
    }

    /// SIGTERM, and waits until it has ended by itself.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let mut child = self.process.take().expect("the operator runs");
        let pid = child.id().to_string();
        let sent = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs");
        assert!(sent.success());
        child.wait().expect("the operator ends")
    }

    /// The metrics page.
    pub async fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.ports.0);
        reqwest::get(url)
            .await
            .expect("metrics are served")
            .text()
            .await
            .expect("text")
    }

    /// `kubectl apply` in the namespace; panics when it is refused.
    pub fn apply(&self, manifest: &str) {
        let output = self.kubectl(&["apply", "-f", "-"], manifest);
        assert!(
            output.status.success(),
            "{}\n{manifest}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// kubectl in the namespace.
    pub fn kubectl(&self, arguments: &[&str], input: &str) -> std::process::Output {
        let arguments: Vec<&str> = ["--namespace", self.namespace()]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        kubectl(&arguments, input)
    }

    /// What kubectl prints; panics when it fails.
    pub fn show(&self, arguments: &[&str]) -> String {
        let output = self.kubectl(arguments, "");
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("kubectl prints UTF-8")
    }

    /// An object as JSON; null when it isn't there.
    pub fn get(&self, object: &str) -> Value {
        let text = self.show(&["get", object, "-o", "json", "--ignore-not-found"]);
        if text.trim().is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).expect("JSON")
        }
    }

    /// Status and reason of a condition, as `True/InSync`; empty when it isn't there.
    pub fn condition(&self, object: &str, kind: &str) -> String {
        let object = self.get(object);
        let conditions = object
            .pointer("/status/conditions")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let found = conditions
            .iter()
            .find(|condition| condition["type"] == kind);
        found
            .map(|condition| {
                format!(
                    "{}/{}",
                    condition["status"].as_str().unwrap_or_default(),
                    condition["reason"].as_str().unwrap_or_default()
                )
            })
            .unwrap_or_default()
    }

    /// The message of a condition.
    pub fn message(&self, object: &str, kind: &str) -> String {
        let object = self.get(object);
        let conditions = object
            .pointer("/status/conditions")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        conditions
            .iter()
            .find(|condition| condition["type"] == kind)
            .and_then(|condition| condition["message"].as_str())
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until a condition reads like this.
    pub async fn await_condition(&self, object: &str, kind: &str, wanted: &str) {
        let started = Instant::now();
        loop {
            let current = self.condition(object, kind);
            let matches = if wanted.contains('/') {
                current == wanted
            } else {
                current.split('/').next() == Some(wanted)
            };
            if matches {
                return;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "{object}: {kind} is {current:?}, not {wanted:?}: {}\n{:#}\n{}",
                self.message(object, kind),
                self.get(object)["status"],
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until these objects are Ready at their current generation.
    pub async fn await_ready(&self, objects: &[&str]) {
        for object in objects {
            self.await_condition(object, "Ready", "True").await;
            eventually(&format!("{object} is observed"), || async {
                let object = self.get(object);
                object["metadata"]["generation"] == object["status"]["observedGeneration"]
            })
            .await;
        }
    }

    /// The embedded platform of `BackupPlatform` `name`, at its console.
    pub fn console(&self, name: &str) -> Console {
        let token = std::fs::read_to_string(self.data.path().join("token"))
            .expect("the embedded platform has a token");
        Console {
            url: format!(
                "http://127.0.0.1:{}/estates/{}/{name}",
                self.ports.1,
                self.namespace()
            ),
            token: token.trim().to_owned(),
        }
    }

    /// Asks for a sweep now.
    pub fn sweep(&self, platform: &str) {
        let stamp = format!("holdfast.dev/reconcile-at={}", jiff::Timestamp::now());
        self.show(&[
            "annotate",
            "--overwrite",
            &format!("backupplatform/{platform}"),
            &stamp,
        ]);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the operator's log\n{}", self.log());
        }
    }
}

/// A person at the platform's console, or a test that looks.
pub struct Console {
    /// Base of the bridge API.
    pub url: String,
    /// Its token.
    pub token: String,
}

impl Console {
    /// One request as the console; panics unless it is taken.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.try_call(method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// One request as the console.
    pub async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = Client::new()
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
            .header("X-Actor", "console");
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/merge-patch+json")
                .body(body.to_string());
        }
        let answer = request.send().await.expect("the platform answers");
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Every item of a kind.
    pub async fn list(&self, kind: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut path = format!("/v1/{kind}?limit=500");
        loop {
            let page = self.call(Method::GET, &path, None).await;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => path = format!("/v1/{kind}?limit=500&cursor={next}"),
                None => return items,
            }
        }
    }

    /// The one item of a kind with this name; null when there is none.
    pub async fn named(&self, kind: &str, name: &str) -> Value {
        self.list(kind)
            .await
            .into_iter()
            .find(|item| item["name"] == name)
            .unwrap_or(Value::Null)
    }

    /// Changes an item, as a person at the console does.
    pub async fn change(&self, kind: &str, id: &str, patch: Value) -> Value {
        self.call(Method::PATCH, &format!("/v1/{kind}/{id}"), Some(patch))
            .await
    }

    /// Every mutation that the operator sent, in order.
    pub async fn mutations(&self) -> Vec<Value> {
        let mut items = Vec::new();
        let mut after = json!(0);
        loop {
            let page = self
                .call(
                    Method::GET,
                    &format!("/v1/audit?limit=500&after={after}"),
                    None,
                )
                .await;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_u64() {
                Some(next) => after = json!(next),
                None => {
                    return items
                        .into_iter()
                        .filter(|item| item["actor"] != "console")
                        .collect();
                }
            }
        }
    }
}

/// Waits until something is so.
pub async fn eventually<Check, Answer>(what: &str, check: Check)
where
    Check: Fn() -> Answer,
    Answer: Future<Output = bool>,
{
    let started = Instant::now();
    while !check().await {
        assert!(
            started.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A port that nobody uses, below the system's ephemeral ones.
fn free_port() -> u16 {
    use std::hash::{BuildHasher, Hasher};
    let random = || {
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    };
    let ports = std::iter::repeat_with(|| 20_000 + (random() % 12_000) as u16);
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.take(1_000).find(free).expect("a free port")
}

/// A `BackupPlatform` on the embedded platform, with intervals for tests.
pub fn embedded_platform(name: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: {name}}}\nspec: {{ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d, embedded: {{}}, sweepInterval: 60s, usageInterval: 10s}}\n"
    )
}

/// A customer directly under a platform.
pub fn customer(name: &str, platform: &str, more: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: {platform}}}, displayName: \"Customer {name}\", country: \"DE\"{more}}}\n"
    )
}

/// Where files of this repository are.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

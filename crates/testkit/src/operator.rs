//! The operator as its own process.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

use super::{Cluster, Program, kubectl, local};
pub use super::{
    console::Console,
    wait::{PATIENCE, eventually, free_port},
};

/// Our kinds, as tests name them.
const OURS: [&str; 5] = [
    "backupplatform",
    "reseller",
    "serviceplan",
    "customer",
    "tenant",
];

/// A namespace with an operator of its own.
pub struct Stage {
    /// The API server and the namespace.
    pub cluster: Cluster,
    /// What the operator keeps on disk.
    pub data: TempDir,
    /// The operator's program.
    pub program: Program,
    /// Variables of the operator's environment that differ from the test's own.
    pub environment: Vec<(&'static str, PathBuf)>,
    process: Option<Child>,
    ports: (u16, u16),
    /// Where its Leases are.
    leases: String,
}

impl Stage {
    /// Starts an operator in a namespace of its own.
    pub async fn start(program: Program, prefix: &str) -> Self {
        let mut stage = Self::in_cluster(program, Cluster::start(prefix).await);
        stage.run().await;
        stage
    }

    /// A namespace with an operator that another fixture runs.
    pub fn without_operator(program: Program, cluster: Cluster) -> Self {
        Self::in_cluster(program, cluster)
    }

    /// The same with its Leases in another namespace, as in a cluster: a deletion of the one leaves the other.
    pub async fn start_leasing_in(program: Program, prefix: &str, leases: &str) -> Self {
        let mut stage = Self::in_cluster(program, Cluster::start(prefix).await);
        leases.clone_into(&mut stage.leases);
        stage.run().await;
        stage
    }

    /// A second operator for the same namespace, with a data directory of its own; not started yet.
    #[must_use]
    pub fn beside(&self) -> Self {
        let cluster = Cluster {
            client: self.cluster.client.clone(),
            namespace: self.cluster.namespace.clone(),
        };
        Self::in_cluster(self.program, cluster)
    }

    fn in_cluster(program: Program, cluster: Cluster) -> Self {
        Self {
            leases: cluster.namespace.clone(),
            cluster,
            data: TempDir::new().expect("a directory"),
            program,
            environment: Vec::new(),
            process: None,
            ports: (free_port(), free_port()),
        }
    }

    /// Starts the operator (again).
    pub async fn run(&mut self) {
        let namespace = self.namespace().to_owned();
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("a log file");
        let child = self
            .program
            .command()
            .envs(self.environment.iter().cloned())
            .args([
                "run",
                "--namespace",
                &namespace,
                "--lease-namespace",
                &self.leases,
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
            local::get(&url)
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

    /// The sum of a counter's or gauge's values, over all labels that contain `labels`.
    pub async fn measured(&self, metric: &str, labels: &str) -> f64 {
        let page = self.metrics().await;
        let values = page.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let name = series.split('{').next()?;
            (name == metric && series.contains(labels)).then(|| value.parse::<f64>().ok())?
        });
        values.sum()
    }

    /// Host and port of health and metrics.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.0)
    }

    /// The metrics page.
    pub async fn metrics(&self) -> String {
        let url = format!("http://127.0.0.1:{}/metrics", self.ports.0);
        local::get(&url)
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

    /// An object as JSON; null when it isn't there. Our kinds are asked for without kubectl, since tests wait with this.
    pub fn get(&self, object: &str) -> Value {
        let (kind, name) = object.split_once('/').expect("KIND/NAME");
        let text = if OURS.contains(&kind) {
            let path = format!(
                "/apis/holdfast.dev/v1alpha1/namespaces/{}/{kind}s",
                self.namespace()
            );
            let request = kube::core::Request::new(path)
                .get(name, &kube::api::GetParams::default())
                .expect("a request");
            let answer = self.cluster.client.request_text(request);
            let answer =
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(answer));
            match answer {
                Ok(text) => text,
                Err(kube::Error::Api(status)) if status.code == 404 => return Value::Null,
                Err(error) => panic!("{object}: {error}"),
            }
        } else {
            self.show(&["get", object, "-o", "json", "--ignore-not-found"])
        };
        if text.trim().is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&text).expect("JSON")
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
            // An object that was Ready before the edit may be reconciling now.
            self.await_condition(object, "Ready", "True").await;
        }
    }

    /// The Leases of accounts and platforms, as `lease/NAME`, and the process that holds each; empty when none does.
    pub fn leases(&self) -> Vec<(String, String)> {
        let list = self.show(&["get", "leases", "-o", "json"]);
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let items = list["items"].as_array().expect("a list").iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let leases = items.map(|lease| {
            let name = text(&lease["metadata"]["name"]);
            (
                format!("lease/{name}"),
                text(&lease["spec"]["holderIdentity"]),
            )
        });
        leases
            .filter(|(name, _)| !name.contains("unassigned"))
            .collect()
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

    /// Requests a sweep now.
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

/// A `BackupPlatform` on the embedded platform, with intervals for tests.
pub fn embedded_platform(name: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: {name}}}\nspec: {{ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d, embedded: {{}}, sweepInterval: 60s, usageInterval: 10s, safety: {{maxDeletionsPerHour: 10000, deletionDelay: 0s}}}}\n"
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
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

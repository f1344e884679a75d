//! The reference platform as a process of its own for the bridge driver, with injected faults; and the invariants that hold
//! after any of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    Program, local,
    operator::{Console, Stage, eventually, free_port},
    program::replace,
};

/// The token that the platform accepts.
pub const TOKEN: &str = "bridge-token-kept-from-every-log";

/// One platform.
pub struct Bridge {
    /// Name of its `BackupPlatform` and of the Secret.
    pub name: String,
    /// A person at its console.
    pub console: Console,
    directory: TempDir,
    estate: u32,
    address: String,
    process: Option<Child>,
    program: Program,
}

impl Bridge {
    /// Starts a platform with an empty estate.
    pub async fn start(program: Program, name: &str) -> Self {
        Self::at(program, name, &format!("127.0.0.1:{}", free_port())).await
    }

    /// The same at a given address.
    pub async fn at(program: Program, name: &str, address: &str) -> Self {
        let mut bridge = Self {
            program,
            name: name.to_owned(),
            console: Console {
                url: format!("http://{address}"),
                token: TOKEN.to_owned(),
            },
            directory: TempDir::new().expect("a directory"),
            estate: 1,
            address: address.to_owned(),
            process: None,
        };
        bridge.faults("[]");
        bridge.run().await;
        bridge
    }

    /// Starts it (again), on the same estate and address.
    pub async fn run(&mut self) {
        let estate = self.estate_path();
        let child = self
            .program
            .command()
            .args(["platform", "serve", "--listen", &self.address])
            .args(["--data".as_ref(), estate.as_os_str()])
            .args(["--faults".as_ref(), self.faults_path().as_os_str()])
            .env("HOLDFAST_PLATFORM_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the platform starts");
        self.process = Some(child);
        let url = format!("{}/v1/stats", self.console.url);
        eventually("the platform answers", || async {
            local::client()
                .get(&url)
                .bearer_auth(TOKEN)
                .send()
                .await
                .is_ok()
        })
        .await;
    }

    /// `kill -9`.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.process.take() {
            child.kill().expect("the platform can be killed");
            child.wait().expect("the platform ends");
        }
    }

    /// Makes the platform as if it never had this tenant, even one that can't be deleted.
    pub async fn lose_tenant(&mut self, id: &str) {
        self.stop();
        let estate = rusqlite::Connection::open(self.estate_path()).expect("an estate");
        let delete = "DELETE FROM items WHERE kind = 'tenants' AND id = ?1 OR tenant = ?1";
        let lost = estate.execute(delete, [id]).expect("deleted");
        assert!(lost > 0);
        drop(estate);
        self.run().await;
    }

    /// Another account answers at the same address from now on, with the same token.
    pub async fn replace_estate(&mut self) {
        self.stop();
        self.estate += 1;
        self.run().await;
    }

    /// The account from before answers again.
    pub async fn restore_estate(&mut self) {
        self.stop();
        self.estate -= 1;
        self.run().await;
    }

    /// Injects these faults instead of those in force. They affect the console too, except where they name another route.
    pub fn faults(&self, yaml: &str) {
        replace(&self.faults_path(), yaml);
    }

    fn estate_path(&self) -> std::path::PathBuf {
        let name = format!("estate{}.sqlite", self.estate);
        self.directory.path().join(name)
    }

    fn faults_path(&self) -> std::path::PathBuf {
        self.directory.path().join("faults.yaml")
    }

    /// The Secret with the token, and the `BackupPlatform`.
    pub fn manifest(&self) -> String {
        format!("{}---\n{}", secret(&self.name, TOKEN), self.platform(""))
    }

    /// The `BackupPlatform` alone, with more in its spec.
    pub fn platform(&self, more: &str) -> String {
        bridge_platform(&self.name, &self.console.url, more)
    }

    /// Requests so far of routes that begin so, for instance `PUT /v1/customers`; all with an empty text.
    pub async fn requests(&self, route: &str) -> u64 {
        self.console.requests(route).await
    }

    /// Requests sweeps of the platform, and waits until there have been `times`.
    pub async fn sweep(&self, stage: &Stage, times: u32) {
        // The last list of a sweep, and one that no console requests.
        const LAST: &str = "GET /v1/administrators";
        for _ in 0..times {
            let before = self.requests(LAST).await;
            stage.sweep(&self.name);
            eventually("the platform is swept", || async {
                self.requests(LAST).await > before
            })
            .await;
        }
    }

    /// Creations that the platform accepted, by claim.
    pub async fn creations(&self) -> BTreeMap<String, usize> {
        let mut creations = BTreeMap::new();
        for item in self.console.mutations().await {
            if item["method"] == "PUT" && item["status"] == 201 {
                let claim = item["externalRef"].as_str().unwrap_or_default();
                *creations.entry(claim.to_owned()).or_default() += 1;
            }
        }
        creations
    }

    /// I1, I2 and I3: at most one live object for a claim, created once, and nothing requested from the platform for other
    /// resources.
    pub async fn assert_nothing_strange(&self, stage: &Stage, objects: &[&str]) {
        let claims: BTreeSet<String> = objects
            .iter()
            .filter_map(|object| {
                stage.get(object)["status"]["claim"]
                    .as_str()
                    .map(ToOwned::to_owned)
            })
            .collect();
        for mutation in self.console.mutations().await {
            let of_ours = mutation["externalRef"]
                .as_str()
                .is_some_and(|claim| claims.contains(claim));
            assert!(of_ours, "I2: nobody asked for {mutation}");
            assert_ne!(mutation["method"], "DELETE", "I3: {mutation}");
        }
        for (claim, count) in self.creations().await {
            assert_eq!(count, 1, "I1: {claim} was made {count} times");
        }
        for kind in ["resellers", "customers", "plans", "tenants"] {
            let mut seen = BTreeSet::new();
            for item in self.console.list(kind).await {
                let fresh = item["externalRef"]
                    .as_str()
                    .is_none_or(|claim| seen.insert(claim.to_owned()));
                assert!(fresh, "I1: a second object with a claim: {item}");
            }
        }
    }

    /// I4: all are Ready, and then silent: sweeps bring neither a change on the platform nor a write to these objects.
    pub async fn assert_silent(&self, stage: &Stage, objects: &[&str]) {
        stage.await_ready(objects).await;
        // The first sweep after a creation reads the reports, and their figures are written once.
        self.sweep(stage, 3).await;
        let versions = || -> Vec<Value> {
            objects
                .iter()
                .map(|object| stage.get(object)["metadata"]["resourceVersion"].clone())
                .collect()
        };
        let mutations = self.console.mutations().await.len();
        // The reports have a task of their own, and are read again when a burst of creations is over: their figures may come
        // during these sweeps, and are written once each time.
        let mut rounds = 0..3;
        loop {
            let before = versions();
            self.sweep(stage, 3).await;
            let after = versions();
            if after == before {
                break;
            }
            let more = rounds.next().is_some();
            assert!(
                more,
                "I4: not silent: {before:?}, {after:?}\n{}",
                stage.log()
            );
        }
        let after = self.console.mutations().await.len();
        assert_eq!(mutations, after, "I4: not silent\n{}", stage.log());
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A Secret with a token for the bridge.
pub fn secret(name: &str, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{token: {token:?}}}\n"
    )
}

/// A `BackupPlatform` with the bridge driver; its Secret has a name of its own.
pub fn bridge_platform(name: &str, endpoint: &str, more: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: {name}}}\nspec: {{ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d, bridge: {{endpoint: \"{endpoint}\", credentialsRef: {{name: {name}}}}}, sweepInterval: 60s, safety: {{maxDeletionsPerHour: 10000, deletionDelay: 0s}}{more}}}\n"
    )
}

/// Every condition of these objects, as `object Type=Status/Reason: message`; asserts that each message is fit for a person:
/// whole sentences, no Rust, none of the secrets.
pub fn legible_conditions(stage: &Stage, objects: &[&str], secrets: &[&str]) -> Vec<String> {
    let mut said = Vec::new();
    for object in objects {
        let document = stage.get(object);
        let conditions = document
            .pointer("/status/conditions")
            .and_then(Value::as_array);
        for condition in conditions.into_iter().flatten() {
            let text = |member: &str| condition[member].as_str().unwrap_or_default();
            let message = text("message");
            let line = format!(
                "{object} {}={}/{}: {message}",
                text("type"),
                text("status"),
                text("reason")
            );
            assert!(message.ends_with('.'), "no sentence: {line}");
            for rust in ["Some(", "None", "Err(", "Error {", "Ok(", "::", "0x"] {
                assert!(!message.contains(rust), "{rust} in {line}");
            }
            for doubled in ["..", "?.", ".,", " ,", "  "] {
                assert!(!message.contains(doubled), "{doubled:?} in {line}");
            }
            for secret in secrets {
                assert!(!message.contains(secret), "I5: {line}");
            }
            println!("{line}");
            said.push(line);
        }
    }
    said
}

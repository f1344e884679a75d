//! The reference platform as a person at its console sees it, embedded in the operator or as its own process.

use std::{
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use super::{
    Program, local,
    wait::{eventually, free_port},
};

/// A person at the platform's console, or a test that reads.
pub struct Console {
    /// Base of the bridge API.
    pub url: String,
    /// Its token.
    pub token: String,
}

impl Console {
    /// One request as the console; panics unless it is accepted. An operator that has just started opens the estate of an embedded
    /// platform a moment later.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            let (status, answer) = self.try_call(method.clone(), path, body.clone()).await;
            if answer["detail"] == "there is no such estate" && Instant::now() < patience {
                sleep(Duration::from_millis(100)).await;
                continue;
            }
            assert!(status.is_success(), "{path}: {status} {answer}");
            return answer;
        }
    }

    /// One request as the console.
    pub async fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = local::client()
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.token)
            .header("X-Actor", "console");
        if let Some(body) = body {
            let kind = if path.contains("/by-ref/") {
                "application/json"
            } else {
                "application/merge-patch+json"
            };
            request = request.header("Content-Type", kind).body(body.to_string());
        }
        let answer = sent(request).await;
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

    /// Requests so far of routes that begin so, for instance `PUT /v1/customers`; all with an empty text. Reads of these
    /// counts aren't among them.
    pub async fn requests(&self, route: &str) -> u64 {
        let stats = self.call(Method::GET, "/v1/stats", None).await;
        let requests = stats["requests"].as_object().expect("counts");
        requests
            .iter()
            .filter(|(name, _)| name.starts_with(route) && !name.contains("/v1/stats"))
            .map(|(_, count)| count.as_u64().unwrap_or_default())
            .sum()
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

/// The reference platform as its own process. Ends when dropped.
pub struct Served {
    /// At its console.
    pub console: Console,
    process: Child,
    _data: TempDir,
}

impl Served {
    /// Starts one on a new estate.
    pub async fn start(program: Program) -> Self {
        let data = TempDir::new().expect("a directory");
        let (file, port) = (data.path().join("estate.sqlite"), free_port());
        let console = Console {
            url: format!("http://127.0.0.1:{port}"),
            token: "a-token-for-tests".into(),
        };
        let process = serve(program, &file, port, &console.token);
        eventually("the platform answers", || async {
            let stats = local::client()
                .get(format!("{}/v1/stats", console.url))
                .bearer_auth(&console.token);
            stats
                .send()
                .await
                .is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
        Self {
            console,
            process,
            _data: data,
        }
    }

    /// A `BackupPlatform` that leads here, and the Secret with its token.
    pub fn manifest(&self, name: &str) -> String {
        let Console { url, token } = &self.console;
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}-token}}\nstringData: {{token: {token}}}\n---\napiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: {name}}}\nspec: {{ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d, bridge: {{endpoint: \"{url}/\", credentialsRef: {{name: {name}-token}}}}, sweepInterval: 60s, usageInterval: 10s, safety: {{maxDeletionsPerHour: 10000, deletionDelay: 0s}}}}\n"
        )
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The answer to a request. An operator that was just started again serves its platform a moment later: until then nobody
/// listens.
async fn sent(request: RequestBuilder) -> Response {
    let start = Instant::now();
    loop {
        let again = request.try_clone().expect("a body of text");
        match again.send().await {
            Err(error) if error.is_connect() && start.elapsed() < Duration::from_secs(30) => {
                sleep(Duration::from_millis(50)).await;
            }
            answer => return answer.expect("the platform answers"),
        }
    }
}

fn serve(program: Program, file: &Path, port: u16, token: &str) -> Child {
    program
        .command()
        .args(["platform", "serve", "--data"])
        .arg(file)
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .env("HOLDFAST_PLATFORM_TOKEN", token)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the platform starts")
}

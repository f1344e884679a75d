//! What is counted where it happens: at the API server and at the platform, not by the operator itself.

use std::collections::BTreeMap;

use kube::Client;
use reqwest::Method;
use serde_json::Value;

/// Groups whose writes are counted: our kinds, and events. The Lease's renewal every five seconds isn't.
const GROUPS: [&str; 2] = ["holdfast.dev", "events.k8s.io"];

/// Lines of a page in the Prometheus format: name with labels, and value.
fn samples(page: &str) -> impl Iterator<Item = (&str, f64)> {
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
}

fn label<'a>(sample: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = sample.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// Requests by what they are.
pub type Counts = BTreeMap<String, i64>;

/// What came since.
pub fn since(before: &Counts, now: &Counts) -> Counts {
    now.iter()
        .map(|(name, count)| {
            (
                name.clone(),
                count - before.get(name).copied().unwrap_or_default(),
            )
        })
        .filter(|(_, count)| *count != 0)
        .collect()
}

/// All of them.
pub fn total(counts: &Counts) -> i64 {
    counts.values().sum()
}

/// Writes to our kinds and to events, whoever made them, refused ones too: from the API server's own
/// `apiserver_request_total`.
pub async fn cluster_writes(cluster: &Client) -> Counts {
    let request = axum::http::Request::get("/metrics").body(Vec::new());
    let page = cluster
        .request_text(request.expect("a request"))
        .await
        .expect("the API server's metrics");
    let mut counts = Counts::new();
    for (sample, count) in samples(&page) {
        let part = |name| label(sample, name).unwrap_or_default();
        let counted = sample.starts_with("apiserver_request_total{")
            && GROUPS.contains(&part("group"))
            && !["GET", "LIST", "WATCH"].contains(&part("verb"));
        if counted {
            let name = format!(
                "{} {} {} {}",
                part("verb"),
                part("resource"),
                part("subresource"),
                part("code")
            );
            #[allow(
                clippy::cast_possible_truncation,
                reason = "a count, printed as a float"
            )]
            let count = count as i64;
            *counts.entry(name).or_default() += count;
        }
    }
    counts
}

/// The platform, as a person at its console sees it.
pub struct Console {
    /// Base of the bridge API.
    pub url: String,
    /// Its token.
    pub token: String,
    /// Keeps its connections.
    pub http: reqwest::Client,
}

impl Console {
    /// Reads a page of the API.
    pub async fn get(&self, path: &str) -> Option<Value> {
        let request = self
            .http
            .request(Method::GET, format!("{}{path}", self.url));
        let request = request
            .bearer_auth(&self.token)
            .header("X-Actor", "console");
        request.send().await.ok()?.json().await.ok()
    }

    /// Requests by method and route; ours, which only look at counts and the audit trail, left out.
    pub async fn requests(&self) -> Counts {
        let stats = self
            .get("/v1/stats")
            .await
            .expect("the platform's statistics");
        let requests = stats["requests"].as_object().expect("counts by route");
        requests
            .iter()
            .filter(|(route, _)| !route.ends_with("/stats") && !route.ends_with("/audit"))
            .map(|(route, count)| (route.clone(), count.as_i64().unwrap_or_default()))
            .collect()
    }

    /// Changes since a number of the audit trail, and the next such number.
    pub async fn changes(&self, after: i64) -> (Vec<Value>, i64) {
        let page = self
            .get(&format!("/v1/audit?limit=500&after={after}"))
            .await
            .expect("the audit trail");
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let last = items
            .last()
            .and_then(|item| item["seq"].as_i64())
            .unwrap_or(after);
        (items, last)
    }
}

/// The operator's own account of itself: resources of a kind whose condition says `status`.
pub async fn conditions(http: &reqwest::Client, url: &str, kind: &str) -> Option<i64> {
    let page = http.get(url).send().await.ok()?.text().await.ok()?;
    samples(&page)
        .find(|(sample, _)| {
            sample.starts_with("holdfast_condition{")
                && label(sample, "kind") == Some(kind)
                && label(sample, "type") == Some("Ready")
                && label(sample, "status") == Some("True")
        })
        .map(|(_, count)| {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "a count, printed as a float"
            )]
            let count = count as i64;
            count
        })
}

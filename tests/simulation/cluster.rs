//! An API server in the process: for exactly the requests that the operator sends; anything else answers 501 and is told.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use holdfast::operator::simulation::now;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    chance::Chance,
    processes::{Processes, When},
    store::{Event, Failure, Key, Store},
};

struct State {
    store: Store,
    fails: u64,
    loses: u64,
    delay: Duration,
    unsupported: Vec<String>,
    /// Requests of every sort.
    requests: BTreeMap<String, usize>,
    served: usize,
    /// Writes of operators, but for Leases and events.
    writes: Vec<String>,
}

/// The cluster. Clones are the same cluster.
#[derive(Clone)]
pub struct Cluster {
    state: Arc<Mutex<State>>,
    chance: Chance,
    processes: Processes,
}

/// The field manager of what users do.
const USER: &str = "user";
/// More requests than any run needs.
const MOST_REQUESTS: usize = 20_000;

type Reply = UnsyncBoxBody<Bytes, Infallible>;

/// Plural by kind.
fn plural(kind: &str) -> String {
    format!("{}s", kind.to_lowercase())
}

fn answer(code: u16, body: &Value) -> Response<Reply> {
    let body = Full::new(Bytes::from(body.to_string()));
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = http::StatusCode::from_u16(code).expect("a status");
    response
}

fn refused(Failure(code, reason, message): Failure) -> Response<Reply> {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code});
    answer(code, &status)
}

/// What a path and query ask for.
#[derive(Debug)]
struct Asked {
    key: Key,
    named: bool,
    subresource: Option<String>,
    query: Vec<(String, String)>,
}

impl Asked {
    fn of(uri: &http::Uri) -> Option<Self> {
        let mut parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
        // `api/v1/…` or `apis/group/version/…`.
        parts.drain(..if parts.first() == Some(&"api") { 2 } else { 3 });
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let query = query.into_owned().collect();
        let mut namespace = "";
        if parts.first() == Some(&"namespaces") && parts.len() > 2 {
            namespace = parts[1];
            parts.drain(..2);
        }
        let resource = (*parts.first()?).to_owned();
        let name = parts.get(1).copied().unwrap_or_default();
        Some(Self {
            key: (resource, namespace.to_owned(), name.to_owned()),
            named: !name.is_empty(),
            subresource: parts.get(2).map(|part| (*part).to_owned()),
            query,
        })
    }

    fn query(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(known, _)| known == name);
        found
            .next()
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    fn selects(&self, object: &Value) -> bool {
        let selector = self.query("fieldSelector").unwrap_or_default();
        let name = selector.strip_prefix("metadata.name=");
        name.is_none_or(|name| object["metadata"]["name"] == name)
    }
}

impl Cluster {
    pub fn start(chance: Chance, processes: Processes) -> Self {
        let now = || now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Self {
            chance,
            processes,
            state: Arc::new(Mutex::new(State {
                store: Store::new(now),
                fails: 0,
                loses: 0,
                delay: Duration::ZERO,
                unsupported: Vec::new(),
                requests: BTreeMap::new(),
                served: 0,
                writes: Vec::new(),
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("unpoisoned")
    }

    /// Has every change told from now on, also what stands for an instant only.
    pub fn witness(&self, witness: impl Fn(&Event) + Send + 'static) {
        self.state().store.witness = Some(Box::new(witness));
    }

    fn key(kind: &str, object: &Value) -> Key {
        let text = |field: &str| {
            object["metadata"][field]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        (plural(kind), text("namespace"), text("name"))
    }

    // What users do: at once, and always with success.

    pub fn apply(&self, object: &Value) {
        let kind = object["kind"].as_str().expect("a kind");
        let key = Self::key(kind, object);
        let mut state = self.state();
        if let Some(mut there) = state.store.get(&key).cloned() {
            there["spec"] = object["spec"].clone();
            let _ = state.store.replace(USER, &key, there);
        } else {
            let _ = state.store.create(USER, &key, object.clone());
        }
    }

    pub fn merge(&self, kind: &str, name: &str, patch: &Value) {
        let key = (plural(kind), "backup".to_owned(), name.to_owned());
        let _ = self.state().store.merge(USER, &key, patch);
    }

    pub fn delete(&self, kind: &str, name: &str) {
        let key = (plural(kind), "backup".to_owned(), name.to_owned());
        let _ = self.state().store.delete(&key, &Value::Null);
    }

    /// A user deletes the namespace of the story: all of its objects are deleted, and nothing is created in it any more.
    pub fn end_namespace(&self) {
        self.state().store.end_namespace("backup");
    }

    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let key = (plural(kind), "backup".to_owned(), name.to_owned());
        self.state().store.get(&key).cloned()
    }

    pub fn set_faults(&self, fails: u64, loses: u64, delay: Duration) {
        let mut state = self.state();
        (state.fails, state.loses, state.delay) = (fails, loses, delay);
    }

    pub fn close_watches(&self, gap: bool) {
        let mut state = self.state();
        if gap {
            state.store.compacted = state.store.version();
        }
        state.store.closed.send_modify(|times| *times += 1);
    }

    pub fn unsupported(&self) -> Vec<String> {
        self.state().unsupported.clone()
    }

    pub fn writes(&self) -> usize {
        self.state().writes.len()
    }

    pub fn last_writes(&self, count: usize) -> Vec<String> {
        let state = self.state();
        state.writes.iter().rev().take(count).cloned().collect()
    }

    /// A client of one process.
    pub fn client(&self, actor: &str) -> Client {
        let (cluster, actor) = (self.clone(), actor.to_owned());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (cluster, actor) = (cluster.clone(), actor.clone());
            async move { cluster.serve(&actor, request).await }
        });
        Client::new(service, "default")
    }

    /// Counts a request. More than any run needs is a loop: then nothing is answered any more.
    fn is_flooded(&self, actor: &str, parts: &http::request::Parts) -> bool {
        let mut state = self.state();
        state.served += 1;
        let what = format!("{actor} {} {}", parts.method, parts.uri.path());
        *state.requests.entry(what).or_default() += 1;
        if state.served == MOST_REQUESTS {
            let requests = state.requests.iter();
            let mut most: Vec<(usize, String)> = requests
                .map(|(what, count)| (*count, what.clone()))
                .collect();
            most.sort_unstable();
            let most: Vec<_> = most.into_iter().rev().take(3).collect();
            state
                .unsupported
                .push(format!("a flood at {}: {most:?}", now()));
        }
        state.served >= MOST_REQUESTS
    }

    async fn serve(
        &self,
        actor: &str,
        request: Request<Body>,
    ) -> Result<Response<Reply>, std::io::Error> {
        self.processes.reachable(actor).await;
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map_err(std::io::Error::other)?
            .to_bytes();
        if self.is_flooded(actor, &parts) {
            std::future::pending::<()>().await;
        }
        let Some(asked) = Asked::of(&parts.uri) else {
            return Ok(refused(Failure(404, "NotFound", "no such path".into())));
        };
        let (fails, loses, delay) = {
            let state = self.state();
            (state.fails, state.loses, state.delay)
        };
        sleep(Duration::from_micros(200 + self.chance.below(1500))).await;
        if self.chance.hits(fails) {
            if std::env::var_os("TRACE").is_some() {
                eprintln!("{} {actor} {} {} fails", now(), parts.method, parts.uri);
            }
            if self.chance.hits(500) {
                return Err(std::io::Error::other("connection refused"));
            }
            return Ok(refused(Failure(
                500,
                "InternalError",
                "etcd is away".into(),
            )));
        }
        let changes = parts.method != Method::GET;
        if changes {
            sleep(Duration::from_millis(self.chance.below(
                1 + u64::try_from(delay.as_millis()).unwrap_or(0) / 10,
            )))
            .await;
        }
        if std::env::var_os("TRACE").is_some() {
            let body = String::from_utf8_lossy(&body);
            eprintln!("{} {actor} {} {} {body}", now(), parts.method, parts.uri);
        }
        let fate = changes.then(|| self.processes.count(actor)).flatten();
        self.processes.reachable(actor).await;
        let answered = self.answer(actor, &parts, &asked, &body);
        if fate == Some(When::After) {
            self.processes.cut(actor);
        }
        self.processes.reachable(actor).await;
        if changes && self.chance.hits(loses) {
            return Err(std::io::Error::other("connection reset"));
        }
        Ok(answered)
    }

    fn answer(
        &self,
        actor: &str,
        parts: &http::request::Parts,
        asked: &Asked,
        body: &Bytes,
    ) -> Response<Reply> {
        let document = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        let patches = parts
            .headers
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let manager = asked.query("fieldManager").unwrap_or(actor).to_owned();
        let watches = asked.query("watch").is_some();
        let key = &asked.key;
        let before = self.state().store.version();
        let outcome = match (
            parts.method.clone(),
            asked.named,
            asked.subresource.as_deref(),
        ) {
            (Method::GET, false, None) if watches => return self.watch(actor, asked),
            (Method::GET, false, None) => return self.list(asked),
            (Method::GET, true, None) => {
                let found = self.state().store.get(key).cloned();
                found.ok_or_else(|| Failure(404, "NotFound", format!("{key:?} not found")))
            }
            (Method::POST, false, None) => {
                let document = document();
                let name = document["metadata"]["name"]
                    .as_str()
                    .unwrap_or("event")
                    .to_owned();
                let name = if key.0 == "events" {
                    format!("{name}.{before}")
                } else {
                    name
                };
                self.state()
                    .store
                    .create(&manager, &(key.0.clone(), key.1.clone(), name), document)
            }
            (Method::PUT, true, None) => self.state().store.replace(&manager, key, document()),
            (Method::DELETE, true, None) => {
                let document = document();
                self.state().store.delete(key, &document["preconditions"])
            }
            (Method::PATCH, true, subresource) => match (patches, subresource) {
                ("application/apply-patch+yaml", Some("status")) => {
                    self.state().store.apply_status(key, &document())
                }
                ("application/apply-patch+yaml", None) => {
                    self.state().store.apply(&manager, key, &document())
                }
                ("application/merge-patch+json", None) => {
                    self.state().store.merge(&manager, key, &document())
                }
                ("application/json-patch+json", None) => {
                    let patch = serde_json::from_slice(body).unwrap_or_default();
                    self.state().store.json_patch(&manager, key, &patch)
                }
                _ => return self.unknown(parts),
            },
            _ => return self.unknown(parts),
        };
        if parts.method != Method::GET && !["leases", "events"].contains(&key.0.as_str()) {
            let status = outcome.as_ref().map_or_else(|failure| failure.0, |_| 200);
            let text = String::from_utf8_lossy(body)
                .chars()
                .take(240)
                .collect::<String>();
            self.state().writes.push(format!(
                "{} {actor} {} {} -> {status} {text}",
                now(),
                parts.method,
                parts.uri.path()
            ));
        }
        match outcome {
            Ok(object) if parts.method == Method::POST => answer(201, &object),
            Ok(object) => answer(200, &object),
            Err(failure) => refused(failure),
        }
    }

    fn unknown(&self, parts: &http::request::Parts) -> Response<Reply> {
        let what = format!("{} {} isn't supported", parts.method, parts.uri);
        self.state().unsupported.push(what.clone());
        refused(Failure(501, "NotImplemented", what))
    }

    fn list(&self, asked: &Asked) -> Response<Reply> {
        let state = self.state();
        let namespace = Some(asked.key.1.as_str()).filter(|namespace| !namespace.is_empty());
        let mut items = state.store.list(&asked.key.0, namespace);
        items.retain(|item| asked.selects(item));
        let version = state.store.version().to_string();
        answer(
            200,
            &json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": version}, "items": items}),
        )
    }

    fn watch(&self, actor: &str, asked: &Asked) -> Response<Reply> {
        let from: u64 = asked
            .query("resourceVersion")
            .and_then(|version| version.parse().ok())
            .unwrap_or_default();
        let (compacted, changed, closed) = {
            let mut state = self.state();
            (
                state.store.compacted,
                state.store.changes(&asked.key.0),
                state.store.closed.subscribe(),
            )
        };
        if from < compacted {
            // As an event, not as an answer.
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "too old resource version", "reason": "Expired", "code": 410});
            return answer(200, &json!({"type": "ERROR", "object": status}));
        }
        let seconds = asked
            .query("timeoutSeconds")
            .and_then(|text| text.parse().ok())
            .unwrap_or(290);
        let until = tokio::time::Instant::now() + Duration::from_secs(seconds);
        let selects = {
            let (resource, namespace) = (asked.key.0.clone(), asked.key.1.clone());
            let selector = asked.query("fieldSelector").unwrap_or_default().to_owned();
            move |key: &Key| {
                let named = selector.strip_prefix("metadata.name=");
                key.0 == resource
                    && (namespace.is_empty() || key.1 == namespace)
                    && named.is_none_or(|name| key.2 == name)
            }
        };
        let (cluster, actor) = (self.clone(), actor.to_owned());
        let stream = stream::unfold(
            (from, changed, closed),
            move |(seen, mut changed, mut closed)| {
                let (cluster, actor, selects) = (cluster.clone(), actor.clone(), selects.clone());
                async move {
                    let mut seen = seen;
                    closed.mark_unchanged();
                    loop {
                        changed.mark_unchanged();
                        let (lines, last, delay) = {
                            let state = cluster.state();
                            let start = state
                                .store
                                .events
                                .partition_point(|event| event.version <= seen);
                            let news = state.store.events[start..].iter();
                            let mut lines = String::new();
                            for event in news.filter(|event| selects(&event.key)) {
                                let line = json!({"type": event.kind, "object": event.object});
                                lines.push_str(&line.to_string());
                                lines.push('\n');
                            }
                            (lines, state.store.version(), state.delay)
                        };
                        seen = last;
                        if !lines.is_empty() {
                            let delay = u64::try_from(delay.as_millis()).unwrap_or(0);
                            sleep(Duration::from_millis(cluster.chance.below(2 + delay))).await;
                            cluster.processes.reachable(&actor).await;
                            let frame = http_body::Frame::data(Bytes::from(lines));
                            return Some((Ok::<_, Infallible>(frame), (seen, changed, closed)));
                        }
                        tokio::select! {
                            _ = changed.changed() => {}
                            _ = closed.changed() => return None,
                            () = tokio::time::sleep_until(until) => return None,
                        }
                    }
                }
            },
        );
        Response::new(StreamBody::new(stream).boxed_unsync())
    }
}

//! A bridge that answers as its script says, and remembers what it was asked.

use std::{
    io,
    sync::{Arc, Mutex, Once},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri},
};
use futures::stream;
use holdfast_platforms::{
    Budgets, RequestObserver, WriterGuard,
    bridge::{Bridge, BridgeOptions},
    http::HttpOptions,
};
use reqwest::Url;
use serde_json::{Value, json};

pub const TOKEN: &str = "tok-4f1b-never-print";

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
    pub at: Instant,
}

impl Seen {
    /// Method and target, for instance `GET /v1/customers?limit=500`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What the script answers.
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    after: Duration,
    broken: bool,
}

impl Reply {
    pub fn raw(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
            after: Duration::ZERO,
            broken: false,
        }
    }

    pub fn json(status: u16, body: Value) -> Self {
        Self::raw(status, "application/json", body.to_string())
    }

    pub fn problem(status: u16, slug: &str) -> Self {
        let body = json!({"type": format!("urn:holdfast:problem:{slug}"), "title": slug, "status": status});
        Self::raw(status, "application/problem+json", body.to_string())
    }

    pub fn page(items: Value) -> Self {
        Self::json(
            200,
            json!({"items": items, "next": null, "complete": true, "asOf": "2026-11-22T10:00:00Z"}),
        )
    }

    pub fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.push((header, value.to_owned()));
        self
    }

    pub fn after(mut self, wait: Duration) -> Self {
        self.after = wait;
        self
    }

    /// Sends the head and half of the body, then breaks the connection.
    pub fn broken(mut self) -> Self {
        self.broken = true;
        self
    }

    fn into_response(self) -> Response<Body> {
        let mut response = Response::builder().status(StatusCode::from_u16(self.status).unwrap());
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        let body = if self.broken {
            let half = Bytes::copy_from_slice(&self.body.as_bytes()[..self.body.len() / 2]);
            Body::from_stream(stream::iter([Ok(half), Err(io::Error::other("broken"))]))
        } else {
            Body::from(self.body)
        };
        response.body(body).unwrap()
    }
}

/// Everything that any test logs, down to the libraries' own traces.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn everything_logged() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned()
}

type Script = dyn Fn(&Seen) -> Reply + Send + Sync;

#[derive(Clone)]
pub struct Fake {
    pub url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Script>,
}

impl Fake {
    pub async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        static LOGGING: Once = Once::new();
        LOGGING.call_once(|| {
            let everything = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
            everything.with_writer(|| Log).init();
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            url: format!("http://{}/base", listener.local_addr().unwrap())
                .parse()
                .unwrap(),
            seen: Arc::default(),
            script: Arc::new(script),
        };
        let router = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    pub fn bridge(&self) -> Bridge {
        bridge(&self.url, &Arc::default(), Ok(()))
    }
}

async fn answer(
    State(fake): State<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let target = uri
        .path_and_query()
        .unwrap()
        .as_str()
        .strip_prefix("/base")
        .unwrap()
        .to_owned();
    let seen = Seen {
        method,
        target,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        at: Instant::now(),
    };
    fake.seen.lock().unwrap().push(seen.clone());
    let reply = (fake.script)(&seen);
    tokio::time::sleep(reply.after).await;
    reply.into_response()
}

pub fn capabilities() -> Value {
    json!({
        "contractVersion": "1", "mode": "apply", "account": {"id": "9f", "name": "MSP"},
        "verbs": ["CreateCustomer", "ReadLicences"], "units": {"storage": "bytes", "rate": "bits/s"},
        "limits": {"pageSize": 2}, "repeatableCreate": true, "defaultCustomerId": "1",
    })
}

pub fn item(id: &str, claim: &str) -> Value {
    json!({"id": id, "name": format!("Fabrikam {id}"), "externalRef": claim, "etag": "7", "protection": "None"})
}

/// A small estate in which nothing goes wrong: one item in every list.
pub fn healthy(seen: &Seen) -> Reply {
    match seen.target.split('?').next().unwrap() {
        "/v1/capabilities" => Reply::json(200, capabilities()),
        "/v1/pool" => Reply::json(200, json!({"licences": {"total": 500, "free": 120}})),
        "/v1/usage" | "/v1/health" => Reply::page(json!([{"customerId": "1"}])),
        _ => Reply::page(json!([item("1", "hf-1")])),
    }
}

struct Writer(Result<(), String>);

impl WriterGuard for Writer {
    fn may_write(&self) -> Result<(), String> {
        self.0.clone()
    }
}

/// Remembers outcomes.
#[derive(Default)]
pub struct Outcomes(pub Mutex<Vec<(&'static str, &'static str)>>);

impl RequestObserver for Outcomes {
    fn finished(&self, operation: &'static str, outcome: &'static str, _: Duration) {
        self.0.lock().unwrap().push((operation, outcome));
    }
}

pub fn bridge(endpoint: &Url, budgets: &Arc<Budgets>, writer: Result<(), String>) -> Bridge {
    Bridge::new(options(
        endpoint,
        budgets,
        writer,
        Arc::new(Outcomes::default()),
    ))
    .unwrap()
}

pub fn options(
    endpoint: &Url,
    budgets: &Arc<Budgets>,
    writer: Result<(), String>,
    observer: Arc<Outcomes>,
) -> BridgeOptions {
    BridgeOptions {
        endpoint: endpoint.clone(),
        token: TOKEN.into(),
        rate_limit: None,
        budgets: Arc::clone(budgets),
        http: HttpOptions {
            ca_bundle_pem: None,
            observer,
            writer: Arc::new(Writer(writer)),
        },
    }
}

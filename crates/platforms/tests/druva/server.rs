//! A Managed Services Center that answers as its script says, remembers what it was asked, and fails the test that asks what
//! the contract doesn't have.

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri},
};
use holdfast_platforms::{
    Budgets, RequestObserver, WriterGuard,
    druva::{Druva, DruvaOptions},
    http::HttpOptions,
};
use reqwest::Url;
use serde_json::{Value, json};

use holdfast_testkit::druva_contract::Contract;

pub const CLIENT_ID: &str = "client-4f1b";
pub const SECRET_KEY: &str = "key-4f1b-never-print";

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::load);

/// One request, as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Seen {
    /// Method, path below `/msp` and query, for instance `GET /v3/customers?pageSize=100`.
    pub fn line(&self) -> String {
        let path = self.path.strip_prefix("/msp").unwrap_or(&self.path);
        match self.query.as_str() {
            "" => format!("{} {path}", self.method),
            query => format!("{} {path}?{query}", self.method),
        }
    }

    /// Whether it would change something.
    pub fn mutates(&self) -> bool {
        let asks = self.method == Method::GET
            || self.path.starts_with("/msp/auth/")
            || self.path.starts_with("/msp/reporting/");
        !asks
    }

    pub fn token(&self) -> &str {
        let value = self.headers.get("authorization").unwrap();
        value.to_str().unwrap()
    }

    fn judge(&self) -> Result<(), String> {
        let query: Vec<(String, String)> = Url::parse(&format!("http://x/?{}", self.query))
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect();
        let headers: Vec<(String, String)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let body = (!self.body.is_null()).then_some(&self.body);
        CONTRACT.check_request(self.method.as_str(), &self.path, &query, &headers, body)
    }
}

/// What the script answers.
pub struct Reply {
    status: u16,
    content_type: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    cut: bool,
}

impl Reply {
    pub fn raw(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self {
            status,
            content_type: content_type.to_owned(),
            headers: Vec::new(),
            body: body.into(),
            cut: false,
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, "application/json", body.to_string())
    }

    pub fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// As the contract declares an error.
    pub fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({"code": "E1", "message": message}))
    }

    pub fn html(status: u16) -> Self {
        Self::raw(status, "text/html", "<html><body>Sign in</body></html>")
    }

    pub fn task(id: &str) -> Self {
        Self::ok(&json!({"task": {"id": id}}))
    }

    pub fn token(token: &str, seconds: u64) -> Self {
        Self::ok(&json!({"access_token": token, "token_type": "bearer", "expires_in": seconds}))
    }

    pub fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.push((header, value.to_owned()));
        self
    }

    /// Sends the head and half of the body, then breaks the connection.
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    fn into_response(self) -> Response<Body> {
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.status).unwrap())
            .header("content-type", self.content_type);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        let body = if self.cut {
            let half = Bytes::copy_from_slice(&self.body.as_bytes()[..self.body.len() / 2]);
            let broken = std::io::Error::other("broken");
            Body::from_stream(futures::stream::iter([Ok(half), Err(broken)]))
        } else {
            Body::from(self.body)
        };
        response.body(body).unwrap()
    }
}

type Script = dyn Fn(&Seen) -> Reply + Send + Sync;

/// Who answers.
enum Part {
    Script(Box<Script>),
    /// A server behind this one.
    #[allow(dead_code, reason = "only the tests against the simulator use it")]
    Relay(Url),
}

struct Stage {
    seen: Mutex<Vec<Seen>>,
    /// What the contract doesn't have.
    strange: Mutex<Vec<String>>,
    part: Part,
}

pub struct Fake {
    pub url: Url,
    stage: Arc<Stage>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(*self.stage.strange.lock().unwrap(), Vec::<String>::new());
        }
    }
}

impl Fake {
    pub async fn start(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::play(Part::Script(Box::new(script))).await
    }

    /// In front of another server: its requests are judged all the same.
    #[allow(dead_code, reason = "only the tests against the simulator use it")]
    pub async fn before(server: &str) -> Self {
        Self::play(Part::Relay(server.parse().unwrap())).await
    }

    async fn play(part: Part) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let stage = Arc::new(Stage {
            seen: Mutex::default(),
            strange: Mutex::default(),
            part,
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&stage));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url: url.parse().unwrap(),
            stage,
        }
    }

    /// Everything but the requests for a token and for the account.
    pub fn seen(&self) -> Vec<Seen> {
        let all = self.all();
        let asked = all.into_iter();
        asked
            .filter(|seen| !["/msp/auth/v1/token", "/msp/v2/events"].contains(&seen.path.as_str()))
            .collect()
    }

    pub fn all(&self) -> Vec<Seen> {
        self.stage.seen.lock().unwrap().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    /// How often a token was asked for.
    pub fn tokens(&self) -> usize {
        let all = self.all();
        let asked = all.iter();
        asked
            .filter(|seen| seen.path == "/msp/auth/v1/token")
            .count()
    }

    /// The requests that would change something.
    pub fn writes(&self) -> Vec<Seen> {
        let seen = self.seen().into_iter();
        seen.filter(Seen::mutates).collect()
    }

    /// The one body that was written.
    pub fn written(&self) -> Value {
        let writes = self.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        writes[0].body.clone()
    }

    pub fn druva(&self) -> Druva {
        druva(&self.url, Ok(()))
    }
}

async fn answer(
    State(stage): State<Arc<Stage>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let form = headers
        .get("content-type")
        .is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let body = match &*body {
        [] => Value::Null,
        body if form => {
            let text = String::from_utf8_lossy(body);
            let (name, value) = text.split_once('=').unwrap();
            json!({name: value})
        }
        body => serde_json::from_slice(body).unwrap(),
    };
    let seen = Seen {
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body,
    };
    if let Err(problem) = seen.judge() {
        stage.strange.lock().unwrap().push(problem);
    }
    stage.seen.lock().unwrap().push(seen.clone());
    let reply = match &stage.part {
        Part::Script(script) => script(&seen),
        Part::Relay(server) => relay(server, &seen).await,
    };
    reply.into_response()
}

async fn relay(server: &Url, seen: &Seen) -> Reply {
    let mut url = server.join(&seen.path).unwrap();
    if !seen.query.is_empty() {
        url.set_query(Some(&seen.query));
    }
    let mut request = reqwest::Client::new()
        .request(seen.method.clone(), url)
        .header("authorization", seen.token());
    request = match &seen.body {
        Value::Null => request,
        Value::Object(form) if form.contains_key("grant_type") => request
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials"),
        body => request.json(body),
    };
    let Ok(answer) = request.send().await else {
        return Reply::raw(200, "application/json", "{ }").cut();
    };
    let content_type = answer.headers().get("content-type");
    let content_type = content_type.map_or(String::new(), |kind| kind.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    Reply::raw(status, &content_type, answer.text().await.unwrap())
}

struct Writer(Result<(), String>);

impl WriterGuard for Writer {
    fn may_write(&self) -> Result<(), String> {
        self.0.clone()
    }
}

struct Nobody;

impl RequestObserver for Nobody {
    fn finished(&self, _: &'static str, _: &'static str, _: Duration) {}
}

pub fn druva(endpoint: &Url, writer: Result<(), String>) -> Druva {
    Druva::new(options(endpoint, writer)).unwrap()
}

pub fn options(endpoint: &Url, writer: Result<(), String>) -> DruvaOptions {
    DruvaOptions {
        endpoint: endpoint.clone(),
        client_id: CLIENT_ID.into(),
        secret_key: SECRET_KEY.into(),
        rate_limit: None,
        budgets: Arc::new(Budgets::default()),
        http: HttpOptions {
            ca_bundle_pem: None,
            observer: Arc::new(Nobody),
            writer: Arc::new(Writer(writer)),
        },
    }
}

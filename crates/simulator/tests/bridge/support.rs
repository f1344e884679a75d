//! A platform in process, and a client that checks every answer against the contract's document.

use std::sync::LazyLock;

use holdfast_bridgecheck::{Contract, Reply};
use holdfast_simulator::{Clock, EstateAccess, Faults, Host, HostOptions};
use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::default);

/// An answer whose body fits the contract.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body of an answer with the expected status.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// Asserts a refusal: status, type, and the field that it names.
    pub fn refused(self, status: u16, slug: &str, field: Option<&str>) -> Value {
        let body = self.expect(status);
        assert_eq!(
            body["type"],
            format!("urn:holdfast:problem:{slug}"),
            "{body}"
        );
        assert_eq!(body["field"].as_str(), field, "{body}");
        body
    }
}

pub struct Platform {
    pub host: Host,
    pub access: EstateAccess,
    pub client: Client,
    pub clock: Clock,
    pub directory: TempDir,
}

impl Platform {
    /// A fresh platform at noon of a day.
    pub async fn start() -> Self {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().expect("an instant");
        Self::start_in(tempfile::tempdir().expect("a directory"), Clock::fixed(now)).await
    }

    pub async fn start_in(directory: TempDir, clock: Clock) -> Self {
        let options = HostOptions {
            clock: clock.clone(),
            ..HostOptions::new(directory.path())
        };
        let host = Host::start(options).await.expect("starts");
        let access = host.estate("backup", "msp").await.expect("opens");
        Self {
            host,
            access,
            client: Client::new(),
            clock,
            directory,
        }
    }

    /// Stops it and starts another on the same data.
    pub async fn restart(self) -> Self {
        self.host.shutdown().await;
        Self::start_in(self.directory, self.clock).await
    }

    pub fn faults(&self) -> &Faults {
        self.host.faults()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.access.url))
            .bearer_auth(self.access.token.expose_secret())
    }

    /// Sends a request, and checks the answer against the contract.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.client.execute(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let body: Value = if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).expect("JSON")
        };
        let below = path
            .split_once("/estates/backup/msp")
            .map_or(path.as_str(), |(_, below)| below);
        check(&method, below, status, &headers, &body);
        Answer {
            status,
            headers,
            body,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Creates an item under a reference.
    pub async fn put(&self, kind: &str, reference: &str, body: Value) -> Answer {
        let request = self.request(Method::PUT, &format!("/v1/{kind}/by-ref/{reference}"));
        self.send(request.header("If-None-Match", "*").json(&body))
            .await
    }

    /// Creates an item and gives back its document.
    pub async fn create(&self, kind: &str, reference: &str, body: Value) -> Value {
        self.put(kind, reference, body).await.expect(201)
    }

    /// Changes an item on its current etag.
    pub async fn patch(&self, kind: &str, item: &Value, body: Value) -> Answer {
        let request = self.request(Method::PATCH, &format!("/v1/{kind}/{}", id(item)));
        self.send(
            merge_patch(request, &body).header("If-Match", item["etag"].as_str().expect("an etag")),
        )
        .await
    }

    /// Does something to an item at the console.
    pub async fn console(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, path).header("X-Actor", "console");
        self.send(match body {
            Some(body) => merge_patch(request, &body),
            None => request,
        })
        .await
    }

    pub async fn act(&self, kind: &str, item: &Value, verb: &str) -> Answer {
        self.send(self.request(Method::POST, &format!("/v1/{kind}/{}:{verb}", id(item))))
            .await
    }

    /// Asks first, then removes.
    pub async fn delete(&self, kind: &str, item: &Value) -> Answer {
        let path = format!("/v1/{kind}/{}", id(item));
        let preview = self
            .send(self.request(Method::DELETE, &format!("{path}?dryRun=true")))
            .await
            .expect(200);
        let confirm = preview["confirm"].as_str().expect("a confirmation");
        self.send(self.request(Method::DELETE, &format!("{path}?confirm={confirm}")))
            .await
    }

    /// All items of a kind, over all pages.
    pub async fn all(&self, kind: &str, limit: u32) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self
                .get(&format!("/v1/{kind}?limit={limit}{cursor}"))
                .await
                .expect(200);
            items.extend(page["items"].as_array().expect("items").clone());
            let Some(next) = page["next"].as_str() else {
                assert_eq!(page["complete"], true);
                return items;
            };
            assert_eq!(page["complete"], false);
            cursor = format!("&cursor={next}");
        }
    }

    /// The trail from its beginning.
    pub async fn trail(&self) -> Vec<Value> {
        let page = self.get("/v1/audit?limit=500").await.expect(200);
        page["items"].as_array().expect("items").clone()
    }

    /// The item of a kind with a protection.
    pub async fn protected(&self, kind: &str, protection: &str) -> Value {
        let all = self.all(kind, 100).await;
        all.into_iter()
            .find(|item| item["protection"] == protection)
            .expect("one of the seed")
    }

    /// The default plan's id.
    pub async fn plan(&self) -> String {
        id(&self.protected("plans", "Default").await).to_owned()
    }
}

pub fn merge_patch(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header("Content-Type", "application/merge-patch+json")
        .body(body.to_string())
}

pub fn id(item: &Value) -> &str {
    item["id"].as_str().expect("an id")
}

/// Asserts that the contract has this route, status and body.
fn check(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &Value) {
    let content_type = headers.get("content-type");
    let wrong = CONTRACT.judge(&Reply {
        method: method.as_str(),
        path,
        status: status.as_u16(),
        content_type: content_type.and_then(|kind| kind.to_str().ok()),
        body: (!body.is_null()).then_some(Ok(body)),
    });
    assert!(
        wrong.is_empty(),
        "{method} {path}: {status} doesn't fit the contract: {wrong:?}"
    );
}

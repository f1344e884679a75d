//! A proxy in front of a bridge that is right, which makes it wrong in one way.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Response, StatusCode, Uri, header},
};
use reqwest::Client;
use serde_json::{Map, Value, json};

/// One way to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    TokenUnchecked,
    WrongTokenForbidden,
    StorageInGigabytes,
    NotRepeatable,
    TimesWithoutZone,
    SettingLost,
    ReadsAnotherName,
    RepeatTakenForNew,
    RepeatNeverEqual,
    RaceMakesSeveral,
    UnknownDropped,
    ConflictUntold,
    EmptyKept,
    PasswordReturned,
    PatchReplaces,
    NullIgnored,
    IfMatchIgnored,
    SwitchIgnored,
    LastPageLost,
    PageForEver,
    NewestFirst,
    FilterIgnored,
    ClientsNotThere,
    GoneIsOdd,
    RehearsalRemoves,
    Unconfirmed,
    GuardForced,
    RemovalIgnored,
    UsageAsText,
    TotalLacksTenants,
    CreditsInHundredths,
    HealthTwice,
    SourceHasMoreJobs,
    OthersChanged,
    MixedUp,
}

/// A request, and what becomes of it.
#[derive(Debug, Clone)]
pub struct Asked {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Value,
}

/// What is answered.
struct Replied {
    status: u16,
    content_type: &'static str,
    etag: Option<String>,
    body: Value,
}

/// The proxy.
#[derive(Clone)]
pub struct Faulty {
    pub url: String,
    upstream: String,
    token: String,
    client: Client,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    /// Listens in front of this bridge, until the test ends.
    pub async fn before(upstream: &str, token: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let faulty = Self {
            url: format!("http://{address}"),
            upstream: upstream.to_owned(),
            token: token.to_owned(),
            client: Client::new(),
            fault: Arc::default(),
        };
        let router = Router::new().fallback(pass).with_state(faulty.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        faulty
    }

    /// From now on it is wrong in this way only.
    pub fn be(&self, fault: Fault) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
    }

    async fn send(&self, asked: &Asked) -> Replied {
        let url = format!("{}{}?{}", self.upstream, asked.path, asked.query);
        let mut request = self.client.request(asked.method.clone(), url);
        for name in [
            "authorization",
            "if-match",
            "if-none-match",
            "content-type",
            "x-actor",
        ] {
            if let Some(value) = asked.headers.get(name) {
                request = request.header(name, value);
            }
        }
        if !asked.body.is_null() {
            request = request.body(asked.body.to_string());
        }
        let answer = request.send().await.expect("the bridge answers");
        let etag = answer.headers().get(header::ETAG);
        Replied {
            status: answer.status().as_u16(),
            etag: etag.map(|etag| etag.to_str().expect("text").to_owned()),
            content_type: if answer.status().is_success() {
                "application/json"
            } else {
                "application/problem+json"
            },
            body: answer.json().await.unwrap_or(Value::Null),
        }
    }

    async fn misbehave(&self, fault: Option<Fault>, mut asked: Asked) -> Replied {
        let Some(fault) = fault else {
            return self.send(&asked).await;
        };
        if let Some(replied) = self.instead(fault, &asked).await {
            return replied;
        }
        let sent = asked.clone();
        self.spoil_request(fault, &mut asked);
        let mut replied = self.send(&asked).await;
        spoil_reply(fault, &sent, &mut replied);
        replied
    }

    /// What is done in place of the request.
    async fn instead(&self, fault: Fault, asked: &Asked) -> Option<Replied> {
        let is_dry_run = asked.query.contains("dryRun");
        match fault {
            Fault::RemovalIgnored if asked.method == Method::DELETE && !is_dry_run => {
                Some(Replied {
                    status: 204,
                    content_type: "",
                    etag: None,
                    body: Value::Null,
                })
            }
            Fault::RehearsalRemoves if is_dry_run => {
                let preview = self.send(asked).await;
                let mut removal = asked.clone();
                "mode=purge".clone_into(&mut removal.query);
                removal.as_console();
                self.send(&removal).await;
                Some(preview)
            }
            Fault::SwitchIgnored if asked.path.ends_with(":deactivate") => {
                let mut read = asked.clone();
                read.method = Method::GET;
                read.path = asked.path.replace(":deactivate", "");
                Some(self.send(&read).await)
            }
            Fault::RepeatTakenForNew | Fault::RaceMakesSeveral if asked.method == Method::PUT => {
                let replied = self.send(asked).await;
                let racing = asked.path.ends_with("-b");
                if replied.status != 412 || racing != (fault == Fault::RaceMakesSeveral) {
                    return Some(replied);
                }
                let mut read = asked.clone();
                (read.method, read.body) = (Method::GET, Value::Null);
                let read = self.send(&read).await;
                Some(Replied {
                    status: 201,
                    ..read
                })
            }
            // Whatever is asked by reference is answered with a customer that was there before.
            Fault::MixedUp if asked.path.starts_with("/v1/customers/by-ref/") => {
                let mut other = asked.clone();
                (other.method, other.body) = (Method::GET, Value::Null);
                "/v1/customers/1".clone_into(&mut other.path);
                let mut other = self.send(&other).await;
                let reference = asked.path.rsplit('/').next().unwrap_or_default();
                other.body["externalRef"] = json!(reference);
                if asked.method == Method::PUT && other.status == 200 {
                    other.status = 201;
                }
                Some(other)
            }
            Fault::OthersChanged if asked.method == Method::PATCH => {
                let mut other = asked.clone();
                "/v1/customers/1".clone_into(&mut other.path);
                other.body = json!({"profile": {"notes": "by mistake"}});
                other.as_console();
                self.send(&other).await;
                None
            }
            _ => None,
        }
    }

    fn spoil_request(&self, fault: Fault, asked: &mut Asked) {
        let method = asked.method.clone();
        match fault {
            Fault::TokenUnchecked => {
                let good = format!("Bearer {}", self.token);
                let good = good.parse().expect("a header");
                asked.headers.insert(header::AUTHORIZATION, good);
            }
            Fault::SettingLost if method == Method::PUT => asked.remove("/profile", "phone"),
            Fault::UnknownDropped if method == Method::PUT => asked.remove("", "holdfastCheck"),
            Fault::PatchReplaces if method == Method::PATCH => {
                if let Some(Value::Object(profile)) = asked.body.get_mut("profile") {
                    profile.insert("fax".to_owned(), Value::Null);
                }
            }
            Fault::NullIgnored if method == Method::PATCH => {
                if asked.body["profile"]["phone"].is_null() {
                    asked.remove("/profile", "phone");
                }
                asked.remove_nulls();
            }
            Fault::IfMatchIgnored if method == Method::PATCH => {
                asked.headers.remove("if-match");
                asked.as_console();
            }
            Fault::PageForEver => asked.drop_query("cursor"),
            Fault::FilterIgnored => asked.drop_query("externalRef"),
            Fault::Unconfirmed if method == Method::DELETE => asked.as_console(),
            Fault::GuardForced if method == Method::DELETE && asked.query.contains("confirm=") => {
                asked.as_console();
                asked.query.push_str("&force=true");
            }
            _ => {}
        }
    }
}

impl Asked {
    fn as_console(&mut self) {
        let console = "console".parse().expect("a header");
        self.headers.insert("x-actor", console);
    }

    fn remove(&mut self, at: &str, member: &str) {
        if let Some(Value::Object(members)) = self.body.pointer_mut(at) {
            members.remove(member);
        }
    }

    fn remove_nulls(&mut self) {
        if let Some(members) = self.body.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
    }

    fn drop_query(&mut self, name: &str) {
        let kept = self.query.split('&');
        let kept = kept.filter(|part| !part.starts_with(&format!("{name}=")));
        self.query = kept.collect::<Vec<_>>().join("&");
    }
}

fn spoil_reply(fault: Fault, asked: &Asked, replied: &mut Replied) {
    let fine = replied.status < 400;
    let body = &mut replied.body;
    match fault {
        Fault::WrongTokenForbidden
            if asked.headers.contains_key("authorization") && replied.status == 401 =>
        {
            replied.status = 403;
            body["status"] = json!(403);
        }
        Fault::StorageInGigabytes if asked.path.ends_with("/capabilities") && fine => {
            body["units"]["storage"] = json!("GB");
        }
        Fault::NotRepeatable if asked.path.ends_with("/capabilities") && fine => {
            body["repeatableCreate"] = json!(false);
        }
        Fault::TimesWithoutZone if replied.status == 201 => body["createdAt"] = json!("2026-11-27"),
        Fault::ReadsAnotherName
            if asked.method == Method::GET
                && fine
                && asked.path.starts_with("/v1/customers/")
                && !asked.path.contains("by-ref") =>
        {
            body["name"] = json!("FABRIKAM");
        }
        Fault::RepeatNeverEqual if asked.method == Method::PUT && replied.status == 200 => {
            replied.status = 409;
            replied.content_type = "application/problem+json";
            *body = problem("conflict", 409);
        }
        Fault::ConflictUntold if asked.method == Method::PUT && replied.status == 409 => {
            replied.content_type = "application/json";
            *body = json!({"error": "the name is taken"});
        }
        Fault::EmptyKept if replied.status == 201 && asked.body["profile"]["phone"] == "" => {
            body["profile"]["phone"] = json!("");
        }
        Fault::PasswordReturned if replied.status == 201 => {
            let password = &asked.body["webAccess"]["password"];
            if !password.is_null() {
                body["webAccess"]["password"] = password.clone();
            }
        }
        Fault::LastPageLost if asked.path == "/v1/customers" && fine => {
            body["next"] = Value::Null;
            body["complete"] = json!(true);
        }
        Fault::NewestFirst if fine => {
            if let Some(Value::Array(items)) = body.get_mut("items") {
                items.reverse();
            }
        }
        Fault::ClientsNotThere if asked.path == "/v1/clients" => {
            replied.status = 404;
            replied.content_type = "application/problem+json";
            *body = problem("not-found", 404);
        }
        Fault::GoneIsOdd if replied.status == 404 => {
            replied.status = 410;
            body["status"] = json!(410);
        }
        Fault::UsageAsText if asked.path == "/v1/usage" && fine => {
            for row in body["items"].as_array_mut().into_iter().flatten() {
                row["storageBytes"] = json!("12 GB");
            }
        }
        Fault::TotalLacksTenants if asked.path == "/v1/usage" && fine => {
            let rows = body["items"].as_array_mut().into_iter().flatten();
            for row in rows.filter(|row| row["tenantId"].is_null()) {
                row["storageBytes"] = json!(0);
            }
        }
        Fault::CreditsInHundredths if asked.path == "/v1/usage" && fine => {
            for row in body["items"].as_array_mut().into_iter().flatten() {
                let credits = row["credits"].as_f64().unwrap_or_default();
                row["credits"] = json!(credits * 100.0);
            }
        }
        Fault::SourceHasMoreJobs if asked.path == "/v1/health" && fine => {
            for row in body["items"].as_array_mut().into_iter().flatten() {
                for source in row["dataSources"].as_array_mut().into_iter().flatten() {
                    source["jobs"]["total"] = json!(100_000);
                }
            }
        }
        Fault::HealthTwice if asked.path == "/v1/health" && fine => {
            let items = body["items"].as_array().cloned().unwrap_or_default();
            body["items"] = json!([items.clone(), items].concat());
        }
        _ => {}
    }
}

fn problem(slug: &str, status: u16) -> Value {
    let kind = format!("urn:holdfast:problem:{slug}");
    json!({"type": kind, "title": slug, "status": status, "detail": slug})
}

async fn pass(
    State(faulty): State<Faulty>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let fault = *faulty.fault.lock().unwrap_or_else(PoisonError::into_inner);
    let body: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
    let asked = Asked {
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        body: body.map_or(Value::Null, Value::Object),
    };
    let replied = faulty.misbehave(fault, asked).await;
    let mut response = Response::builder()
        .status(StatusCode::from_u16(replied.status).expect("a status"))
        .header(header::CONTENT_TYPE, replied.content_type);
    if let Some(etag) = replied.etag {
        response = response.header(header::ETAG, etag);
    }
    let body = match replied.body {
        Value::Null => Body::empty(),
        body => Body::from(body.to_string()),
    };
    response.body(body).expect("a response")
}

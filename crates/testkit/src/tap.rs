//! Listens on the line between the operator and a platform.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header},
};
use reqwest::Client;
use serde_json::Value;

use crate::mutate::{self, Chance};

/// A request as it left the operator.
#[derive(Clone, Debug)]
pub struct Heard {
    /// For instance `PATCH /v1/customers/7`.
    pub line: String,
    /// Everything: line, header fields, body.
    pub text: String,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body; null when there is none.
    pub body: Value,
    /// What the platform answered; null when there was no body, or no answer yet.
    pub answer: Value,
    /// With which status; nothing while there is no answer.
    pub status: Option<StatusCode>,
}

/// Passes requests on to a platform and remembers them.
#[derive(Clone)]
pub struct Tap {
    /// Where the operator sends its requests.
    pub url: String,
    platform: String,
    client: Client,
    heard: Arc<Mutex<Vec<Heard>>>,
    spoilt: Arc<Mutex<Option<Spoil>>>,
}

/// What becomes of answers.
enum Spoil {
    /// One text is replaced by another.
    Text(String, String),
    /// Half of them aren't what was valid any more.
    Bytes(Chance),
}

impl Tap {
    /// Listens in front of the platform at this URL, until the test ends.
    pub async fn before(platform: &str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let tap = Self {
            url: format!("http://{address}"),
            platform: platform.to_owned(),
            client: Client::new(),
            heard: Arc::default(),
            spoilt: Arc::default(),
        };
        let router = Router::new().fallback(relay).with_state(tap.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        tap
    }

    /// From now on answers contain another text for this one; unchanged, when none is given.
    pub fn spoil(&self, text: Option<(&str, &str)>) {
        let mut spoilt = self.spoilt.lock().unwrap_or_else(PoisonError::into_inner);
        *spoilt = text.map(|(one, other)| Spoil::Text(one.to_owned(), other.to_owned()));
    }

    /// From now on half of the answers are broken, as this seed has it.
    pub fn garble(&self, seed: u64) {
        let mut spoilt = self.spoilt.lock().unwrap_or_else(PoisonError::into_inner);
        *spoilt = Some(Spoil::Bytes(Chance::new(seed)));
    }

    /// Everything so far, in order.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn relay(
    State(tap): State<Tap>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let line = format!("{method} {uri}");
    let heard = Heard {
        text: format!("{line}\n{headers:?}\n{}", String::from_utf8_lossy(&body)),
        headers: headers.iter().map(field).collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        answer: Value::Null,
        status: None,
        line,
    };
    let number = {
        let mut all = tap.heard.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(heard);
        all.len() - 1
    };
    headers.remove(header::HOST);
    let request = tap.client.request(method, format!("{}{uri}", tap.platform));
    let Ok(answer) = request.headers(headers).body(body).send().await else {
        // As the platform did: the connection breaks.
        let broken = std::io::Error::other("broken");
        return Response::new(Body::from_stream(futures::stream::iter([Err::<Bytes, _>(
            broken,
        )])));
    };
    let mut response = status_only(answer.status());
    response.headers_mut().clone_from(answer.headers());
    // Complete again: it has a length of its own.
    response.headers_mut().remove(header::TRANSFER_ENCODING);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    let mut bytes = answer.bytes().await.unwrap_or_default();
    match &mut *tap.spoilt.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(Spoil::Text(one, other)) => {
            bytes = String::from_utf8_lossy(&bytes)
                .replace(&**one, other)
                .into();
        }
        Some(Spoil::Bytes(chance)) => bytes = mutate::perhaps_spoilt(&bytes, chance).into(),
        None => {}
    }
    let mut all = tap.heard.lock().unwrap_or_else(PoisonError::into_inner);
    all[number].answer = serde_json::from_slice(&bytes).unwrap_or_default();
    all[number].status = Some(response.status());
    drop(all);
    *response.body_mut() = Body::from(bytes);
    response
}

fn field((name, value): (&HeaderName, &HeaderValue)) -> (String, String) {
    let value = String::from_utf8_lossy(value.as_bytes());
    (name.to_string(), value.into_owned())
}

fn status_only(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

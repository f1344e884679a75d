//! The bridge contract, version 1: JSON over HTTP with one bearer token. The embedded platform implements it, and so does any
//! bridge in front of a platform without an interface of its own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use reqwest::{
    Method, Request, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, value::RawValue};

mod account;
mod calls;
mod driver;
mod pages;
mod problem;
mod wire;

pub use driver::{BridgeDriver, EmbeddedDriver};

use account::Acquaintance;
use problem::{secrets, succeeded};
use wire::Accepted;

use super::{
    Budgets, Fingerprint, Lane, PlatformError, ProblemKind, RateLimit, Written,
    http::{Answer, Call, Http, HttpOptions, SetupError},
    rows::Raw,
};
use crate::wire::{Secrets, garbled, invalid, is_usable_id, read};
use crate::{
    api::Kind,
    estate::{Claim, Object, ObjectId},
};

/// How to reach a bridge.
pub struct BridgeOptions {
    /// Where it is; `/v1` is added. `https`, or `http` on this host.
    pub endpoint: Url,
    /// The bearer token.
    pub token: SecretString,
    /// Our own limit on requests; without one only the platform's counts.
    pub rate_limit: Option<RateLimit>,
    /// The process's budgets, shared by platforms of one credential.
    pub budgets: Arc<Budgets>,
    /// Trust, and the process's hooks.
    pub http: HttpOptions,
}

/// A platform that implements the bridge contract.
pub struct Bridge {
    http: Http,
    endpoint: Url,
    authorization: HeaderValue,
    token: SecretString,
    /// The account that answered last.
    account: Mutex<Option<Acquaintance>>,
    /// The secrets of the requests that the platform still works on: its words about them are cleaned of these.
    accepted: Mutex<HashMap<String, Secrets>>,
    /// Held by the task that checks the account, while other tasks wait for its result.
    asking: tokio::sync::Mutex<()>,
}

impl Bridge {
    /// Sets the adapter up. Sends nothing.
    ///
    /// # Errors
    /// An endpoint, token or CA bundle that can't be used.
    pub fn new(options: BridgeOptions) -> Result<Self, SetupError> {
        // Secrets made from files end in a newline more often than not.
        let token = options.token.expose_secret().trim();
        let unusable = || {
            SetupError::Credential(
                "the key `token` must hold one line of printable ASCII".to_owned(),
            )
        };
        let mut authorization =
            HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| unusable())?;
        if token.is_empty() || authorization.to_str().is_err() {
            return Err(unusable());
        }
        authorization.set_sensitive(true);
        let credential = Fingerprint::of(&["bridge", options.endpoint.as_str(), token]);
        let budget = options
            .budgets
            .for_credential(credential, options.rate_limit);
        Ok(Self {
            http: Http::new(&options.endpoint, budget, options.http)?,
            endpoint: options.endpoint,
            authorization,
            token: token.into(),
            account: Mutex::default(),
            accepted: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// The address of a path under `/v1`.
    ///
    /// # Errors
    /// An id that can't stand in a path.
    fn url(&self, segments: &[&str]) -> Result<Url, PlatformError> {
        if !segments.iter().all(|segment| is_usable_id(segment)) {
            return Err(invalid(
                None,
                "an empty text, `.` and `..` can't be an id on this platform",
            )
            .into());
        }
        let mut url = self.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(segments);
        }
        Ok(url)
    }

    fn request(&self, method: Method, url: Url) -> Request {
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/json, application/problem+json"),
        );
        request
    }

    /// Reads a resource that every bridge has. Its absence means that this is no bridge, not that an object is gone.
    async fn get<T: DeserializeOwned>(&self, call: Call, url: Url) -> Result<T, PlatformError> {
        self.look(call, url).await.map_err(|error| match error {
            PlatformError::Refused(problem) if problem.kind == ProblemKind::NotFound => {
                let hint = "answered 404; the endpoint's path may be wrong";
                garbled(call.operation, hint)
            }
            error => error,
        })
    }

    /// Reads a resource that may not exist.
    async fn look<T: DeserializeOwned>(&self, call: Call, url: Url) -> Result<T, PlatformError> {
        let secrets = secrets(&self.token, None);
        self.http
            .send(call, self.request(Method::GET, url), |answer| {
                read(
                    call.operation,
                    &succeeded(call.operation, &secrets, answer)?,
                )
            })
            .await
    }

    /// Sends a mutating request, and returns its successful answer.
    async fn change<T>(
        &self,
        operation: &'static str,
        change: Change,
        decode: impl FnOnce(Answer) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let call = Call {
            operation,
            lane: Lane::Edit,
            mutates: true,
            lists: false,
        };
        let secrets = secrets(&self.token, change.document.as_ref());
        let mut request = self.request(change.method, change.url);
        if let Some((name, value)) = change.condition {
            let value = HeaderValue::from_str(&value)
                .map_err(|_| invalid(None, "the version can't be sent back as a header"))?;
            request.headers_mut().insert(name, value);
        }
        if let Some(document) = change.document {
            request
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static(change.content_type));
            *request.body_mut() = Some(Value::Object(document).to_string().into());
        }
        self.http
            .send(call, request, |answer| {
                let answer = succeeded(operation, &secrets, answer)?;
                self.note_accepted(&answer, secrets);
                decode(answer)
            })
            .await
    }

    fn note_accepted(&self, answer: &Answer, secrets: Secrets) {
        if answer.status == reqwest::StatusCode::ACCEPTED
            && let Ok(Accepted { operation: id }) = read("", answer)
        {
            self.accepted().insert(id, secrets);
        }
    }

    fn accepted(&self) -> MutexGuard<'_, HashMap<String, Secrets>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mutating request.
struct Change {
    method: Method,
    url: Url,
    condition: Option<(HeaderName, String)>,
    content_type: &'static str,
    document: Option<Map<String, Value>>,
}

impl Change {
    fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            condition: None,
            content_type: "application/json",
            document: None,
        }
    }
}

/// Which object was asked for.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Id(&'a ObjectId),
    Claim(&'a Claim),
}

/// An item as an object, when it is the one that was asked for. An item with an unreadable mark is assumed to carry it.
fn expected(
    operation: &str,
    kind: Kind,
    item: &RawValue,
    asked: Asked<'_>,
) -> Result<Object, PlatformError> {
    let mut object = wire::object(kind, item).map_err(|lost| garbled(operation, &lost.why))?;
    let is_it = match asked {
        Asked::Id(id) => object.id == *id,
        Asked::Claim(claim) => {
            if object.unreadable.is_some() && object.claim.is_none() {
                object.claim = Some(claim.clone());
            }
            object.claim.as_ref() == Some(claim)
        }
    };
    if is_it {
        Ok(object)
    } else {
        Err(garbled(operation, "the answer is about another object"))
    }
}

/// The result of a write, from its successful answer.
fn written(
    operation: &str,
    kind: Kind,
    answer: &Answer,
    asked: Asked<'_>,
) -> Result<Written, PlatformError> {
    if answer.status == reqwest::StatusCode::ACCEPTED {
        let Accepted { operation: id } = read(operation, answer)?;
        return if is_usable_id(&id) {
            Ok(Written::Pending(id))
        } else {
            Err(garbled(operation, "accepted without an operation id"))
        };
    }
    let item: Raw = read(operation, answer)?;
    let object = expected(operation, kind, &item, asked)?;
    Ok(Written::Done(Box::new(object)))
}

#[cfg(test)]
mod tests;

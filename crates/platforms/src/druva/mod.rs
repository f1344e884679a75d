//! Druva Managed Services Center, over its MSP API: accepted writes that are finished later as tasks, no claims, no deletions,
//! and plans and administrators that can only be read.

pub use driver::DruvaDriver;

use std::sync::Arc;

use reqwest::{
    Method, Request, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    sync::{Mutex, OnceCell},
    time::Instant,
};

mod account;
mod calls;
mod console;
mod customers;
mod driver;
mod features;
mod global_usage;
mod health;
mod known;
mod lenient;
mod mapping;
mod pages;
mod quotas;
mod reads;
mod refusal;
mod report_cache;
mod sent;
mod tasks;
mod tenants;
mod token;
mod usage;
mod wire;
mod words;
mod writes;

use known::Known;
use refusal::{done, is_denied, succeeded, unsent};
use report_cache::ReportCache;
use token::{Token, Tokens};
use wire::{Accepted, Customer};

use super::{
    Budgets, Fingerprint, Lane, PlatformError, Problem, ProblemKind, RateLimit, Written, document,
    http::{Answer, Call, Http, HttpOptions, SetupError},
};
use crate::estate::{Account, HealthReport, UsageReport};
use crate::wire::{Secrets, forbidden, garbled, invalid, is_usable_id, read};

/// How to reach a Managed Services Center.
pub struct DruvaOptions {
    /// Where the API is; `/msp` is added. `https`, or `http` on this host.
    pub endpoint: Url,
    /// The client id: from the console, Settings > API Credentials.
    pub client_id: SecretString,
    /// The secret that goes with it.
    pub secret_key: SecretString,
    /// Our own limit on requests: the vendor documents none but throttles.
    pub rate_limit: Option<RateLimit>,
    /// The process's budgets, shared by platforms of one credential.
    pub budgets: Arc<Budgets>,
    /// Trust, and the process's hooks.
    pub http: HttpOptions,
}

/// A Managed Services Center.
pub struct Druva {
    http: Http,
    endpoint: Url,
    tokens: Tokens,
    secrets: Secrets,
    /// The account of the credential; it can't change.
    account: OnceCell<Account>,
    known: Known,
    /// All customers as listed last, and when that began; held by the task that lists them.
    roll: Mutex<Option<(Instant, Arc<[Customer]>)>>,
    /// Held by the task that lists all tenants to find one.
    listing: Mutex<()>,
    usage: ReportCache<UsageReport>,
    health: ReportCache<HealthReport>,
}

impl Druva {
    /// Sets the adapter up. Sends nothing.
    ///
    /// # Errors
    /// An endpoint, credential or CA bundle that can't be used.
    pub fn new(options: DruvaOptions) -> Result<Self, SetupError> {
        let (id, key) = (&options.client_id, &options.secret_key);
        let url = joined(&options.endpoint, &["msp", "auth", "v1", "token"]);
        let credential = Fingerprint::of(&[
            "druva",
            options.endpoint.as_str(),
            id.expose_secret().trim(),
            key.expose_secret().trim(),
        ]);
        let budget = options
            .budgets
            .for_credential(credential, options.rate_limit);
        Ok(Self {
            http: Http::new(&options.endpoint, budget, options.http)?,
            tokens: Tokens::new(url, id, key)?,
            secrets: [key.expose_secret().trim().into()].into_iter().collect(),
            endpoint: options.endpoint,
            account: OnceCell::new(),
            known: Known::default(),
            roll: Mutex::default(),
            listing: Mutex::default(),
            usage: ReportCache::default(),
            health: ReportCache::default(),
        })
    }

    /// The address of a path under `/msp`.
    ///
    /// # Errors
    /// An id that can't stand in a path.
    fn url(&self, segments: &[&str]) -> Result<Url, PlatformError> {
        if !segments.iter().all(|segment| is_usable_id(segment)) {
            let detail = "an empty text, `.` and `..` can't be an id on this platform";
            return Err(invalid(None, detail).into());
        }
        let segments: Vec<&str> = ["msp"].iter().chain(segments).copied().collect();
        Ok(joined(&self.endpoint, &segments))
    }

    /// Reads a resource that always exists. Its absence means that this isn't the API, not that an object is gone.
    async fn get<T: DeserializeOwned>(&self, call: Call, url: Url) -> Result<T, PlatformError> {
        self.always(call, Request::new(Method::GET, url)).await
    }

    /// As [`Druva::get`], where the request has a body.
    async fn ask<T: DeserializeOwned>(
        &self,
        call: Call,
        url: Url,
        question: &impl Serialize,
    ) -> Result<T, PlatformError> {
        let request = with_body(Request::new(Method::POST, url), question, call.operation)?;
        self.always(call, request).await
    }

    async fn always<T: DeserializeOwned>(
        &self,
        call: Call,
        request: Request,
    ) -> Result<T, PlatformError> {
        let answer = self.send(call, request, |answer| read(call.operation, &answer));
        answer.await.map_err(|error| match error {
            PlatformError::Refused(problem) if problem.kind == ProblemKind::NotFound => {
                let hint = "answered 404; the endpoint's path may be wrong";
                garbled(call.operation, hint)
            }
            error => error,
        })
    }

    /// Reads a resource that may not exist.
    async fn look<T: DeserializeOwned>(
        &self,
        call: Call,
        url: Url,
    ) -> Result<Option<T>, PlatformError> {
        let answer = self.send(call, Request::new(Method::GET, url), |answer| {
            read(call.operation, &answer).map(Some)
        });
        match answer.await {
            Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {
                Ok(None)
            }
            answer => answer,
        }
    }

    /// Sends a mutating request; returns the task that finishes it.
    async fn change(
        &self,
        operation: &'static str,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<Written, PlatformError> {
        let accepted = self.edit(operation, method, url, body, |answer| {
            let accepted: Accepted = read(operation, &answer)?;
            if is_usable_id(&accepted.task.id) {
                Ok(Written::Pending(accepted.task.id))
            } else {
                Err(garbled(operation, "accepted without a task"))
            }
        });
        accepted.await
    }

    /// Sends a request that replaces something at once, without a task.
    async fn replace(
        &self,
        operation: &'static str,
        url: Url,
        body: &impl Serialize,
    ) -> Result<(), PlatformError> {
        let answer = |answer| done(operation, &answer);
        self.edit(operation, Method::PUT, url, Some(body), answer)
            .await
    }

    async fn edit<T>(
        &self,
        operation: &'static str,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
        decode: impl Fn(Answer) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let call = Call {
            operation,
            lane: Lane::Edit,
            mutates: true,
            lists: false,
        };
        let mut request = Request::new(method, url);
        if let Some(body) = body {
            request = with_body(request, body, operation).map_err(unsent)?;
        }
        self.send(call, request, decode).await
    }

    /// Sends a request under the token, and once more under a new one when that is refused: a refusal at authentication means
    /// that nothing was carried out.
    async fn send<T>(
        &self,
        call: Call,
        mut request: Request,
        decode: impl Fn(Answer) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let auth_error = |error| if call.mutates { unsent(error) } else { error };
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(ACCEPT, json);
        let token = self.tokens.current(&self.http).await.map_err(auth_error)?;
        let first = authorised(&request, &token, call.operation)?;
        let answer = self.http.send(call, first, |answer| {
            if is_denied(call.operation, answer.status) {
                return Ok(None);
            }
            self.decode(call, &token, answer, &decode).map(Some)
        });
        if let Some(done) = answer.await? {
            return Ok(done);
        }
        let token = self.tokens.instead_of(&token, &self.http);
        let token = token.await.map_err(auth_error)?;
        let second = authorised(&request, &token, call.operation)?;
        self.http
            .send(call, second, |answer| {
                // Under a new token: it is about this one change.
                if call.mutates && answer.status == StatusCode::FORBIDDEN {
                    return Err(forbidden(format!("{} answered 403", call.operation)).into());
                }
                self.decode(call, &token, answer, &decode)
            })
            .await
    }

    fn decode<T>(
        &self,
        call: Call,
        token: &Token,
        answer: Answer,
        decode: impl Fn(Answer) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        let secrets = self.secrets.and(&token.text);
        decode(succeeded(call.operation, &secrets, answer)?)
    }
}

fn authorised(request: &Request, token: &Token, operation: &str) -> Result<Request, PlatformError> {
    let streamed = || PlatformError::Unavailable(format!("{operation}: can't be sent twice"));
    let mut request = request.try_clone().ok_or_else(streamed)?;
    let headers = request.headers_mut();
    headers.insert(AUTHORIZATION, token.authorization.clone());
    Ok(request)
}

fn with_body(
    mut request: Request,
    body: &impl Serialize,
    operation: &str,
) -> Result<Request, PlatformError> {
    let body = serde_json::to_vec(body)
        .map_err(|_| PlatformError::Unavailable(format!("{operation}: can't be written down")))?;
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json);
    *request.body_mut() = Some(body.into());
    Ok(request)
}

fn joined(endpoint: &Url, segments: &[&str]) -> Url {
    let mut url = endpoint.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

fn reading(operation: &'static str, lane: Lane) -> Call {
    Call {
        operation,
        lane,
        mutates: false,
        lists: false,
    }
}

/// The error that the platform is still changing the object to write to.
fn busy(what: &str, words: &str) -> Problem {
    Problem {
        kind: ProblemKind::Busy,
        field: None,
        detail: format!("the {what} {words}"),
        remedy: None,
        conflicting_id: None,
    }
}

#[cfg(test)]
mod tests;

//! The HTTP layer under every adapter: budget, breaker, deadlines, and which requests may be sent at all.

use std::{
    io::ErrorKind,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{
    Certificate, Client, Request, Response, StatusCode, Url,
    header::{CONTENT_TYPE, HeaderMap},
    redirect,
};
use thiserror::Error;
use tokio::{sync::MutexGuard, time::timeout};

use super::{
    Breaker, BudgetShare, Lane, PlatformError, RequestObserver, WriterGuard,
    retry_after::retry_after,
};

/// How long connecting may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// How long an edit may take from sending to the answer's last byte. Part of the lease protocol: a new writer waits this long
/// before its first write.
pub const EDIT_DEADLINE: Duration = Duration::from_secs(5);
/// The same for a page of a sweep.
pub const SWEEP_DEADLINE: Duration = Duration::from_secs(30);
/// The largest accepted answer: 500 tenants' data sources take a tenth of it.
const LARGEST_BODY: usize = 32 << 20;

/// Why an adapter can't be set up. The message says what to change, and never contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetupError {
    /// The endpoint can't be used.
    #[error("endpoint: {0}")]
    Endpoint(String),
    /// The credential can't be used.
    #[error("credential: {0}")]
    Credential(String),
    /// The CA bundle can't be used.
    #[error("CA bundle: {0}")]
    CaBundle(String),
    /// The HTTP client can't be built.
    #[error("HTTP client: {0}")]
    Client(String),
}

impl SetupError {
    /// The error that not all of these keys are there.
    pub fn keys(keys: &[&str]) -> Self {
        Self::Credential(format!("the Secret needs the keys {}", keys.join(", ")))
    }
}

/// What an adapter shares with the process around it.
#[derive(Clone)]
pub struct HttpOptions {
    /// PEM certificates that the platform's must be issued by; without them the system's are used.
    pub ca_bundle_pem: Option<Vec<u8>>,
    /// Receives every request that was sent.
    pub observer: Arc<dyn RequestObserver>,
    /// Asked before every mutating request.
    pub writer: Arc<dyn WriterGuard>,
}

/// The properties of a request, for budget, deadline, metrics and the guard for writes.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Method and path template, for instance `GET /v1/customers/{id}`: metrics label and error text.
    pub operation: &'static str,
    /// The lane of the request, which also sets its deadline, but for lists.
    pub lane: Lane,
    /// Whether it may change something on the platform.
    pub mutates: bool,
    /// Whether it reads a list, however long: it may take as long in any lane.
    pub lists: bool,
}

impl Call {
    fn deadline(self) -> Duration {
        match self.lane {
            Lane::Edit if !self.lists => EDIT_DEADLINE,
            Lane::Edit | Lane::Sweep => SWEEP_DEADLINE,
        }
    }
}

/// A complete answer.
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most 32 MiB.
    pub body: Vec<u8>,
    /// How long to wait before the next request, where the status asks for it.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the body says that it is JSON, and in UTF-8.
    pub fn is_json(&self) -> bool {
        let Some(content_type) = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
        else {
            return false;
        };
        let mut parts = content_type
            .split(';')
            .map(|part| part.trim().to_ascii_lowercase());
        let media_type = parts.next().unwrap_or_default();
        let charset = parts
            .find_map(|part| Some(part.strip_prefix("charset=")?.trim_matches('"').to_owned()));
        (media_type == "application/json"
            || (media_type.starts_with("application/") && media_type.ends_with("+json")))
            && charset.is_none_or(|charset| charset == "utf-8" || charset == "utf8")
    }
}

/// An HTTP client under one credential.
pub struct Http {
    client: Client,
    budget: BudgetShare,
    breaker: Breaker,
    observer: Arc<dyn RequestObserver>,
    writer: Arc<dyn WriterGuard>,
}

impl Http {
    /// Sets the client up for one endpoint.
    ///
    /// # Errors
    /// An endpoint that would send the credential in plain text over a network, or a CA bundle that can't be read.
    pub fn new(
        endpoint: &Url,
        budget: BudgetShare,
        options: HttpOptions,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            client: client(endpoint, options.ca_bundle_pem.as_deref())?,
            budget,
            breaker: Breaker::default(),
            observer: options.observer,
            writer: options.writer,
        })
    }

    /// Sends one request, once, and lets `decode` read its answer. The result of `decode` counts for breaker and metrics.
    ///
    /// # Errors
    /// The error of `decode`; and before that: no token in time, the breaker, no right to write, no answer.
    pub async fn send<T>(
        &self,
        call: Call,
        request: Request,
        decode: impl FnOnce(Answer) -> Result<T, PlatformError>,
    ) -> Result<T, PlatformError> {
        if let Some(refusal) = self.breaker.refusal().or_else(|| self.budget.given_up()) {
            return Err(refusal);
        }
        self.budget.acquire(call.lane).await?;
        if call.mutates {
            self.writer.may_write().map_err(PlatformError::NotWriter)?;
        }
        let passage = self.breaker.enter()?;
        let left = Instant::now();
        let answer = timeout(call.deadline(), self.exchange(call, request))
            .await
            .unwrap_or_else(|_| {
                Err(PlatformError::Unreachable(format!(
                    "{}: timed out",
                    call.operation
                )))
            });
        if let Some(wait) = answer.as_ref().ok().and_then(|answer| answer.retry_after) {
            self.budget.pause(wait);
        }
        let result = answer.and_then(decode);
        let failure = result.as_ref().err();
        if passage.settle(failure) {
            self.budget.ramp_up();
        }
        let outcome = failure.map_or("ok", PlatformError::outcome);
        tracing::debug!(operation = call.operation, outcome, "platform request");
        self.observer
            .finished(call.operation, outcome, left.elapsed());
        result
    }

    /// Lets the next request through, even if the platform is left alone after failures.
    pub fn probe_now(&self) {
        self.breaker.probe_now();
    }

    /// Counts a failure that shows in no single answer, the nth in a row.
    pub fn failed(&self, in_a_row: u32, cause: &PlatformError) {
        self.breaker.fail(in_a_row, cause);
    }

    /// Waits until nobody else logs in with this credential, whichever platform uses it.
    pub async fn login_turn(&self) -> MutexGuard<'_, ()> {
        self.budget.login_turn().await
    }

    /// Sends nothing more on this credential, whichever platform uses it: each further attempt does harm. Another Secret is
    /// another credential.
    pub fn give_up(&self, because: &PlatformError) {
        self.budget.give_up(because);
    }

    async fn exchange(&self, call: Call, request: Request) -> Result<Answer, PlatformError> {
        let lost = |error: reqwest::Error| {
            PlatformError::Unreachable(format!("{}: {}", call.operation, trouble(&error)))
        };
        let mut response = self.client.execute(request).await.map_err(lost)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(PlatformError::Garbled(format!(
                    "{}: more than 32 MiB",
                    call.operation
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            retry_after: asked_wait(&response),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

/// A client for one endpoint, which follows no redirects and repeats nothing.
///
/// # Errors
/// An endpoint that would send the credential in plain text over a network, or a CA bundle that can't be read.
pub fn client(endpoint: &Url, ca_bundle_pem: Option<&[u8]>) -> Result<Client, SetupError> {
    check_endpoint(endpoint)?;
    let mut builder = Client::builder()
        .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_DEADLINE);
    if endpoint.scheme() == "http" {
        // A proxy would read the credential. And an image may contain no system certificates; the client can't be built
        // without them, although none is needed here.
        builder = builder.no_proxy().tls_certs_only([]);
    }
    if let Some(pem) = ca_bundle_pem {
        let certificates = Certificate::from_pem_bundle(pem)
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or_else(|| SetupError::CaBundle("holds no certificate in PEM form".to_owned()))?;
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|error| {
        let hint = "where the system has no CA certificates, name a CA bundle";
        SetupError::Client(format!("{}; {hint}", error.without_url()))
    })
}

/// The wait that an answer asks for: always where it is throttled, and where an unavailable platform names one.
fn asked_wait(response: &Response) -> Option<Duration> {
    let headers = response.headers();
    let names_one = headers.contains_key(reqwest::header::RETRY_AFTER);
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS => Some(retry_after(headers, jiff::Timestamp::now())),
        StatusCode::SERVICE_UNAVAILABLE if names_one => {
            Some(retry_after(headers, jiff::Timestamp::now()))
        }
        _ => None,
    }
}

/// The failure in our words: reqwest's own may contain an address with a customer's id in it.
fn trouble(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        unconnected(error)
    } else if error.is_timeout() {
        "timed out"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "the connection broke off"
    }
}

/// Why there is no connection, as far as the causes say: name, network, proxy or certificate.
fn unconnected(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    let mut found = "no connection";
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            found = unreached(error.kind()).unwrap_or(found);
        }
        let text = error.to_string().to_ascii_lowercase();
        let told = CAUSES.iter().find(|(part, _)| text.contains(part));
        found = told.map_or(found, |(_, says)| says);
        cause = error.source();
    }
    if found == "no connection" && error.is_timeout() {
        return "no connection: the host doesn't answer";
    }
    found
}

fn unreached(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::ConnectionRefused => "no connection: the host refuses it at this port",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            "no connection: no route leads to the host"
        }
        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof => {
            "no connection: the host ended it during the TLS handshake"
        }
        _ => return None,
    })
}

/// Parts of the causes' texts, the more telling ones first.
const CAUSES: [(&str, &str); 9] = [
    (
        "unknownissuer",
        "no connection: the issuer of the TLS certificate isn't trusted; name its CA in caBundleRef",
    ),
    ("expired", "no connection: the TLS certificate has expired"),
    (
        "not valid yet",
        "no connection: the TLS certificate isn't valid yet",
    ),
    (
        "not valid for",
        "no connection: the TLS certificate is for another name",
    ),
    (
        "certificate",
        "no connection: the TLS certificate can't be used",
    ),
    (
        "corrupt message",
        "no connection: the host doesn't speak TLS at this port",
    ),
    (
        "dns error",
        "no connection: the host's name can't be resolved",
    ),
    (
        "failed to lookup address",
        "no connection: the host's name can't be resolved",
    ),
    (
        "tunnel",
        "no connection: the proxy doesn't connect to the host",
    ),
];

fn check_endpoint(endpoint: &Url) -> Result<(), SetupError> {
    let wrong = |text: &str| Err(SetupError::Endpoint(text.to_owned()));
    if endpoint.host_str().is_none()
        || !endpoint.username().is_empty()
        || endpoint.password().is_some()
    {
        return wrong("give scheme, host and path only, for instance https://backup.example/");
    }
    if endpoint.query().is_some() || endpoint.fragment().is_some() {
        return wrong("must have neither query nor fragment");
    }
    match endpoint.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(endpoint) => Ok(()),
        "http" => wrong(
            "http would send the credential in plain text; use https (http is for this host alone)",
        ),
        _ => wrong("must begin with https://"),
    }
}

fn is_loopback(endpoint: &Url) -> bool {
    let host = endpoint.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

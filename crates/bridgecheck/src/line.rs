//! Requests to the bridge; every answer is judged by the contract.

use std::{collections::BTreeSet, time::Duration};

use reqwest::{Client, Method, Request, Url, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use tokio::time::sleep;

use crate::{
    contract::{Contract, Reply},
    finding::{Checked, Finding},
    report::Verdict,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a throttled request is sent again.
const AGAIN: usize = 5;
/// The longest wait that a throttled answer may ask for.
const LONGEST_WAIT: u64 = 60;

/// With what a request identifies itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Good,
    Wrong,
    None,
}

/// A request.
pub(crate) struct Ask {
    pub method: Method,
    /// Parts of the path below `/v1`.
    pub path: Vec<String>,
    pub query: Vec<(&'static str, String)>,
    pub token: Token,
    pub headers: Vec<(header::HeaderName, String)>,
    pub body: Option<(&'static str, Map<String, Value>)>,
}

impl Ask {
    pub fn new(method: Method, path: &[&str]) -> Self {
        Self {
            method,
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            query: Vec::new(),
            token: Token::Good,
            headers: Vec::new(),
            body: None,
        }
    }

    pub fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    pub fn header(mut self, name: header::HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn body(mut self, kind: &'static str, body: Map<String, Value>) -> Self {
        self.body = Some((kind, body));
        self
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Method and route of the request.
    pub operation: String,
    pub status: u16,
    /// The header `ETag`.
    pub etag: Option<String>,
    /// Null where there is none.
    pub body: Value,
}

impl Answer {
    /// Status and problem type, for a report.
    pub fn told(&self) -> String {
        let problem = self.body["type"].as_str().unwrap_or_default();
        let slug = problem.rsplit(':').next().unwrap_or_default();
        let slug: String = slug.chars().take(40).collect();
        if self.status >= 400 && !slug.is_empty() {
            format!("{} answered {} ({slug})", self.operation, self.status)
        } else {
            format!("{} answered {}", self.operation, self.status)
        }
    }

    /// The body of a successful answer.
    pub fn expect(&self, statuses: &[u16]) -> Checked<&Value> {
        if statuses.contains(&self.status) {
            return Ok(&self.body);
        }
        let wanted: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        let not_there = matches!(self.status, 404 | 405 | 501);
        Err(Finding {
            verdict: if not_there {
                Verdict::Missing
            } else {
                Verdict::Wrong
            },
            expected: format!("{} answers {}", self.operation, wanted.join(" or ")),
            seen: self.told(),
        })
    }

    /// Whether it is a refusal of this type.
    pub fn refused(&self, statuses: &[u16], slug: &str) -> Checked {
        let wanted: Vec<String> = statuses.iter().map(ToString::to_string).collect();
        let is_it = statuses.contains(&self.status)
            && self.body["type"] == format!("urn:holdfast:problem:{slug}");
        if is_it {
            return Ok(());
        }
        Err(Finding::wrong(
            format!(
                "{} is refused with {} and the type {slug}",
                self.operation,
                wanted.join(" or ")
            ),
            self.told(),
        ))
    }
}

/// The line to the bridge.
pub(crate) struct Line {
    client: Client,
    endpoint: Url,
    token: SecretString,
    contract: Contract,
    /// Texts that no answer may hold.
    pub secrets: Vec<String>,
    /// What of answers isn't as the contract has it: route and status, and what.
    pub violations: BTreeSet<(String, String)>,
    /// Routes whose answers held a secret.
    pub leaks: BTreeSet<String>,
}

impl Line {
    pub fn new(client: Client, endpoint: Url, token: SecretString) -> Self {
        Self {
            client,
            endpoint,
            token,
            contract: Contract::default(),
            secrets: Vec::new(),
            violations: BTreeSet::new(),
            leaks: BTreeSet::new(),
        }
    }

    pub fn endpoint(&self) -> &str {
        self.endpoint.as_str()
    }

    /// A text without the token, which a bridge may have repeated.
    pub fn clean(&self, text: &str) -> String {
        let secrets = self.secrets.iter().map(String::as_str);
        let secrets = secrets.chain([self.token.expose_secret().trim()]);
        secrets
            .filter(|secret| !secret.is_empty())
            .fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }

    /// Sends a request, and judges its answer. An error is one of the line: no answer at all.
    pub async fn send(&mut self, ask: Ask) -> Checked<Answer> {
        let mut answers = self.send_at_once(vec![ask]).await;
        answers.remove(0)
    }

    /// Sends several requests at the same time.
    pub async fn send_at_once(&mut self, asks: Vec<Ask>) -> Vec<Checked<Answer>> {
        let requests = asks.iter().map(|ask| self.exchange(ask));
        let received = futures::future::join_all(requests).await;
        let pairs = asks.iter().zip(received);
        pairs
            .map(|(ask, received)| received.map(|received| self.judge(ask, received)))
            .collect()
    }

    fn judge(&mut self, ask: &Ask, received: Received) -> Answer {
        let path = format!("/v1/{}", ask.path.join("/"));
        let operation = self.contract.operation(ask.method.as_str(), &path);
        let parsed = (!received.text.is_empty())
            .then(|| serde_json::from_str::<Value>(&received.text).map_err(|_| ()));
        let wrong = self.contract.judge(&Reply {
            method: ask.method.as_str(),
            path: &path,
            status: received.status,
            content_type: received.content_type.as_deref(),
            body: parsed.as_ref().map(Result::as_ref),
        });
        for what in wrong {
            let place = format!("{operation} answered {}", received.status);
            self.violations.insert((place, what));
        }
        if self
            .secrets
            .iter()
            .any(|secret| received.text.contains(secret))
        {
            self.leaks.insert(operation.clone());
        }
        Answer {
            operation,
            status: received.status,
            etag: received.etag,
            body: parsed.and_then(Result::ok).unwrap_or_default(),
        }
    }

    async fn exchange(&self, ask: &Ask) -> Checked<Received> {
        let mut left = AGAIN;
        loop {
            let answer = self.client.execute(self.request(ask)?).await;
            let answer = answer.map_err(|error| self.unanswered(ask, &error))?;
            if answer.status().as_u16() == 429 && left > 0 {
                left -= 1;
                let wait = answer.headers().get(header::RETRY_AFTER);
                let wait = wait.and_then(|wait| wait.to_str().ok()?.parse().ok());
                sleep(Duration::from_secs(
                    wait.unwrap_or(1).clamp(1, LONGEST_WAIT),
                ))
                .await;
                continue;
            }
            let text = |name| {
                let value: Option<&header::HeaderValue> = answer.headers().get(name);
                value.and_then(|value| Some(value.to_str().ok()?.to_owned()))
            };
            return Ok(Received {
                status: answer.status().as_u16(),
                content_type: text(header::CONTENT_TYPE),
                etag: text(header::ETAG),
                text: answer
                    .text()
                    .await
                    .map_err(|error| self.unanswered(ask, &error))?,
            });
        }
    }

    fn request(&self, ask: &Ask) -> Checked<Request> {
        let mut url = self.endpoint.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(&ask.path);
        }
        let mut request = self.client.request(ask.method.clone(), url);
        if !ask.query.is_empty() {
            request = request.query(&ask.query);
        }
        request = match ask.token {
            Token::Good => request.bearer_auth(self.token.expose_secret().trim()),
            Token::Wrong => request.bearer_auth("holdfast-check-not-the-token"),
            Token::None => request,
        };
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        if let Some((kind, body)) = &ask.body {
            let body = Value::Object(body.clone()).to_string();
            request = request.header(header::CONTENT_TYPE, *kind).body(body);
        }
        let built = request.timeout(PATIENCE).build();
        built.map_err(|error| Finding::not_checked(format!("no request: {}", error.without_url())))
    }

    fn unanswered(&self, ask: &Ask, error: &reqwest::Error) -> Finding {
        let path = format!("/v1/{}", ask.path.join("/"));
        let operation = self.contract.operation(ask.method.as_str(), &path);
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let seen = if error.is_timeout() {
            format!("{operation}: no answer within {} s", PATIENCE.as_secs())
        } else {
            format!("{operation}: {cause}")
        };
        Finding::wrong("an answer", seen)
    }
}

/// An answer as it came.
struct Received {
    status: u16,
    content_type: Option<String>,
    etag: Option<String>,
    text: String,
}

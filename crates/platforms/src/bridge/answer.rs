//! What an answer means: an item, a refusal, or nothing that can be believed.

use reqwest::{StatusCode, header::CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::wire::ProblemBody;
use crate::{PlatformError, Problem, ProblemKind, http::Answer};

const PROBLEM_PREFIX: &str = "urn:holdfast:problem:";
/// The most characters of a platform's sentence that we pass on.
const LONGEST_TEXT: usize = 500;

/// Texts that no error may repeat, not even in the platform's words.
pub(super) struct Secrets(Vec<SecretString>);

impl Secrets {
    /// The token, and the password that a document may carry.
    pub(super) fn of(token: &SecretString, document: Option<&Map<String, Value>>) -> Self {
        let password = document
            .and_then(|document| document.get("webAccess")?.get("password")?.as_str())
            .filter(|password| !password.is_empty());
        Self(
            std::iter::once(token.clone())
                .chain(password.map(SecretString::from))
                .collect(),
        )
    }

    /// The platform's text, fit for showing: short, one line, and withheld when it repeats a secret.
    fn clean(&self, text: &str) -> String {
        if self
            .0
            .iter()
            .any(|secret| text.contains(secret.expose_secret()))
        {
            return "(the platform's message is withheld because it contains a secret)".to_owned();
        }
        let printable = text
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter });
        printable.take(LONGEST_TEXT).collect()
    }

    /// A refusal in our terms.
    pub(super) fn problem(&self, status: StatusCode, body: &ProblemBody) -> Problem {
        let text = [&body.detail, &body.title]
            .into_iter()
            .flatten()
            .find(|text| !text.is_empty());
        Problem {
            kind: problem_kind(status, slug(body)),
            field: body.field.as_deref().map(|field| self.clean(field)),
            detail: self
                .clean(text.map_or("the platform refused the request without a reason", String::as_str)),
            remedy: body.remedy.as_deref().map(|remedy| self.clean(remedy)),
            conflicting_id: body.conflicting_id.as_deref().map(|id| self.clean(id)),
        }
    }
}

/// The body of a good answer.
pub(super) fn read<T: DeserializeOwned>(
    operation: &str,
    answer: &Answer,
) -> Result<T, PlatformError> {
    if !answer.is_json() {
        return Err(garbled(
            operation,
            "the answer isn't JSON; a proxy or a login page may be in between",
        ));
    }
    // The parser's own words may quote the body.
    serde_json::from_slice(&answer.body).map_err(|error| {
        let place = format!(
            "the answer doesn't follow the contract, line {} column {}",
            error.line(),
            error.column()
        );
        garbled(operation, &place)
    })
}

/// An answer that can't be believed.
pub(super) fn garbled(operation: &str, what: &str) -> PlatformError {
    PlatformError::Garbled(format!("{operation}: {what}"))
}

/// Lets a good answer through, and says what any other means.
pub(super) fn succeeded(
    operation: &str,
    secrets: &Secrets,
    answer: Answer,
) -> Result<Answer, PlatformError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let status = answer.status;
    let said = format!("{operation} answered {}", status.as_u16());
    let unavailable = || PlatformError::Unavailable(format!("the platform is unavailable: {said}"));
    let problem = problem_of(&answer);
    let slug = problem.as_ref().map(slug);
    Err(match (status, slug) {
        (StatusCode::UNAUTHORIZED, _)
        | (_, Some("unauthorized"))
        | (StatusCode::FORBIDDEN, None) => PlatformError::Unauthorised(said),
        (StatusCode::TOO_MANY_REQUESTS, _) => PlatformError::Throttled {
            retry_after: answer.retry_after.unwrap_or_default(),
        },
        (StatusCode::SERVICE_UNAVAILABLE, _) => unavailable(),
        // Whatever the body says: whether something behind the answer has done it isn't known.
        _ if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
            PlatformError::Unreachable(said)
        }
        (_, Some("backend-unavailable")) => unavailable(),
        _ if status.is_redirection() => PlatformError::Garbled(format!(
            "{said}: redirects aren't followed; put the final address into the platform's endpoint"
        )),
        _ => match problem {
            Some(body) => secrets.problem(status, &body).into(),
            None => PlatformError::Garbled(format!(
                "{said} without a problem document; a proxy may be in between"
            )),
        },
    })
}

fn problem_of(answer: &Answer) -> Option<ProblemBody> {
    let content_type = answer.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let is_problem = content_type
        .trim()
        .to_ascii_lowercase()
        .starts_with("application/problem+json");
    serde_json::from_slice(&answer.body)
        .ok()
        .filter(|_| is_problem)
}

fn slug(body: &ProblemBody) -> &str {
    body.problem_type
        .strip_prefix(PROBLEM_PREFIX)
        .unwrap_or_default()
}

fn problem_kind(status: StatusCode, slug: &str) -> ProblemKind {
    match slug {
        "not-found" if status == StatusCode::NOT_FOUND => ProblemKind::NotFound,
        "conflict" => ProblemKind::Conflict,
        "precondition-failed" => ProblemKind::PreconditionFailed,
        "invalid" => ProblemKind::Invalid,
        "location-required" => ProblemKind::LocationRequired,
        "quota-parent-exceeded" => ProblemKind::QuotaExceeded,
        "has-dependents" => ProblemKind::HasDependents,
        "backup-active" => ProblemKind::BackupActive,
        "protected" => ProblemKind::Protected,
        "unsupported" => ProblemKind::Unsupported,
        "confirmation-required" => ProblemKind::ConfirmationRequired,
        _ => ProblemKind::Other,
    }
}

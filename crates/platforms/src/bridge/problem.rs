//! What an answer means: an item, a refusal, or nothing that can be trusted.

use reqwest::{StatusCode, header::CONTENT_TYPE};
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::wire::ProblemBody;
use crate::{
    PlatformError, Problem, ProblemKind,
    http::Answer,
    wire::{Secrets, forbidden},
};

const PROBLEM_PREFIX: &str = "urn:holdfast:problem:";
/// Secrets of a request: the token, and the password that its document may carry.
pub(super) fn secrets(token: &SecretString, document: Option<&Map<String, Value>>) -> Secrets {
    let password = document
        .and_then(|document| document.get("webAccess")?.get("password")?.as_str())
        .filter(|password| !password.is_empty());
    std::iter::once(token.clone())
        .chain(password.map(SecretString::from))
        .collect()
}

/// A refusal in our terms.
pub(super) fn refusal(secrets: &Secrets, status: StatusCode, body: &ProblemBody) -> Problem {
    let text = [&body.detail, &body.title]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty());
    let clean = |text: &String| secrets.clean(text);
    Problem {
        kind: problem_kind(status, slug(body)),
        field: body.field.as_ref().map(clean),
        detail: secrets.clean(text.map_or(
            "the platform refused the request without a reason",
            String::as_str,
        )),
        remedy: body.remedy.as_ref().map(clean),
        conflicting_id: body.conflicting_id.as_ref().map(clean),
    }
}

/// Why an operation failed. What a request carried that was sent before a restart isn't known: the platform's words about it may
/// repeat a password.
pub(super) fn failure(sent: Option<&Secrets>, body: &ProblemBody) -> Problem {
    if let Some(secrets) = sent {
        return refusal(secrets, StatusCode::CONFLICT, body);
    }
    Problem {
        kind: problem_kind(StatusCode::CONFLICT, slug(body)),
        field: None,
        detail: "(the platform's message is withheld: the request was sent before Holdfast was started again, and the message may contain its password)".to_owned(),
        remedy: None,
        conflicting_id: None,
    }
}

/// Passes a successful answer on, and translates any other.
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
        // About this one change: the same credential reads.
        (StatusCode::FORBIDDEN, None) if !operation.starts_with("GET ") => forbidden(said).into(),
        (StatusCode::UNAUTHORIZED, _)
        | (_, Some("unauthorized"))
        | (StatusCode::FORBIDDEN, None) => PlatformError::Unauthorised(said),
        (StatusCode::TOO_MANY_REQUESTS, _) => PlatformError::Throttled {
            retry_after: answer.retry_after.unwrap_or_default(),
        },
        (StatusCode::SERVICE_UNAVAILABLE, _) => unavailable(),
        // Whatever the body says: whether the server after the gateway has carried it out isn't known.
        _ if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
            PlatformError::Unreachable(said)
        }
        (_, Some("backend-unavailable")) => unavailable(),
        _ if status.is_redirection() => PlatformError::Garbled(format!(
            "{said}: redirects aren't followed; put the final address into the platform's endpoint"
        )),
        _ => match problem {
            Some(body) => refusal(secrets, status, &body).into(),
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

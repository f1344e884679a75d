//! What an answer means: a body, a refusal, or nothing that can be trusted.

use reqwest::{StatusCode, header::CONTENT_TYPE};

use super::wire::ErrorBody;
use crate::{
    PlatformError, Problem, ProblemKind,
    http::Answer,
    wire::{Secrets, garbled},
};

/// The platform's sentence and code, or that there are none.
pub(super) fn words(secrets: &Secrets, body: &ErrorBody) -> String {
    let message = body.message.as_deref().map(|text| secrets.clean(text));
    let message =
        message.unwrap_or_else(|| "the platform refused the request without a reason".to_owned());
    match &body.code {
        Some(code) => format!("{message} (code {})", secrets.clean(code)),
        None => message,
    }
}

/// The requests for quotas, which not every account may send.
pub(super) const QUOTA_LIST: &str = "GET /msp/quota/v1/customers/configurations";
/// See [`QUOTA_LIST`].
pub(super) const QUOTA_SAVE: &str =
    "PUT /msp/quota/v1/customers/{customerId}/products/{productId}/configurations";

/// The report of all usage; figures are possible without it.
pub(super) const GLOBAL_USAGE: &str = "POST /msp/reporting/v3/reports/mspGlobalUsage";

/// Whether the answer says that the account may not do this. It isn't about the token: the request for quotas or all usage
/// follows another request that was answered under it.
pub(super) fn is_forbidden(operation: &str, status: StatusCode) -> bool {
    status == StatusCode::FORBIDDEN && [QUOTA_LIST, QUOTA_SAVE, GLOBAL_USAGE].contains(&operation)
}

/// Whether the answer says that the token isn't valid (any more). The vendor's documents name both statuses for that; for
/// requests that not every account may send, the latter means that this account may not.
pub(super) fn is_denied(operation: &str, status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        && !is_forbidden(operation, status)
}

/// The status that arrived where only success is documented.
pub(super) fn done(operation: &str, answer: &Answer) -> Result<(), PlatformError> {
    if is_page(answer) {
        let hint = "answered with a page; is a proxy or a login in between?";
        return Err(garbled(operation, hint));
    }
    Ok(())
}

/// A failure before a mutating request was sent: its outcome is known, nothing was carried out.
pub(super) fn unsent(error: PlatformError) -> PlatformError {
    match error {
        PlatformError::Unreachable(_) | PlatformError::Garbled(_) => {
            PlatformError::Unavailable(error.to_string())
        }
        error => error,
    }
}

/// Whether a request is mutating; tokens and reports are requested by POST, too.
fn writes(operation: &str) -> bool {
    let asks = ["GET ", "POST /msp/auth/", "POST /msp/reporting/"];
    !asks.iter().any(|begins| operation.starts_with(begins))
}

/// Passes a successful answer on, and translates any other. Most refusals are declared without a body.
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
    Err(match status {
        _ if is_denied(operation, status) => PlatformError::Unauthorised(said),
        StatusCode::FORBIDDEN => Problem::unsupported(&said).into(),
        StatusCode::TOO_MANY_REQUESTS => PlatformError::Throttled {
            retry_after: answer.retry_after.unwrap_or_default(),
        },
        // A write is never sent again because of a gateway's answer: what the server did isn't known.
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT if writes(operation) => {
            PlatformError::Unreachable(said)
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            PlatformError::Unavailable(format!("the platform is unavailable: {said}"))
        }
        // Whatever the body says: whether the server after the gateway has carried it out isn't known.
        _ if status.is_server_error() => PlatformError::Unreachable(said),
        _ if status.is_redirection() => PlatformError::Garbled(format!(
            "{said}: redirects aren't followed; put the final address into the platform's endpoint"
        )),
        // An object that counts as gone may be created anew, so a gateway's answer isn't enough.
        StatusCode::NOT_FOUND if !answer.is_json() => {
            PlatformError::Garbled(format!("{said} without JSON; a proxy may be in between"))
        }
        _ if is_page(&answer) => {
            PlatformError::Garbled(format!("{said} with a page; a proxy may be in between"))
        }
        _ => Problem {
            kind: refusal(status),
            field: None,
            detail: format!("{said}: {}", words(secrets, &error_of(&answer))),
            remedy: None,
            conflicting_id: None,
        }
        .into(),
    })
}

fn refusal(status: StatusCode) -> ProblemKind {
    match status {
        StatusCode::NOT_FOUND => ProblemKind::NotFound,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => ProblemKind::Invalid,
        _ => ProblemKind::Other,
    }
}

fn error_of(answer: &Answer) -> ErrorBody {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Whether the answer is a page for a browser, which the platform itself never sends.
fn is_page(answer: &Answer) -> bool {
    let content_type = answer.headers.get(CONTENT_TYPE);
    let is_markup = content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().contains("html"));
    is_markup || answer.body.trim_ascii_start().starts_with(b"<")
}

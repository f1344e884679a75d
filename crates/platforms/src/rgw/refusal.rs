//! What an answer means.

use reqwest::StatusCode;
use serde::de::DeserializeOwned;

use super::wire::ErrorBody;
use crate::{
    PlatformError, Problem, ProblemKind,
    http::{Answer, Call},
    wire::{forbidden, garbled},
};

/// Lists a bucket: refusals are about the bucket, and not about the credential.
pub(super) const LIST: &str = "GET /BUCKET?list-type=2";
/// Removes a key: where there is none, the answer is that of a bad credential.
pub(super) const REMOVE_KEY: &str = "DELETE /admin/user?key";

/// The answer, where it is a success.
pub(super) fn succeeded(call: Call, answer: Answer) -> Result<Answer, PlatformError> {
    let (operation, status) = (call.operation, answer.status);
    if status.is_success() {
        return Ok(answer);
    }
    let code = error_code(&answer.body);
    let said = format!("{operation} answered {}", status.as_u16());
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(PlatformError::Throttled {
            retry_after: answer.retry_after.unwrap_or_default(),
        });
    }
    // What the gateway gave up on in time may be carried out all the same.
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        // Behind a proxy the gateway may have carried out what the proxy gave up on.
        return Err(if call.mutates {
            PlatformError::Unreachable(said)
        } else {
            PlatformError::Unavailable(format!("the platform is unavailable: {said}"))
        });
    }
    if code.is_empty() {
        let hint =
            "without an error code; is this a Ceph Object Gateway, and is its API admin enabled?";
        return Err(garbled(
            operation,
            &format!("answered {} {hint}", status.as_u16()),
        ));
    }
    Err(refused(operation, &code, &format!("{said}: {code}")))
}

/// The word for an error, or nothing: the admin interface answers in JSON, S3 in XML.
fn error_code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let code = serde_json::from_slice(body).map_or_else(
        |_| elements(&text, "Code").concat(),
        |body: ErrorBody| body.code,
    );
    let is_a_word = code.chars().all(|letter| letter.is_ascii_alphanumeric());
    code.chars().filter(|_| is_a_word).take(60).collect()
}

/// The texts of the XML elements of a name: for elements that hold text without references, such as times and words.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let begun = xml.split(open.as_str()).skip(1);
    begun
        .filter_map(|rest| Some(rest.split_once(close.as_str())?.0))
        .collect()
}

fn refused(operation: &'static str, code: &str, said: &str) -> PlatformError {
    let problem = |kind, field: Option<&str>, detail: String, remedy: Option<&str>| {
        PlatformError::Refused(Problem {
            kind,
            field: field.map(str::to_owned),
            detail,
            remedy: remedy.map(str::to_owned),
            conflicting_id: None,
        })
    };
    match code {
        // Here it is the key that was to be removed.
        "InvalidAccessKeyId" if operation == REMOVE_KEY => {
            problem(ProblemKind::NotFound, None, said.to_owned(), None)
        }
        // Here it is the owner of the bucket.
        "UserSuspended" if operation == LIST => {
            problem(ProblemKind::Other, None, said.to_owned(), None)
        }
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "UserSuspended" => {
            PlatformError::Unauthorised(said.to_owned())
        }
        "RequestTimeTooSkewed" => PlatformError::Unauthorised(format!(
            "{said}; the clocks of this machine and of the gateway differ by more than 15 minutes"
        )),
        "AccessDenied" => forbidden(said.to_owned()).into(),
        "NoSuchUser" => problem(ProblemKind::NotFound, None, said.to_owned(), None),
        "NoSuchBucket" if operation == LIST => {
            problem(ProblemKind::NotFound, None, said.to_owned(), None)
        }
        // A gateway that takes /admin for a bucket knows nothing of users: that doesn't mean that one is gone.
        "NoSuchBucket" | "NoSuchKey" => garbled(
            operation,
            &format!("answered {code}; is its API admin enabled at this address?"),
        ),
        "UserAlreadyExists" => problem(ProblemKind::AlreadyExists, None, said.to_owned(), None),
        "EmailExists" => problem(
            ProblemKind::Conflict,
            Some("profile.email"),
            "another user of the gateway has this e-mail address".to_owned(),
            Some("State another address, or remove it from the other user"),
        ),
        "KeyExists" => problem(
            ProblemKind::Conflict,
            Some("webAccess.username"),
            "another user of the gateway has this access key".to_owned(),
            Some("State another username"),
        ),
        "BucketNotEmpty" | "BucketAlreadyExists" => {
            problem(ProblemKind::HasDependents, None, said.to_owned(), None)
        }
        "InvalidArgument" => problem(ProblemKind::Invalid, None, said.to_owned(), None),
        _ => problem(ProblemKind::Other, None, said.to_owned(), None),
    }
}

/// The body of a successful answer. The gateway doesn't always say that it is JSON.
pub(super) fn body<T: DeserializeOwned>(call: Call, answer: &Answer) -> Result<T, PlatformError> {
    // The parser's own words may quote the body, which holds keys.
    serde_json::from_slice(&answer.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place = format!("the answer doesn't have the known form, line {line} column {column}");
        garbled(call.operation, &place)
    })
}

//! Requests and answers of JSON-RPC as Cove has it: errors in HTTP 200, results nested twice, the session in the body.

use reqwest::{
    Method, Request, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};

use crate::{
    PlatformError, Problem, ProblemKind,
    http::{Answer, Call},
    wire::{Secrets, garbled},
};

/// The visa is missing, expired or malformed. Source: public clients, confirmed.
const VISA: i64 = 1701;
/// Partner, user or password is wrong: Cove doesn't say which. Source: public clients, confirmed.
const WRONG_LOGIN: i64 = 2100;
/// The role or the place of the API user forbids it. Source: public clients, confirmed.
const FORBIDDEN: i64 = 13501;

/// What an answer says.
pub(super) enum Said<T> {
    /// What was asked for.
    Value(T),
    /// The visa isn't valid (any more); nothing was carried out.
    VisaRefused,
}

/// An answer whose envelope was read.
pub(super) struct Read<'a> {
    /// The visa that it brings, which is the newest.
    pub(super) visa: Option<SecretString>,
    operation: &'static str,
    secrets: &'a Secrets,
    result: Option<&'a RawValue>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    visa: Option<String>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    message: Option<String>,
}

impl ErrorBody {
    /// The number that tells errors apart: not `code`, which is always the same.
    fn number(&self) -> Option<i64> {
        let text = || self.data.as_str()?.trim().parse().ok();
        self.data.as_i64().or_else(text)
    }
}

/// Null is a result: that of a method without a value.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

#[derive(Deserialize)]
struct Outer<T> {
    result: T,
}

/// The request that calls a method. The visa stands beside the parameters, never among them.
pub(super) fn request(
    endpoint: &Url,
    id: &str,
    method: &str,
    params: &Value,
    visa: Option<&SecretString>,
) -> Result<Request, PlatformError> {
    let mut body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    if let Some(visa) = visa {
        body["visa"] = visa.expose_secret().into();
    }
    let body = serde_json::to_vec(&body)
        .map_err(|_| PlatformError::Unavailable(format!("{method}: can't be written down")))?;
    let mut request = Request::new(Method::POST, endpoint.clone());
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, json.clone());
    request.headers_mut().insert(ACCEPT, json);
    *request.body_mut() = Some(body.into());
    Ok(request)
}

/// Reads an answer's envelope.
///
/// # Errors
/// A failure of the transport, or an answer that isn't one to this request.
pub(super) fn read<'a>(
    call: Call,
    id: &str,
    secrets: &'a Secrets,
    answer: &'a Answer,
) -> Result<Read<'a>, PlatformError> {
    transported(call, answer)?;
    let envelope: Envelope<'a> = serde_json::from_slice(&answer.body).map_err(|_| {
        let hint = "the answer isn't JSON-RPC; a proxy or a login page may be in between";
        garbled(call.operation, hint)
    })?;
    if envelope.id != id {
        return Err(garbled(call.operation, "the answer is to another request"));
    }
    if envelope.result.is_none() && envelope.error.is_none() {
        let hint = "the answer has neither a result nor an error";
        return Err(garbled(call.operation, hint));
    }
    let visa = envelope.visa.filter(|visa| !visa.is_empty());
    Ok(Read {
        visa: visa.map(SecretString::from),
        operation: call.operation,
        secrets,
        result: envelope.result,
        error: envelope.error,
    })
}

impl Read<'_> {
    /// Whether the answer refuses the visa that the request was sent with.
    pub(super) fn refuses_visa(&self) -> bool {
        self.error.as_ref().and_then(ErrorBody::number) == Some(VISA)
    }

    /// What the answer says.
    ///
    /// # Errors
    /// The platform's refusal, or the error of `decode`.
    pub(super) fn said<T>(
        self,
        decode: impl Fn(&RawValue) -> Result<T, PlatformError>,
    ) -> Result<Said<T>, PlatformError> {
        if self.refuses_visa() {
            return Ok(Said::VisaRefused);
        }
        if let Some(error) = &self.error {
            // The visa that it brings is as secret as the one that it was asked with.
            let secrets = match &self.visa {
                Some(visa) => &self.secrets.and(visa),
                None => self.secrets,
            };
            return Err(refusal(self.operation, secrets, error));
        }
        let nothing = || garbled(self.operation, "the answer has no result");
        decode(self.result.ok_or_else(nothing)?).map(Said::Value)
    }
}

fn refusal(operation: &str, secrets: &Secrets, error: &ErrorBody) -> PlatformError {
    let number = error.number();
    if number == Some(WRONG_LOGIN) {
        return PlatformError::Unauthorised(format!(
            "{operation}: partner, username or password is wrong, and Cove doesn't say which (error 2100). The partner is the customer's exact name in the console, which for resellers ends with an e-mail address in parentheses. Holdfast doesn't log in again until the Secret changes, since more attempts can lock the user"
        ));
    }
    let message = error.message.as_deref().map(|text| secrets.clean(text));
    let message = message.unwrap_or_else(|| "the platform refused without a reason".to_owned());
    let number_said = number.map_or_else(String::new, |number| format!(" (error {number})"));
    if operation == super::LOGIN {
        return no_session(number, format!("{operation}: {message}{number_said}"));
    }
    let remedy = (number == Some(FORBIDDEN)).then(|| {
        "Give the API user the role SuperUser at the console under Management > Users, on the customer at the top; an object outside of that customer can't be reached"
            .to_owned()
    });
    Problem {
        kind: ProblemKind::Other,
        field: None,
        detail: format!("{operation}: {message}{number_said}"),
        remedy,
        conflicting_id: None,
    }
    .into()
}

/// A login that was refused for another reason than a wrong credential. The numbers for a user that is locked, expired or may not
/// log in aren't published: with any of them, more attempts may do harm. Without one, the service has a fault of its own.
fn no_session(number: Option<i64>, said: String) -> PlatformError {
    if number.is_none() {
        return PlatformError::Unavailable(said);
    }
    PlatformError::Unauthorised(format!(
        "{said}. Look at the API user at the console under Management > Users > API Users. Holdfast doesn't log in again until the Secret changes or the operator is restarted, since more attempts can lock the user"
    ))
}

/// Whether a refusal says that the role or the place of the API user forbids it.
pub(super) fn is_forbidden(error: &PlatformError) -> bool {
    matches!(error, PlatformError::Refused(problem) if problem.detail.ends_with("(error 13501)"))
}

/// What the HTTP layer says: anything but 200 is a fault of the transport.
fn transported(call: Call, answer: &Answer) -> Result<(), PlatformError> {
    let status = answer.status;
    if status.is_success() {
        return Ok(());
    }
    let said = format!("{} answered {}", call.operation, status.as_u16());
    Err(match status {
        StatusCode::TOO_MANY_REQUESTS => PlatformError::Throttled {
            retry_after: answer.retry_after.unwrap_or_default(),
        },
        StatusCode::SERVICE_UNAVAILABLE if !call.mutates => {
            PlatformError::Unavailable(format!("the platform is unavailable: {said}"))
        }
        _ if status.is_redirection() => PlatformError::Garbled(format!(
            "{said}: redirects aren't followed; put the final address into the platform's endpoint"
        )),
        // Whether the server has carried it out isn't known.
        _ if call.mutates || status.is_server_error() => PlatformError::Unreachable(said),
        _ => PlatformError::Garbled(format!(
            "{said}; the endpoint may be wrong, or a proxy in between"
        )),
    })
}

/// The inner result of a method with a value.
///
/// # Errors
/// Another form than the documented one.
pub(super) fn inner<T: DeserializeOwned>(
    operation: &str,
    result: &RawValue,
) -> Result<T, PlatformError> {
    let outer: Result<Outer<T>, _> = serde_json::from_str(result.get());
    outer
        .map(|outer| outer.result)
        .map_err(|error| unformed(operation, &error))
}

/// The rows of a method that answers a list, each still to be read. Null is no list: it might hide everything.
///
/// # Errors
/// Another form than the documented one.
pub(super) fn rows<'a>(
    operation: &str,
    result: &'a RawValue,
) -> Result<Vec<&'a RawValue>, PlatformError> {
    #[derive(Deserialize)]
    struct Listed<'a> {
        #[serde(borrow)]
        result: Vec<&'a RawValue>,
    }
    let listed: Result<Listed<'a>, _> = serde_json::from_str(result.get());
    listed
        .map(|listed| listed.result)
        .map_err(|error| unformed(operation, &error))
}

/// The result of a method without a value: null, or nothing that is read.
///
/// # Errors
/// A value of another form, which no such method has.
pub(super) fn nothing(result: &RawValue) -> Result<(), PlatformError> {
    let result = result.get().trim_start();
    if result == "null" || result.starts_with('{') {
        return Ok(());
    }
    Err(PlatformError::Garbled(
        "the answer to a change has another form than the documented one".to_owned(),
    ))
}

/// The parser's own words may quote the body.
fn unformed(operation: &str, error: &serde_json::Error) -> PlatformError {
    let (line, column) = (error.line(), error.column());
    let place = format!("the result doesn't have the documented form, line {line} column {column}");
    garbled(operation, &place)
}

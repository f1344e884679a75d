//! Errors, which arrive with HTTP 200. Only three numbers are known; the others are invented.

use serde_json::{Value, json};

/// An error member.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// The number that tells errors apart; a plain error has none.
    pub number: Option<i64>,
    pub message: String,
}

/// The visa is missing, expired, malformed or misplaced.
pub(super) const VISA: i64 = 1701;
/// Partner, user or password is wrong.
pub(super) const LOGIN: i64 = 2100;
/// Refused for security reasons.
pub(super) const FORBIDDEN: i64 = 13501;
/// Invented: what the request names doesn't exist.
pub(super) const UNKNOWN: i64 = 90_001;
/// Invented: the name is taken.
pub(super) const NAME_TAKEN: i64 = 90_002;
/// Invented: devices or customers are below it.
pub(super) const NOT_EMPTY: i64 = 90_003;
/// Invented: a value that can't be taken.
pub(super) const VALUE: i64 = 90_004;
/// Invented: values of custom columns would be lost.
pub(super) const CUSTOM_COLUMNS: i64 = 90_005;

impl Fault {
    pub fn new(number: i64, message: impl Into<String>) -> Self {
        Self {
            number: Some(number),
            message: message.into(),
        }
    }

    /// For instance a required parameter that is absent.
    pub fn plain(message: impl Into<String>) -> Self {
        Self {
            number: None,
            message: message.into(),
        }
    }

    pub fn value(message: impl Into<String>) -> Self {
        Self::new(VALUE, message)
    }

    pub fn body(&self) -> Value {
        let mut body = json!({"code": -32603, "message": self.message});
        if let Some(number) = self.number {
            body["data"] = number.into();
        }
        body
    }
}

//! What drivers over HTTP share: bodies, error texts without secrets, pages.

use std::collections::HashSet;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::{PlatformError, Problem, ProblemKind, http::Answer};

/// The most characters of a platform's sentence that are passed on.
const LONGEST_TEXT: usize = 500;
/// More pages than any platform has: 10,000 of 500.
const MOST_PAGES: usize = 10_000;
/// How often one page is requested while the platform says "later".
const THROTTLED_TRIES: u32 = 4;

/// Texts that no error may repeat, not even in the platform's words.
#[derive(Clone, Default)]
pub struct Secrets(Vec<SecretString>);

impl FromIterator<SecretString> for Secrets {
    fn from_iter<Texts: IntoIterator<Item = SecretString>>(texts: Texts) -> Self {
        Self(texts.into_iter().collect())
    }
}

impl Secrets {
    /// These, and one more.
    pub fn and(&self, text: &SecretString) -> Self {
        self.0.iter().chain([text]).cloned().collect()
    }

    /// The platform's text in a form that may be shown: short, one line, and withheld when it repeats a secret.
    pub fn clean(&self, text: &str) -> String {
        let told = |secret: &SecretString| text.contains(secret.expose_secret());
        if self.0.iter().any(told) {
            return "(the platform's message is withheld because it contains a secret)".to_owned();
        }
        let printable = text
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter });
        printable.take(LONGEST_TEXT).collect()
    }
}

/// The body of a successful answer.
pub fn read<T: DeserializeOwned>(operation: &str, answer: &Answer) -> Result<T, PlatformError> {
    if !answer.is_json() {
        let hint = "the answer isn't JSON; a proxy or a login page may be in between";
        return Err(garbled(operation, hint));
    }
    // The parser's own words may quote the body.
    serde_json::from_slice(&answer.body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let place =
            format!("the answer doesn't have the documented form, line {line} column {column}");
        garbled(operation, &place)
    })
}

/// An answer that can't be trusted.
pub fn garbled(operation: &str, what: &str) -> PlatformError {
    PlatformError::Garbled(format!("{operation}: {what}"))
}

/// Whether an id can stand in a path: `.` and `..` would name the list instead.
pub fn is_usable_id(id: &str) -> bool {
    !matches!(id, "" | "." | "..")
}

/// The error for what the platform doesn't accept, found before it is asked.
pub fn invalid(field: Option<&str>, detail: impl Into<String>) -> Problem {
    Problem {
        kind: ProblemKind::Invalid,
        field: field.map(str::to_owned),
        detail: detail.into(),
        remedy: None,
        conflicting_id: None,
    }
}

/// The credential is good, and may not make this change.
pub fn forbidden(said: String) -> Problem {
    let remedy = "Give the account of the credential the right to do it at the platform's console";
    Problem {
        kind: ProblemKind::Other,
        field: None,
        detail: format!("the platform forbids it: {said}"),
        remedy: Some(remedy.to_owned()),
        conflicting_id: None,
    }
}

/// The page tokens of one list so far.
#[derive(Default)]
pub struct Cursors(HashSet<String>);

impl Cursors {
    /// The token of the next page; `None` when the list is complete.
    ///
    /// # Errors
    /// Why the list can't be trusted.
    pub fn next(&mut self, token: Option<String>) -> Result<Option<String>, &'static str> {
        let Some(token) = token.filter(|token| !token.is_empty()) else {
            return Ok(None);
        };
        if self.0.len() >= MOST_PAGES {
            return Err("the list doesn't end");
        }
        if !self.0.insert(token.clone()) {
            return Err("the list's pages form a cycle");
        }
        Ok(Some(token))
    }
}

/// Requests one page. When throttled it waits and asks again, so that a platform that is slower than our budget causes a slow
/// sweep and not one that starts over for ever.
pub async fn patiently<T, F: Future<Output = Result<T, PlatformError>>>(
    ask: impl Fn() -> F,
) -> Result<T, PlatformError> {
    let mut tries = 1;
    loop {
        match ask().await {
            Err(PlatformError::Throttled { .. }) if tries < THROTTLED_TRIES => tries += 1,
            answer => return answer,
        }
    }
}

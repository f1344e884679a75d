//! R-D2: the name of a hidden customer appears nowhere outside its spec, whatever words the platform answers with.

use super::{Declared, Settlement, Verdict};
use crate::api::Kind;

/// The replacement for a hidden name.
const HIDDEN: &str = "(hidden)";

/// Whether the platform, logs and events must never receive the display name.
pub fn is_hidden(declared: &Declared) -> bool {
    declared.kind == Kind::Customer && declared.spec.get("hideName") == Some(&true.into())
}

/// A platform's words, for a log.
pub fn for_log(declared: &Declared, text: &str) -> String {
    let name = declared
        .spec
        .get("displayName")
        .and_then(|name| name.as_str());
    match name.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) if is_hidden(declared) => without(text, name),
        _ => text.to_owned(),
    }
}

/// Removes a hidden name from every text of a settlement.
pub fn redact(declared: &Declared, settlement: &mut Settlement) {
    let name = declared
        .spec
        .get("displayName")
        .and_then(|name| name.as_str());
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else {
        return;
    };
    let said = match &mut settlement.verdict {
        Verdict::Waiting(_, text)
        | Verdict::Unreachable(text)
        | Verdict::Stalled(_, text)
        | Verdict::OverQuota(text)
        | Verdict::ClusterOnly(text)
        | Verdict::DeletionBlocked(_, text) => Some(text),
        Verdict::InSync
        | Verdict::Observing
        | Verdict::Paused
        | Verdict::NotLookedYet
        | Verdict::Released => None,
    };
    let drift = settlement.drift.iter_mut();
    let texts = drift
        .flat_map(|drift| drift.desired.iter_mut().chain(&mut drift.observed))
        .chain(
            settlement
                .manual_steps
                .iter_mut()
                .map(|step| &mut step.step),
        )
        .chain(said);
    for text in texts {
        *text = without(text, name);
    }
}

/// The text without the name; a name that is part of a longer word isn't one.
fn without(text: &str, name: &str) -> String {
    let mut rest = text;
    let mut shown = String::with_capacity(text.len());
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        shown.push_str(before);
        let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let part = joined(shown.chars().next_back()) || joined(after.chars().next());
        shown.push_str(if part { name } else { HIDDEN });
        rest = after;
    }
    shown + rest
}

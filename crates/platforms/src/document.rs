//! What a document or a merge patch of settings says.

use serde_json::{Map, Value};

use crate::{Problem, ProblemKind, api::Instant, wire::invalid};

static CLEARED: Value = Value::Null;

/// What the document says about a setting; null where it clears it, alone or with the group that it is in.
pub fn stated<'a>(document: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match (document.get(first)?, rest) {
        (Value::Null, _) => Some(&CLEARED),
        (value, "") => Some(value),
        (Value::Object(group), rest) => stated(group, rest),
        _ => None,
    }
}

/// A text that the document states.
pub fn text<'a>(document: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    let text = stated(document, path)?.as_str()?.trim();
    (!text.is_empty()).then_some(text)
}

/// Whether the document clears a setting.
pub fn clears(document: &Map<String, Value>, path: &str) -> bool {
    stated(document, path).is_some_and(crate::estate::is_empty)
}

/// An instant that the document states; an instant can't be cleared.
pub fn instant(document: &Map<String, Value>, path: &str) -> Result<Option<Instant>, Problem> {
    match stated(document, path) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => {
            let instant = Instant::new(text.clone());
            let wrong = || invalid(Some(path), "isn't a timestamp such as 2026-12-01T00:00:00Z");
            instant.moment().ok_or_else(wrong)?;
            Ok(Some(instant))
        }
        Some(_) => Err(irremovable(path)),
    }
}

/// The error that the platform has no way to clear a setting.
pub fn irremovable(path: &str) -> Problem {
    Problem {
        remedy: Some("State a value, or omit the field to leave the value unchanged".to_owned()),
        ..invalid(
            Some(path),
            "can be changed through this API, but not cleared",
        )
    }
}

/// Accepts a document that names only settings that the platform stores: a setting that is silently ignored would look as if
/// it had been written.
///
/// # Errors
/// The first other setting.
pub fn check(document: &Map<String, Value>, fields: &[&str]) -> Result<(), Problem> {
    match strange(document, "", fields) {
        None => Ok(()),
        Some(path) => Err(Problem {
            kind: ProblemKind::Unsupported,
            field: Some(path),
            ..invalid(None, "this API has no such setting")
        }),
    }
}

fn strange(document: &Map<String, Value>, above: &str, fields: &[&str]) -> Option<String> {
    document.iter().find_map(|(member, value)| {
        let path = match above {
            "" => member.clone(),
            above => format!("{above}.{member}"),
        };
        if fields.contains(&path.as_str()) {
            return None;
        }
        let below = format!("{path}.");
        let is_group = fields.iter().any(|field| field.starts_with(&below));
        match value {
            Value::Null if is_group => None,
            Value::Object(group) if is_group => strange(group, &path, fields),
            _ => Some(path),
        }
    })
}

//! The API server's requirements for names, labels and annotations.

use kube::core::ObjectMeta;

/// The longest name of a resource, and the prefix of a label's or annotation's key.
const LONGEST_NAME: usize = 253;
/// The longest label's value, and the part of a key after its prefix.
const LONGEST_WORD: usize = 63;
/// The limit for the total size of a resource's annotations.
const MOST_ANNOTATED: usize = 256 << 10;

/// The first thing in metadata that the API server would refuse: the field, and why.
pub fn judge(metadata: &ObjectMeta) -> Result<(), (String, String)> {
    let name = metadata.name.as_deref().unwrap_or_default();
    if !is_name(name) {
        let why = format!(
            "{name:?} isn't a valid name. Use lower case letters, digits, - and ., at most {LONGEST_NAME}, with a letter or digit first and last"
        );
        return Err(("metadata.name".into(), why));
    }
    for (key, value) in metadata.labels.iter().flatten() {
        let field = || format!("metadata.labels.{key}");
        if !is_key(key) {
            return Err((field(), format!("{key:?} isn't a valid label key")));
        }
        if !value.is_empty() && !is_word(value) {
            let why = format!(
                "{value:?} isn't a valid label value. Use letters, digits, -, _ and ., at most {LONGEST_WORD}, with a letter or digit first and last"
            );
            return Err((field(), why));
        }
    }
    let annotations = || metadata.annotations.iter().flatten();
    if let Some((key, _)) = annotations().find(|(key, _)| !is_key(&key.to_lowercase())) {
        let why = format!("{key:?} isn't a valid annotation key");
        return Err((format!("metadata.annotations.{key}"), why));
    }
    let size: usize = annotations()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if size > MOST_ANNOTATED {
        let why =
            format!("annotations have {size} bytes, but at most {MOST_ANNOTATED} are allowed");
        return Err(("metadata.annotations".into(), why));
    }
    Ok(())
}

/// A DNS subdomain.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        is_bounded(
            label,
            |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            b"-",
        )
    };
    text.len() <= LONGEST_NAME && text.split('.').all(is_label)
}

/// A label's value, and the last part of a key.
fn is_word(text: &str) -> bool {
    text.len() <= LONGEST_WORD && is_bounded(text, u8::is_ascii_alphanumeric, b"-_.")
}

fn is_key(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, word)) => is_name(prefix) && is_word(word),
        None => is_word(text),
    }
}

/// Whether a text begins and ends with such bytes, and has only those and these others between.
fn is_bounded(text: &str, ends: fn(&u8) -> bool, others: &[u8]) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(ends)
        && bytes.last().is_some_and(ends)
        && bytes.iter().all(|byte| ends(byte) || others.contains(byte))
}

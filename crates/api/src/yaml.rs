//! YAML with every string quoted, so that no `NO`, `1042` or `1e3` is read as something else; the same document always
//! gives the same bytes. No library offers both.

use std::fmt::Write as _;

use serde_json::Value;

/// One document.
pub fn yaml(document: &Value) -> String {
    let mut text = String::new();
    block(&mut text, document, 0);
    text
}

fn block(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    indent(text, depth);
                }
                let _ = write!(text, "{}:", key(name));
                below(text, value, depth);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    indent(text, depth);
                }
                text.push_str("- ");
                block(text, item, depth + 1);
            }
        }
        other => {
            let _ = writeln!(text, "{}", scalar(other));
        }
    }
}

/// What comes after a key.
fn below(text: &mut String, value: &Value, depth: usize) {
    let nested = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        text.push('\n');
        indent(text, depth + 1);
        block(text, value, depth + 1);
    } else {
        let _ = writeln!(text, " {}", scalar(value));
    }
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// A key: plain where it is a plain word.
fn key(name: &str) -> String {
    let plain = name.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric());
    let reserved = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    if plain && !reserved.contains(&name.to_lowercase().as_str()) {
        name.to_owned()
    } else {
        scalar(&Value::String(name.to_owned()))
    }
}

/// JSON's form of a scalar is YAML's too, but for two separators that YAML would break a line at.
fn scalar(value: &Value) -> String {
    value
        .to_string()
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
        .replace('\u{85}', "\\u0085")
}

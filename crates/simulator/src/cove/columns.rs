//! Column codes: which exist, and what a device has in them.

use serde_json::Value;

use super::world::Document;

const SOURCES: [u8; 20] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 23,
];
const GAPS: [u8; 8] = [7, 25, 51, 52, 53, 61, 79, 87];

/// Whether a code exists, in the new notation: `D01F09` does, `D1F9` doesn't.
pub(super) fn is_known(code: &str) -> bool {
    if let Some(rest) = code.strip_prefix('D') {
        let two = |text: Option<&str>| text.filter(|text| text.len() == 2)?.parse::<u8>().ok();
        let source = two(rest.get(..2)).is_some_and(|source| SOURCES.contains(&source));
        let field = rest.get(2..3) == Some("F") && rest.len() == 5;
        return source && field && two(rest.get(3..5)).is_some_and(|field| field <= 21);
    }
    let number = code.strip_prefix('I').and_then(|rest| {
        let plain = !rest.starts_with('0') || rest == "0";
        plain.then(|| rest.parse::<u8>().ok()).flatten()
    });
    number.is_some_and(|number| number <= 88 && !GAPS.contains(&number))
}

/// A device's value of a column, a text or a list of texts; `None` where it has none, or an empty one.
pub(super) fn value(device: &Document, partner: &Document, code: &str) -> Option<Value> {
    let value = match code {
        "I0" => device.get("Id")?,
        "I1" => device.get("Name")?,
        "I2" => device.get("NameAlias")?,
        // The trap: whoever asks for it gets it.
        "I3" => device.get("Password")?,
        "I8" => partner.get("Name")?,
        "I77" => partner.get("ExternalCode")?,
        _ => device.get("columns")?.get(code)?,
    };
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::Number(number) => Some(number.to_string().into()),
        Value::String(_) | Value::Array(_) => Some(value.clone()),
        _ => None,
    }
}

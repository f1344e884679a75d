//! Foreign bytes: what a broken or hostile server, file or person may send instead of what is valid. By a seed, so that a
//! failure can be repeated.

use serde_json::{Value, json};

/// Texts of which each has broken some parser.
const ODD_TEXTS: [&str; 22] = [
    "",
    " ",
    "\u{0}",
    "\u{feff}x",
    "\u{202e}gpj",
    "a\r\nb\tc",
    "\u{1b}[2J",
    "null",
    "-1",
    "1e400",
    "0x10",
    "9999-12-31T23:59:59.999999999Z",
    "-009999-01-01T00:00:00Z",
    "2026-02-30T25:61:61Z",
    "2026-11-26",
    "18446744073709551616",
    "10Ei",
    "9223372036854775807Ti",
    "{{7*7}}",
    "../../etc/passwd",
    "https://[::1",
    "Ω≈ç√∫",
];

/// A small generator of numbers: splitmix64.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The same numbers for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `end`, which isn't 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end as u64).unwrap_or_default()
    }

    /// One of several.
    pub fn of<'a, T>(&mut self, several: &'a [T]) -> &'a T {
        &several[self.below(several.len())]
    }
}

/// Another text than the valid one: where it is JSON, mostly JSON in which values are odd, else with bytes changed.
pub fn spoilt(valid: &[u8], chance: &mut Chance) -> Vec<u8> {
    let parsed: Option<Value> = serde_json::from_slice(valid).ok();
    if let Some(mut document) = parsed.filter(|_| chance.below(4) > 0) {
        for _ in 0..=chance.below(3) {
            let target = chance.below(count(&document));
            replace(&mut document, &mut target.clone(), chance);
        }
        return document.to_string().into_bytes();
    }
    let mut bytes = valid.to_vec();
    for _ in 0..=chance.below(4) {
        spoil(&mut bytes, chance);
    }
    bytes
}

/// The same for every second text; the others stay valid.
pub fn perhaps_spoilt(valid: &[u8], chance: &mut Chance) -> Vec<u8> {
    if chance.below(2) == 0 {
        spoilt(valid, chance)
    } else {
        valid.to_vec()
    }
}

/// Values in a document, itself among them.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0_usize,
    }
}

/// Replaces the value of this number, counted from the root.
fn replace(value: &mut Value, number: &mut usize, chance: &mut Chance) -> bool {
    if *number == 0 {
        change(value, chance);
        return true;
    }
    *number -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, number, chance)),
        Value::Object(members) => members
            .values_mut()
            .any(|member| replace(member, number, chance)),
        _ => false,
    }
}

fn change(value: &mut Value, chance: &mut Chance) {
    let odd = match chance.below(12) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(-1),
        3 => json!(u64::MAX),
        4 => json!(1e308),
        5 => json!(0.1),
        6 => json!([]),
        7 => json!({}),
        8 => json!([value.clone(), value.clone()]),
        9 => json!({"value": value.clone()}),
        10 => json!("x".repeat(100_000)),
        _ => json!(*chance.of(&ODD_TEXTS)),
    };
    *value = odd;
}

fn spoil(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(bytes.len() + 1);
    match chance.below(6) {
        0 => bytes.truncate(at),
        1 if at < bytes.len() => bytes[at] ^= 1 << chance.below(8),
        2 => bytes.insert(at, *chance.of(b"\0\xff\"{}[]:,\\\n\t-9&*!|>%@`")),
        3 => {
            let rest = bytes.split_off(at);
            bytes.extend_from_slice(chance.of(&ODD_TEXTS).as_bytes());
            bytes.extend(rest);
        }
        4 => {
            let end = at + chance.below(bytes.len() - at + 1);
            bytes.drain(at..end);
        }
        _ => {
            let end = at + chance.below((bytes.len() - at + 1).min(200));
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_spoils_a_document_always_alike_and_mostly_differently_from_what_was_valid() {
        let valid = br#"{"items": [{"id": "7", "limits": {"storage": 5}}], "next": null}"#;
        let all = |seed| spoilt(valid, &mut Chance::new(seed));
        assert!((0..100).all(|seed| all(seed) == all(seed)));
        let whole: Value = serde_json::from_slice(valid).expect("JSON");
        let same = |seed: &u64| {
            let now: Option<Value> = serde_json::from_slice(&all(*seed)).ok();
            now.as_ref() == Some(&whole)
        };
        assert!((0..100).filter(same).count() < 20);
        assert_eq!(count(&whole), 7);
    }
}

//! What kubectl makes of a scalar: YAML 1.1 as its library resolves it (go-yaml's second version), then JSON's numbers.

use serde_json::{Number, Value};

/// The prefix of YAML's own tags.
const TAG: &str = "tag:yaml.org,2002:";

/// A scalar's value. `plain` is one that stands without quotes and without a tag.
///
/// # Errors
/// Why kubectl doesn't take it.
pub fn resolve(text: &str, tag: Option<&str>, plain: bool) -> Result<Value, String> {
    let as_text = || Ok(Value::String(text.to_owned()));
    let Some(tag) = tag else {
        return if plain {
            untagged(text).json(text)
        } else {
            as_text()
        };
    };
    let plain = untagged(text);
    match (tag.strip_prefix(TAG), plain) {
        (Some("null"), Plain::Null)
        | (Some("bool"), Plain::Bool(_))
        | (Some("int"), Plain::Int(_) | Plain::Large(_))
        | (Some("float"), Plain::Float(_)) => plain.json(text),
        #[expect(clippy::cast_precision_loss, reason = "as kubectl loses it")]
        (Some("float"), Plain::Int(number)) => Plain::Float(number as f64).json(text),
        (Some("null" | "bool" | "int" | "float" | "timestamp"), _) => {
            Err(format!("{text:?} doesn't match its tag"))
        }
        (Some("binary"), _) => data_encoding::BASE64
            .decode(text.as_bytes())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned().into())
            .map_err(|_| "the value tagged !!binary isn't base64".to_owned()),
        _ => as_text(),
    }
}

/// Whether YAML 1.2, which people and editors know, says something else of a plain scalar.
pub fn is_odd(text: &str, read: &Value) -> bool {
    let may_differ =
        !read.is_string() || text.starts_with(|first: char| "0123456789+-.".contains(first));
    let newer = serde_yaml::from_str::<Value>(text).ok();
    may_differ && newer.is_some_and(|newer| normal(newer) != *read)
}

/// A value with its numbers as they are after kubectl: whole ones are integers as far as 64 bits go.
pub fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64().map_or(Value::Null, float),
        },
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            members.map(|(name, value)| (name, normal(value))).collect()
        }
        other => other,
    }
}

/// A scalar that stands without quotes.
#[derive(Debug, Clone, Copy)]
enum Plain {
    Null,
    Bool(bool),
    Int(i64),
    /// Larger than a signed integer can be.
    Large(u64),
    Float(f64),
    Text,
}

impl Plain {
    fn json(self, text: &str) -> Result<Value, String> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => flag.into(),
            Self::Int(number) => number.into(),
            #[expect(clippy::cast_precision_loss, reason = "as kubectl loses it")]
            Self::Large(number) => float(number as f64),
            Self::Float(number) if number.is_finite() => float(number),
            Self::Float(_) => return Err(format!("{text} isn't a number that JSON can represent")),
            Self::Text => text.into(),
        })
    }
}

/// Which of the two the number is in JSON.
fn float(number: f64) -> Value {
    /// 2^63, from where on an integer has no place in 64 bits.
    const END: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() == 0.0 && (-END..END).contains(&number) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and within the bounds"
        )]
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn untagged(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Plain::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Plain::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Plain::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Plain::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Plain::Float(f64::NEG_INFINITY),
        _ => number(text).unwrap_or(Plain::Text),
    }
}

fn number(text: &str) -> Option<Plain> {
    match text.as_bytes().first()? {
        b'.' => {
            // Here an underscore must stand between digits; below it may stand anywhere.
            let is_stray = |part: &[u8]| {
                part[1] == b'_' && !(part[0].is_ascii_digit() && part[2].is_ascii_digit())
            };
            let stray = text.ends_with('_') || text.as_bytes().windows(3).any(is_stray);
            let number = decimal(&text.replace('_', "")).filter(|_| !stray);
            number.map(Plain::Float)
        }
        b'+' | b'-' | b'0'..=b'9' => {
            let digits = text.replace('_', "");
            let binary = || i64::from_str_radix(digits.strip_prefix("0b")?, 2).ok();
            integer(&digits)
                .or_else(|| decimal(&digits).map(Plain::Float))
                .or_else(|| binary().map(Plain::Int))
        }
        _ => None,
    }
}

/// An integer as Go reads it: `0x`, `0o` and `0b` name the base, and a zero before other digits means octal.
fn integer(text: &str) -> Option<Plain> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' | b'-' => text.split_at(1),
        _ => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(octal) if octal.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    let size = u64::from_str_radix(digits, base).ok()?;
    let signed = if sign == "-" {
        0_i64.checked_sub_unsigned(size)
    } else {
        i64::try_from(size).ok()
    };
    let large = sign.is_empty().then_some(Plain::Large(size));
    signed.map(Plain::Int).or(large)
}

/// `1`, `1.`, `.5` and `1.5e+3`; no other spelling of a number.
fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let written = !exponent.is_empty() && (!whole.is_empty() || !part.is_empty());
    let number: f64 = (written && [whole, part, exponent].into_iter().all(are_digits))
        .then(|| text.parse().ok())??;
    number.is_finite().then_some(number)
}

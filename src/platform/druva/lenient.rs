//! Reading what the platform may write in more than one way: figures as texts, no list as null, no instant as the year 1.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A text; a number or a flag as one. Anything else is none.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    })
}

/// A whole number, also as a text.
pub(super) fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(as_whole(&Value::deserialize(from)?))
}

/// What [`whole`] reads.
#[allow(
    clippy::cast_possible_truncation,
    reason = "a number with a fraction of zero"
)]
pub(super) fn as_whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
            Some(number as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A number, also as a text.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let number = match Value::deserialize(from)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    Ok(number.filter(|number| number.is_finite()))
}

/// An instant: RFC 3339, a day, or seconds since 1970. What lies before 1970 means that there is none.
pub(super) fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(as_instant(&Value::deserialize(from)?))
}

fn as_instant(value: &Value) -> Option<Timestamp> {
    let instant = match value {
        Value::String(text) => text.parse().ok().or_else(|| day(text)),
        Value::Number(number) => Timestamp::from_second(number.as_i64()?).ok(),
        _ => None,
    };
    instant.filter(|instant| *instant > Timestamp::UNIX_EPOCH)
}

fn day(text: &str) -> Option<Timestamp> {
    let day: civil::Date = text.parse().ok()?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// A list; null is an empty one.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

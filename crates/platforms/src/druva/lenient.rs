//! Reading what the platform may write in more than one way: figures as texts, no list as null, no instant as the year 1.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use crate::api::{Instant, Moment};

/// A text; a number or a flag as one. Anything else is none.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    })
}

/// A text that is written back: a value that can't be read isn't none.
pub(super) fn words<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(from)? {
        Value::Array(_) | Value::Object(_) => Err(D::Error::custom("no text")),
        value => text(value).map_err(D::Error::custom),
    }
}

/// A whole number that is written back: a value that can't be read isn't none.
pub(super) fn figure<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let value = Value::deserialize(from)?;
    match as_whole(&value) {
        None if !is_none(&value) => Err(D::Error::custom("not a whole number")),
        whole => Ok(whole),
    }
}

fn is_none(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
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

/// An amount, also as a text. As with [`lasting`], a value that can't be read isn't none.
pub(super) fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    let value = Value::deserialize(from)?;
    let is_none = is_none(&value);
    match number(value) {
        Ok(None) if !is_none => Err(D::Error::custom("no number")),
        Ok(number) => Ok(number),
        Err(error) => Err(D::Error::custom(error)),
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

/// An instant of a report: a value that can't be read is none.
pub(super) fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(time(
        as_instant(&Value::deserialize(from)?).unwrap_or_default(),
    ))
}

/// The time of something that happens: never is none.
pub(super) fn dated<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    lasting(from).map(time)
}

/// An instant that may be never: RFC 3339, a day, or seconds since 1970. An instant before 1970 means that there is none. One
/// that can't be read isn't none: what was none on one side would be overwritten on the other.
pub(super) fn lasting<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Instant>, D::Error> {
    as_instant(&Value::deserialize(from)?).ok_or_else(|| D::Error::custom("no instant"))
}

fn time(instant: Option<Instant>) -> Option<Timestamp> {
    instant.and_then(|instant| instant.moment()?.time())
}

#[allow(
    clippy::option_option,
    reason = "what can't be read is something else than none"
)]
fn as_instant(value: &Value) -> Option<Option<Instant>> {
    let instant = match value {
        value if is_none(value) => return Some(None),
        Value::String(text) if Moment::parse(text).is_some() => Instant::new(text.clone()),
        Value::String(text) => day(text)?.into(),
        Value::Number(number) if number.as_i64() == Some(LAST_SECOND) => Instant::new(NEVER),
        Value::Number(number) => Timestamp::from_second(number.as_i64()?).ok()?.into(),
        _ => return None,
    };
    let is_none = instant.moment()? <= Moment::At(Timestamp::UNIX_EPOCH);
    Some((!is_none).then_some(instant))
}

/// The word for never of a platform that counts seconds.
const LAST_SECOND: i64 = 253_402_300_799;
const NEVER: &str = "9999-12-31T23:59:59Z";

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

//! Instants as people and platforms write them: RFC 3339, kept as written. What lies after the last one that we can
//! represent means *never*: most vendors write `9999-12-31T23:59:59Z` for it.

use std::{borrow::Cow, fmt};

use jiff::{Timestamp, civil};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant as it was written, not yet looked at. It goes out in UTC; never, and what can't be understood, as it was written.
///
/// The API server lets more through than can be read at first observation: a day's 26th hour of offset, ten decimals. A resource
/// stays readable whatever text it has; what can't be understood is said of that field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instant(Cow<'static, str>);

/// When an instant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Then.
    At(Timestamp),
    /// After everything that has a time.
    Never,
}

impl Instant {
    /// An instant of this text.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// When it is; `None` where the text isn't an instant.
    pub fn moment(&self) -> Option<Moment> {
        Moment::parse(&self.0)
    }

    /// Reads one, and refuses what isn't an instant.
    ///
    /// # Errors
    /// The text is no instant.
    pub fn checked<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Self>, D::Error> {
        let instant = Option::<Self>::deserialize(from)?;
        match instant {
            Some(instant) if instant.moment().is_none() => Err(de::Error::custom("no instant")),
            instant => Ok(instant),
        }
    }
}

impl Moment {
    /// Reads RFC 3339, and whatever else the API server takes for `format: date-time`: any fraction, any offset.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(instant) = text.parse() {
            return Some(Self::At(instant));
        }
        let mut parts = text.split(['T', 't']);
        let (date, time) = (parts.next()?, parts.next()?);
        let date: civil::Date = date.parse().ok().filter(|_| is_plain(date))?;
        let seconds = date.duration_since(civil::date(1970, 1, 1)).as_secs();
        let (seconds, nanoseconds) =
            time_of_day(time).map(|(second, nanoseconds)| (seconds + second, nanoseconds))?;
        let last = Timestamp::MAX;
        if (seconds, nanoseconds) > (last.as_second(), last.subsec_nanosecond()) {
            return Some(Self::Never);
        }
        Timestamp::new(seconds, nanoseconds).ok().map(Self::At)
    }

    /// The time, unless it is never.
    pub fn time(self) -> Option<Timestamp> {
        match self {
            Self::At(time) => Some(time),
            Self::Never => None,
        }
    }

    /// Reads an instant of which only the time counts: never is none.
    ///
    /// # Errors
    /// The text is no instant.
    pub fn timed<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
        let instant = Instant::checked(from)?;
        Ok(instant.and_then(|instant| instant.moment()?.time()))
    }
}

/// `2026-12-01`, and no other way to write a day.
fn is_plain(date: &str) -> bool {
    date.len() == 10 && date.bytes().filter(u8::is_ascii_digit).count() == 8
}

/// Seconds since midnight UTC, which an offset may put on another day, and nanoseconds.
fn time_of_day(text: &str) -> Option<(i64, i32)> {
    let number = |text: &str, most: i64| -> Option<i64> {
        let plain = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse().ok().filter(|value| plain && *value <= most)
    };
    let colon = |at: usize| text.get(at..=at) == Some(":");
    let hours = number(text.get(..2)?, 23)?;
    let minutes = number(text.get(3..5)?, 59)?;
    let seconds = number(text.get(6..8)?, 59)?;
    let rest = text.get(8..).filter(|_| colon(2) && colon(5))?;
    let (fraction, offset) = if let Some(fraction) = rest.strip_suffix(['Z', 'z']) {
        (fraction, 0)
    } else {
        let (fraction, zone) = rest.split_at_checked(rest.len().checked_sub(6)?)?;
        let sign = match zone.get(..1)? {
            "+" => 1,
            "-" => -1,
            _ => return None,
        };
        let (hours, minutes) = zone.get(1..)?.split_once(':')?;
        let offset = number(hours, 99)? * 3600 + number(minutes, 99)? * 60;
        (fraction, sign * offset)
    };
    let nanoseconds = nanoseconds(fraction)?;
    Some((hours * 3600 + minutes * 60 + seconds - offset, nanoseconds))
}

/// The first nine digits of a fraction, after whatever sign stands for the point.
fn nanoseconds(fraction: &str) -> Option<i32> {
    let mut signs = fraction.chars();
    if signs.next().is_none() {
        return Some(0);
    }
    let digits = signs.as_str();
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
    nine.parse().ok().filter(|_| plain)
}

impl From<Timestamp> for Instant {
    fn from(time: Timestamp) -> Self {
        Self::new(time.to_string())
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.moment() {
            Some(Moment::At(time)) => time.serialize(serializer),
            Some(Moment::Never) | None => serializer.serialize_str(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

impl JsonSchema for Instant {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::At(text.parse().expect("an instant"))
    }

    #[test]
    fn what_lies_after_all_that_can_be_represented_means_never() {
        for text in [
            "9999-12-31T23:59:59Z",
            "9999-12-31t23:59:59z",
            "9999-12-31T23:59:59.9999999Z",
            "9999-12-31T23:59:59.9999999999999Z",
            "9999-12-31T23:59:59+00:00",
            "9999-12-31T23:59:59-26:30",
            "9999-12-30T23:59:59+01:00",
        ] {
            assert_eq!(Moment::parse(text), Some(Moment::Never), "{text}");
            assert_eq!(Instant::new(text.to_owned()).as_str(), text);
        }
        assert!(at("9999-12-30T22:00:00Z") < Moment::Never);
    }

    #[test]
    fn what_the_api_server_takes_for_an_instant_is_read() {
        for (text, means) in [
            ("2026-12-01T09:00:00Z", "2026-12-01T09:00:00Z"),
            (
                "2026-12-01T09:00:00.1234567891Z",
                "2026-12-01T09:00:00.123456789Z",
            ),
            ("2026-12-01T09:00:00,5Z", "2026-12-01T09:00:00.5Z"),
            ("2026-12-01T09:00:00+26:30", "2026-11-30T06:30:00Z"),
            ("2026-12-01T09:00:00-99:99", "2026-12-05T13:39:00Z"),
            ("2026-12-01T09:00:00ZTail", "2026-12-01T09:00:00Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("2026-12-01t09:00:00z", "2026-12-01T09:00:00Z"),
        ] {
            assert_eq!(Moment::parse(text), Some(at(means)), "{text}");
        }
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "",
            "never",
            "9999",
            "9999-12-31",
            "9999-12-32T00:00:00Z",
            "9999-13-01T00:00:00Z",
            "9999-12-31T24:00:00Z",
            "9999-12-31T23:59:59",
            "9999-12-31T23:59:59.Z",
            "9999-12-31T23:59:59é",
            "99999-12-31T23:59:59Z",
            "9999-12-31T23:59:59+1:00",
            "9999-12-31T23-59-59Z",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}

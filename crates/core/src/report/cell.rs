//! One value of a report: exact for programs, short for people.

use jiff::{Timestamp, civil::Date};
use serde_json::{Number, Value, json};

use crate::api::quantity::{Credits, display_bytes};

/// One value of a report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Not known, or not there.
    Empty,
    /// Words; what a person or a platform wrote is always one of these.
    Text(String),
    /// Several words.
    List(Vec<String>),
    /// A number of things.
    Count(u64),
    /// Bytes.
    Size(u64),
    /// Credits in thousandths.
    Credits(u64),
    /// Whole percent.
    Percent(u32),
    /// An instant.
    Time(Timestamp),
    /// A day.
    Day(Date),
    /// Whether it is so.
    Truth(bool),
}

impl Cell {
    /// Of something that may not be there.
    pub fn of<T>(value: Option<T>, cell: impl Fn(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }

    /// Of words that may not be there.
    pub fn text(value: Option<&str>) -> Self {
        match value {
            Some(text) if !text.is_empty() => Self::Text(text.to_owned()),
            _ => Self::Empty,
        }
    }

    /// For a person: rounded, with a unit, `-` where there is nothing.
    pub fn shown(&self) -> String {
        match self {
            Self::Empty => "-".to_owned(),
            Self::List(words) if words.is_empty() => "-".to_owned(),
            Self::List(words) => words.join(","),
            Self::Size(bytes) => display_bytes(*bytes),
            Self::Percent(percent) => format!("{percent}%"),
            Self::Time(at) => at.strftime("%Y-%m-%d %H:%MZ").to_string(),
            Self::Truth(true) => "yes".to_owned(),
            Self::Truth(false) => "no".to_owned(),
            Self::Text(_) | Self::Count(_) | Self::Credits(_) | Self::Day(_) => self.plain(),
        }
    }

    /// For a program that reads text: exact, without a unit, empty where there is nothing.
    pub fn plain(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Text(text) => text.clone(),
            Self::List(words) => words.join(","),
            Self::Count(number) | Self::Size(number) => number.to_string(),
            Self::Credits(milli) => amount(*milli).to_string(),
            Self::Percent(percent) => percent.to_string(),
            Self::Time(at) => at.to_string(),
            Self::Day(day) => day.to_string(),
            Self::Truth(truth) => truth.to_string(),
        }
    }

    /// For a program that reads JSON: numbers are numbers, `null` where there is nothing.
    pub fn json(&self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::List(words) => json!(words),
            Self::Count(number) | Self::Size(number) => json!(number),
            // Three decimals at most, so the text is a JSON number.
            Self::Credits(_) => self
                .plain()
                .parse::<Number>()
                .map_or(Value::Null, Value::Number),
            Self::Percent(percent) => json!(percent),
            Self::Truth(truth) => json!(truth),
            Self::Text(_) | Self::Time(_) | Self::Day(_) => Value::String(self.plain()),
        }
    }

    /// Whether it is a figure, which stands at the right.
    pub fn is_figure(&self) -> bool {
        matches!(
            self,
            Self::Count(_) | Self::Size(_) | Self::Credits(_) | Self::Percent(_)
        )
    }

    /// Whether words of others are in it, which a spreadsheet might take for a formula.
    pub fn is_words(&self) -> bool {
        matches!(self, Self::Text(_) | Self::List(_))
    }

    /// The sum of two; what isn't known adds nothing.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Count(one), Self::Count(more)) => Self::Count(one.saturating_add(*more)),
            (Self::Size(one), Self::Size(more)) => Self::Size(one.saturating_add(*more)),
            (Self::Credits(one), Self::Credits(more)) => Self::Credits(one.saturating_add(*more)),
            (Self::Empty, other) => other.clone(),
            (one, _) => one.clone(),
        }
    }
}

fn amount(milli: u64) -> Credits {
    Credits::from_milli(i64::try_from(milli).unwrap_or(i64::MAX))
}

//! Calendar months, in which consumption is kept, and periods of them.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use thiserror::Error;

/// A calendar month, as status writes it: `2026-10`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(String);

/// A date that no report can begin or end at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MonthError {
    /// Neither a month nor a day.
    #[error("{0:?} is neither a month nor a day. Write 2026-10 or 2026-10-15.")]
    Malformed(String),
    /// The end is before the beginning.
    #[error("the period ends in {to}, before it begins in {from}. Give --from the earlier one.")]
    Backwards {
        /// The first month.
        from: String,
        /// The last month.
        to: String,
    },
}

impl Month {
    /// Of `2026-10` or of a day in it.
    pub fn parse(text: &str) -> Result<Self, MonthError> {
        let day = if text.len() == 7 {
            format!("{text}-01")
        } else {
            text.to_owned()
        };
        match day.parse::<Date>() {
            Ok(day) if text.len() == 7 || text.len() == 10 => Ok(Self::of(day)),
            _ => Err(MonthError::Malformed(text.to_owned())),
        }
    }

    /// The one of a day.
    pub fn of(day: Date) -> Self {
        Self(day.strftime("%Y-%m").to_string())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Months from one to another, each with all its days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Period {
    /// The first; what is known from the first on when absent.
    pub from: Option<Month>,
    /// The last; up to now when absent.
    pub to: Option<Month>,
}

impl Period {
    /// From the words of a person.
    pub fn parse(from: Option<&str>, to: Option<&str>) -> Result<Self, MonthError> {
        let (from, to) = (
            from.map(Month::parse).transpose()?,
            to.map(Month::parse).transpose()?,
        );
        match (&from, &to) {
            (Some(first), Some(last)) if last < first => Err(MonthError::Backwards {
                from: first.0.clone(),
                to: last.0.clone(),
            }),
            _ => Ok(Self { from, to }),
        }
    }

    /// The months that the last 90 days touch.
    pub fn of_90_days(now: Timestamp) -> Self {
        let today = now.to_zoned(TimeZone::UTC).date();
        let first = today.checked_sub(89.days()).unwrap_or(today);
        Self {
            from: Some(Month::of(first)),
            to: Some(Month::of(today)),
        }
    }

    /// Whether no bound was given.
    pub fn is_unbounded(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether a month is in it.
    pub fn contains(&self, month: &str) -> bool {
        self.from.as_ref().is_none_or(|from| month >= from.as_str())
            && self.to.as_ref().is_none_or(|to| month <= to.as_str())
    }
}

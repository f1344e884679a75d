//! Kubernetes quantities, read exactly: sizes in bytes, rates in bits per second, credits in thousandths, counts, percent.
//!
//! A quantity keeps the user's own text, so what goes back into YAML is what came out of it. Two quantities are compared
//! by what they amount to ([`Quantity::amount`]), never by text.

#[cfg(test)]
mod tests;
mod text;
mod unit;
mod wire;

use std::{borrow::Cow, fmt, marker::PhantomData, str::FromStr};

pub use text::{display_bytes, format_bytes};
use text::{format_thousandths, parse};
pub use unit::{BitsPerSecond, Bytes, PercentThousandths, Thousandths, Unit, Whole};

/// A size in bytes: `500Gi`, `1.5Ti`, `20T`, `1073741824`.
pub type Size = Quantity<Bytes>;
/// A rate in bits per second: `20M`, `1G`, `64000`.
pub type Rate = Quantity<BitsPerSecond>;
/// Credits (consumption units) with up to three decimals: `50`, `12.5`.
pub type Credits = Quantity<Thousandths>;
/// A whole number of things: `25`.
pub type Count = Quantity<Whole>;
/// A percentage from 0 to 100 with up to three decimals: `98`, `99.5`.
pub type Percent = Quantity<PercentThousandths>;

/// An amount as the user wrote it, of a unit known to the type. Empty text means "clear it on the platform".
pub struct Quantity<U> {
    text: Cow<'static, str>,
    unit: PhantomData<U>,
}

/// Why a text is no quantity of its unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text is empty, which clears a setting and is no amount.
    #[error(
        "the quantity is empty, which clears the setting: there is no amount to read; write {wanted}"
    )]
    Empty {
        /// What is wanted.
        wanted: &'static str,
    },
    /// The text isn't a number with a known suffix.
    #[error(
        "{text:?} is not {wanted}: digits, at most three decimals, then a suffix of the unit; correct the value"
    )]
    Malformed {
        /// What was written.
        text: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// The amount is finer than the unit's smallest step.
    #[error("{text:?} has more decimal places than can be stored: write {wanted}")]
    TooFine {
        /// What was written.
        text: String,
        /// What is wanted.
        wanted: &'static str,
    },
    /// The amount is larger than the largest accepted one.
    #[error("{text:?} is larger than {maximum}, the most that is accepted: write {wanted}")]
    TooLarge {
        /// What was written.
        text: String,
        /// The most that is accepted.
        maximum: &'static str,
        /// What is wanted.
        wanted: &'static str,
    },
}

impl<U> Quantity<U> {
    /// A quantity of this text, not yet parsed.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            text: text.into(),
            unit: PhantomData,
        }
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it says "clear it on the platform".
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl<U: Unit> Quantity<U> {
    /// The amount in the unit's smallest steps.
    pub fn amount(&self) -> Result<u64, QuantityError> {
        parse::<U>(&self.text)
    }
}

impl Size {
    /// The size in bytes; a fraction of a byte (as in `1.2Ti`) counts as a whole one, as everywhere in Kubernetes.
    pub fn bytes(&self) -> Result<u64, QuantityError> {
        self.amount()
    }

    /// The shortest exact binary quantity: 332859965440 bytes are `310Gi`, 1500 bytes are `1500`.
    pub fn from_bytes(bytes: u64) -> Self {
        Self::new(format_bytes(bytes))
    }
}

impl Rate {
    /// The rate in bits per second.
    pub fn bits_per_second(&self) -> Result<u64, QuantityError> {
        self.amount()
    }

    /// The shortest exact decimal quantity: 20000000 bits per second are `20M`.
    pub fn from_bits_per_second(rate: u64) -> Self {
        let exact =
            ["T", "G", "M", "k"]
                .iter()
                .zip([1_000_000_000_000, 1_000_000_000, 1_000_000, 1000]);
        let found = exact
            .into_iter()
            .find(|(_, factor)| rate != 0 && rate.is_multiple_of(*factor));
        Self::new(found.map_or_else(
            || rate.to_string(),
            |(suffix, factor)| format!("{}{suffix}", rate / factor),
        ))
    }
}

impl Credits {
    /// The credits in thousandths.
    pub fn milli(&self) -> Result<i64, QuantityError> {
        self.amount().map(u64::cast_signed)
    }

    /// Plain decimal text: 41500 thousandths are `41.5`. A negative amount becomes 0: there are no negative credits.
    pub fn from_milli(milli: i64) -> Self {
        Self::new(format_thousandths(u64::try_from(milli).unwrap_or(0)))
    }
}

impl Count {
    /// The number.
    pub fn count(&self) -> Result<u64, QuantityError> {
        self.amount()
    }

    /// The number as text.
    pub fn from_count(count: u64) -> Self {
        Self::new(count.to_string())
    }
}

impl Percent {
    /// The percentage in thousandths: `99.5` is 99500.
    pub fn milli(&self) -> Result<u64, QuantityError> {
        self.amount()
    }
}

impl<U> Clone for Quantity<U> {
    fn clone(&self) -> Self {
        Self::new(self.text.clone())
    }
}

impl<U> Default for Quantity<U> {
    fn default() -> Self {
        Self::new("")
    }
}

impl<U> PartialEq for Quantity<U> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<U> Eq for Quantity<U> {}

impl<U> fmt::Debug for Quantity<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, formatter)
    }
}

impl<U> fmt::Display for Quantity<U> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

impl<U: Unit> FromStr for Quantity<U> {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::<U>(text).map(|_| Self::new(text.to_owned()))
    }
}

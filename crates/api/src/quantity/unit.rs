//! What quantities count, and how finely.

/// What a quantity counts, and how finely.
pub trait Unit {
    /// Smallest steps in one unit: 1, or 1000 where three decimals are kept.
    const STEPS: u64;
    /// Largest amount in steps.
    const MAXIMUM: u64;
    /// Largest amount as text, for messages and for the schema's rule.
    const MAXIMUM_TEXT: &'static str;
    /// Suffixes that make sense for it.
    const SUFFIXES: &'static [&'static str];
    /// Whether the text may be empty, which clears the setting on the platform.
    const CLEARABLE: bool;
    /// What is wanted, with examples, for messages.
    const WANTED: &'static str;
}

/// Pattern of the text form, as narrow as a pattern can say it.
pub fn pattern<U: Unit>() -> String {
    let suffixes = U::SUFFIXES.join("|");
    let with_fraction = match (U::STEPS, suffixes.is_empty()) {
        (1, _) => format!(r"[0-9]{{1,19}}|[0-9]{{1,19}}(\.[0-9]{{1,3}})?({suffixes})"),
        (_, true) => r"[0-9]{1,19}(\.[0-9]{1,3})?".to_owned(),
        (_, false) => format!(r"[0-9]{{1,19}}(\.[0-9]{{1,3}})?({suffixes})?"),
    };
    let empty = if U::CLEARABLE { "?" } else { "" };
    format!("^({with_fraction}){empty}$")
}

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $steps:literal, $maximum:expr, $text:literal, $suffixes:expr, $clearable:literal, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name;

        impl Unit for $name {
            const STEPS: u64 = $steps;
            const MAXIMUM: u64 = $maximum;
            const MAXIMUM_TEXT: &'static str = $text;
            const SUFFIXES: &'static [&'static str] = &$suffixes;
            const CLEARABLE: bool = $clearable;
            const WANTED: &'static str = $wanted;
        }
    };
}

unit! {
    /// Bytes. The most is what every JSON reader still holds exactly (below 2^53).
    Bytes, 1, 8_000_000_000_000_000, "8P", ["k", "Ki", "M", "Mi", "G", "Gi", "T", "Ti", "P", "Pi"], true,
    "a size in bytes such as 500Gi, 1.5Ti or 20T"
}
unit! {
    /// Bits per second.
    BitsPerSecond, 1, 1_000_000_000_000_000, "1P", ["k", "Ki", "M", "Mi", "G", "Gi", "T"], true,
    "a rate in bits per second such as 20M or 1G"
}
unit! {
    /// Thousandths of a credit.
    Thousandths, 1000, 1_000_000_000_000, "1G", ["m", "k", "M"], true,
    "a number of credits such as 50 or \"12.5\""
}
unit! {
    /// Whole things.
    Whole, 1, 1_000_000_000, "1G", ["k", "M"], true,
    "a whole number such as 25"
}
unit! {
    /// Thousandths of a percent.
    PercentThousandths, 1000, 100_000, "100", [], false,
    "a percentage from 0 to 100 such as 98 or \"99.5\""
}

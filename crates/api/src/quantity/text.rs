//! Quantities as text: reading without floating point, and writing.

use super::{QuantityError, Unit};

/// The shortest exact binary quantity of so many bytes, such as `310Gi`.
pub fn format_bytes(bytes: u64) -> String {
    let found = BINARY
        .iter()
        .rev()
        .find(|(_, shift)| bytes != 0 && bytes.trailing_zeros() >= *shift);
    found.map_or_else(
        || bytes.to_string(),
        |(suffix, shift)| format!("{}{suffix}", bytes >> shift),
    )
}

/// So many bytes for a person to read, rounded to three digits: `310Gi`, `1.46Ti`, `0`.
pub fn display_bytes(bytes: u64) -> String {
    let Some((suffix, shift)) = BINARY.iter().rev().find(|(_, shift)| bytes >> shift > 0) else {
        return bytes.to_string();
    };
    let hundredths = (u128::from(bytes) * 100) >> shift;
    match hundredths {
        10_000.. => format!("{}{suffix}", hundredths / 100),
        1_000.. => format!("{}{suffix}", trim_decimals(hundredths / 10, 1)),
        _ => format!("{}{suffix}", trim_decimals(hundredths, 2)),
    }
}

const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];

pub(super) fn format_thousandths(milli: u64) -> String {
    trim_decimals(u128::from(milli), 3)
}

/// `scaled` with this many of its last digits after the point, trailing zeros dropped.
fn trim_decimals(scaled: u128, decimals: usize) -> String {
    let digits = format!("{scaled:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

fn factor(suffix: &str) -> Option<u128> {
    let decimal = |power| Some(1000 * 10_u128.pow(power));
    match suffix {
        "m" => Some(1),
        "" => decimal(0),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        binary => BINARY
            .iter()
            .find(|(name, _)| *name == binary)
            .map(|(_, shift)| 1000 << shift),
    }
}

/// Reads a text into smallest steps, without floating point.
pub(super) fn parse<U: Unit>(text: &str) -> Result<u64, QuantityError> {
    let malformed = || QuantityError::Malformed {
        text: text.to_owned(),
        wanted: U::WANTED,
    };
    let too_large = || QuantityError::TooLarge {
        text: text.to_owned(),
        maximum: U::MAXIMUM_TEXT,
        wanted: U::WANTED,
    };
    let too_fine = || QuantityError::TooFine {
        text: text.to_owned(),
        wanted: U::WANTED,
    };
    if text.is_empty() {
        return Err(QuantityError::Empty { wanted: U::WANTED });
    }
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number
        .split_once('.')
        .map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !fraction.is_none_or(|fraction| digits(fraction) && fraction.len() <= 3) {
        return Err(malformed());
    }
    if !suffix.is_empty() && !U::SUFFIXES.contains(&suffix) {
        return Err(malformed());
    }
    let factor = factor(suffix).ok_or_else(malformed)?;
    let whole: u128 = whole.parse().map_err(|_| too_large())?;
    let fraction: u128 = format!("{:0<3}", fraction.unwrap_or(""))
        .parse()
        .map_err(|_| malformed())?;
    // In thousandths of a thousandth of the unit: the number has three decimals and so has the factor.
    let fine = whole
        .checked_mul(1000)
        .and_then(|n| n.checked_add(fraction))
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(too_large)?;
    let step = 1_000_000 / u128::from(U::STEPS);
    let binary_fraction = suffix.ends_with('i');
    if !fine.is_multiple_of(step) && !binary_fraction {
        return Err(too_fine());
    }
    u64::try_from(fine.div_ceil(step))
        .ok()
        .filter(|amount| *amount <= U::MAXIMUM)
        .ok_or_else(too_large)
}

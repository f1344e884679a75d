//! Patterns and lengths used by more than one field. What every API server checks is said here once.

/// Name of an object of ours, which is also a label value: a DNS subdomain of at most 63 characters.
pub const OBJECT_NAME: &str = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
/// A word that can be part of a label: letters, digits, `-`, `_` and `.`, at most 63 characters.
pub const LABEL_WORD: &str = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$";
/// An e-mail address, loosely: the platform has the last word.
pub const EMAIL: &str = r"^[^@\s]+@[^@\s]+\.[^@\s]+$";
/// An e-mail address, or nothing, which clears it.
pub const EMAIL_OR_EMPTY: &str = r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$";
/// A country, ISO 3166-1 alpha-2.
pub const COUNTRY: &str = "^[A-Z]{2}$";
/// A time of day, 24 hours.
pub const TIME_OF_DAY: &str = "^([01][0-9]|2[0-3]):[0-5][0-9]$";
/// A colour as `#rgb` or `#rrggbb`, or nothing, which clears it.
pub const COLOUR_OR_EMPTY: &str = "^(#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}))?$";
/// A time zone of the IANA database.
pub const TIME_ZONE: &str = r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$";
/// A duration as Go writes it. The schema format `duration` alone would let `30d` through.
pub const DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$";
/// A month, `YYYY-MM`.
pub const MONTH: &str = "^[0-9]{4}-(0[1-9]|1[0-2])$";
/// A dotted path of spec fields.
pub const FIELD_PATH: &str = r"^[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*$";

/// The text, cut to at most so many characters, the last being an ellipsis: what status fields with a `maxLength` take.
pub fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars()
        .take(limit.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// The same by bytes, as the notes of events are counted.
pub fn shortened_bytes(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub('…'.len_utf8());
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end));
    format!("{}…", &text[..end.unwrap_or_default()])
}

/// Longest id of a remote object or account that status and annotation hold. Part of one would be another.
pub const ID_LENGTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::{shortened, shortened_bytes};

    #[test]
    fn texts_are_cut_by_characters_and_only_when_too_long() {
        assert_eq!(shortened("Müller", 6), "Müller");
        assert_eq!(shortened("Müller & Söhne", 6), "Mülle…");
    }

    #[test]
    fn notes_are_cut_by_bytes_between_characters() {
        assert_eq!(shortened_bytes("Müller", 7), "Müller");
        assert_eq!(shortened_bytes("Müller", 6), "Mü…");
        assert_eq!(shortened_bytes("MMüller", 6), "MM…");
        assert_eq!(shortened_bytes("ÄÖÜ", 4), "…");
    }
}

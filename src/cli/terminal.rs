//! Values on a terminal or in a log: a user that may write a customer's name must not be able to forge lines of ours.

use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    path::Path,
};

use super::Failure;

/// Prints. Whoever reads may have seen enough, as with `| head`.
///
/// # Errors
/// An output that can't be written to.
pub fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_ref()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Writes a file, and its folder where there is none.
///
/// # Errors
/// A place that can't be written to.
pub fn write(folder: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::new(format!(
            "{} can't be written: {error}. Name a folder that can.",
            path.display()
        ))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(|error| failed(&path, error))
}

/// A value in one line: characters that move the cursor, start a line or change the direction of writing are escaped.
pub fn line(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            // kubectl's way.
            '\u{1b}' => text.push_str("^["),
            character if is_unseen(character) => {
                // Writing to a String never fails.
                let _ = write!(text, "{}", character.escape_unicode());
            }
            character => text.push(character),
        }
    }
    text
}

/// A message of several lines: those after the first are indented, so that none of them looks like one of ours.
pub fn message(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n  ")
}

/// Control characters, separators of lines and paragraphs, and marks that change the direction.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    // R-N2
    #[test]
    fn what_could_forge_a_line_is_escaped_and_all_else_stays() {
        let cases = [
            ("Müller & Söhne 株式会社", "Müller & Söhne 株式会社"),
            ("a\r\u{1b}[2K\nb\tc", "a\\r^[[2K\\nb\\tc"),
            ("\u{0}\u{7f}\u{9b}2J", "\\u{0}\\u{7f}\\u{9b}2J"),
            ("a\u{202e}b\u{2028}c", "a\\u{202e}b\\u{2028}c"),
        ];
        for (value, shown) in cases {
            assert_eq!(line(value), shown);
        }
        assert_eq!(message("one\ntwo\r\n\u{1b}"), "one\n  two\n  ^[");
    }
}

//! CSV as RFC 4180 has it, which a spreadsheet opens without running anything in it. Serves R-D9.

use super::{cell::Cell, make::Table};

/// What makes a spreadsheet take a cell for a formula: `=`, `+`, `-`, `@` and the same in full width, also behind white space, which it
/// drops.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Where a spreadsheet may take a cell to end.
const ENDS: [char; 4] = [';', '\t', '\r', '\n'];

/// A table, its headings first, each line ended by CRLF.
pub fn csv(table: &Table) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    // Writing to a Vec never fails, and every row is as long as the headings.
    let _ = writer.write_record(table.headings.iter().map(|heading| heading.name));
    for row in &table.rows {
        let _ = writer.write_record(row.iter().map(harmless));
    }
    writer.into_inner().unwrap_or_default()
}

/// A value that is no formula: words that begin like one get an apostrophe, which a spreadsheet takes for "this is text". What
/// is a number stays one.
fn harmless(cell: &Cell) -> String {
    let text = cell.plain();
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    let begins_like_one =
        text.starts_with(['\t', '\r', '\n']) || text.trim_start().starts_with(FORMULA);
    if !cell.is_words() || is_number {
        return text;
    }
    let mut written = String::with_capacity(text.len() + 1);
    if begins_like_one {
        written.push('\'');
    }
    // A spreadsheet may take other ends of cells than a comma, and then knows nothing of the quotes around this one.
    let mut begins = false;
    for letter in text.chars() {
        if begins && FORMULA.contains(&letter) {
            written.push('\'');
        }
        begins = ENDS.contains(&letter) || (begins && letter.is_whitespace());
        written.push(letter);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    // R-D9: a spreadsheet that takes semicolons or tabs for the ends of cells begins another one within a cell.
    #[test]
    fn no_part_of_a_cell_begins_like_a_formula_either() {
        let told = |text: &str| harmless(&Cell::Text(text.to_owned()));
        for (name, written) in [
            ("a;=cmd()", "a;'=cmd()"),
            ("a; \t+1;@x", "a; \t'+1;'@x"),
            ("a\n-1", "a\n'-1"),
            ("a\t＝1", "a\t'＝1"),
            ("=a;=b", "'=a;'=b"),
            ("a-b=c; d", "a-b=c; d"),
            ("-1.5", "-1.5"),
        ] {
            assert_eq!(told(name), written);
        }
    }
}

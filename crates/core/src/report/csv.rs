//! CSV as RFC 4180 has it, which a spreadsheet opens without running anything in it. Serves R-D9.

use super::{cell::Cell, make::Table};

/// What makes a spreadsheet take a cell for a formula: `=`, `+`, `-`, `@` and the same in full width, also behind white space, which it
/// drops.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

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
    if cell.is_words() && begins_like_one && !is_number {
        format!("'{text}")
    } else {
        text
    }
}

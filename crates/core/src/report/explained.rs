//! Every column of every report, for the documentation.

use std::fmt::Write as _;

use super::{
    columns::{
        Choice::{Always, Asked, Usual},
        Column, Subject,
    },
    invoiced,
    listed::of_customers,
    sources,
};

/// Every column of every report, for the documentation.
pub fn explained() -> String {
    fn rows<Row>(text: &mut String, title: &str, columns: &[Column<Row>]) {
        // Writing to a String never fails.
        let _ = write!(
            text,
            "\n### {title}\n\n| Column | Shown | Meaning |\n|---|---|---|\n"
        );
        for column in columns {
            let shown = match column.choice {
                Always => "always",
                Usual => "unless others are named",
                Asked => "when named",
            };
            let _ = writeln!(text, "| `{}` | {shown} | {} |", column.name, column.doc);
        }
    }
    let mut text = String::new();
    for subject in [Subject::Usage, Subject::Customers, Subject::Health] {
        rows(&mut text, subject.word(), &of_customers(subject));
    }
    rows(&mut text, "health --by source", &sources::columns());
    text.push_str("\n### invoice\n\n| Column | Meaning |\n|---|---|\n");
    for (name, doc) in invoiced::columns() {
        let _ = writeln!(text, "| `{name}` | {doc} |");
    }
    text
}

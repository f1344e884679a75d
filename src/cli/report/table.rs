//! A report on a terminal.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ContentArrangement, Row, Table as Lines, TableStyle};

use crate::{
    cli::terminal,
    report::{Basis, Cell, Group, Report, Subject, Table},
};

/// Data sources named below the customers; `--by source` lists them all.
const SOURCES_SHOWN: usize = 20;

/// The whole report. Without a width no line is broken.
pub fn text(report: &Report, width: Option<u16>) -> String {
    if report.table.rows.is_empty() {
        return "No customer matches.\n".to_owned();
    }
    let all = match (report.subject, &report.sources) {
        (Subject::Sources, Some(sources)) => return of_sources(report, sources, usize::MAX, width),
        (_, sources) => sources,
    };
    let mut text = drawn(&report.table, usize::MAX, Some(&report.total), width);
    for (kind, groups) in [
        ("RESELLER", &report.by_reseller),
        ("PLATFORM", &report.by_platform),
    ] {
        if groups.len() > 1 {
            text.push('\n');
            text.push_str(&subtotals(kind, report, groups, width));
        }
    }
    if let Some(sources) = all {
        text.push('\n');
        text.push_str(&of_sources(report, sources, SOURCES_SHOWN, width));
    }
    text
}

/// Rows under headings and nothing else.
pub fn rows(table: &Table, width: Option<u16>) -> String {
    drawn(table, usize::MAX, None, width)
}

fn of_sources(report: &Report, sources: &Table, most: usize, width: Option<u16>) -> String {
    let basis = report.basis;
    if sources.rows.is_empty() {
        return format!("{}\n", basis.no_sources());
    }
    let mut text = drawn(sources, most, None, width);
    let more = sources.rows.len().saturating_sub(most);
    if more > 0 {
        // Writing to a String never fails.
        let _ = writeln!(
            text,
            " and {more} more data sources: holdfast report health --by source{}",
            if basis == Basis::Platforms {
                " --live"
            } else {
                ""
            }
        );
    }
    text
}

/// Rows under headings, the sum below them.
fn drawn(table: &Table, most: usize, total: Option<&Group>, width: Option<u16>) -> String {
    let mut lines = lines(
        table
            .headings
            .iter()
            .map(|heading| heading.title.to_owned()),
        width,
    );
    for row in table.rows.iter().take(most) {
        lines.add_row(Row::from(
            row.iter().map(|cell| terminal::line(&cell.shown())),
        ));
    }
    if let Some(total) = total.filter(|_| table.rows.len() > 1) {
        let sums = total
            .sums
            .iter()
            .enumerate()
            .map(|(at, sum)| match (at, sum) {
                (0, Cell::Empty) => format!("total of {}", total.customers),
                (0, sum) => format!("total of {}: {}", total.customers, sum.shown()),
                (_, Cell::Empty) => String::new(),
                (_, sum) => sum.shown(),
            });
        lines.add_row(Row::from(sums));
    }
    for at in 0..table.headings.len() {
        let figures = table.rows.iter().any(|row| row[at].is_figure());
        align(&mut lines, at, figures);
    }
    finished(&lines)
}

fn subtotals(kind: &str, report: &Report, groups: &[Group], width: Option<u16>) -> String {
    let headings = &report.table.headings;
    let summed: Vec<usize> = (0..headings.len())
        .filter(|at| report.total.sums[*at] != Cell::Empty)
        .collect();
    let titles = summed.iter().map(|at| headings[*at].title.to_owned());
    let first = [
        kind.to_owned(),
        "CUSTOMERS".to_owned(),
        "WITH FIGURES".to_owned(),
    ];
    let mut lines = lines(first.into_iter().chain(titles), width);
    for group in groups {
        let name = if group.name.is_empty() {
            "-"
        } else {
            &group.title
        };
        let first = [
            terminal::line(name),
            group.customers.to_string(),
            group.known.to_string(),
        ];
        let sums = summed.iter().map(|at| group.sums[*at].shown());
        lines.add_row(Row::from(first.into_iter().chain(sums)));
    }
    for at in 1..summed.len() + 3 {
        align(&mut lines, at, true);
    }
    finished(&lines)
}

fn lines(titles: impl Iterator<Item = String>, width: Option<u16>) -> Lines {
    let mut lines = Lines::new();
    lines.load_style(TableStyle::new()).set_header(titles);
    if let Some(width) = width {
        lines
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    lines
}

fn align(lines: &mut Lines, at: usize, right: bool) {
    if let Some(column) = lines.column_mut(at).filter(|_| right) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// The lines, without blanks at their ends.
fn finished(lines: &Lines) -> String {
    let lines = lines.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Heading;

    // R-D40
    #[test]
    fn the_sum_of_the_first_column_stands_beside_the_number_of_customers() {
        let heading = |name| Heading {
            name,
            title: name,
            doc: "",
        };
        let table = Table {
            headings: vec![heading("storage"), heading("clients")],
            rows: vec![vec![Cell::Size(1024), Cell::Count(2)]; 2],
        };
        let total = |first| Group {
            namespace: None,
            name: "total".into(),
            title: "total".into(),
            customers: 2,
            known: 2,
            sums: vec![first, Cell::Count(4)],
        };
        let drawn = |first| {
            let text = drawn(&table, 9, Some(&total(first)), None);
            text.lines().last().unwrap_or_default().trim().to_owned()
        };
        let summed = drawn(Cell::Size(2048));
        assert!(summed.starts_with("total of 2: 2Ki"), "{summed}");
        assert!(summed.ends_with('4'), "{summed}");
        assert!(!drawn(Cell::Empty).contains(':'));
    }
}

//! Invoice lines as a table. Serves R-N15.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    cell::Cell,
    html, json,
    make::{Heading, Table},
};
use crate::{
    api::plan::BillingUnit,
    invoice::{Line, State},
};

/// The columns: name, title, meaning.
const COLUMNS: [(&str, &str, &str); 14] = [
    ("month", "MONTH", "The month."),
    ("namespace", "NAMESPACE", "Namespace of the Customer."),
    ("name", "NAME", "Name of the Customer's resource."),
    (
        "reference",
        "REFERENCE",
        "The provider's own number, as seen last in the month.",
    ),
    ("platform", "PLATFORM", "The BackupPlatform."),
    (
        "reseller",
        "RESELLER",
        "The reseller directly in charge on these days.",
    ),
    (
        "sku",
        "SKU",
        "The provider's article number, from the ServicePlan.",
    ),
    (
        "unit",
        "UNIT",
        "What is counted: GiBMonth, Credit, Seat or Client.",
    ),
    ("quantity", "QUANTITY", "How much was used."),
    ("included", "INCLUDED", "How much is included in the price."),
    ("toBill", "TO BILL", "What goes beyond that."),
    ("days", "DAYS", "Days with a figure."),
    ("missing", "MISSING", "Days of the month that weren't seen."),
    (
        "state",
        "STATE",
        "final, incomplete (days are missing, or a part of the month was lost), or open (the month isn't over).",
    ),
];

/// The lines as rows.
pub fn invoice(month: &str, lines: &[Line]) -> Table {
    let heading = |(name, title, doc)| Heading { name, title, doc };
    Table {
        headings: COLUMNS.map(heading).to_vec(),
        rows: lines.iter().map(|line| row(month, line)).collect(),
    }
}

/// Name, title and meaning of each column, for the documentation.
pub(super) fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    COLUMNS.into_iter().map(|(name, _, doc)| (name, doc))
}

/// The document of an invoice: without an instant in it, so that a month that is over gives the same bytes for ever.
pub fn invoice_json(month: &str, table: &Table) -> Value {
    json!({
        "version": json::VERSION,
        "report": "invoice",
        "month": month,
        "columns": json::columns(&table.headings),
        "items": json::items(table),
    })
}

/// The lines as a page, with sums by SKU and unit; without an instant in it, too.
pub fn invoice_html(month: &str, rows: &Table, lines: &[Line]) -> String {
    let unsure = lines.iter().filter(|line| line.state != State::Final);
    let about = format!(
        "{} lines of {month}, of which {} aren't final.",
        lines.len(),
        unsure.count()
    );
    html::page("Invoice lines", &about, |page| {
        let sums = invoice_sums(lines);
        let caption = "What all customers used and are billed for.";
        html::section(page, "Sums", caption, |page| {
            html::table(page, &sums, None, "sku");
        });
        let caption = "One for each customer, reseller, SKU, unit and included quantity.";
        html::section(page, "Lines", caption, |page| {
            html::table(page, rows, None, "name");
        });
    })
}

/// What lines with one reseller, SKU and unit come to.
#[derive(Default)]
struct Sum {
    lines: u64,
    quantity: u64,
    to_bill: u64,
}

/// Lines of one reseller, SKU and unit added up.
pub fn invoice_sums(lines: &[Line]) -> Table {
    let mut sums: BTreeMap<_, Sum> = BTreeMap::new();
    for line in lines {
        let key = (line.reseller.as_deref(), line.sku.as_str(), line.unit);
        let sum = sums.entry(key).or_default();
        sum.lines += 1;
        sum.quantity = sum.quantity.saturating_add(line.quantity);
        sum.to_bill = sum.to_bill.saturating_add(line.to_bill);
    }
    let rows = sums.into_iter().map(|((reseller, sku, unit), sum)| {
        vec![
            Cell::text(reseller),
            Cell::text(Some(sku)),
            Cell::Text(unit.to_string()),
            Cell::Count(sum.lines),
            amount(unit, sum.quantity),
            amount(unit, sum.to_bill),
        ]
    });
    let heading = |(name, title, doc)| Heading { name, title, doc };
    let headings = [
        ("reseller", "RESELLER", "The reseller directly in charge."),
        ("sku", "SKU", "The provider's article number."),
        ("unit", "UNIT", "What is counted."),
        ("lines", "LINES", "How many lines."),
        ("quantity", "QUANTITY", "How much was used."),
        ("toBill", "TO BILL", "What goes beyond what is included."),
    ];
    Table {
        headings: headings.map(heading).to_vec(),
        rows: rows.collect(),
    }
}

/// Thousandths of a unit.
fn amount(unit: BillingUnit, milli: u64) -> Cell {
    match unit {
        BillingUnit::GiBMonth | BillingUnit::Credit => Cell::Credits(milli),
        BillingUnit::Seat | BillingUnit::Client => Cell::Count(milli / 1000),
    }
}

fn row(month: &str, line: &Line) -> Vec<Cell> {
    let (namespace, name) = line.customer.split_once('/').unwrap_or_default();
    let (_, platform) = line.platform.split_once('/').unwrap_or_default();
    let missing = line.missing.iter().map(ToString::to_string).collect();
    let amount = |milli| amount(line.unit, milli);
    vec![
        Cell::Text(month.to_owned()),
        Cell::text(Some(namespace)),
        Cell::text(Some(name)),
        Cell::text(line.reference.as_deref()),
        Cell::text(Some(platform)),
        Cell::text(line.reseller.as_deref()),
        Cell::text(Some(&line.sku)),
        Cell::Text(line.unit.to_string()),
        amount(line.quantity),
        amount(line.included),
        amount(line.to_bill),
        Cell::Count(line.days.into()),
        Cell::List(missing),
        Cell::Text(line.state.as_str().to_owned()),
    ]
}

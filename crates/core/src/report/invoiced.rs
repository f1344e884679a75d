//! Invoice lines as a table. Serves R-N15.

use serde_json::{Value, json};

use super::{
    cell::Cell,
    json,
    make::{Heading, Table},
};
use crate::{api::plan::BillingUnit, invoice::Line};

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

fn row(month: &str, line: &Line) -> Vec<Cell> {
    let (namespace, name) = line.customer.split_once('/').unwrap_or_default();
    let (_, platform) = line.platform.split_once('/').unwrap_or_default();
    let missing = line.missing.iter().map(ToString::to_string).collect();
    let amount = |milli: u64| match line.unit {
        BillingUnit::GiBMonth | BillingUnit::Credit => Cell::Credits(milli),
        BillingUnit::Seat | BillingUnit::Client => Cell::Count(milli / 1000),
    };
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

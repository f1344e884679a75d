//! Invoice lines as a table. Serves R-N15.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    cell::Cell,
    columns::ColumnError,
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

/// The columns of sums, of which the first is about their owner.
const SUMS: [(&str, &str, &str); 6] = [
    ("reseller", "RESELLER", "The reseller directly in charge."),
    ("sku", "SKU", "The provider's article number."),
    ("unit", "UNIT", "What is counted."),
    ("lines", "LINES", "How many lines."),
    ("quantity", "QUANTITY", "How much was used."),
    ("toBill", "TO BILL", "What goes beyond what is included."),
];
const PLATFORM: (&str, &str, &str) = ("platform", "PLATFORM", "The BackupPlatform.");

/// The lines as rows, with the columns that are named, in that order; with all where none is.
///
/// # Errors
/// A column that doesn't exist.
pub fn invoice(month: &str, lines: &[Line], named: &[String]) -> Result<Table, ColumnError> {
    let known = COLUMNS.map(|(name, ..)| name);
    let place = |name: &String| {
        let at = known.iter().position(|known| known == name);
        at.ok_or_else(|| ColumnError::of(name, &known))
    };
    let mut chosen: Vec<usize> = Vec::new();
    for at in named.iter().map(place) {
        let at = at?;
        if !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    if named.is_empty() {
        chosen.extend(0..known.len());
    }
    let heading = |at: &usize| {
        let (name, title, doc) = COLUMNS[*at];
        Heading { name, title, doc }
    };
    let cells = |line: &Line| {
        let row = row(month, line);
        chosen.iter().map(|at| row[*at].clone()).collect()
    };
    Ok(Table {
        headings: chosen.iter().map(heading).collect(),
        rows: lines.iter().map(cells).collect(),
    })
}

/// Name, title and meaning of each column, for the documentation.
pub(super) fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    COLUMNS.into_iter().map(|(name, _, doc)| (name, doc))
}

/// The document of an invoice: without an instant in it, so that a month that is over gives the same bytes for ever.
pub fn invoice_json(month: &str, table: &Table, lines: &[Line]) -> Value {
    json!({
        "version": json::VERSION,
        "report": "invoice",
        "month": month,
        "columns": json::columns(&table.headings),
        "items": json::items(table),
        "total": sums_json(&added_up(lines, |_| None)),
        "byReseller": sums_json(&added_up(lines, of_reseller)),
        "byPlatform": sums_json(&added_up(lines, of_platform)),
    })
}

/// The lines as a page, with sums by reseller, platform, SKU and unit; without an instant in it, too.
pub fn invoice_html(month: &str, rows: &Table, lines: &[Line]) -> String {
    let unsure = lines.iter().filter(|line| line.state != State::Final);
    let about = format!(
        "{} lines of {month}, of which {} aren't final.",
        lines.len(),
        unsure.count()
    );
    html::page("Invoice lines", &about, |page| {
        let caption = "What all customers used and are billed for.";
        let platforms: BTreeSet<&str> = lines.iter().map(|line| line.platform.as_str()).collect();
        let [reseller, platform, total] = invoice_sums(lines);
        for (by, sums) in &[total, reseller, platform] {
            // Of one alone it would say what the total says.
            if *by == "platform" && platforms.len() < 2 {
                continue;
            }
            let title = match *by {
                "reseller" => "By reseller",
                "platform" => "By platform",
                _ => "Total",
            };
            html::section(page, title, caption, |page| {
                html::table(page, sums, None, "sku");
            });
        }
        let caption = "One for each customer, reseller, SKU, unit and included quantity.";
        html::section(page, "Lines", caption, |page| {
            html::table(page, rows, None, "name");
        });
    })
}

/// What lines with one owner, SKU and unit come to.
#[derive(Default)]
struct Sum {
    lines: u64,
    quantity: u64,
    to_bill: u64,
}

/// The sums of an invoice: what they are by, and the lines added up. Each adds up to the total.
pub fn invoice_sums(lines: &[Line]) -> [(&'static str, Table); 3] {
    let by = |name, owner: fn(&Line) -> Owner<'_>| (name, table(name, &added_up(lines, owner)));
    let total = added_up(lines, |_| None);
    [
        by("reseller", of_reseller),
        by("platform", of_platform),
        ("total", table("", &total)),
    ]
}

/// Namespace and name of whom a sum is about; `None` of those who belong to none.
type Owner<'a> = Option<(&'a str, &'a str)>;

fn of_reseller(line: &Line) -> Owner<'_> {
    // A customer's reseller is in its own namespace.
    let (namespace, _) = line.customer.split_once('/').unwrap_or_default();
    Some((namespace, line.reseller.as_deref()?))
}

fn of_platform(line: &Line) -> Owner<'_> {
    line.platform.split_once('/')
}

type Sums<'a> = BTreeMap<(Owner<'a>, &'a str, BillingUnit), Sum>;

fn added_up<'a>(lines: &'a [Line], owner: impl Fn(&'a Line) -> Owner<'a>) -> Sums<'a> {
    let mut sums = Sums::new();
    for line in lines {
        let key = (owner(line), line.sku.as_str(), line.unit);
        let sum = sums.entry(key).or_default();
        sum.lines += 1;
        sum.quantity = sum.quantity.saturating_add(line.quantity);
        sum.to_bill = sum.to_bill.saturating_add(line.to_bill);
    }
    sums
}

/// Sums as rows, with a column for their owner where they have one.
fn table(by: &str, sums: &Sums<'_>) -> Table {
    let owners = sums.keys().filter_map(|(owner, ..)| *owner);
    let namespaces: BTreeSet<&str> = owners.map(|(namespace, _)| namespace).collect();
    let owner = |owner: &Owner<'_>| match owner {
        Some((namespace, name)) if namespaces.len() > 1 => {
            Cell::Text(format!("{namespace}/{name}"))
        }
        owner => Cell::text(owner.map(|(_, name)| name)),
    };
    let rows = sums.iter().map(|((whose, sku, unit), sum)| {
        vec![
            owner(whose),
            Cell::text(Some(sku)),
            Cell::Text(unit.to_string()),
            Cell::Count(sum.lines),
            amount(*unit, sum.quantity),
            amount(*unit, sum.to_bill),
        ]
    });
    let mut table = Table {
        headings: SUMS
            .map(|(name, title, doc)| Heading { name, title, doc })
            .to_vec(),
        rows: rows.collect(),
    };
    match by {
        "reseller" => {}
        "platform" => {
            let (name, title, doc) = PLATFORM;
            table.headings[0] = Heading { name, title, doc };
        }
        _ => {
            table.headings.remove(0);
            table.rows.iter_mut().for_each(|row| drop(row.remove(0)));
        }
    }
    table
}

/// Sums as JSON has them: in full, so that namesakes are told apart.
fn sums_json(sums: &Sums<'_>) -> Value {
    let item = |((owner, sku, unit), sum): (&(Owner<'_>, &str, BillingUnit), &Sum)| {
        json!({
            "name": owner.map(|(_, name)| name),
            "namespace": owner.map(|(namespace, _)| namespace),
            "sku": sku,
            "unit": unit.to_string(),
            "lines": sum.lines,
            "quantity": amount(*unit, sum.quantity).json(),
            "toBill": amount(*unit, sum.to_bill).json(),
        })
    };
    sums.iter().map(item).collect()
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

//! JSON, as docs/reports.md describes it. Serves R-D9, R-D40.

use serde_json::{Map, Value, json};

use super::make::{Group, Heading, Report, Table};

/// Rises when a member changes its meaning or goes away; new members don't raise it.
pub(super) const VERSION: u32 = 1;

/// The whole report.
pub fn json(report: &Report) -> Value {
    let headings = &report.table.headings;
    let period = &report.period;
    let months = report.months.iter().map(|(month, figures)| {
        let credits = figures
            .credits
            .map_or(super::Cell::Empty, super::Cell::Credits);
        json!({"month": month, "storage": figures.storage, "credits": credits.json()})
    });
    let filters: Map<String, Value> = report
        .filters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    let groups =
        |groups: &[Group]| -> Value { groups.iter().map(|group| sums(group, headings)).collect() };
    let mut whole = json!({
        "version": VERSION,
        "report": report.subject.word(),
        "source": report.basis.word(),
        "at": report.at,
        "period": {
            "from": period.from.as_ref().map(super::Month::as_str),
            "to": period.to.as_ref().map(super::Month::as_str),
        },
        "filters": filters,
        "columns": columns(headings),
        "items": items(&report.table),
        "total": sums(&report.total, headings),
        "byReseller": groups(&report.by_reseller),
        "byPlatform": groups(&report.by_platform),
        "months": months.collect::<Value>(),
    });
    if let Some(sources) = &report.sources {
        whole["dataSources"] = items(sources);
    }
    whole
}

/// What the columns say.
pub(super) fn columns(headings: &[Heading]) -> Value {
    let column = |heading: &Heading| json!({"name": heading.name, "title": heading.title, "description": heading.doc});
    headings.iter().map(column).collect()
}

/// One object a row.
pub(super) fn items(table: &Table) -> Value {
    let names = || table.headings.iter().map(|heading| heading.name.to_owned());
    let item = |row: &Vec<super::Cell>| -> Value {
        let members: Map<String, Value> = names().zip(row.iter().map(super::Cell::json)).collect();
        Value::Object(members)
    };
    table.rows.iter().map(item).collect()
}

fn sums(group: &Group, headings: &[Heading]) -> Value {
    let summed = headings
        .iter()
        .zip(&group.sums)
        .filter(|(_, sum)| **sum != super::Cell::Empty);
    let sums: Map<String, Value> = summed
        .map(|(heading, sum)| (heading.name.to_owned(), sum.json()))
        .collect();
    let name = Some(&group.name).filter(|name| !name.is_empty());
    json!({"name": name, "namespace": group.namespace, "customers": group.customers, "withFigures": group.known, "sums": sums})
}

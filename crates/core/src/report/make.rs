//! From resources to a report: filtered, sorted, with sums.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    basis::Basis,
    cell::Cell,
    columns::{self, Column, ColumnError, Subject},
    facts::{self, Facts, OfMonth},
    filter::Filter,
    health, listed,
    months::Period,
    resources::{Resources, Ways},
    sources::{self, Source},
};

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What it is about.
    pub subject: Subject,
    /// What it is made of.
    pub basis: Basis,
    /// About whom.
    pub filter: Filter,
    /// About when; unbounded: as status says it, now and for the last 90 or 30 days.
    pub period: Period,
    /// Columns by name; the usual ones when empty.
    pub columns: Vec<String>,
    /// Every column there is.
    pub all_columns: bool,
}

/// The heading of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// For programs.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// What it says.
    pub doc: &'static str,
}

/// Rows under headings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// The columns.
    pub headings: Vec<Heading>,
    /// The rows, sorted, each as long as the headings.
    pub rows: Vec<Vec<Cell>>,
}

/// The sum of some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The namespace that its name is in; `None` for those who belong to none.
    pub namespace: Option<String>,
    /// Whose; empty for those who belong to none.
    pub name: String,
    /// The same for people: with the namespace where there are several.
    pub title: String,
    /// Customers that it is about.
    pub customers: u64,
    /// Of these, those whose figures the sum knows.
    pub known: u64,
    /// By column; `Empty` where nothing can be added up.
    pub sums: Vec<Cell>,
}

/// A report.
#[derive(Debug, Clone)]
pub struct Report {
    /// What it is about.
    pub subject: Subject,
    /// What it was made of.
    pub basis: Basis,
    /// When it was made.
    pub at: Timestamp,
    /// The period that was asked for.
    pub period: Period,
    /// The filters, as given.
    pub filters: Vec<(&'static str, String)>,
    /// The rows.
    pub table: Table,
    /// For health: the data sources that are named.
    pub sources: Option<Table>,
    /// Of the data sources that it names, those that missed their objective.
    pub missed: usize,
    /// Everything.
    pub total: Group,
    /// By the reseller in charge.
    pub by_reseller: Vec<Group>,
    /// By platform.
    pub by_platform: Vec<Group>,
    /// Consumption of all, month by month.
    pub months: BTreeMap<String, OfMonth>,
    /// The customers that store most: name and bytes, the most first.
    pub top: Vec<(String, u64)>,
    /// The resellers whose customers store most: name and bytes, the most first; the name is empty for those without one.
    pub resellers: Vec<(String, u64)>,
}

/// Customers shown as those that store most.
const TOP: usize = 10;

/// Makes a report. Each estate is by itself: names in one say nothing about another.
pub fn make(estates: &[Resources], wish: &Wish, now: Timestamp) -> Result<Report, ColumnError> {
    let mut shown = listed::of_customers(wish.subject);
    let mut by_source = sources::columns();
    if wish.basis == Basis::Platforms {
        columns::always(&mut shown, "platform");
        columns::always(&mut by_source, "platform");
    }
    let (shown, by_source) = match wish.subject {
        Subject::Sources => (
            columns::chosen(shown, &[], false)?,
            columns::chosen(by_source, &wish.columns, wish.all_columns)?,
        ),
        _ => (
            columns::chosen(shown, &wish.columns, wish.all_columns)?,
            columns::chosen(by_source, &[], wish.all_columns)?,
        ),
    };
    let about_health = matches!(wish.subject, Subject::Health | Subject::Sources);
    let (mut rows, mut sources) = (Vec::new(), Vec::new());
    for resources in estates {
        gather(resources, wish, &mut rows, &mut sources);
    }
    sort(&mut rows, wish.subject);
    sources::order(&mut sources);
    let mut months = BTreeMap::new();
    for row in &rows {
        facts::add_months(&mut months, &row.figures.months);
    }
    if wish.period.is_unbounded() {
        let recent = Period::of_90_days(now);
        months.retain(|month, _| recent.contains(month));
    }
    let figures = figures(wish.subject);
    Ok(Report {
        subject: wish.subject,
        basis: wish.basis,
        at: now,
        period: wish.period.clone(),
        filters: wish.filter.told(),
        total: group((None, "total"), rows.iter(), &shown, &figures),
        by_reseller: groups(&rows, &shown, &figures, Facts::reseller),
        by_platform: groups(&rows, &shown, &figures, |row| row.platform.as_deref()),
        top: top(&rows),
        resellers: by_storage(&rows),
        months,
        missed: sources
            .iter()
            .filter(|source| !source.shown.missed.is_empty())
            .count(),
        sources: about_health.then(|| table(&sources, &by_source)),
        table: table(&rows, &shown),
    })
}

/// The customers that match, and their data sources if the report is about those.
fn gather(resources: &Resources, wish: &Wish, rows: &mut Vec<Facts>, sources: &mut Vec<Source>) {
    let ways = Ways::through(resources);
    let filter = &wish.filter;
    for customer in &resources.customers {
        let tenants = ways.tenants(customer);
        let mut row = Facts::of(customer, &ways, tenants);
        let asked: Vec<_> = tenants
            .iter()
            .copied()
            .filter(|tenant| filter.matches_tenant(tenant))
            .collect();
        let subscribed = !filter.is_about_tenants()
            || !asked.is_empty()
            || told(&row, tenants.is_empty(), filter);
        if !subscribed || !filter.matches(&row) {
            continue;
        }
        let only = filter.is_about_tenants().then_some(asked.as_slice());
        row.figures = facts::figures(customer, only, &wish.period);
        row.health = health::health(customer, only);
        if matches!(wish.subject, Subject::Health | Subject::Sources) {
            let whole = only.is_none();
            sources.extend(sources::of(customer, &row, &asked, whole));
        }
        rows.push(row);
    }
}

/// Whether a customer without tenants among the resources has by its status what a filter asks for.
fn told(row: &Facts, undeclared: bool, filter: &Filter) -> bool {
    let has = |wanted: Option<String>, words: &[String]| {
        wanted.is_none_or(|wanted| words.contains(&wanted))
    };
    undeclared
        && filter.edition.is_none()
        && has(filter.plan.clone(), &row.plans)
        && has(filter.region.clone(), &row.regions)
        && has(filter.tenant_type.map(|kind| kind.to_string()), &row.types)
}

/// Usage: the most storage first. Health: those with most to mend first. Customers: by name.
fn sort(rows: &mut [Facts], subject: Subject) {
    rows.sort_by_cached_key(|row| {
        let health = row.health.as_ref();
        let sources = health.and_then(|health| health.data_sources);
        let missing = sources.map_or(0, |sources| {
            let held = sources.held_to_objective.unwrap_or(sources.total);
            sources
                .meeting_objective
                .map_or(0, |meeting| held.saturating_sub(meeting))
        });
        let critical = health
            .and_then(|health| Some(health.alerts?.critical))
            .unwrap_or(0);
        let rank = match subject {
            Subject::Usage => (u64::MAX - row.figures.storage.unwrap_or(0), 0, 0),
            Subject::Customers => (0, 0, 0),
            Subject::Health | Subject::Sources => (
                u64::MAX - missing,
                u64::MAX - critical,
                u64::from(listed::success(row).unwrap_or(101)),
            ),
        };
        let place = (
            row.namespace.clone(),
            row.name.clone(),
            row.platform.clone(),
        );
        (rank, place)
    });
}

fn table<Row>(rows: &[Row], columns: &[Column<Row>]) -> Table {
    let heading = |column: &Column<Row>| Heading {
        name: column.name,
        title: column.title,
        doc: column.doc,
    };
    let cells = |row: &Row| columns.iter().map(|column| (column.cell)(row)).collect();
    Table {
        headings: columns.iter().map(heading).collect(),
        rows: rows.iter().map(cells).collect(),
    }
}

fn group<'a>(
    (namespace, name): (Option<&str>, &str),
    rows: impl Iterator<Item = &'a Facts>,
    columns: &[Column<Facts>],
    figures: &[Column<Facts>],
) -> Group {
    let mut group = Group {
        namespace: namespace.map(ToOwned::to_owned),
        name: name.to_owned(),
        title: name.to_owned(),
        customers: 0,
        known: 0,
        sums: vec![Cell::Empty; columns.len()],
    };
    for row in rows {
        group.customers += 1;
        for (sum, column) in group.sums.iter_mut().zip(columns) {
            let cell = (column.cell)(row);
            if is_amount(&cell) {
                *sum = sum.plus(&cell);
            }
        }
        group.known += u64::from(figures.iter().any(|column| is_amount(&(column.cell)(row))));
    }
    group
}

/// What can be added up.
fn is_amount(cell: &Cell) -> bool {
    matches!(cell, Cell::Count(_) | Cell::Size(_) | Cell::Credits(_))
}

/// The columns by which it is told whether anything is known of a customer, whichever of them are shown. What it may use is known of
/// those who have used nothing, too.
fn figures(subject: Subject) -> Vec<Column<Facts>> {
    let columns = listed::of_customers(subject).into_iter();
    let usual = columns.filter(|column| column.choice != columns::Choice::Asked);
    usual.filter(|column| column.name != "limit").collect()
}

fn groups<'a>(
    rows: &'a [Facts],
    columns: &[Column<Facts>],
    figures: &[Column<Facts>],
    of: impl Fn(&'a Facts) -> Option<&'a str>,
) -> Vec<Group> {
    let mut by_name: BTreeMap<(Option<&str>, &str), Vec<&Facts>> = BTreeMap::new();
    for row in rows {
        // Two namespaces may have resources of one name.
        let name = of(row);
        let place = (
            name.map(|_| row.namespace.as_str()),
            name.unwrap_or_default(),
        );
        by_name.entry(place).or_default().push(row);
    }
    let namespaces: BTreeSet<&str> = by_name.keys().filter_map(|(within, _)| *within).collect();
    let several = namespaces.len() > 1;
    let summed = |((within, name), rows): ((Option<&str>, &str), Vec<&'a Facts>)| {
        let mut group = group((within, name), rows.into_iter(), columns, figures);
        if let Some(within) = within.filter(|_| several) {
            group.title = format!("{within}/{name}");
        }
        group
    };
    by_name.into_iter().map(summed).collect()
}

fn top(rows: &[Facts]) -> Vec<(String, u64)> {
    let stored = rows
        .iter()
        .filter_map(|row| Some((row.customer.clone(), row.figures.storage?)));
    most(stored.collect())
}

fn by_storage(rows: &[Facts]) -> Vec<(String, u64)> {
    let storage = |column: &Column<Facts>| column.name == "storage";
    let columns: Vec<_> = listed::of_customers(Subject::Usage)
        .into_iter()
        .filter(storage)
        .collect();
    let groups = groups(rows, &columns, &columns, Facts::reseller).into_iter();
    let stored = groups.filter_map(|group| match group.sums.as_slice() {
        [Cell::Size(bytes)] => Some((group.title, *bytes)),
        _ => None,
    });
    most(stored.collect())
}

fn most(mut stored: Vec<(String, u64)>) -> Vec<(String, u64)> {
    stored.retain(|(_, bytes)| *bytes > 0);
    stored.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    stored.truncate(TOP);
    stored
}

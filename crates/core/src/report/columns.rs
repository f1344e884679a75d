//! The columns of each report, and which of them a person wants.

use thiserror::Error;

use super::cell::Cell;

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Consumption.
    Usage,
    /// Who the customers are.
    Customers,
    /// How their backups do.
    Health,
    /// Data sources, one a row.
    Sources,
}

impl Subject {
    /// As the command calls it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Customers => "customers",
            Self::Health => "health",
            Self::Sources => "sources",
        }
    }
}

/// A column of rows of some kind.
pub struct Column<Row> {
    /// Its name for `--columns`, CSV and JSON.
    pub name: &'static str,
    /// Its heading for people.
    pub title: &'static str,
    /// What it says.
    pub doc: &'static str,
    /// How it is chosen.
    pub choice: Choice,
    /// The value of a row.
    pub cell: fn(&Row) -> Cell,
}

impl<Row> Clone for Column<Row> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Row> Copy for Column<Row> {}

/// A column.
pub const fn column<Row>(
    name: &'static str,
    title: &'static str,
    doc: &'static str,
    choice: Choice,
    cell: fn(&Row) -> Cell,
) -> Column<Row> {
    Column {
        name,
        title,
        doc,
        choice,
        cell,
    }
}

/// How a column is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Always there.
    Always,
    /// There unless columns are named.
    Usual,
    /// Only when it is named, or all are wanted.
    Asked,
}

use Choice::{Always, Asked};

/// A column that doesn't exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("this report has no column {named:?}. Choose of: {known}.")]
pub struct ColumnError {
    named: String,
    known: String,
}

impl ColumnError {
    /// Of one that isn't among those known.
    pub fn of(named: &str, known: &[&str]) -> Self {
        Self {
            named: named.to_owned(),
            known: known.join(", "),
        }
    }
}

/// Makes a column one of those that are always there.
pub fn always<Row>(columns: &mut [Column<Row>], name: &str) {
    for column in columns.iter_mut().filter(|column| column.name == name) {
        column.choice = Always;
    }
}

/// Those that are wanted, in the order in which they were named. Those that are always there and weren't named come first.
pub fn chosen<Row>(
    columns: Vec<Column<Row>>,
    named: &[String],
    all: bool,
) -> Result<Vec<Column<Row>>, ColumnError> {
    if all {
        return Ok(columns);
    }
    if named.is_empty() {
        return Ok(columns
            .into_iter()
            .filter(|column| column.choice != Asked)
            .collect());
    }
    let unnamed = columns
        .iter()
        .filter(|column| column.choice == Always && !named.iter().any(|name| name == column.name));
    let mut chosen: Vec<Column<Row>> = unnamed.copied().collect();
    for name in named {
        let found = columns.iter().find(|column| column.name == name);
        let Some(found) = found else {
            let known: Vec<&str> = columns.iter().map(|column| column.name).collect();
            return Err(ColumnError::of(name, &known));
        };
        if !chosen.iter().any(|column| column.name == found.name) {
            chosen.push(*found);
        }
    }
    Ok(chosen)
}

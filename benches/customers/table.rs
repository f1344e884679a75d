//! The table for people.

use std::fmt::Display;

use super::counters::Counts;

/// Rows in the order they were measured, and what the counts are made of.
pub struct Table {
    title: String,
    rows: Vec<(String, String)>,
    details: Vec<(String, Counts)>,
}

impl Table {
    /// An empty table.
    pub fn new(customers: usize, tenants: usize) -> Self {
        Self {
            title: format!("{customers} customers, {tenants} tenants"),
            rows: Vec::new(),
            details: Vec::new(),
        }
    }

    /// Adds a figure.
    pub fn row(&mut self, what: &str, figure: impl Display) {
        let figure = figure.to_string();
        eprintln!("bench:   {what}: {figure}");
        self.rows.push((what.to_owned(), figure));
    }

    /// Adds what a count is made of.
    pub fn detail(&mut self, what: &str, counts: &Counts) {
        self.details.push((what.to_owned(), counts.clone()));
    }

    /// Prints it as Markdown, with the details below.
    pub fn print(&self) {
        println!("\n| {} | |\n|---|---|", self.title);
        for (what, figure) in &self.rows {
            println!("| {what} | {figure} |");
        }
        for (what, counts) in &self.details {
            println!("\n{what}:");
            for (name, count) in counts {
                println!("  {count:>7}  {name}");
            }
        }
    }
}

/// The middle one.
pub fn median(figures: &mut [i64]) -> i64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

//! Reports: rows made of the resources and their status, filtered, sorted and summed up, and written as CSV, JSON or HTML.
//! Serves R-D7, R-D8, R-D9, R-D15, R-D16, R-D40, R-N5.

mod basis;
mod cell;
mod chart;
mod columns;
mod csv;
mod escape;
mod explained;
mod facts;
mod filter;
mod health;
mod html;
mod invoiced;
mod json;
mod listed;
mod living;
mod make;
mod months;
mod resources;
mod sources;
#[cfg(test)]
mod tests;

pub use basis::Basis;
pub use cell::Cell;
pub use columns::{ColumnError, Subject};
pub use csv::csv;
pub use explained::explained;
pub use filter::{Filter, FilterError};
pub use html::html;
pub use invoiced::{invoice, invoice_html, invoice_json, invoice_sums};
pub use json::json;
pub use living::Living;
pub use make::{Group, Heading, Report, Table, Wish, make};
pub use months::{Month, MonthError, Period};
pub use resources::Resources;

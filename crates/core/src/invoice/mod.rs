//! What invoices are made of: the days of a month as they were seen, kept by platform and month, and the lines that follow from
//! them. Whole numbers only, so that the same days always give the same lines. Serves R-N15.

mod figure;
mod lines;
mod month;
mod shards;
#[cfg(test)]
mod tests;

pub use figure::{Day, Figure, Final};
pub use lines::{Line, State, lines};
pub use month::Month;
pub use shards::{KEY, ShardError, join, part, text};

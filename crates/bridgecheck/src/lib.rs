//! Judges somebody's bridge by the contract, `docs/bridge.openapi.yaml`, from outside: by what it answers.
//!
//! It uses nothing of ours. The driver believes what it must; this judges all that the contract says. It works in a namespace
//! of its own (names and references with a random prefix), never asks for a change of anything else, and removes what it made.

mod access;
mod changes;
mod contract;
mod creation;
mod discovery;
mod figures;
mod finding;
mod kind;
mod leaving;
mod line;
mod lists;
mod removal;
mod report;
mod requirement;
mod run;
mod session;

pub use contract::{Contract, Reply};
pub use report::{LeftBehind, Outcome, Report, Verdict};
pub use requirement::{ALL, Requirement};
pub use session::{Options, Session};

//! The whole of it, end to end: a real API server, the operator as a process, platforms as processes, and kubectl. One program,
//! one file a story.

use holdfast_testkit::Program;

mod adoption;
mod bad_input;
mod bad_platform;
mod cove;
mod cove_adopt;
mod cove_crash;
mod cove_said;
mod crash;
mod credits;
mod customers;
mod deletion;
mod dialect_process;
mod druva;
mod druva_faults;
mod example_bridge;
mod exported;
mod faults;
mod forecast;
mod halts;
mod invoice;
mod invoice_units;
mod kept;
mod ledger;
mod life;
mod main_job;
mod monitoring;
mod plan;
mod plan_refusals;
mod plan_yaml;
mod plugin;
mod proxy;
mod quota;
mod removal;
mod replicas;
mod report;
mod report_live;
mod required;
mod restart;
mod restraint;
mod rights;
mod sandbox;
mod tls;
mod toy_driver;
mod unreadable;
mod window;
mod woken;
mod written;

/// The program under test.
pub const HOLDFAST: Program = Program(env!("CARGO_BIN_EXE_holdfast"));

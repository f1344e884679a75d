//! The operator around the planner: watches the cluster, sweeps platforms, performs the planner's steps, writes status.
//! Decides nothing.

mod account;
mod asked;
mod bulkhead;
mod clock;
mod context;
mod controller;
mod duties;
mod embedding;
mod error;
mod events;
mod figures;
mod filling;
mod gather;
mod identity;
mod invoices;
mod keeper;
mod leadership;
mod lease;
mod marks;
mod memory;
mod metrics;
mod newest;
mod pass;
mod perform;
mod permits;
mod platform_controller;
mod platform_deletion;
mod platforms;
mod reach;
mod reporter;
mod run;
mod secrets;
mod serve;
mod settle;
pub mod simulation;
mod start;
mod status;
mod supplements;
mod sweeper;
mod takeovers;
mod unreadable;
mod wakers;
mod watches;
mod writes;

pub use run::{RunError, RunOptions, run};

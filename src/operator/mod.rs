//! The operator around the planner: watches the cluster, sweeps platforms, performs the planner's steps, writes status.
//! Decides nothing.

mod account;
mod context;
mod controller;
mod embedding;
mod error;
mod events;
mod filling;
mod gather;
mod identity;
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
mod run;
mod secrets;
mod serve;
mod settle;
mod status;
mod supplements;
mod sweeper;
mod unreadable;
mod wakers;
mod watches;
mod writes;

pub use run::{RunError, RunOptions, run};

//! The shell: watches the cluster, sweeps platforms, performs the planner's steps, writes status. Decides nothing.

mod around;
mod connect;
mod context;
mod controller;
mod deletions;
mod embedding;
mod events;
mod gather;
mod identity;
mod index;
mod inherited;
mod kinds;
mod lease;
mod memory;
mod metrics;
mod neighbours;
mod perform;
mod platform_controller;
mod platforms;
mod quotas;
mod recent;
mod run;
mod secrets;
mod serve;
mod stores;
mod supplements;
mod sweeper;
mod wakers;
mod watches;

pub use run::{RunError, RunOptions, run};

//! The shell: watches the cluster, sweeps platforms, performs the planner's steps, writes status. Decides nothing.

mod connect;
mod context;
mod controller;
mod deletions;
mod embedding;
mod events;
mod filling;
mod gather;
mod identity;
mod lease;
mod memory;
mod metrics;
mod operations;
mod perform;
mod platform_controller;
mod platforms;
mod recent;
mod run;
mod secrets;
mod serve;
mod supplements;
mod sweeper;
mod unreadable;
mod wakers;
mod watches;
mod writes;

pub use connect::limit;
pub use run::{RunError, RunOptions, run};

//! Holdfast: a Kubernetes operator that makes a backup platform match what is declared in YAML.
//!
//! Two modules, `operator` (the shell around the planner) and `cli` (the commands); the others are crates of their own:
//! `holdfast-api`, `holdfast-core`, `holdfast-platforms` and, as a feature, `holdfast-simulator`.

use holdfast_api as api;
use holdfast_core::{
    estate, export, inventory, invoice, planner, preview, report, survey, timeline,
};
use holdfast_platforms as platform;
#[cfg(feature = "simulator")]
use holdfast_simulator as embedded;

pub mod cli;
mod cluster;
mod connect;
pub mod operator;

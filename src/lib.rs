//! Holdfast: a Kubernetes operator that makes a backup platform match what is declared in YAML.
//!
//! The rooms, in the order in which they may use each other: `api` (the custom resources), `estate` (what a platform
//! holds), `rules` and `planner` (pure decisions), `platform` (the port and its adapters), `inventory` (the last complete
//! observation), `survey` (what is known, for one decision), `preview` and `export` (what would happen; a platform as
//! manifests), `operator` (the shell), `embedded` (the backup platform that comes with it), `cli` (the commands).

pub mod api;
pub mod cli;
pub mod embedded;
pub mod estate;
pub mod export;
pub mod inventory;
pub mod operator;
pub mod planner;
pub mod platform;
pub mod preview;
pub mod rules;
pub mod survey;

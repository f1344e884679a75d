//! What Holdfast knows and decides. This crate does no I/O and is not asynchronous; its dependencies offer neither.
//!
//! The modules, in the order in which they may use each other: `estate` (what a platform holds), `reply` (what a platform
//! answers), `rules`, `invoice` (the days and lines of a month), `inventory` (the last complete observation), `planner` (the next step), `survey` (what is known, for
//! one decision), `preview` (what would happen), `export` (a platform as manifests) and `report` (rows and figures).

use holdfast_api as api;

pub mod estate;
pub mod export;
pub mod inventory;
pub mod invoice;
pub mod planner;
pub mod preview;
pub mod reply;
pub mod report;
pub mod rules;
pub mod survey;
pub mod timeline;

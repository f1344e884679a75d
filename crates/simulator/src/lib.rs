//! The embedded backup platform: the reference server of the bridge contract over estates kept in SQLite, with simulated
//! clients that back up, and faults to order.
//!
//! A request goes through [`http`](self) into a transaction on the estate's one writer (changes) or on a reader
//! (everything else); `rules` say what the platform refuses, `simulation` invents what its clients did. The contract is
//! `docs/bridge.openapi.yaml`, from which bodies are checked. `druva` puts the same estate behind Druva's wire; `cove` keeps
//! an estate of its own form behind Cove's.

mod admission;
mod audit;
mod changes;
mod clock;
mod contract;
mod cove;
mod deletion;
mod documents;
mod druva;
mod estate;
mod faults;
mod figures;
mod fleet;
mod host;
mod http;
mod images;
mod item;
mod lineage;
mod problem;
mod random;
mod rows;
mod rules;
mod seed;
mod serve;
mod server;
mod simulation;
mod single;
mod store;
mod view;

pub use clock::Clock;
pub use cove::{CoveCredentials, CoveModes, CoveOptions, CovePlatform, Names};
pub use druva::{DruvaCredentials, DruvaOptions, DruvaPlatform};
pub use faults::{Action, Fate, Fault, Faults, Lie, Moment, Place, When};
pub use host::{EstateAccess, Host, HostOptions};
pub use serve::{Dialect, ServeOptions, serve};
pub use server::{HostError, Tls};
pub use store::StoreError;

use item::Kind;

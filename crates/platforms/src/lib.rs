//! The port to a backup platform: what the operator may ask of one, and how it can fail; and a driver for each platform. This
//! crate makes no decisions.
//!
//! Adding a platform is a folder here with a [`Driver`], its line in [`Registry::default`], and its field in `holdfast-api`.

mod breaker;
pub mod bridge;
mod budget;
pub mod cove;
mod document;
mod driver;
pub mod druva;
mod hooks;
pub mod http;
mod port;
mod registry;
mod retry_after;
pub mod rgw;
mod rows;
mod wire;

pub use breaker::{Breaker, BreakerPermit};
pub use budget::{Budget, BudgetShare, Budgets, Fingerprint, RateLimit};
pub use driver::{Driver, Opening, rate_limit};
pub use hooks::{RequestObserver, WriterGuard};
pub use port::{
    Beside, ByClaim, Clients, Deletion, Mail, Operations, Platform, Reports, Suspension,
};
pub use registry::Registry;

pub use holdfast_core::reply::{
    OperationState, PlatformError, Problem, ProblemKind, Rehearsal, Written,
};

use holdfast_api as api;
use holdfast_core::estate;

/// The lane of a request: people's edits overtake sweeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// A request that a resource waits for.
    Edit,
    /// Bulk reading.
    Sweep,
}

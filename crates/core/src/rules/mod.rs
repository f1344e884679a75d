//! Pure rules: each answers whether something is allowed, or which field forbids it and what to do.

mod access;
mod below;
mod dates;
mod deletion;
mod edition;
mod fixed;
mod hierarchy;
mod inherited;
mod location;
mod plan_fit;
mod product;
mod protected;
pub mod quota;
pub mod registry;
mod required;
mod scope;
mod throttle;
mod words;

pub use access::administrators;
pub use below::below;
pub use dates::quota_dates;
pub use deletion::{Below, deletion};
pub use edition::edition;
pub use fixed::fixed;
pub use hierarchy::{Chain, hierarchy};
pub use inherited::{Level, Requirement, Stated, effective, requirements};
pub use location::{answered_elsewhere, storage_location};
pub use plan_fit::plan_fit;
pub use product::{bare, offered};
pub use protected::{hands_off, protected};
pub use registry::{Refusal, Rule};
pub use required::required_limits;
pub use scope::writable;
pub use throttle::{Throttle, throttle};
pub use words::words;

//! Pure rules: each answers whether something is allowed, or which field forbids it and what to do.

mod deletion;
mod fixed;
mod scope;

pub use deletion::deletion;
pub use fixed::fixed;
pub use scope::{hands_off, not_acted_on, writable};

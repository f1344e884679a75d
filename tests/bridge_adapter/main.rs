//! The bridge adapter against a bridge that misbehaves, and against the embedded platform.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

mod embedded;
mod embedded_faults;
mod faults;
mod lists;
mod odd;
mod reading;
mod server;
mod stage;
mod writing;

//! The bridge driver against a bridge that misbehaves.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

mod faults;
mod lists;
mod odd;
mod reading;
mod server;
mod writing;

//! The Druva adapter against a Managed Services Center that misbehaves; every request is judged by the vendor's own contract.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

mod estate;
mod examples;
mod global_usage;
mod odd;
mod operations;
mod quotas;
mod reading;
mod reports;
mod server;
mod sweeps;
mod tenants;
mod tokens;
mod writing;

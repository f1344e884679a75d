//! The Druva driver against the simulator's Druva dialect; every request is judged by the vendor's own contract on the way.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

#[path = "../bridge_adapter/asking.rs"]
mod asking;
mod dialect;
#[allow(dead_code, reason = "the driver's own tests use the other half")]
#[path = "../../crates/platforms/tests/druva/estate.rs"]
mod estate;
mod garbled;
mod global_usage;
mod quotas;
#[allow(dead_code, reason = "the driver's own tests use the other half")]
#[path = "../../crates/platforms/tests/druva/server.rs"]
mod server;

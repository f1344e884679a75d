//! The bridge driver against the simulator's bridge.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

mod asking;
mod embedded;
mod embedded_faults;
mod garbled;
#[allow(dead_code, reason = "the driver's own tests use the other half")]
#[path = "../../crates/platforms/tests/bridge/server.rs"]
mod server;
mod stage;

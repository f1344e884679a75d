//! The Cove driver against the simulator's Cove dialect; every request and answer is judged by the contract on the way.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

mod columns;
mod creation;
mod deployment;
mod login;
mod reading;
mod removal;
mod reports;
mod session;
mod stage;
mod writing;

//! `holdfast platform serve`: the reference platform as its own process.

use super::Failure;

/// The reference platform's commands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {}

/// Serves until stopped.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {}
}

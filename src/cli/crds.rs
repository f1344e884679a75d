//! `holdfast crds`: the custom resource definitions.

use std::path::PathBuf;

use super::{Failure, terminal};
use crate::api;

/// What `holdfast crds` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast crds | kubectl apply --server-side -f -
  holdfast crds --out crds")]
pub struct Arguments {
    /// Write one file per kind into this directory instead of printing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints or writes the definitions.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    for (name, text) in api::crd_files() {
        match &arguments.out {
            None => terminal::print(format!("---\n{text}"))?,
            Some(folder) => terminal::write(folder, &name, &text)?,
        }
    }
    Ok(())
}

//! `holdfast completion` and `holdfast manual`: what shells and manuals know of the commands.

use std::{io::Write, path::PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Arguments, Failure};

/// What `holdfast completion` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  source <(holdfast completion bash)
  holdfast completion zsh > \"${fpath[1]}/_holdfast\"
  holdfast completion fish > ~/.config/fish/completions/holdfast.fish")]
pub struct Completion {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// What `holdfast manual` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  holdfast manual --out /usr/local/share/man/man1")]
pub struct Manual {
    /// Write the pages into this directory
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Prints the script.
pub fn complete(arguments: &Completion) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "holdfast",
        &mut script,
    );
    std::io::stdout().write_all(&script)?;
    Ok(())
}

/// Writes the pages.
pub fn write_manual(arguments: &Manual) -> Result<(), Failure> {
    std::fs::create_dir_all(&arguments.out)?;
    clap_mangen::generate_to(Arguments::command(), &arguments.out)?;
    Ok(())
}

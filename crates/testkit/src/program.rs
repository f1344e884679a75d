//! The program under test.

use std::{
    ffi::OsStr,
    process::{Command, Output},
};

/// The program under test, by its path: `Program(env!("CARGO_BIN_EXE_holdfast"))`, which only its own package's tests know.
#[derive(Debug, Clone, Copy)]
pub struct Program(pub &'static str);

impl Program {
    /// A command line that begins with it.
    pub fn command(self) -> Command {
        Command::new(self.0)
    }

    /// Runs a command of it to its end.
    pub fn run<Argument: AsRef<OsStr>>(self, arguments: &[Argument]) -> Output {
        let mut command = self.command();
        command.args(arguments).output().expect("the command runs")
    }
}

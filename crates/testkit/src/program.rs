//! The program under test.

use std::{
    ffi::OsStr,
    path::Path,
    process::{Command, Output},
    time::SystemTime,
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

/// Puts a file in the place of another in one step, so that the program never reads half of it; it is newer than the other.
pub(crate) fn replace(path: &Path, content: &str) {
    let next = path.with_extension("next");
    std::fs::write(&next, content).expect("written");
    std::fs::File::open(&next)
        .expect("opened")
        .set_modified(SystemTime::now())
        .expect("set");
    std::fs::rename(next, path).expect("renamed");
}

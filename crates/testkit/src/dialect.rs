//! The simulator behind a vendor's wire, as a process of its own with injected faults.

use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::{
    Program, local,
    operator::{eventually, free_port},
    program::replace,
};

/// Bearer token of the console.
pub const TOKEN: &str = "console-token-of-the-tests";

/// A running dialect; ends when dropped.
pub struct Dialect {
    /// Where it is.
    pub url: String,
    directory: TempDir,
    process: Child,
}

impl Dialect {
    /// Starts one on a new estate, with the credentials that these variables tell.
    pub async fn start(program: Program, word: &str, variables: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let address = format!("127.0.0.1:{}", free_port());
        let faults = directory.path().join("faults.yaml");
        std::fs::write(&faults, "[]").expect("written");
        let process = program
            .command()
            .args(["platform", "serve", "--dialect", word])
            .args(["--listen", &address])
            .args([
                "--data".as_ref(),
                directory.path().join("estate.sqlite").as_os_str(),
            ])
            .args(["--faults".as_ref(), faults.as_os_str()])
            .env("HOLDFAST_PLATFORM_TOKEN", TOKEN)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the platform starts");
        let dialect = Self {
            url: format!("http://{address}"),
            directory,
            process,
        };
        eventually("the platform answers", || async {
            local::get(&dialect.url).await.is_ok()
        })
        .await;
        dialect
    }

    /// Injects these faults instead of those in force.
    pub fn faults(&self, yaml: &str) {
        replace(&self.directory.path().join("faults.yaml"), yaml);
    }
}

impl Drop for Dialect {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The simulator behind a vendor's wire, as a process of its own with injected faults.

use std::{
    process::{Child, Stdio},
    time::SystemTime,
};

use tempfile::TempDir;

use super::{
    Program,
    operator::{eventually, free_port},
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
            reqwest::get(&dialect.url).await.is_ok()
        })
        .await;
        dialect
    }

    /// Injects these faults instead of those in force.
    pub fn faults(&self, yaml: &str) {
        let path = self.directory.path().join("faults.yaml");
        let next = path.with_extension("next");
        std::fs::write(&next, yaml).expect("written");
        std::fs::File::open(&next)
            .expect("opened")
            .set_modified(SystemTime::now())
            .expect("set");
        std::fs::rename(next, path).expect("renamed");
    }
}

impl Drop for Dialect {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! The minimal bridge of `examples/bridge/`, built and run. Needs Go, as the control plane does.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    local,
    wait::{eventually, free_port},
};

/// The bridge as a process. Ends when dropped.
pub struct ExampleBridge {
    /// Where it is.
    pub url: String,
    /// Its token.
    pub token: String,
    folder: TempDir,
    port: u16,
    process: Child,
}

impl ExampleBridge {
    /// Builds it and starts it without a customer.
    pub async fn start() -> Self {
        let folder = TempDir::new().expect("a directory");
        build(&folder.path().join("bridge"));
        let token = "a-token-for-tests";
        std::fs::write(folder.path().join("token"), token).expect("a file");
        let port = free_port();
        let bridge = Self {
            url: format!("http://127.0.0.1:{port}"),
            token: token.to_owned(),
            process: run(&folder, port),
            folder,
            port,
        };
        bridge.await_answer().await;
        bridge
    }

    /// `kill -9`, and starts it again on what it kept.
    pub async fn restart(&mut self) {
        self.end();
        self.process = run(&self.folder, self.port);
        self.await_answer().await;
    }

    async fn await_answer(&self) {
        eventually("the bridge answers", || async {
            local::get(&self.url).await.is_ok()
        })
        .await;
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for ExampleBridge {
    fn drop(&mut self) {
        self.end();
    }
}

fn build(into: &Path) {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/bridge");
    let built = Command::new("go")
        .args(["build", "-buildvcs=false", "-o"])
        .arg(into)
        .arg(".")
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .current_dir(source)
        .output()
        .expect("Go is on the PATH, as for the control plane");
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
}

fn run(folder: &TempDir, port: u16) -> Child {
    let at = |name: &str| folder.path().join(name);
    Command::new(at("bridge"))
        .arg(format!("-listen=127.0.0.1:{port}"))
        .args(["-data".as_ref(), at("bridge.json").as_os_str()])
        .args(["-token-file".as_ref(), at("token").as_os_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the bridge starts")
}

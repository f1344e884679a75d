//! The dialect as a process of its own.

use crate::HOLDFAST;
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use serde_json::Value;

/// Ends when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_command_line_serves_druvas_wire() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut process = Process(
        HOLDFAST
            .command()
            .args([
                "platform",
                "serve",
                "--dialect",
                "druva",
                "--task-delay",
                "0s",
            ])
            .args([
                "--listen",
                "127.0.0.1:0",
                "--token-lifetime",
                "1m",
                "--data",
            ])
            .arg(directory.path().join("estate.sqlite"))
            .env("HOLDFAST_PLATFORM_CLIENT_ID", "an-id")
            .env("HOLDFAST_PLATFORM_SECRET_KEY", "a-key-for-tests")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts"),
    );
    let output = process.0.stdout.take().expect("a pipe");
    let mut lines = BufReader::new(output).lines();
    let first = lines.next().expect("a line").expect("text");
    let url = first.strip_prefix("platform: ").expect("where it is");
    let second = lines.next().expect("a line").expect("text");
    assert_eq!(second, "credentials: as given");

    let client = reqwest::Client::new();
    let token = client
        .post(format!("{url}/msp/auth/v1/token"))
        .basic_auth("an-id", Some("a-key-for-tests"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    let token: Value = token
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(token["expires_in"], 60);
    let customers = client
        .get(format!("{url}/msp/v3/customers"))
        .bearer_auth(token["access_token"].as_str().expect("a token"));
    let customers: Value = customers
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(customers["customers"][0]["customerName"], "Sandbox");
}

//! What platform teams install and watch it with: the chart, the overlays, rules and dashboard, the health check for Argo CD. Each is held
//! against the program that reads it: Helm, kubectl, Prometheus' and Grafana's parsers, Argo CD's interpreter of Lua.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use holdfast_testkit::{Program, operator::repository};
use serde::Deserialize as _;
use serde_json::Value;

mod chart;
mod health;
mod monitoring;
mod server;

/// The program under test.
const HOLDFAST: Program = Program(env!("CARGO_BIN_EXE_holdfast"));

/// A file of this repository.
fn file(path: &str) -> PathBuf {
    repository().join(path)
}

fn read(path: &str) -> String {
    let path = file(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Holds a file against what it is made from; with `UPDATE` in the environment it is written.
fn made(path: &str, wanted: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file(path), wanted).expect("written");
    }
    let kept = std::fs::read_to_string(file(path)).unwrap_or_default();
    assert!(
        kept == wanted,
        "{path} isn't what it is made from: UPDATE=1 cargo test --test packages writes it"
    );
}

/// Where a tool of the tests is; `make test` builds it.
fn tool(name: &str) -> PathBuf {
    let path = file(".build/tools/bin").join(name);
    assert!(path.exists(), "{name} isn't built: run make test-tools");
    path
}

/// A command's output, or what it says when it fails.
fn run(program: &Path, arguments: &[&str], folder: &str, input: &str) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(file(folder))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let mut pipe = child.stdin.take().expect("a pipe");
    let written = pipe.write_all(input.as_bytes());
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        written.expect("it reads its input");
        return Ok(said);
    }
    let mut problem = said;
    let _ = write!(problem, "{}", String::from_utf8_lossy(&output.stderr));
    Err(problem)
}

/// The documents of a YAML stream.
fn documents(yaml: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(yaml)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .filter(|document| !document.is_null())
        .collect()
}

/// What an overlay makes.
fn kustomize(folder: &str) -> Vec<Value> {
    let kubectl = Path::new("kubectl");
    let made = run(kubectl, &["kustomize", folder], ".", "");
    documents(&made.unwrap_or_else(|error| panic!("{folder}: {error}")))
}

/// What the chart makes with these values; the image is that of the manifests.
fn helm(values: &[&str]) -> Result<Vec<Value>, String> {
    let mut arguments = vec![
        "template",
        "holdfast",
        "charts/holdfast",
        "--namespace=holdfast-system",
        "--kube-version=1.34.0",
        "--set=image.tag=latest",
    ];
    arguments.extend(values);
    run(&tool("helm"), &arguments, ".", "").map(|made| documents(&made))
}

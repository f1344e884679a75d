//! The reference platform passes, and what others have there is left alone.

use std::process::Stdio;

use holdfast_testkit::console::Served;
use serde_json::{Value, json};

use crate::{Checked, HOLDFAST};

/// Every item of every kind, as JSON; `facts` apart, which move by themselves.
pub async fn everything(platform: &Served) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in ["resellers", "plans", "customers", "tenants", "clients"] {
        for mut item in platform.console.list(kind).await {
            item["facts"] = Value::Null;
            all.push(item);
        }
    }
    all
}

// R-N19
#[tokio::test(flavor = "multi_thread")]
async fn the_reference_platform_passes_and_is_left_as_it_was() {
    let platform = Served::start(HOLDFAST).await;
    let before = everything(&platform).await;
    let checked = Checked::run(&platform.console.url, &platform.console.token).await;
    checked.assert_passed(&[]);
    assert_eq!(everything(&platform).await, before);

    // Every change that was asked for names an item of the check's own.
    let changes = platform.console.mutations().await;
    assert!(changes.len() > 50, "{}", changes.len());
    for change in changes {
        let reference = change["externalRef"].as_str();
        let ours = reference.is_some_and(|one| one.starts_with("holdfast-check-"));
        assert!(ours || change["status"] == 404, "{change}");
    }
}

// R-N19
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_is_stopped_removes_what_it_made() {
    let platform = Served::start(HOLDFAST).await;
    let before = everything(&platform).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, &platform.console.token).expect("a file");
    let mut check = HOLDFAST
        .command()
        .args(["bridge", "check", "--endpoint", &platform.console.url])
        .args(["--token-file".as_ref(), file.as_os_str()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let made = || async {
        let customers = platform.console.list("customers").await;
        let mut names = customers.iter().filter_map(|item| item["name"].as_str());
        names.any(|name| name.starts_with("holdfast-check-"))
    };
    holdfast_testkit::wait::eventually("something is made", made).await;
    let pid = check.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(sent.expect("kill runs").success());
    let code = check.wait().expect("it ends").code();
    assert_eq!(everything(&platform).await, before);
    // It had no time to judge everything, and says so.
    assert_eq!(code, Some(2));
}

// R-N19
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_said() {
    let nobody = format!(
        "http://127.0.0.1:{}",
        holdfast_testkit::operator::free_port()
    );
    let checked = Checked::run(&nobody, "a-token-for-tests").await;
    assert_eq!(checked.code, 1);
    assert!(
        checked.said.contains("the bridge can't be reached"),
        "{}",
        checked.said
    );
    let plain = Checked::run("http://bridge.example/", "a-token-for-tests").await;
    assert_eq!(plain.code, 1);
    assert!(plain.said.contains("plain text"), "{}", plain.said);
    let empty = Checked::run(&nobody, "\t").await;
    assert!(empty.said.contains("must hold the token"), "{}", empty.said);
    assert_eq!(empty.report, json!(null));
}

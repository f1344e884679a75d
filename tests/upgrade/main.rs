//! An upgrade: what v0.1.0 left in a cluster and in its data directory is served by this version. Alone in its program, since
//! CRDs belong to all. How the fixtures were made is told in `v0.1.0/README.md`.

use std::path::{Path, PathBuf};

use holdfast_testkit::{
    Cluster, Program, kubectl,
    operator::{Stage, eventually, repository},
};
use serde_json::{Value, json};

/// The program under test.
const HOLDFAST: Program = Program(env!("CARGO_BIN_EXE_holdfast"));
/// The namespace of the old estate: claims contain it.
const NAMESPACE: &str = "backup";
/// What writes metadata and status for the operator.
const OPERATOR: &str = "--field-manager=holdfast";
/// Of our kinds those that live on the platform, with those below last.
const KINDS: [&str; 5] = [
    "BackupPlatform",
    "Reseller",
    "ServicePlan",
    "Customer",
    "Tenant",
];

fn fixture(name: &str) -> PathBuf {
    repository().join("tests/upgrade/v0.1.0").join(name)
}

/// kubectl; panics when it fails.
fn administer(arguments: &[&str], input: &str) -> String {
    let output = kubectl(arguments, input);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "kubectl {arguments:?}: {error}\n{input}"
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Installs CRDs from a folder or file, over those that are there.
fn install(crds: &Path) {
    let crds = crds.to_str().expect("a path in UTF-8");
    administer(
        &["apply", "--server-side", "--force-conflicts", "-f", crds],
        "",
    );
    for kind in KINDS {
        let crd = format!("crd/{}s.holdfast.dev", kind.to_lowercase());
        administer(
            &["wait", "--for=condition=Established", &crd, "--timeout=60s"],
            "",
        );
    }
}

/// The old objects, in an order in which they can be made.
fn old_objects() -> Vec<Value> {
    let text = std::fs::read_to_string(fixture("cluster.json")).expect("the fixture is there");
    let list: Value = serde_json::from_str(&text).expect("JSON");
    let mut objects = list["items"].as_array().expect("a list").clone();
    objects.sort_by_key(|object| KINDS.iter().position(|kind| object["kind"] == *kind));
    objects
}

fn name_of(object: &Value) -> String {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    format!(
        "{}/{}",
        text(&object["kind"]).to_lowercase(),
        text(&object["metadata"]["name"])
    )
}

/// Puts an old object back as it was: what its user declared, what the operator added, and its status.
fn restore(stage: &Stage, object: &Value) {
    let metadata = &object["metadata"];
    let identity = json!({"name": metadata["name"]});
    let mut declared = object.clone();
    declared["metadata"] = identity.clone();
    if let Some(members) = declared.as_object_mut() {
        members.remove("status");
    }
    let mut added = json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": identity,
    });
    let mut status = added.clone();
    for member in ["annotations", "finalizers", "labels"] {
        added["metadata"][member] = metadata[member].clone();
    }
    status["status"] = object["status"].clone();
    let put = |arguments: &[&str], document: &Value| {
        let output = stage.kubectl(arguments, &document.to_string());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", name_of(object));
    };
    put(&["apply", "-f", "-"], &declared);
    if KINDS.contains(&object["kind"].as_str().unwrap_or_default()) {
        let apply = ["apply", "--server-side", "--force-conflicts", OPERATOR];
        put(&[&apply[..], &["-f", "-"]].concat(), &added);
        let status_only = ["--subresource=status", "-f", "-"];
        put(&[&apply[..], &status_only].concat(), &status);
    }
}

/// The resource versions of all objects.
fn versions(stage: &Stage, objects: &[String]) -> Vec<Value> {
    let version = |object: &String| stage.get(object)["metadata"]["resourceVersion"].clone();
    objects.iter().map(version).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the fixture is there") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// Two sweeps that begin from now on have ended.
async fn swept(stage: &Stage) {
    let console = stage.console("msp");
    let before = console.requests("GET /v1/customers").await;
    for sweeps in 1..=3 {
        stage.sweep("msp");
        eventually("a sweep reads all customers", || async {
            console.requests("GET /v1/customers").await >= before + sweeps
        })
        .await;
    }
}

// F26, R-N11: the new CRDs make none of the old objects invalid, the new version sends nothing that changes the platform but what
// the old one couldn't, and writes each status a few times at most; then there is silence, and an edit is one change.
#[tokio::test(flavor = "multi_thread")]
async fn an_estate_of_the_version_before_is_served_as_it_stands() {
    let cluster = Cluster::start("upgrade").await;
    let released = HOLDFAST.run(&["release", "--all"]);
    assert!(released.status.success());
    for kind in KINDS {
        let crd = format!("crd/{}s.holdfast.dev", kind.to_lowercase());
        let delete = ["delete", &crd, "--ignore-not-found", "--timeout=120s"];
        administer(&delete, "");
    }
    install(&fixture("crds"));
    administer(&["create", "namespace", NAMESPACE], "");
    let cluster = Cluster {
        namespace: NAMESPACE.to_owned(),
        ..cluster
    };
    let mut stage = Stage::without_operator(HOLDFAST, cluster);
    copy(&fixture("data"), stage.data.path());
    let old = old_objects();
    for object in &old {
        restore(&stage, object);
    }
    let ours: Vec<String> = { old.iter() }
        .filter(|object| KINDS.contains(&object["kind"].as_str().unwrap_or_default()))
        .map(name_of)
        .collect();
    assert_eq!(ours.len(), 18, "{ours:?}");

    install(&repository().join("crds"));
    for object in &ours {
        let stands = stage.get(object);
        let replace = ["replace", "--dry-run=server", "-f", "-"];
        let output = stage.kubectl(&replace, &stands.to_string());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{object} is invalid: {error}");
        let was = old.iter().find(|old| name_of(old) == *object);
        assert_eq!(
            Some(&stands["spec"]),
            was.map(|old| &old["spec"]),
            "{object}"
        );
    }

    let before = versions(&stage, &ours);
    stage.run().await;
    let mutations = stage.console("msp").mutations().await;
    let was_ready = |object: &&Value| {
        let conditions = object.pointer("/status/conditions");
        let mut conditions = conditions.and_then(Value::as_array).into_iter().flatten();
        conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    let ready: Vec<String> = old.iter().filter(was_ready).map(name_of).collect();
    assert_eq!(ready.len(), 18, "{ready:?}");
    // What v0.1.0 said it couldn't do, a reseller's picture, is done now. It is the only change.
    eventually("the picture is sent", || async {
        stage.console("msp").mutations().await.len() > mutations.len()
    })
    .await;
    for object in &ready {
        stage.await_ready(&[object]).await;
    }
    swept(&stage).await;
    let sent = stage.console("msp").mutations().await;
    assert_eq!(sent.len(), mutations.len() + 1, "{sent:?}");
    let picture = sent[mutations.len()].to_string();
    assert!(picture.contains("branding.logo"), "{picture}");
    let writes = stage.measured("holdfast_status_writes_total", "").await;
    let most = 4 * ours.len();
    assert!(
        writes <= f64::from(u32::try_from(most).expect("few")),
        "{writes} writes of status for {} objects",
        ours.len()
    );
    let others = |object: &&String| !object.starts_with("backupplatform/");
    let ours: Vec<String> = ours.iter().filter(others).cloned().collect();
    let settled = versions(&stage, &ours);
    swept(&stage).await;
    assert_eq!(versions(&stage, &ours), settled, "then there is silence");
    assert_ne!(settled, before, "it has been looked at");

    let phone = json!({"spec": {"profile": {"phone": "0815"}}}).to_string();
    stage.show(&["patch", "customer/fabrikam", "--type=merge", "-p", &phone]);
    stage.await_ready(&["customer/fabrikam"]).await;
    let after = stage.console("msp").mutations().await;
    assert_eq!(after.len(), sent.len() + 1, "{after:?}");
}

//! Looking from every side: at the platform, at resources, at all that is said anywhere.

use reqwest::Method;
use serde_json::Value;

use holdfast_testkit::operator::{Console, Stage, eventually};

/// The remote object of a customer; null when there is none.
pub async fn remote(stage: &Stage, console: &Console, customer: &str) -> Value {
    let claim = stage.get(&format!("customer/{customer}"))["status"]["claim"].clone();
    let customers = console.list("customers").await;
    let ours = |item: &Value| item["externalRef"] == claim && !claim.is_null();
    customers.into_iter().find(ours).unwrap_or(Value::Null)
}

/// Its id.
pub async fn remote_id(stage: &Stage, console: &Console, customer: &str) -> String {
    let remote = remote(stage, console, customer).await;
    remote["id"].as_str().expect("it is there").to_owned()
}

/// `kubectl patch --type=merge` on a customer.
pub fn merge(stage: &Stage, customer: &str, patch: &Value) {
    let object = format!("customer/{customer}");
    stage.show(&["patch", &object, "--type=merge", "-p", &patch.to_string()]);
}

/// Has the platform swept, and waits until it has been.
pub async fn swept(stage: &Stage) {
    let sweeps = async || stage.measured("holdfast_sweep_seconds_count", "").await;
    let before = sweeps().await;
    stage.sweep("msp");
    eventually("it is swept", || async { sweeps().await > before }).await;
}

/// Changes that the operator asked for, as `PATCH /v1/clients/pc-17`, whose path contains this.
pub async fn changes(console: &Console, path: &str) -> Vec<String> {
    let mutations = console.mutations().await;
    let line = |item: &Value| {
        let text = |member: &str| item[member].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("method"), text("path"))
    };
    let lines = mutations.iter().map(line);
    lines.filter(|line| line.contains(path)).collect()
}

/// All that anybody can read about anything, with where: the platform's every list, every resource without what its user
/// wrote, events, Leases, metrics, and all files that the operator keeps, its log among them.
pub async fn said(stage: &Stage, console: &Console) -> Vec<(String, String)> {
    let mut said = vec![("metrics".to_owned(), stage.metrics().await)];
    for kind in [
        "resellers",
        "customers",
        "tenants",
        "plans",
        "clients",
        "locations",
        "administrators",
    ] {
        let items = Value::from(console.list(kind).await);
        said.push((format!("the platform's {kind}"), items.to_string()));
    }
    for route in [
        "capabilities",
        "pool",
        "usage",
        "health",
        "stats",
        "audit?limit=500",
    ] {
        let path = format!("/v1/{route}");
        let answer = console.call(Method::GET, &path, None).await;
        said.push((format!("the platform's {route}"), answer.to_string()));
    }
    let kinds = "holdfast,events.events.k8s.io,leases,configmaps";
    let list = stage.show(&["get", kinds, "-o", "json", "--show-managed-fields"]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    for mut object in list["items"].as_array().cloned().unwrap_or_default() {
        let title = format!("{} {}", object["kind"], object["metadata"]["name"]);
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.remove("displayName");
        }
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        said.push((title, object.to_string()));
    }
    for file in files(stage.data.path()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        said.push((file.display().to_string(), text));
    }
    said
}

/// Asserts that nowhere in what was said one of these words is, in whatever case.
pub fn assert_unsaid(said: &[(String, String)], words: &[&str]) {
    for (place, text) in said {
        let text = text.to_lowercase();
        for word in words {
            assert!(!text.contains(&word.to_lowercase()), "{word:?} in {place}");
        }
    }
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a readable folder");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    let (folders, mut found): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    found.extend(folders.iter().flat_map(|folder| files(folder)));
    found
}

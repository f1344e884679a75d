//! Resources as a user writes and sees them.

use serde_json::Value;

use super::operator::{Stage, repository};

/// A resource of ours; its spec in YAML without the braces.
pub fn declared(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

/// `kubectl patch --type=merge`.
pub fn merge(stage: &Stage, object: &str, patch: &Value) {
    stage.show(&["patch", object, "--type=merge", "-p", &patch.to_string()]);
}

/// Reasons of the events about an object, with their messages, and how often each was sent.
pub fn events(stage: &Stage, object: &str) -> Vec<(String, String, u64)> {
    let name = object.split('/').next_back().expect("a name");
    let list = stage.show(&[
        "get",
        "events.events.k8s.io",
        "-o",
        "json",
        "--field-selector",
        &format!("regarding.name={name}"),
    ]);
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    items
        .iter()
        .map(|event| {
            let count = event["series"]["count"].as_u64().unwrap_or(1);
            (text(&event["reason"]), text(&event["note"]), count)
        })
        .collect()
}

/// Every manifest of `examples/`, in this test's namespace.
pub fn examples(namespace: &str) -> String {
    let mut files: Vec<_> = std::fs::read_dir(repository().join("examples"))
        .expect("examples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    files.sort();
    let texts: Vec<String> = files
        .iter()
        .map(|path| std::fs::read_to_string(path).expect("a manifest"))
        .filter(|text| !text.contains("kind: Namespace"))
        .map(|text| text.replace("namespace: backup", &format!("namespace: {namespace}")))
        .collect();
    texts.join("\n---\n")
}

/// Managed resources that aren't Ready.
pub fn unready(stage: &Stage) -> Vec<String> {
    let list: Value =
        serde_json::from_str(&stage.show(&["get", "holdfast", "-o", "json"])).expect("JSON");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let ready = |item: &Value| {
        item["status"]["observedGeneration"] == item["metadata"]["generation"]
            && item["status"]["conditions"]
                .as_array()
                .is_some_and(|conditions| {
                    conditions.iter().any(|condition| {
                        condition["type"] == "Ready" && condition["status"] == "True"
                    })
                })
    };
    let name = |item: &Value| format!("{}/{}", item["kind"], item["metadata"]["name"]);
    items.iter().filter(|item| !ready(item)).map(name).collect()
}

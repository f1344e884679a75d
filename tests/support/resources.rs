//! Resources as a user writes and sees them.

use serde_json::Value;

use super::operator::Stage;

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

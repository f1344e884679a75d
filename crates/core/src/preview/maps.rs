//! `ConfigMap`s among the manifests.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde_json::Value;

/// Bytes in `ConfigMap`s by namespace, name and key.
pub type Maps = BTreeMap<Place, Values>;
/// Namespace and name.
type Place = (String, String);
/// Bytes by key.
type Values = BTreeMap<String, Vec<u8>>;

/// What a `ConfigMap` among the manifests holds, with its namespace and name.
pub fn read_map(value: &Value, namespace: &str) -> Option<(Place, Values)> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let name = text("/metadata/name")?.to_owned();
    let namespace = text("/metadata/namespace").unwrap_or(namespace).to_owned();
    let members = |member: &str| {
        let members = value.get(member).and_then(Value::as_object);
        let members = members.into_iter().flatten();
        members.filter_map(|(key, value)| Some((key.clone(), value.as_str()?)))
    };
    let plain = members("data").map(|(key, text)| (key, text.as_bytes().to_vec()));
    let binary = members("binaryData")
        .filter_map(|(key, text)| Some((key, BASE64.decode(text.as_bytes()).ok()?)));
    Some(((namespace, name), plain.chain(binary).collect()))
}

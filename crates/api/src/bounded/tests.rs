//! Every field of every kind's status is given too much, and what comes out is what the API server takes.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{is_id, status_document};
use crate::{crds, schema_of};

/// By how much a bound is passed.
const MORE: u64 = 3;

/// How much is given.
#[derive(Clone, Copy, PartialEq)]
enum Given {
    /// Texts, ids and lists beyond their bounds.
    TooMuch,
    /// The same, but for ids.
    LongWords,
    /// Text that no pattern, format or list of words allows.
    Nonsense,
}

/// A value of this schema that is given too much of everything; `number` tells apart the items of a list.
fn overfull(schema: &Value, path: &str, given: Given, number: usize) -> Value {
    match schema["type"].as_str() {
        Some("object") => {
            let members = schema["properties"].as_object().expect("members");
            let filled = members.iter().map(|(name, schema)| {
                let path = format!("{path}.{name}");
                let path = path.trim_start_matches('.');
                (name.clone(), overfull(schema, path, given, number))
            });
            Value::Object(filled.collect())
        }
        Some("array") => {
            let item = |number| overfull(&schema["items"], path, given, number);
            let most = schema["maxItems"].as_u64().expect("a bound");
            (0..usize::try_from(most + MORE).expect("a few"))
                .map(item)
                .collect()
        }
        Some("boolean") => true.into(),
        Some("integer") => u64::MAX.into(),
        _ => text(schema, path, given, number).into(),
    }
}

fn text(schema: &Value, path: &str, given: Given, number: usize) -> String {
    let short = |text: &str| format!("{text}{number}");
    if given == Given::Nonsense {
        return short("nonsense ");
    }
    if let Some(words) = schema["enum"].as_array() {
        let word = &words[number % words.len()];
        return word.as_str().expect("a word").to_owned();
    }
    match (schema["format"].as_str(), schema["pattern"].as_str()) {
        (Some("date"), _) => return "2026-11-25".into(),
        (Some(_), _) => return "2026-11-25T00:00:00Z".into(),
        (_, Some(pattern)) if pattern.contains("{4}-") => {
            return format!("{:04}-{:02}", 2000 + number / 12, number % 12 + 1);
        }
        (_, Some(pattern)) if pattern.contains("[A-Z]{2}") => return short("A"),
        (_, Some(pattern)) if pattern.contains("2[0-3]") => return "08:00".into(),
        (_, Some(pattern)) if pattern.contains("[0-9]{1,19}") => return "12".into(),
        _ => {}
    }
    if given == Given::LongWords && is_id(path) {
        return short("id-");
    }
    let longest = schema["maxLength"].as_u64().expect("a bound");
    let length = usize::try_from(longest + MORE).expect("not that long");
    short("ü") + &"ü".repeat(length)
}

/// What the API server has against a value: the schema's word, and what may stand in a list only once.
fn objections(schema: &Value, value: &Value, path: &str) -> Vec<String> {
    let judge = jsonschema::options().should_validate_formats(true);
    let judge = judge.build(schema).expect("a schema");
    let mut objections: Vec<String> = judge
        .iter_errors(value)
        .map(|error| format!("{path}{}: {}", error.instance_path(), error.masked()))
        .collect();
    repeated(schema, value, path, &mut objections);
    objections
}

fn repeated(schema: &Value, value: &Value, path: &str, objections: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let schema = &schema["properties"][name];
                repeated(schema, value, &format!("{path}/{name}"), objections);
            }
        }
        Value::Array(items) => {
            let keys = schema["x-kubernetes-list-map-keys"].as_array();
            let key = |item: &Value| match (schema["x-kubernetes-list-type"].as_str(), keys) {
                (Some("set"), _) => Some(item.to_string()),
                (Some("map"), Some(keys)) => Some(
                    keys.iter()
                        .map(|key| item[key.as_str().expect("a name")].to_string())
                        .collect(),
                ),
                _ => None,
            };
            let mut seen = BTreeSet::new();
            for item in items {
                if key(item).is_some_and(|key| !seen.insert(key)) {
                    objections.push(format!("{path}: {item} is there twice"));
                }
                repeated(&schema["items"], item, path, objections);
            }
        }
        _ => {}
    }
}

fn kinds() -> impl Iterator<Item = (String, Value)> {
    crds().into_iter().map(|crd| {
        let kind = crd.spec.names.kind;
        let schema = schema_of(&kind).expect("a schema");
        let status = schema["properties"]["status"].clone();
        (kind, status)
    })
}

fn ready() -> Value {
    json!([{"type": "Ready", "status": "True", "reason": "InSync", "message": "all is well.", "lastTransitionTime": "2026-11-25T00:00:00Z"}])
}

// Whatever is given, to every field at once.
#[test]
fn every_field_of_every_status_is_kept_within_its_bounds() {
    for (kind, schema) in kinds() {
        for given in [Given::TooMuch, Given::LongWords, Given::Nonsense] {
            let full = overfull(&schema, "", given, 0);
            assert!(!objections(&schema, &full, "").is_empty());
            let bounded = status_document(&kind, &full).expect("JSON");
            let objections = objections(&schema, &bounded, "");
            assert_eq!(objections, Vec::<String>::new(), "{kind}");
        }
    }
}

// And to each field alone: the others stay as they are.
#[test]
fn too_much_in_one_field_changes_no_other() {
    for (kind, schema) in kinds() {
        let members = schema["properties"].as_object().expect("members");
        for (name, member) in members.iter().filter(|(name, _)| *name != "conditions") {
            let beside = if name == "claim" { "platform" } else { "claim" };
            for given in [Given::TooMuch, Given::LongWords, Given::Nonsense] {
                let status = json!({
                    "observedGeneration": 3, beside: "hf-1", "conditions": ready(),
                    name: overfull(member, name, given, 0),
                });
                let mut bounded = status_document(&kind, &status).expect("JSON");
                let objections = objections(&schema, &bounded, "");
                assert_eq!(objections, Vec::<String>::new(), "{kind} {name}");
                let message = bounded["conditions"][0]["message"].take();
                let message = message.as_str().expect("a message");
                assert!(message.starts_with("all is well."), "{message}");
                if bounded.get(name).is_none() {
                    let said = format!("Omitted from status because it doesn't fit: {name}");
                    assert!(message.contains(&said), "{kind} {name}: {message}");
                }
                if name != "observedGeneration" {
                    assert_eq!(bounded["observedGeneration"], 3);
                }
                assert_eq!(bounded[beside], "hf-1");
            }
        }
    }
}

#[test]
fn what_fits_is_left_alone() {
    let status =
        json!({"observedGeneration": -1, "externalId": "9".repeat(128), "conditions": ready()});
    assert_eq!(status_document("Customer", &status).expect("JSON"), status);
    assert_eq!(
        status_document("Customer", &Value::Null).expect("JSON"),
        Value::Null
    );
}

// Of an id nothing is better than a part, and so it is with what can't be told by its id.
#[test]
fn part_of_an_id_is_never_written() {
    let long = "9".repeat(129);
    let status = json!({"externalId": long, "accountName": long, "phase": "p".repeat(64), "conditions": ready(),
        "intent": {"id": "3-1", "step": "Create", "at": "2026-11-25T00:00:00Z", "operation": long, "parent": long, "names": ["n".repeat(257), "short"]}});
    let bounded = status_document("Customer", &status).expect("JSON");
    assert_eq!(bounded.get("externalId"), None);
    assert_eq!(bounded.get("accountName"), None);
    assert_eq!(
        bounded["intent"],
        json!({"id": "3-1", "step": "Create", "at": "2026-11-25T00:00:00Z", "names": ["short"]})
    );
    let message = bounded["conditions"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(message.ends_with("doesn't fit: accountName (1), externalId (1), intent.names (1), intent.operation (1), intent.parent (1)."), "{message}");
    let unmanaged = json!([{"kind": "Customer", "externalId": long}, {"kind": "Customer", "externalId": "1", "name": "ü".repeat(300)}]);
    let status = json!({"unmanaged": unmanaged});
    let bounded = status_document("BackupPlatform", &status).expect("JSON");
    let shown = bounded["unmanaged"].as_array().expect("a list");
    assert_eq!(shown.len(), 1);
    let name = shown[0]["name"].as_str().expect("a name");
    assert!(name.chars().count() == 256 && name.ends_with('…'), "{name}");
}

// A list with keys is refused as a whole when one is there twice; shortened names may be alike.
#[test]
fn what_may_stand_in_a_list_only_once_does() {
    let place = |id: &str| json!({"id": id, "name": id, "countries": ["DE", "DE", "Deutschland"]});
    let places: Vec<Value> = (0..300)
        .map(|number| place(&format!("p-{}", number / 2)))
        .collect();
    let status = json!({"storageLocations": places, "conditions": ready()});
    let bounded = status_document("BackupPlatform", &status).expect("JSON");
    assert_eq!(
        bounded["storageLocations"].as_array().map(Vec::len),
        Some(150)
    );
    assert_eq!(bounded["storageLocations"][0]["countries"], json!(["DE"]));
    let message = bounded["conditions"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(
        message.contains("storageLocations (150), storageLocations.countries (150)"),
        "{message}"
    );
    let plan = |end: &str| "p".repeat(200) + end;
    let status = json!({"tenants": {"total": 2, "plans": [plan("a"), plan("b")]}});
    let bounded = status_document("Customer", &status).expect("JSON");
    assert_eq!(
        bounded["tenants"]["plans"].as_array().map(Vec::len),
        Some(1)
    );
}

// Members that no definition knows are the API server's to judge, and no reason to lose the rest.
#[test]
fn unknown_members_are_left_to_the_api_server() {
    let mut status = Map::new();
    status.insert("later".into(), "x".repeat(5_000).into());
    let bounded = status_document("Tenant", &status).expect("JSON");
    assert_eq!(bounded, Value::Object(status));
}

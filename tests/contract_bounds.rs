//! Every field of a spec beside the place of its value in the bridge's contract: whatever the API server takes, a platform
//! that keeps to the contract takes too. (F24)

use std::{collections::BTreeMap, fs, path::Path};

use holdfast_api::quantity::{BitsPerSecond, Bytes, Thousandths, Unit, Whole};
use serde_json::Value;

/// The file of a CRD, and the schema of what is sent.
const KINDS: [(&str, &str); 4] = [
    ("resellers", "ResellerProperties"),
    ("customers", "CustomerProperties"),
    ("serviceplans", "PlanProperties"),
    ("tenants", "TenantProperties"),
];

/// Fields under another name in the contract.
const RENAMED: [(&str, &str); 9] = [
    ("planName", "name"),
    ("displayName", "name"),
    ("parentRef.name", "parentId"),
    ("resellerRef.name", "resellerId"),
    ("customerRef.name", "customerId"),
    ("servicePlanRef.name", "planId"),
    ("webAccess.passwordRef", "webAccess.password"),
    ("branding.logoRef", "branding.logo"),
    ("branding.iconRef", "branding.icon"),
];

/// Fields that aren't sent: what they say is for Holdfast, or another request says it.
const KEPT_HERE: [&str; 14] = [
    "adopt",
    "allotment.warnAtPercent",
    "billing",
    "clients.ids",
    "deletionPolicy",
    "externalId",
    "ignore",
    "limits.warnAtPercent",
    "management",
    "platformRef.name",
    "requireLimits",
    "serviceLevel",
    "state",
    "welcomeMail",
];

/// Words that the contract has not: sent as another one, or refused on a platform that doesn't offer them.
const OTHER_WORDS: [&str; 2] = ["Unlimited", "ObjectStorage"];

fn document(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(&path).expect("a file");
    serde_yaml::from_str(&text).expect("YAML")
}

/// The leaves of a schema by their path; entries of a list are the path with `[]`.
fn leaves<'a>(
    schema: &'a Value,
    whole: &'a Value,
    path: &str,
    found: &mut BTreeMap<String, &'a Value>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = whole.pointer(reference.trim_start_matches('#'));
        return leaves(schema.expect("a schema"), whole, path, found);
    }
    let parts = ["allOf", "anyOf", "oneOf"].map(|word| schema[word].as_array());
    if schema["properties"].is_null() {
        for part in parts.into_iter().flatten().flatten() {
            leaves(part, whole, path, found);
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        for (name, part) in properties {
            let dot = if path.is_empty() { "" } else { "." };
            leaves(part, whole, &format!("{path}{dot}{name}"), found);
        }
    } else {
        found.entry(path.to_owned()).or_insert(schema);
        if !schema["items"].is_null() {
            leaves(&schema["items"], whole, &format!("{path}[]"), found);
        }
    }
}

/// The largest number that a field takes.
fn most(path: &str, field: &Value) -> Option<u64> {
    if field["x-kubernetes-int-or-string"] != true {
        return field["maximum"].as_u64();
    }
    Some(match path.rsplit('.').next() {
        Some("storage") => Bytes::MAXIMUM,
        Some("maxRate") => BitsPerSecond::MAXIMUM,
        Some("credits") => Thousandths::MAXIMUM / Thousandths::STEPS,
        _ => Whole::MAXIMUM,
    })
}

/// What a field takes and the contract doesn't.
fn wider(path: &str, field: &Value, contract: &Value) -> Vec<String> {
    let mut wider = Vec::new();
    for bound in ["maxLength", "maxItems"] {
        if let Some(most) = contract[bound].as_u64()
            && field[bound].as_u64().is_none_or(|ours| ours > most)
            && field["enum"].is_null()
            && !path.ends_with("products")
        {
            wider.push(format!("{path}: {bound} {} and not {most}", field[bound]));
        }
    }
    if let Some(most_there) = contract["maximum"].as_u64()
        && most(path, field).is_none_or(|most| most > most_there)
    {
        wider.push(format!(
            "{path}: up to {:?} and not {most_there}",
            most(path, field)
        ));
    }
    if let Some(words) = contract["enum"].as_array() {
        let ours = field["enum"].as_array().into_iter().flatten();
        let sent = ours.filter(|word| !OTHER_WORDS.iter().any(|other| *word == other));
        let others: Vec<_> = sent.filter(|word| !words.contains(word)).collect();
        if !others.is_empty() || field["enum"].is_null() {
            wider.push(format!("{path}: {others:?} of {}", field["enum"]));
        }
    }
    wider
}

#[test]
fn no_field_takes_more_than_the_contract_of_a_bridge() {
    let contract = document("docs/bridge.openapi.yaml");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (kind, properties) in KINDS {
        let crd = document(&format!("crds/{kind}.yaml"));
        let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
        let (mut ours, mut theirs) = (BTreeMap::new(), BTreeMap::new());
        leaves(crd.pointer(spec).expect("a spec"), &crd, "", &mut ours);
        let schema = &contract["components"]["schemas"][properties];
        leaves(schema, &contract, "", &mut theirs);
        for (path, field) in ours {
            if KEPT_HERE.iter().any(|kept| path.starts_with(kept)) {
                continue;
            }
            let renamed = RENAMED.iter().find(|(ours, _)| path.starts_with(ours));
            let there = renamed.map_or(path.as_str(), |(_, theirs)| theirs);
            if renamed.is_some() && path.contains("Ref") {
                assert!(
                    theirs.keys().any(|path| path.starts_with(there)),
                    "{kind} {path}"
                );
                continue;
            }
            match theirs.get(there) {
                None => wrong.push(format!("{kind} {path}: the contract has no {there}")),
                Some(there) => {
                    compared += 1;
                    let path = format!("{kind} {path}");
                    wrong.extend(wider(&path, field, there));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 100, "only {compared} fields were compared");
}

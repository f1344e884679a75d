//! JSON documents: merge patch, empties, dotted paths.

use serde_json::{Map, Value};

/// Applies a merge patch (RFC 7396): null removes, objects merge, everything else replaces.
pub(super) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    let mut document = Value::Object(std::mem::take(target));
    json_patch::merge(&mut document, &Value::Object(patch.clone()));
    if let Value::Object(merged) = document {
        *target = merged;
    }
}

/// Drops what says "not set": null, empty texts, lists and objects; the contract never returns them.
pub(super) fn prune(document: &mut Map<String, Value>) {
    document.retain(|_, value| {
        if let Value::Object(inner) = value {
            prune(inner);
        }
        match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(entries) => {
                for entry in entries.iter_mut() {
                    if let Value::Object(inner) = entry {
                        prune(inner);
                    }
                }
                !entries.is_empty()
            }
            Value::Object(inner) => !inner.is_empty(),
            Value::Bool(_) | Value::Number(_) => true,
        }
    });
}

/// The dotted paths that a document names: what isn't an object ends a path.
pub(super) fn paths(document: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    collect(document, "", &mut found);
    found
}

fn collect(document: &Map<String, Value>, above: &str, found: &mut Vec<String>) {
    for (member, value) in document {
        let path = if above.is_empty() {
            member.clone()
        } else {
            format!("{above}.{member}")
        };
        match value {
            Value::Object(inner) if !inner.is_empty() => collect(inner, &path, found),
            _ => found.push(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn a_merge_patch_removes_merges_and_replaces() {
        let mut target = object(json!({"a": {"b": 1, "c": 2}, "list": [1, 2], "gone": true}));
        merge(
            &mut target,
            &object(
                json!({"a": {"b": null, "d": 3}, "list": [3], "gone": null, "new": {"x": null, "y": 1}}),
            ),
        );
        assert_eq!(
            Value::Object(target),
            json!({"a": {"c": 2, "d": 3}, "list": [3], "new": {"y": 1}})
        );
    }

    #[test]
    fn empties_are_not_set() {
        let mut document = object(
            json!({"a": "", "b": [], "c": {"d": {"e": null}}, "f": [{"g": "", "h": 1}], "i": 0, "j": false}),
        );
        prune(&mut document);
        assert_eq!(
            Value::Object(document),
            json!({"f": [{"h": 1}], "i": 0, "j": false})
        );
    }

    #[test]
    fn paths_name_leaves_and_whole_lists() {
        let found = paths(&object(
            json!({"profile": {"phone": "1", "address": {"city": "Ulm"}}, "contacts": [{"email": "a"}], "limits": null}),
        ));
        assert_eq!(
            found,
            [
                "contacts",
                "limits",
                "profile.address.city",
                "profile.phone"
            ]
        );
    }

    fn document() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![
            Just(json!(1)),
            Just(json!("x")),
            Just(json!([1])),
            Just(json!(true))
        ];
        let value = leaf.prop_recursive(3, 12, 3, |inner| {
            prop::collection::btree_map("[a-c]", inner, 1..3)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
        });
        prop::collection::btree_map("[a-c]", value, 0..4)
            .prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn patching_twice_is_patching_once(target in document(), patch in document()) {
            let mut once = target.clone();
            merge(&mut once, &patch);
            let mut twice = once.clone();
            merge(&mut twice, &patch);
            prop_assert_eq!(once, twice);
        }
    }
}

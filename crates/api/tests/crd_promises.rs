//! What every definition promises: bounds, keys, descriptions, columns; checked on the schema itself.

use holdfast_api as api;
use serde_json::Value;

/// Calls `check` on every schema below the roots, with its path.
fn walk(path: &str, schema: &Value, check: &mut impl FnMut(&str, &Value)) {
    check(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), property, check);
    }
    if schema["items"].is_object() {
        walk(&format!("{path}[]"), &schema["items"], check);
    }
}

fn definitions() -> Vec<Value> {
    api::crds()
        .iter()
        .map(|crd| serde_json::to_value(crd).expect("a definition is JSON"))
        .collect()
}

fn each_schema(mut check: impl FnMut(&str, &Value)) {
    for crd in definitions() {
        let kind = crd["spec"]["names"]["kind"].as_str().unwrap_or_default();
        let root = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for part in ["spec", "status"] {
            walk(
                &format!("{kind}.{part}"),
                &root["properties"][part],
                &mut check,
            );
        }
    }
}

#[test]
fn every_text_and_list_is_bounded_and_every_list_says_how_it_merges() {
    each_schema(|path, schema| match schema["type"].as_str() {
        Some("string") => assert!(
            schema["maxLength"].is_u64() || schema["enum"].is_array(),
            "{path} has no maxLength"
        ),
        Some("array") => {
            assert!(schema["maxItems"].is_u64(), "{path} has no maxItems");
            assert!(
                schema["x-kubernetes-list-type"].is_string(),
                "{path} doesn't say how it merges"
            );
        }
        Some("object" | "boolean" | "integer") => {}
        other => assert!(
            schema["x-kubernetes-int-or-string"] == true && schema["maxLength"].is_u64(),
            "{path} is {other:?}"
        ),
    });
}

#[test]
fn lists_with_keys_are_maps_and_lists_of_words_in_a_spec_are_sets() {
    let mut keyed = Vec::new();
    each_schema(|path, schema| {
        if path.contains(".spec") && schema["type"] == "array" {
            let keys = &schema["x-kubernetes-list-map-keys"];
            match schema["items"]["type"].as_str() {
                Some("object") => keyed.push(format!(
                    "{path} by {}",
                    keys[0].as_str().unwrap_or("nothing")
                )),
                _ => assert_eq!(schema["x-kubernetes-list-type"], "set", "{path}"),
            }
        }
    });
    let expected = [
        "BackupPlatform.spec.rgw.regions by id",
        "Reseller.spec.contacts by email",
        "ServicePlan.spec.products by product",
        "Customer.spec.administrators by email",
        "Customer.spec.communications by id",
        "Customer.spec.contacts by email",
        "Tenant.spec.workloads by name",
    ];
    assert_eq!(keyed, expected);
}

#[test]
fn kubectl_explain_has_something_to_say_about_every_field() {
    let mut silent = Vec::new();
    each_schema(|path, schema| {
        let description = schema["description"].as_str().unwrap_or_default();
        if !path.ends_with("[]") && (description.len() < 15 || !description.ends_with('.')) {
            silent.push(format!("{path}: {description:?}"));
        }
    });
    assert!(silent.is_empty(), "no description: {silent:#?}");
}

#[test]
fn nothing_has_a_default_but_the_status_that_nobody_has_written_yet() {
    for crd in definitions() {
        let root = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        assert_eq!(
            root["properties"]["status"]["default"],
            serde_json::json!({"observedGeneration": -1})
        );
    }
    each_schema(|path, schema| {
        assert!(
            schema["default"].is_null() || path.ends_with(".status"),
            "{path} has a default"
        );
        assert!(schema["nullable"].is_null(), "{path} is nullable");
    });
}

#[test]
fn no_text_suggests_deleting_and_making_anew() {
    // `kubectl apply --force` and Flux take this word as a reason to do so.
    for (name, yaml) in api::crd_files() {
        assert!(!yaml.contains("immutable"), "{name}");
    }
}

#[test]
fn the_names_and_columns_are_those_of_the_contract() {
    let expected = [
        (
            "BackupPlatform",
            "bp",
            "Driver Account Customers Tenants Reachable Ready Age",
        ),
        (
            "Reseller",
            "rsl",
            "Level Allotted Granted Free Customers Ready Age",
        ),
        ("ServicePlan", "splan", "Plan Editions Tenants Ready Age"),
        (
            "Customer",
            "cust",
            "Customer Reseller Plan Product Storage Limit Used% Ready Age",
        ),
        (
            "Tenant",
            "tnt",
            "Customer Product Plan Type State Quota Used Ready Age",
        ),
    ];
    for (crd, (kind, short_name, columns)) in api::crds().iter().zip(expected) {
        let version = &crd.spec.versions[0];
        let shown = version
            .additional_printer_columns
            .iter()
            .flatten()
            .filter(|column| column.priority.unwrap_or(0) == 0);
        let shown: Vec<_> = shown.map(|column| column.name.as_str()).collect();
        assert_eq!(crd.spec.names.kind, kind);
        assert_eq!(
            crd.spec.names.short_names.as_deref(),
            Some(&[short_name.to_owned()][..])
        );
        assert_eq!(
            crd.spec.names.categories.as_deref(),
            Some(&["holdfast".to_owned()][..])
        );
        assert_eq!(shown.join(" "), columns);
        assert!(
            version.selectable_fields.iter().flatten().count() <= 8,
            "the API server allows eight"
        );
    }
}

/// What YAML 1.1 reads as something other than text; kubectl still does.
fn is_yaml_1_1_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["off", "on", "yes", "no", "y", "n", "null", "true", "false"];
    text == "~" || WORDS.contains(&text.to_lowercase().as_str())
}

/// Calls `check` on every key and every value of an enum.
fn each_word(value: &Value, check: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                check(name);
                let words = value.as_array().filter(|_| name == "enum");
                words
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .for_each(&mut *check);
                each_word(value, check);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each_word(item, check)),
        _ => {}
    }
}

#[test]
fn no_key_and_no_value_of_an_enum_is_a_word_that_yaml_1_1_reads_as_something_else() {
    for crd in definitions() {
        each_word(&crd, &mut |word| {
            assert!(
                !is_yaml_1_1_word(word),
                "{word} in {}",
                crd["metadata"]["name"]
            );
        });
    }
}

#[test]
fn every_text_in_the_generated_yaml_is_quoted() {
    for (name, yaml) in api::crd_files() {
        for line in yaml.lines().filter(|line| !line.starts_with('#')) {
            let value = line.trim_start().trim_start_matches("- ");
            let value = value.rsplit_once(": ").map_or(value, |(_, value)| value);
            let number = value.parse::<f64>().is_ok();
            assert!(
                value.ends_with([':', '"'])
                    || number
                    || ["true", "false", "{}", "[]"].contains(&value),
                "{name}: {line}"
            );
        }
    }
}

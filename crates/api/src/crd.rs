//! The custom resource definitions as they are installed: the derive's output, adapted to the promised form.
//!
//! The derive alone would leave nullable fields (an explicit null would count as set in rules), defaults, number formats that
//! Kubernetes doesn't know, and no default status. All of that is corrected here and nowhere else.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use super::{BackupPlatform, Customer, Reseller, ServicePlan, Tenant};

/// Longest text of an instant with nanoseconds and an offset, and of a date.
const INSTANT_LENGTH: u64 = 40;

/// The definitions of the five kinds, in the order in which they depend on each other.
pub fn crds() -> Vec<CustomResourceDefinition> {
    [
        BackupPlatform::crd(),
        Reseller::crd(),
        ServicePlan::crd(),
        Customer::crd(),
        Tenant::crd(),
    ]
    .into_iter()
    .map(finished)
    .collect()
}

/// The definition of the kind of this name (`Customer`) as YAML, if there is such a kind.
pub fn crd_yaml(kind: &str) -> Option<String> {
    crds()
        .iter()
        .find(|crd| crd.spec.names.kind == kind)
        .map(crd_text)
}

/// The schema of the kind of this name, if there is such a kind.
pub fn schema_of(kind: &str) -> Option<Value> {
    let crd = crds().into_iter().find(|crd| crd.spec.names.kind == kind)?;
    let version = crd.spec.versions.into_iter().next()?;
    serde_json::to_value(version.schema?.open_api_v3_schema?).ok()
}

/// File name and content of every file in `crds/`.
pub fn crd_files() -> Vec<(String, String)> {
    crds()
        .iter()
        .map(|crd| (format!("{}.yaml", crd.spec.names.plural), crd_text(crd)))
        .collect()
}

fn crd_text(crd: &CustomResourceDefinition) -> String {
    let mut value =
        serde_json::to_value(crd).expect("a definition made of maps with text keys is JSON");
    whole_numbers(&mut value);
    format!(
        "# Made by `holdfast crds`; change crates/api instead.\n{}",
        super::yaml(&value)
    )
}

fn finished(crd: CustomResourceDefinition) -> CustomResourceDefinition {
    let mut value =
        serde_json::to_value(crd).expect("a definition made of maps with text keys is JSON");
    for version in value["spec"]["versions"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        let schema = &mut version["schema"]["openAPIV3Schema"];
        finish_schema(schema);
        drop_rules(&mut schema["properties"]["status"]);
        schema["properties"]["status"]["default"] = json!({ "observedGeneration": -1 });
    }
    serde_json::from_value(value)
        .expect("the same fields as before, with fewer or corrected values")
}

/// Adapts one schema and all below it.
fn finish_schema(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    for dropped in ["nullable", "default", "title"] {
        fields.remove(dropped);
    }
    drop_null_from_enum(fields);
    if let Some(Value::String(text)) = fields.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    let format = fields
        .get("format")
        .and_then(Value::as_str)
        .map(str::to_owned);
    match format.as_deref() {
        Some("date-time" | "date") => {
            fields.entry("maxLength").or_insert(INSTANT_LENGTH.into());
        }
        Some(unsigned) if unsigned.starts_with("uint") => {
            fields.insert("format".into(), "int64".into());
        }
        _ => {}
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(finish_schema);
    }
    if let Some(items) = fields.get_mut("items") {
        finish_schema(items);
    }
}

/// Only Holdfast writes the status: rules made for what users write would cost the server time at every status write.
fn drop_rules(schema: &mut Value) {
    let Value::Object(fields) = schema else {
        return;
    };
    fields.remove("x-kubernetes-validations");
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
    properties
        .into_iter()
        .flat_map(Map::values_mut)
        .for_each(drop_rules);
    fields.get_mut("items").into_iter().for_each(drop_rules);
}

fn drop_null_from_enum(fields: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = fields.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}

/// Bounds come as floating-point numbers; whole ones are written whole.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Number(number) => {
            if let Some(float) = number
                .as_f64()
                .filter(|float| number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15)
            {
                // Exact: whole and far below 2^53.
                #[allow(clippy::cast_possible_truncation)]
                let whole = float as i64;
                *value = whole.into();
            }
        }
        _ => {}
    }
}

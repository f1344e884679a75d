//! Checking one document as the API server would: its schema, fields it doesn't know, and the schema's own rules.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use jsonschema::Validator;
use k8s_openapi::NamespaceResourceScope;
use kube::{CustomResourceExt, Resource};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ManifestError, Source};
use crate::api::crds;

/// How much of a value or message is shown.
const SHOWN: usize = 200;

/// A document as its type, in `namespace` where it names none itself.
pub fn resource<K>(
    at: &Source,
    text: &str,
    value: Value,
    namespace: &str,
) -> Result<K, ManifestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + CustomResourceExt
        + DeserializeOwned
        + Serialize,
{
    let wrong = |field: &str, problem: &str| {
        let problem: String = problem.chars().take(SHOWN).collect();
        ManifestError {
            at: Source {
                line: at.line + line_of(text, field),
                ..at.clone()
            },
            problem: format!("{field}: {}", problem.trim_end_matches('.')) + ".",
        }
    };
    if value
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return Err(wrong("metadata.name", "a resource needs a name"));
    }
    against_schema(&K::kind(&()), &value).map_err(|(field, problem)| wrong(&field, &problem))?;
    let mut resource: K =
        serde_json::from_value(value.clone()).map_err(|error| wrong("spec", &error.to_string()))?;
    let kept = serde_json::to_value(&resource).unwrap_or_default();
    if let Some(field) = lost(value.get("spec"), kept.get("spec"), "spec") {
        let problem = "there is no such field. `kubectl explain` tells which there are";
        return Err(wrong(&field, problem));
    }
    if let Err(errors) = kube::core::cel::validate_cel(&resource)
        && let Some(error) = errors.iter().next()
    {
        let field = error.field_path.trim_start_matches('.');
        let field = if field.is_empty() { "spec" } else { field };
        return Err(wrong(field, &error.message));
    }
    resource
        .meta_mut()
        .namespace
        .get_or_insert_with(|| namespace.to_owned());
    Ok(resource)
}

/// The first thing in a document that its kind's schema refuses: the field, and why.
fn against_schema(kind: &str, value: &Value) -> Result<(), (String, String)> {
    static VALIDATORS: OnceLock<Mutex<HashMap<String, Validator>>> = OnceLock::new();
    let mut validators = VALIDATORS
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if !validators.contains_key(kind) {
        let validator = schema(kind)
            .and_then(|schema| jsonschema::validator_for(&schema).ok())
            .ok_or_else(|| (String::new(), format!("the schema of {kind} can't be used")))?;
        validators.insert(kind.to_owned(), validator);
    }
    // Null is the same as absent.
    let value = without_nulls(value);
    let Some(error) = validators[kind].iter_errors(&value).next() else {
        return Ok(());
    };
    let path = error.instance_path().to_string();
    let field = path.trim_start_matches('/').replace('/', ".");
    let field = if field.is_empty() {
        "spec".to_owned()
    } else {
        field
    };
    Err((field, error.masked().to_string()))
}

fn schema(kind: &str) -> Option<Value> {
    let crd = crds().into_iter().find(|crd| crd.spec.names.kind == kind)?;
    let version = crd.spec.versions.into_iter().next()?;
    serde_json::to_value(version.schema?.open_api_v3_schema?).ok()
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            kept.map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The path of the first field that a type didn't keep.
fn lost(written: Option<&Value>, kept: Option<&Value>, path: &str) -> Option<String> {
    match written? {
        Value::Null => None,
        Value::Object(members) => members
            .iter()
            .find_map(|(name, value)| {
                lost(
                    Some(value),
                    kept.and_then(|kept| kept.get(name)),
                    &format!("{path}.{name}"),
                )
            })
            .or_else(|| (kept.is_none() && !members.is_empty()).then(|| path.to_owned())),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, value)| {
            lost(
                Some(value),
                kept.and_then(|kept| kept.get(at)),
                &format!("{path}.{at}"),
            )
        }),
        _ => kept.is_none().then(|| path.to_owned()),
    }
}

/// How many lines below a document's first a field stands, as far as its names tell.
fn line_of(text: &str, field: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    for name in field
        .split('.')
        .filter(|name| name.parse::<usize>().is_err())
    {
        let key = format!("{name}:");
        let names_it = |line: &&str| {
            line.split(|mark: char| mark.is_whitespace() || "{,-\"'".contains(mark))
                .any(|word| word.starts_with(&key))
        };
        match lines[at.min(lines.len())..].iter().position(names_it) {
            Some(below) => at += below,
            None => break,
        }
    }
    at
}

//! Checking one document as the API server would: its schema, fields it doesn't know, and the schema's own rules.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use jsonschema::Validator;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Resource,
    core::cel::{CompiledSchema, compile_schema, validate_compiled},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ManifestError, Source};
use crate::api::schema_of;

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
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Serialize,
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
    against_definition(&K::kind(&()), &value)
        .map_err(|(field, problem)| wrong(&field, &problem))?;
    let mut resource: K =
        serde_json::from_value(value.clone()).map_err(|error| wrong("spec", &error.to_string()))?;
    let kept = serde_json::to_value(&resource).unwrap_or_default();
    if let Some(field) = lost(value.get("spec"), kept.get("spec"), "spec") {
        let problem = "there is no such field. `kubectl explain` tells which there are";
        return Err(wrong(&field, problem));
    }
    resource
        .meta_mut()
        .namespace
        .get_or_insert_with(|| namespace.to_owned());
    Ok(resource)
}

/// A kind's definition, made ready to judge by: compiling it takes far longer than judging.
struct Definition {
    schema: Validator,
    rules: CompiledSchema,
}

impl Definition {
    fn of(kind: &str) -> Option<Self> {
        let schema = schema_of(kind)?;
        Some(Self {
            rules: compile_schema(&schema),
            schema: jsonschema::validator_for(&schema).ok()?,
        })
    }

    /// The first thing that schema or rules refuse: the field, and why.
    fn judge(&self, value: &Value) -> Result<(), (String, String)> {
        let or_spec = |field: String| {
            if field.is_empty() {
                "spec".to_owned()
            } else {
                field
            }
        };
        if let Some(error) = self.schema.iter_errors(value).next() {
            let path = error.instance_path().to_string();
            let field = path.trim_start_matches('/').replace('/', ".");
            return Err((or_spec(field), error.masked().to_string()));
        }
        match validate_compiled(&self.rules, value, None) {
            Ok(()) => Ok(()),
            Err(errors) => errors.as_slice().first().map_or(Ok(()), |error| {
                let field = error.field_path.trim_start_matches('.').to_owned();
                Err((or_spec(field), error.message.clone()))
            }),
        }
    }
}

/// The first thing in a document that its kind's definition refuses: the field, and why.
fn against_definition(kind: &str, value: &Value) -> Result<(), (String, String)> {
    static DEFINITIONS: OnceLock<Mutex<HashMap<String, Definition>>> = OnceLock::new();
    let mut definitions = DEFINITIONS
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if !definitions.contains_key(kind) {
        let unusable = || {
            (
                String::new(),
                format!("the definition of {kind} can't be used"),
            )
        };
        let definition = Definition::of(kind).ok_or_else(unusable)?;
        definitions.insert(kind.to_owned(), definition);
    }
    // Null is the same as absent.
    definitions[kind].judge(&without_nulls(value))
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

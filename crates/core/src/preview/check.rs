//! Checking one document as the API server would: its schema, fields it doesn't know, and the schema's own rules.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use jsonschema::Validator;
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Resource,
    core::ObjectMeta,
    core::cel::{CompiledSchema, compile_schema, validate_compiled},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{ManifestError, Source, metadata, yaml::Document};
use crate::api::schema_of;

/// How much of a value or message is shown.
const SHOWN: usize = 200;

/// The position of a resource: in a document, or below this path of a list.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The document's place.
    pub at: &'a Source,
    /// The document.
    pub document: &'a Document,
    /// `items.3.`, or nothing.
    pub prefix: &'a str,
}

impl Place<'_> {
    /// What is wrong with a field, at its line; and whether it is read in another way than one may think.
    fn wrong(&self, field: &str, problem: &str) -> ManifestError {
        let problem: String = problem.chars().take(SHOWN).collect();
        let path = field.replace('[', ".").replace(']', "");
        let path = format!("{}{path}", self.prefix);
        let below = format!("{path}.");
        let mut remarks = self.document.remarks.iter();
        let remark = remarks.find(|remark| remark.path == path || remark.path.starts_with(&below));
        let remark = remark.map_or_else(String::new, |remark| format!(" {}.", remark.says));
        ManifestError {
            at: Source {
                line: self.line(&path),
                ..self.at.clone()
            },
            problem: format!("{field}: {}.{remark}", problem.trim_end_matches('.')),
        }
    }

    /// The line of a path, or of what it is below.
    fn line(&self, mut path: &str) -> usize {
        loop {
            if let Some(line) = self.document.lines.get(path) {
                return *line;
            }
            match path.rsplit_once('.') {
                Some((above, _)) => path = above,
                None => return self.at.line,
            }
        }
    }
}

/// A resource as its type, in `namespace` where it names none itself.
pub fn resource<K>(place: Place<'_>, value: &Value, namespace: &str) -> Result<K, ManifestError>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Serialize,
{
    let wrong = |(field, problem): (String, String)| place.wrong(&field, &problem);
    // Null is the same as absent.
    let mut value = without_nulls(value);
    let written = value.get("metadata").cloned().unwrap_or_default();
    let read: ObjectMeta = match serde_json::from_value(written.clone()) {
        Ok(read) => read,
        Err(error) => return Err(place.wrong("metadata", &error.to_string())),
    };
    if read.name.as_deref().is_none_or(str::is_empty) {
        return Err(place.wrong("metadata.name", "a resource needs a name"));
    }
    let kept = serde_json::to_value(&read).unwrap_or_default();
    let members = written.as_object().into_iter().flatten();
    let unknown = members
        .map(|(name, _)| name)
        .find(|name| kept.get(name).is_none());
    if let Some(name) = unknown {
        return Err(place.wrong(&format!("metadata.{name}"), NO_FIELD));
    }
    metadata::judge(&read).map_err(wrong)?;
    against_definition(&K::kind(&()), &mut value).map_err(wrong)?;
    let mut resource: K =
        serde_json::from_value(value).map_err(|error| place.wrong("spec", &error.to_string()))?;
    resource
        .meta_mut()
        .namespace
        .get_or_insert_with(|| namespace.to_owned());
    Ok(resource)
}

/// The message about a field that a kind doesn't have.
const NO_FIELD: &str = "there is no such field. `kubectl explain` lists the fields";

/// What every kind has.
const COMMON: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// A kind's definition, compiled for validation: compiling it takes far longer than validating.
struct Definition {
    text: Value,
    schema: Validator,
    rules: CompiledSchema,
}

impl Definition {
    fn of(kind: &str) -> Option<Self> {
        let schema = schema_of(kind)?;
        Some(Self {
            rules: compile_schema(&schema),
            schema: jsonschema::validator_for(&schema).ok()?,
            text: schema,
        })
    }

    /// The first thing that schema or rules refuse: the field, and why. Status is only checked for fields that there aren't,
    /// since the API server leaves it alone.
    fn judge(&self, value: &mut Value) -> Result<(), (String, String)> {
        let members = value.as_object().into_iter().flatten();
        let own = members.filter(|(name, _)| !COMMON.contains(&name.as_str()));
        let own: Value = own
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some(field) = unknown(&self.text, &own, "") {
            return Err((field, NO_FIELD.to_owned()));
        }
        if let Some(members) = value.as_object_mut() {
            members.remove("status");
        }
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
fn against_definition(kind: &str, value: &mut Value) -> Result<(), (String, String)> {
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
    definitions[kind].judge(value)
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

/// The path of the first member that a schema doesn't have.
fn unknown(schema: &Value, value: &Value, path: &str) -> Option<String> {
    if schema["x-kubernetes-preserve-unknown-fields"] == true {
        return None;
    }
    let below = |name: &str| {
        let separator = if path.is_empty() { "" } else { "." };
        format!("{path}{separator}{name}")
    };
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let any = Some(&schema["additionalProperties"]).filter(|any| !any.is_null());
            match schema["properties"].get(name).or(any) {
                Some(schema) => unknown(schema, value, &below(name)),
                None => Some(below(name)),
            }
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, value)| unknown(&schema["items"], value, &below(&at.to_string()))),
        _ => None,
    }
}

//! A running platform as manifests, and as a file that a plan can be made against. R-N4
//!
//! Each object becomes a resource that adopts it by its id, with every setting as the platform holds it, so that applying it
//! changes nothing. Secrets and pictures aren't among the settings.

mod carried;
mod documents;
mod estate_file;
mod files;
mod gaps;
mod naming;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub use documents::documents;
pub use estate_file::{EstateFile, EstateFileError};
pub use files::{files, text};
pub use naming::Names;

use crate::{
    api::{
        BackupPlatform, Kind,
        names::{GROUP, VERSION},
        quantity::{Rate, Size},
    },
    estate::{BACKUPS, Capabilities, Object, Shape, Unread, fields, insert, is_empty},
    planner::spec_field,
};

/// Settings that aren't exported: secrets, pictures by their digest, and what follows from the rest.
const LEFT_OUT: [&str; 4] = [
    "webAccess.passwordTag",
    "branding.logo",
    "branding.icon",
    BACKUPS,
];

/// One resource as a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The whole of it.
    pub body: Value,
    /// What isn't in it although it is on the platform, or may be.
    pub gaps: Vec<String>,
}

/// The platform itself, as it is declared, without what the API server and the operator add.
pub fn platform(
    platform: &BackupPlatform,
    capabilities: &Capabilities,
    unread: &Unread,
) -> Document {
    let name = platform.metadata.name.clone().unwrap_or_default();
    let namespace = platform.metadata.namespace.clone().unwrap_or_default();
    let spec = serde_json::to_value(&platform.spec).unwrap_or_default();
    Document {
        gaps: gaps::of_platform(platform, capabilities, unread),
        ..document("BackupPlatform", &namespace, &name, spec)
    }
}

/// One object of a platform as the resource that adopts it. `display_name` is the name of a hidden customer, which the
/// platform doesn't receive.
pub fn resource(
    object: &Object,
    platform: &BackupPlatform,
    names: &Names,
    display_name: Option<&str>,
) -> Document {
    let kind = object.kind;
    let namespace = platform.metadata.namespace.clone().unwrap_or_default();
    let mut spec = Map::new();
    for field in fields(kind) {
        let value = object.settings.get(field.path);
        if let Some(value) = value.filter(|_| !LEFT_OUT.contains(&field.path)) {
            let (path, value) = as_spec(kind, field.path, field.shape, value, names);
            if !is_empty(&value) {
                insert(&mut spec, &path, value);
            }
        }
    }
    let under_platform = match kind {
        Kind::Reseller | Kind::ServicePlan => true,
        Kind::Customer => !spec.contains_key("resellerRef"),
        Kind::Tenant => false,
    };
    if under_platform {
        let name = platform.metadata.name.clone().unwrap_or_default();
        spec.insert("platformRef".into(), json!({"name": name}));
    }
    if let Some(display_name) = display_name {
        spec.insert("displayName".into(), display_name.into());
    }
    spec.insert("adopt".into(), "ById".into());
    spec.insert("externalId".into(), object.id.as_str().into());
    let name = names.of(kind, &object.id);
    let known = display_name.is_some_and(|name| name != object.name);
    Document {
        gaps: gaps::of_object(object, known),
        ..document(kind.as_str(), &namespace, &name, Value::Object(spec))
    }
}

fn document(kind: &str, namespace: &str, name: &str, spec: Value) -> Document {
    Document {
        kind: kind.to_owned(),
        name: name.to_owned(),
        gaps: Vec::new(),
        body: json!({
            "apiVersion": format!("{GROUP}/{VERSION}"),
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        }),
    }
}

/// A setting as the spec writes it: its field and its value.
fn as_spec(kind: Kind, path: &str, shape: Shape, value: &Value, names: &Names) -> (String, Value) {
    let field = spec_field(kind, path);
    let reference = |kind: Kind| match value.as_str() {
        Some(id) if !id.is_empty() => json!({"name": names.of(kind, &id.to_owned().into())}),
        _ => Value::Null,
    };
    let value = match (path, shape) {
        ("parentId" | "resellerId", _) => reference(Kind::Reseller),
        ("customerId", _) => reference(Kind::Customer),
        ("planId", _) => reference(Kind::ServicePlan),
        ("active", _) if kind == Kind::Tenant => {
            let state = if value == &Value::Bool(false) {
                "Suspended"
            } else {
                "Active"
            };
            state.into()
        }
        (_, Shape::Bytes) => value.as_u64().map_or_else(
            || value.clone(),
            |bytes| Size::from_bytes(bytes).to_string().into(),
        ),
        (_, Shape::Rate) => value.as_u64().map_or_else(
            || value.clone(),
            |rate| Rate::from_bits_per_second(rate).to_string().into(),
        ),
        (_, Shape::Credits) => value.to_string().trim_matches('"').into(),
        _ => value.clone(),
    };
    (field, value)
}

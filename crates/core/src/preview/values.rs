//! Values of settings as people write them.

use serde_json::Value;

use crate::{
    api::{
        Kind,
        quantity::{Rate, Size},
    },
    estate::{ObjectId, Settings, Shape, fields},
    inventory::Inventory,
    planner::spec_field,
};

use super::Change;

/// Settings with a value that must not be shown.
const SECRET: &str = "webAccess.passwordTag";
/// How much of a value is shown.
const SHOWN: usize = 256;

/// Every field that differs between two states of an object.
pub fn changes(
    kind: Kind,
    before: &Settings,
    after: &Settings,
    inventory: &Inventory,
) -> Vec<Change> {
    fields(kind)
        .iter()
        .filter(|field| before.get(field.path) != after.get(field.path))
        .map(|field| {
            let show = |settings: &Settings| {
                let value = settings.get(field.path)?;
                let text = show(field.path, field.shape, value, inventory);
                (!text.is_empty()).then(|| text.chars().take(SHOWN).collect())
            };
            Change {
                field: spec_field(kind, field.path),
                from: show(before),
                to: show(after),
            }
        })
        .filter(|change| change.from != change.to || change.from.is_some())
        .collect()
}

fn show(path: &str, shape: Shape, value: &Value, inventory: &Inventory) -> String {
    if path == SECRET {
        return "(secret)".into();
    }
    if let Some(kind) = referred(path)
        && let Some(id) = value.as_str()
    {
        let object = inventory.get(kind, &ObjectId::new(id));
        return object.map_or_else(|| id.to_owned(), |object| object.name.clone());
    }
    match (shape, value) {
        (_, Value::Null) => String::new(),
        (Shape::Bytes, Value::Number(number)) => number.as_u64().map_or_else(
            || number.to_string(),
            |bytes| Size::from_bytes(bytes).to_string(),
        ),
        (Shape::Rate, Value::Number(number)) => number.as_u64().map_or_else(
            || number.to_string(),
            |rate| Rate::from_bits_per_second(rate).to_string(),
        ),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(items)) => items.iter().map(entry).collect::<Vec<_>>().join(", "),
        (_, other) => other.to_string(),
    }
}

/// An entry of a list, as short as possible.
fn entry(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(members) => {
            let told = members.iter().filter(|(_, value)| !value.is_null());
            let told: Vec<String> = told
                .map(|(name, value)| format!("{name}: {}", entry(value)))
                .collect();
            format!("{{{}}}", told.join(", "))
        }
        Value::Array(items) => items.iter().map(entry).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn referred(path: &str) -> Option<Kind> {
    match path {
        "parentId" | "resellerId" => Some(Kind::Reseller),
        "customerId" => Some(Kind::Customer),
        "planId" => Some(Kind::ServicePlan),
        _ => None,
    }
}

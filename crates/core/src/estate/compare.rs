//! Desired state against observed state: what differs, and the merge patch that corrects it.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Map, Value};

use super::{
    Settings, Shape, fields,
    settings::{insert, is_empty, lookup, thousandths},
};
use crate::api::{Kind, Moment};

/// One managed field with an observed value that isn't the desired one.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Dotted path of the field.
    pub field: &'static str,
    /// What the spec says.
    pub desired: Value,
    /// What the platform holds; `None` when it holds nothing.
    pub observed: Option<Value>,
    /// What to write so that the platform matches and nothing unmanaged is lost.
    pub write: Value,
}

/// Every field of `desired` with a different value in `observed`, in the catalogue's order. Fields that `desired` leaves out
/// don't count.
pub fn differences(kind: Kind, desired: &Settings, observed: &Settings) -> Vec<Difference> {
    fields(kind)
        .iter()
        .filter_map(|field| {
            let wanted = desired.get(field.path)?;
            let held = observed.get(field.path);
            let write = target(field.shape, wanted, held);
            (!same(field.shape, &write, held)).then(|| Difference {
                field: field.path,
                desired: wanted.clone(),
                observed: held.cloned(),
                write,
            })
        })
        .collect()
}

/// The merge patch (RFC 7396) that writes the differences. A cleared field becomes `null`; an object that would be empty
/// afterwards is removed as a whole.
pub fn merge_patch(differences: &[Difference], observed: &Settings) -> Map<String, Value> {
    let mut patch = Map::new();
    for difference in differences {
        let value = if is_empty(&difference.write) {
            Value::Null
        } else {
            difference.write.clone()
        };
        insert(&mut patch, difference.field, value);
    }
    let held = Value::Object(observed.to_document());
    for (member, value) in &mut patch {
        collapse(value, lookup(&held, member));
    }
    patch
}

/// Turns a group into one `null` when all its members are removed, deepest first.
fn collapse(patch: &mut Value, held: Option<&Value>) {
    let Value::Object(members) = patch else {
        return;
    };
    for (member, value) in members.iter_mut() {
        collapse(value, held.and_then(|held| held.get(member)));
    }
    let all_go = members.values().all(Value::is_null);
    let nothing_else = held
        .and_then(Value::as_object)
        .is_none_or(|held| held.keys().all(|member| members.contains_key(member)));
    if all_go && nothing_else {
        *patch = Value::Null;
    }
}

/// The whole value that the platform should hold afterwards: the desired one, plus what isn't ours to take away.
fn target(shape: Shape, wanted: &Value, held: Option<&Value>) -> Value {
    match shape {
        Shape::GrowingSet => {
            let mut union: Vec<&str> = texts(held).collect();
            for text in texts(Some(wanted)) {
                if !union.iter().any(|held| held.eq_ignore_ascii_case(text)) {
                    union.push(text);
                }
            }
            union.sort_unstable();
            union.into_iter().collect()
        }
        Shape::Keyed(key) => overlay(key, wanted, held, false),
        Shape::GrowingKeyed(key) => overlay(key, wanted, held, true),
        _ => wanted.clone(),
    }
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Lays each desired entry over the observed one of the same key.
fn overlay(key: &str, wanted: &Value, held: Option<&Value>, keep_others: bool) -> Value {
    let empty = Vec::new();
    let wanted = wanted.as_array().unwrap_or(&empty);
    let held = held.and_then(Value::as_array).unwrap_or(&empty);
    let entries = wanted.iter().map(|entry| {
        let mut merged = held
            .iter()
            .find(|other| same_key(key, entry, other))
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()));
        if let (Value::Object(merged), Value::Object(entry)) = (&mut merged, entry) {
            for (member, value) in entry {
                if is_empty(value) {
                    merged.remove(member);
                } else if !(member == key && merged.contains_key(key)) {
                    merged.insert(member.clone(), value.clone());
                }
            }
        }
        merged
    });
    let others = held
        .iter()
        .filter(|other| keep_others && !wanted.iter().any(|entry| same_key(key, entry, other)))
        .cloned();
    others.chain(entries).collect()
}

fn same_key(key: &str, one: &Value, other: &Value) -> bool {
    match (
        one.get(key).and_then(Value::as_str),
        other.get(key).and_then(Value::as_str),
    ) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

fn same(shape: Shape, wanted: &Value, held: Option<&Value>) -> bool {
    let Some(held) = held else {
        return is_empty(wanted);
    };
    match shape {
        Shape::CaselessText => match (wanted.as_str(), held.as_str()) {
            (Some(wanted), Some(held)) => wanted.trim().eq_ignore_ascii_case(held.trim()),
            _ => wanted == held,
        },
        Shape::Bytes | Shape::Rate | Shape::Count | Shape::Credits => same_number(wanted, held),
        Shape::Set | Shape::GrowingSet => same_texts(wanted, held),
        Shape::Keyed(key) | Shape::GrowingKeyed(key) => same_entries(key, wanted, held),
        Shape::Text => match (wanted.as_str(), held.as_str()) {
            (Some(wanted), Some(held)) => wanted.trim() == held.trim(),
            _ => wanted == held || (is_empty(wanted) && is_empty(held)),
        },
        Shape::Instant if is_never(wanted) => is_never(held),
        Shape::Flag | Shape::Instant => wanted == held || (is_empty(wanted) && is_empty(held)),
    }
}

/// Every way to write never is the same instant.
fn is_never(value: &Value) -> bool {
    value.as_str().and_then(Moment::parse) == Some(Moment::Never)
}

/// Sets are words and mail addresses, which platforms may re-case.
fn same_texts(wanted: &Value, held: &Value) -> bool {
    let set = |value| -> BTreeSet<String> {
        texts(Some(value))
            .map(|text: &str| text.trim().to_ascii_lowercase())
            .collect()
    };
    set(wanted) == set(held)
}

fn same_number(wanted: &Value, held: &Value) -> bool {
    if let (Some(wanted), Some(held)) = (wanted.as_u64(), held.as_u64()) {
        return wanted == held;
    }
    match (wanted.as_f64(), held.as_f64()) {
        (Some(wanted), Some(held)) => thousandths(wanted) == thousandths(held),
        _ => wanted == held,
    }
}

/// Keyed lists are equal when they hold the same keys and each pair of entries is equal, in any order.
fn same_entries(key: &str, wanted: &Value, held: &Value) -> bool {
    let (Some(wanted), Some(held)) = (wanted.as_array(), held.as_array()) else {
        return false;
    };
    wanted.len() == held.len()
        && wanted.iter().all(|entry| {
            held.iter()
                .any(|other| same_key(key, entry, other) && same_members(key, entry, other))
        })
}

fn same_members(key: &str, one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else {
        return false;
    };
    let members: BTreeSet<&String> = one
        .keys()
        .chain(other.keys())
        .filter(|member| *member != key)
        .collect();
    members
        .into_iter()
        .all(|member| match (one.get(member), other.get(member)) {
            (Some(one), Some(other)) => same_leaf(one, other),
            (Some(value), None) | (None, Some(value)) => is_empty(value),
            (None, None) => true,
        })
}

/// Members of entries have no shape of their own: instants, sets and numbers are recognised by their form.
fn same_leaf(one: &Value, other: &Value) -> bool {
    if one == other {
        return true;
    }
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => same_number(one, other),
        (Value::Array(_), Value::Array(_)) => same_texts(one, other),
        (Value::String(one), Value::String(other)) => {
            match (Moment::parse(one), Moment::parse(other)) {
                (Some(Moment::At(one)), Some(Moment::At(other))) => {
                    one.duration_since(other).abs() < SignedDuration::from_secs(1)
                }
                (Some(Moment::Never), Some(Moment::Never)) => true,
                _ => one.trim() == other.trim(),
            }
        }
        _ => false,
    }
}

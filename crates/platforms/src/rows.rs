//! Rows of lists and reports, each read by itself: a row that can't be read is reported, and doesn't affect the others.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, value::RawValue};

/// Longest part of an unreadable value that is shown.
const SHOWN: usize = 60;

/// A raw row. Errors inside of it are found when it is read, and not before.
pub(super) type Raw = Box<RawValue>;

type Members = BTreeMap<String, Raw>;

/// A row with required members that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    /// Its id, where that can be read.
    pub(super) id: Option<String>,
    /// What can't be read.
    pub(super) why: String,
}

/// Reads a row; members that can't be read are left out and reported, as long as those in `needed` are there.
///
/// # Errors
/// A required member is missing, or can't be read.
pub(super) fn salvage<T: DeserializeOwned>(
    raw: &RawValue,
    needed: &[&str],
) -> Result<(T, Option<String>), Lost> {
    // A list would be read member by member, in their order.
    let is_object = raw.get().trim_start().starts_with('{');
    if is_object && let Ok(row) = serde_json::from_str(raw.get()) {
        return Ok((row, None));
    }
    let members = members(raw)?;
    let with = |more: &[&str]| -> Option<T> {
        let wanted = |name: &str| needed.contains(&name) || more.contains(&name);
        let some: BTreeMap<_, _> = members.iter().filter(|(name, _)| wanted(name)).collect();
        serde_json::from_str(&serde_json::to_string(&some).ok()?).ok()
    };
    let lost = |names: &[&str]| Lost {
        id: id(&members),
        why: told(&members, names),
    };
    if with(&[]).is_none() {
        return Err(lost(needed));
    }
    let (good, odd): (Vec<&str>, Vec<&str>) = members
        .keys()
        .map(String::as_str)
        .filter(|name| !needed.contains(name))
        .partition(|name| with(&[name]).is_some());
    let row = with(&good).ok_or_else(|| lost(&odd))?;
    Ok((row, Some(told(&members, &odd))))
}

/// A row whole, or why it can't be read.
///
/// # Errors
/// Anything of it that can't be read.
pub(super) fn whole<T: DeserializeOwned>(raw: &RawValue, needed: &[&str]) -> Result<T, Lost> {
    match salvage(raw, needed)? {
        (row, None) => Ok(row),
        (_, Some(why)) => Err(Lost {
            id: members(raw).ok().and_then(|members| id(&members)),
            why,
        }),
    }
}

/// A row as a document, without the members that aren't JSON as we can hold it; and which those are.
pub(super) fn document(raw: &RawValue) -> (Value, Option<String>) {
    if let Ok(document) = serde_json::from_str(raw.get()) {
        return (document, None);
    }
    let members = members(raw).unwrap_or_default();
    let mut document = Map::new();
    let mut odd = Vec::new();
    for (name, value) in &members {
        match serde_json::from_str(value.get()) {
            Ok(value) => drop(document.insert(name.clone(), value)),
            Err(_) => odd.push(name.as_str()),
        }
    }
    (Value::Object(document), Some(told(&members, &odd)))
}

fn members(raw: &RawValue) -> Result<Members, Lost> {
    serde_json::from_str(raw.get()).map_err(|_| Lost {
        id: None,
        why: format!("{} isn't an object", bounded(raw.get())),
    })
}

/// The id of a row, also where the platform writes it as a number.
fn id(members: &Members) -> Option<String> {
    let names = ["id", "Id", "AccountId"];
    let id = names.iter().find_map(|name| members.get(*name))?;
    match serde_json::from_str(id.get()).ok()? {
        Value::String(id) => Some(id),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn told(members: &Members, names: &[&str]) -> String {
    let tell = |name: &&str| match members.get(*name) {
        None => format!("{name} is missing"),
        Some(_) if is_secret(name) => format!("{name} can't be read"),
        Some(value) => format!("{name} is {}", bounded(value.get())),
    };
    names.iter().map(tell).collect::<Vec<_>>().join("; ")
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token", "webaccess"]
        .iter()
        .any(|word| name.contains(word))
}

/// A value in a form that may be shown: not too long, and on one line.
fn bounded(value: &str) -> String {
    let line: String = value
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    crate::api::bounds::shortened(&line, SHOWN)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Row {
        id: String,
        #[serde(default)]
        count: u64,
        #[serde(default)]
        name: Option<String>,
    }

    fn raw(text: &str) -> Raw {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn what_can_be_read_of_a_row_is_read_and_the_rest_is_told() {
        let good = raw(r#"{"id": "1", "count": 2, "new": [1e999]}"#);
        let (row, odd) = salvage::<Row>(&good, &["id"]).expect("it can be read");
        assert_eq!((row.id.as_str(), row.count, odd), ("1", 2, None));
        let odd = raw(r#"{"id": "1", "count": -2, "name": {"deep": "\ud800"}}"#);
        let (row, told) = salvage::<Row>(&odd, &["id"]).expect("it can be read in part");
        assert_eq!((row.count, row.name), (0, None));
        let told = told.expect("something odd");
        assert!(told.contains("count is -2; name is {"), "{told}");
    }

    #[test]
    fn a_row_without_what_is_needed_says_what_it_lacks() {
        let lost = |text: &str| whole::<Row>(&raw(text), &["id"]).unwrap_err();
        assert_eq!(lost(r#"{"count": 1}"#).why, "id is missing");
        assert_eq!(lost(r#"{"id": 7}"#).id.as_deref(), Some("7"));
        assert_eq!(lost("null").why, "null isn't an object");
        let long = json!(["x".repeat(1000)]).to_string();
        assert!(lost(&long).why.chars().count() < 100);
        let secret = lost(r#"{"id": "1", "count": -1, "webAccess": 1}"#);
        assert_eq!(secret.why, "count is -1");
    }
}

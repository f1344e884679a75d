//! Settings of one object as leaf values by dotted path, normalised by their shape.

use serde_json::{Map, Value};
use thiserror::Error;

use super::{Field, Shape, fields};
use crate::api::{
    Kind, Moment,
    bounds::shortened,
    quantity::{Count, Credits, Rate, Size},
};

/// The setting of which one word is another on the wire of the bridge contract, and in estates that were stored: there it is
/// `Off`, which a spec can't say, since kubectl reads it as false.
const MODE: &str = "bandwidth.mode";
const FREE: &str = "Unlimited";
const FREE_ON_THE_WIRE: &str = "Off";

/// A document or patch of settings as the bridge contract spells it. Both spellings are read.
pub fn spelt_for_the_wire(mut document: Map<String, Value>) -> Map<String, Value> {
    let bandwidth = document.get_mut("bandwidth");
    if let Some(mode) = bandwidth.and_then(|bandwidth| bandwidth.get_mut("mode"))
        && mode == FREE
    {
        *mode = FREE_ON_THE_WIRE.into();
    }
    document
}

/// Longest text of what is wrong with a value, which it quotes.
const LONGEST_PROBLEM: usize = 200;
/// More of anything than any platform counts.
const MOST: u64 = 1_000_000_000_000_000;

/// A value that doesn't fit its field.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {problem}")]
pub struct SettingsError {
    /// Dotted path of the field.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

/// Leaf values by dotted path. An absent path is not managed, or not reported; an empty value is cleared.
///
/// Ordered by path, in one piece: there is one of each object on a platform, with a dozen fields, and a map would take three
/// times the memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(Vec<(&'static str, Value)>);

impl Settings {
    /// Picks the catalogue's fields out of a document: the spec of a resource, or an item of a platform.
    ///
    /// # Errors
    /// A value that can't be read as its field's shape, for instance a size that isn't a quantity.
    pub fn from_document(kind: Kind, document: &Value) -> Result<Self, SettingsError> {
        let mut settings = Vec::new();
        for field in fields(kind) {
            match lookup(document, field.path) {
                None | Some(Value::Null) => {}
                Some(word) if field.path == MODE && word == FREE_ON_THE_WIRE => {
                    settings.push((field.path, FREE.into()));
                }
                Some(value) => settings.push((field.path, normalise(field, value)?)),
            }
        }
        settings.sort_unstable_by_key(|(path, _)| *path);
        settings.shrink_to_fit();
        Ok(Self(settings))
    }

    /// As [`Settings::from_document`], leaving out each value that can't be read; returns which those are.
    pub fn salvage(kind: Kind, document: &Value) -> (Self, Vec<SettingsError>) {
        let mut odd = Vec::new();
        let mut rest = document.clone();
        loop {
            match Self::from_document(kind, &rest) {
                Ok(settings) => return (settings, odd),
                Err(error) => {
                    clear(&mut rest, &error.field);
                    odd.push(error);
                }
            }
        }
    }

    /// Adds the settings of another that are missing here.
    pub fn complete(&mut self, other: &Self) {
        for (path, value) in &other.0 {
            if let Err(at) = self.place(path) {
                self.0.insert(at, (path, value.clone()));
            }
        }
    }

    /// Where a path stands, or would stand.
    fn place(&self, path: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (*other).cmp(path))
    }

    /// A setting's value.
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.place(path).ok().map(|at| &self.0[at].1)
    }

    /// A text setting that isn't empty.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// A yes-or-no setting.
    pub fn flag(&self, path: &str) -> Option<bool> {
        self.get(path).and_then(Value::as_bool)
    }

    /// A whole number: bytes, bits per second, or a count.
    pub fn whole(&self, path: &str) -> Option<u64> {
        self.get(path).and_then(Value::as_u64)
    }

    /// A number with up to three decimals, in thousandths.
    pub fn thousandths(&self, path: &str) -> Option<i64> {
        self.get(path).and_then(Value::as_f64).map(thousandths)
    }

    /// An instant.
    pub fn moment(&self, path: &str) -> Option<Moment> {
        self.text(path).and_then(Moment::parse)
    }

    /// Sets a field of the catalogue; a path that the kind doesn't have is ignored.
    pub fn set(&mut self, kind: Kind, path: &str, value: Value) {
        if let Some(field) = fields(kind).iter().find(|field| field.path == path) {
            match self.place(field.path) {
                Ok(at) => self.0[at].1 = value,
                Err(at) => self.0.insert(at, (field.path, value)),
            }
        }
    }

    /// Drops a field.
    pub fn remove(&mut self, path: &str) -> Option<Value> {
        self.place(path).ok().map(|at| self.0.remove(at).1)
    }

    /// Keeps the fields for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(path, _)| keep(path));
    }

    /// All settings, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(path, value)| (*path, value))
    }

    /// Paths of the settings that hold something.
    pub fn filled(&self) -> impl Iterator<Item = &'static str> {
        let filled = self.0.iter().filter(|(_, value)| !is_empty(value));
        filled.map(|(path, _)| *path)
    }

    /// The nested document that a creation sends: cleared fields are left out.
    pub fn to_document(&self) -> Map<String, Value> {
        let mut document = Map::new();
        for (path, value) in &self.0 {
            if !is_empty(value) {
                insert(&mut document, path, value.clone());
            }
        }
        document
    }
}

/// The value at a dotted path.
pub(super) fn lookup<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(document, |value, member| value.get(member))
}

/// Removes the value at a dotted path and returns it.
fn clear(document: &mut Value, path: &str) {
    let (above, member) = path.rsplit_once('.').unwrap_or(("", path));
    let mut parts = above.split('.').filter(|part| !part.is_empty());
    let above = parts.try_fold(document, |value, part| value.get_mut(part));
    if let Some(Value::Object(members)) = above {
        members.remove(member);
    }
}

/// Puts a value at a dotted path, creating the objects on the way.
pub fn insert(document: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            document.insert(path.to_owned(), value);
        }
        Some((member, rest)) => {
            let child = document
                .entry(member)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(child) = child {
                insert(child, rest, value);
            }
        }
    }
}

/// Whether a value says "cleared".
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A number of credits in thousandths, so that rounding on the way can't make a difference.
#[allow(
    clippy::cast_possible_truncation,
    reason = "credits stay far below 2^53"
)]
pub(super) fn thousandths(number: f64) -> i64 {
    (number * 1000.0).round() as i64
}

fn normalise(field: &Field, value: &Value) -> Result<Value, SettingsError> {
    let wrong = |problem: String| SettingsError {
        field: field.path.to_owned(),
        problem: if field.path.starts_with("webAccess.") {
            "it can't be read".to_owned()
        } else {
            shortened(&problem, LONGEST_PROBLEM)
        },
    };
    let quantity_text = || match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match field.shape {
        Shape::Bytes | Shape::Rate => {
            let text = quantity_text()
                .ok_or_else(|| wrong(format!("{value} is not a size such as 500Gi")))?;
            if text.is_empty() {
                return Ok(Value::Null);
            }
            let number = if field.shape == Shape::Bytes {
                Size::new(text).bytes()
            } else {
                Rate::new(text).bits_per_second()
            };
            Ok(number.map_err(|error| wrong(error.to_string()))?.into())
        }
        Shape::Credits => {
            let text = quantity_text()
                .ok_or_else(|| wrong(format!("{value} is not a number such as 12.5")))?;
            if text.is_empty() {
                return Ok(Value::Null);
            }
            let milli = Credits::new(text)
                .milli()
                .map_err(|error| wrong(error.to_string()))?;
            Ok(from_thousandths(milli))
        }
        Shape::Instant => {
            let is_empty = value.as_str() == Some("");
            match value.as_str().and_then(Moment::parse) {
                _ if is_empty => Ok(value.clone()),
                Some(Moment::At(time)) => {
                    let second = time.round(jiff::Unit::Second).unwrap_or(time);
                    Ok(second.to_string().into())
                }
                Some(Moment::Never) => Ok(value.clone()),
                None => Err(wrong(format!(
                    "{value} is not a timestamp such as 2026-12-01T00:00:00Z"
                ))),
            }
        }
        Shape::Count => match value {
            Value::String(text) if text.is_empty() => Ok(Value::Null),
            Value::String(text) => Ok(Count::new(text.clone())
                .count()
                .map_err(|error| wrong(error.to_string()))?
                .into()),
            _ if value.as_u64().is_some_and(|count| count < MOST) => Ok(value.clone()),
            _ if value
                .as_f64()
                .is_some_and(|number| number >= 0.0 && number.fract() == 0.0 && number < 1e15) =>
            {
                Ok(from_thousandths(thousandths(
                    value.as_f64().unwrap_or_default(),
                )))
            }
            _ => Err(wrong(format!("{value} is not a whole number such as 25"))),
        },
        _ if has_form(field.shape, value) => Ok(value.clone()),
        Shape::Flag => Err(wrong(format!("{value} is not true or false"))),
        Shape::Text | Shape::CaselessText => Err(wrong(format!("{value} is not a string"))),
        Shape::Set | Shape::GrowingSet => Err(wrong(format!("{value} is not a list of strings"))),
        Shape::Keyed(key) | Shape::GrowingKeyed(key) => {
            Err(wrong(format!("{value} is not a list of objects by {key}")))
        }
    }
}

/// Whether a value of no special notation is what its field holds.
fn has_form(shape: Shape, value: &Value) -> bool {
    let all =
        |is: &dyn Fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(is));
    match shape {
        Shape::Flag => value.is_boolean(),
        Shape::Set | Shape::GrowingSet => all(&Value::is_string),
        Shape::Keyed(key) | Shape::GrowingKeyed(key) => all(&|entry| {
            entry.is_object()
                && entry
                    .get(key)
                    .is_none_or(|key| key.is_string() || key.is_null())
        }),
        _ => value.is_string(),
    }
}

#[allow(clippy::cast_precision_loss, reason = "credits stay far below 2^53")]
fn from_thousandths(milli: i64) -> Value {
    if milli % 1000 == 0 {
        (milli / 1000).into()
    } else {
        (milli as f64 / 1000.0).into()
    }
}

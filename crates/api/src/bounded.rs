//! Status within the bounds of its own schema: whatever people and platforms write, the API server accepts the result.
//!
//! One pass over the whole document, led by the generated definition, so that no field can be forgotten. Text is shortened and
//! ends with `…` then. Part of an id would be another id: it is left out instead. So is a value that fits no pattern and no
//! list. The message of `Ready` counts what is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use jsonschema::Validator;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    bounds::shortened,
    conditions::ConditionType,
    crd::{crds, schema_of},
};

#[cfg(test)]
mod tests;

/// Members that are compared or looked up by their whole text.
const IDS: [&str; 17] = [
    "accountName",
    "claim",
    "countries",
    "externalId",
    "fields",
    "id",
    "ids",
    "lastJobId",
    "lastSuccessJobId",
    "names",
    "operation",
    "platform",
    "regions",
    "requestHash",
    "senderAddress",
    "storageLocation",
    "suspended",
];
/// The remote parent in an intent; `summary.parent` is but a word for a column.
const PARENT_ID: &str = "intent.parent";

/// A status in a form that the API server accepts.
///
/// # Errors
/// A status that can't be turned into a document.
pub fn status_document<S: Serialize>(kind: &str, status: &S) -> serde_json::Result<Value> {
    static BOUNDS: LazyLock<BTreeMap<String, Bounds>> = LazyLock::new(|| {
        let kinds = crds().into_iter().map(|crd| crd.spec.names.kind);
        let bounds = |kind: String| {
            let schema = schema_of(&kind)?;
            Some((kind, Bounds::of(&schema["properties"]["status"])))
        };
        kinds.filter_map(bounds).collect()
    });
    let mut document = serde_json::to_value(status)?;
    let Some(bounds) = BOUNDS.get(kind) else {
        return Ok(document);
    };
    let mut left_out = LeftOut::default();
    bounds.fit(&mut document, "", &mut left_out);
    left_out.say(&mut document);
    Ok(document)
}

/// What a schema allows, ready to judge by.
struct Bounds {
    shape: Shape,
    /// Type, pattern, format and words of something that has no parts.
    judge: Option<Validator>,
}

enum Shape {
    Object {
        members: BTreeMap<String, Bounds>,
        required: BTreeSet<String>,
    },
    List {
        items: Box<Bounds>,
        most: usize,
        distinct: Distinct,
    },
    Single {
        longest: usize,
    },
}

/// What may stand in a list only once.
enum Distinct {
    /// Anything may be repeated.
    Nothing,
    /// A whole item.
    Items,
    /// Items with the same values of these members.
    Keys(Vec<String>),
}

impl Bounds {
    fn of(schema: &Value) -> Self {
        let size = |name: &str| {
            let size = schema[name].as_u64().unwrap_or(u64::MAX);
            usize::try_from(size).unwrap_or(usize::MAX)
        };
        let names = |name: &str| {
            let names = schema[name].as_array().into_iter().flatten();
            names.filter_map(Value::as_str).map(ToOwned::to_owned)
        };
        let (shape, judged) = match schema["type"].as_str() {
            Some("object") => {
                let members = schema["properties"].as_object();
                let members = members.into_iter().flatten();
                let shape = Shape::Object {
                    members: members
                        .map(|(name, schema)| (name.clone(), Self::of(schema)))
                        .collect(),
                    required: names("required").collect(),
                };
                (shape, false)
            }
            Some("array") => {
                let distinct = match schema["x-kubernetes-list-type"].as_str() {
                    Some("set") => Distinct::Items,
                    Some("map") => Distinct::Keys(names("x-kubernetes-list-map-keys").collect()),
                    _ => Distinct::Nothing,
                };
                let shape = Shape::List {
                    items: Box::new(Self::of(&schema["items"])),
                    most: size("maxItems"),
                    distinct,
                };
                (shape, false)
            }
            _ => {
                let longest = size("maxLength");
                (Shape::Single { longest }, true)
            }
        };
        let options = jsonschema::options().should_validate_formats(true);
        Self {
            shape,
            judge: judged.then(|| options.build(schema).ok()).flatten(),
        }
    }

    /// Brings a value within these bounds; false when there is no way, and it has to be left out.
    fn fit(&self, value: &mut Value, path: &str, left_out: &mut LeftOut) -> bool {
        match (&self.shape, &mut *value) {
            (Shape::Object { members, required }, Value::Object(given)) => {
                fit_members(members, given, path, left_out);
                required.iter().all(|name| given.contains_key(name))
            }
            (
                Shape::List {
                    items,
                    most,
                    distinct,
                },
                Value::Array(given),
            ) => {
                let (mut seen, mut lost) = (BTreeSet::new(), 0);
                given.retain_mut(|item| {
                    let mut inside = LeftOut::default();
                    if seen.len() == *most || !items.fit(item, path, &mut inside) {
                        lost += 1;
                        return false;
                    }
                    let fresh = seen.insert(distinct.key(item, seen.len()));
                    if fresh {
                        left_out.add(inside);
                    } else if matches!(distinct, Distinct::Keys(_)) {
                        lost += 1;
                    }
                    fresh
                });
                left_out.note(path, lost);
                true
            }
            (Shape::Single { longest }, single) => {
                match single {
                    Value::String(text) if is_id(path) && text.chars().count() > *longest => {
                        return false;
                    }
                    Value::String(text) => *text = shortened(text, *longest),
                    // The API server supports no whole numbers beyond.
                    Value::Number(number) if number.is_u64() && !number.is_i64() => {
                        *single = i64::MAX.into();
                    }
                    _ => {}
                }
                self.judge
                    .as_ref()
                    .is_none_or(|judge| judge.is_valid(value))
            }
            _ => false,
        }
    }
}

fn fit_members(
    members: &BTreeMap<String, Bounds>,
    given: &mut Map<String, Value>,
    path: &str,
    left_out: &mut LeftOut,
) {
    given.retain(|name, value| {
        let Some(bounds) = members.get(name) else {
            return true;
        };
        let path = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        let fits = bounds.fit(value, &path, left_out);
        left_out.note(&path, usize::from(!fits));
        fits
    });
}

impl Distinct {
    /// What no two items of a list may have in common; `place` tells apart those that may.
    fn key(&self, item: &Value, place: usize) -> String {
        match self {
            Self::Nothing => place.to_string(),
            Self::Items => item.to_string(),
            Self::Keys(names) => {
                let values = names.iter().map(|name| &item[name]);
                values.cloned().collect::<Value>().to_string()
            }
        }
    }
}

/// What had to be left out, by its path, and how often.
#[derive(Default)]
struct LeftOut(BTreeMap<String, usize>);

impl LeftOut {
    fn note(&mut self, path: &str, times: usize) {
        if times > 0 {
            *self.0.entry(path.to_owned()).or_default() += times;
        }
    }

    fn add(&mut self, more: Self) {
        for (path, times) in more.0 {
            self.note(&path, times);
        }
    }

    /// Says so in the message of `Ready`.
    fn say(&self, status: &mut Value) {
        /// What a message may grow by, and what one may be long.
        const ROOM: (usize, usize) = (512, 4096);
        if self.0.is_empty() {
            return;
        }
        let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
        let ready = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == ConditionType::Ready.as_str());
        let Some(Value::String(message)) = ready.and_then(|ready| ready.get_mut("message")) else {
            return;
        };
        let counts = self
            .0
            .iter()
            .map(|(path, count)| format!("{path} ({count})"));
        let list = counts.collect::<Vec<_>>().join(", ");
        let said = format!(" Omitted from status because it doesn't fit: {list}");
        let said = shortened(&said, ROOM.0 - 1) + ".";
        *message = shortened(message, ROOM.1 - said.chars().count()) + &said;
    }
}

fn is_id(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    IDS.contains(&name) || path == PARENT_ID
}

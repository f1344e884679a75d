//! Reads bodies of requests: what is missing or of another type is refused by its name, without quoting it.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    extra::{Attribute, Feature},
    refusal::refuse,
};
use crate::problem::Problem;

type Result<T> = std::result::Result<T, Problem>;

/// A JSON body.
pub(super) struct Body(pub Map<String, Value>);

impl Body {
    pub fn has(&self, member: &str) -> bool {
        self.0.get(member).is_some_and(|value| !value.is_null())
    }

    fn read<T>(
        &self,
        member: &str,
        what: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.0.get(member).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or_else(|| refuse(400, format!("{member} isn't {what}"))),
        }
    }

    pub fn text(&self, member: &str) -> Result<Option<String>> {
        self.read(member, "a text", |value| value.as_str().map(str::to_owned))
    }

    pub fn whole(&self, member: &str) -> Result<Option<i64>> {
        self.read(member, "a whole number", Value::as_i64)
    }

    pub fn number(&self, member: &str) -> Result<Option<f64>> {
        let positive = |value: &Value| value.as_f64().filter(|number| *number >= 0.0);
        self.read(member, "a number from 0 on", positive)
    }

    /// Only with seconds and in UTC.
    pub fn moment(&self, member: &str) -> Result<Option<Timestamp>> {
        let exact = |value: &Value| {
            let text = value
                .as_str()
                .filter(|text| text.len() == 20 && text.ends_with('Z'))?;
            text.parse().ok()
        };
        self.read(member, "a moment like 2026-12-31T00:00:00Z", exact)
    }

    pub fn wholes(&self, member: &str) -> Result<Option<Vec<i64>>> {
        self.read(member, "a list of whole numbers", |value| {
            value.as_array()?.iter().map(Value::as_i64).collect()
        })
    }

    pub fn objects(&self, member: &str) -> Result<Option<Vec<Body>>> {
        self.read(member, "a list of objects", |value| {
            let entries = value.as_array()?.iter();
            entries
                .map(|entry| Some(Self(entry.as_object()?.clone())))
                .collect()
        })
    }

    /// Names and attributes of features.
    pub fn feature(&self) -> Result<Feature> {
        let attrs = self.objects("attrs")?.unwrap_or_default();
        let attribute = |entry: &Body| {
            Ok(Attribute {
                name: needed("attrs.name", entry.text("name"))?,
                value: needed("attrs.value", entry.whole("value"))?,
            })
        };
        Ok(Feature {
            name: needed("features.name", self.text("name"))?,
            attrs: attrs.iter().map(attribute).collect::<Result<_>>()?,
        })
    }
}

/// What has to be there.
pub(super) fn needed<T>(member: &str, value: Result<Option<T>>) -> Result<T> {
    value?.ok_or_else(|| refuse(400, format!("{member} is missing")))
}

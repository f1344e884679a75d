//! The kinds of items that can be made, and what the check makes of each.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A kind of item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Reseller,
    Plan,
    Customer,
    Tenant,
}

impl Kind {
    /// In an order in which each needs only those before it.
    pub const ALL: [Self; 4] = [Self::Reseller, Self::Plan, Self::Customer, Self::Tenant];

    /// Its name in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Reseller => "resellers",
            Self::Plan => "plans",
            Self::Customer => "customers",
            Self::Tenant => "tenants",
        }
    }

    /// What `verb` is called for it in the capabilities.
    pub fn verb(self, verb: &str) -> String {
        let noun = match self {
            Self::Reseller => "Reseller",
            Self::Plan => "ServicePlan",
            Self::Customer => "Customer",
            Self::Tenant => "Tenant",
        };
        format!("{verb}{noun}")
    }

    /// Settings that the check may send for it, the plainest first.
    fn candidates(self) -> &'static [&'static str] {
        match self {
            Self::Reseller | Self::Customer => &[
                "profile.phone",
                "profile.fax",
                "profile.website",
                "profile.notes",
                "reference",
            ],
            Self::Plan => &["reference", "usageReport"],
            Self::Tenant => &["reference"],
        }
    }

    /// Up to two settings that the bridge has for it and lets change.
    pub fn settings(
        self,
        fields: &BTreeSet<String>,
        fixed: &BTreeSet<String>,
    ) -> Vec<&'static str> {
        let usable = |path: &&str| fields.contains(*path) && !fixed.contains(*path);
        let candidates = self.candidates().iter().copied();
        candidates.filter(|path| usable(path)).take(2).collect()
    }
}

/// A value for a setting; another number gives another value.
pub(crate) fn value(path: &str, number: usize) -> Value {
    match path {
        "profile.website" => json!(format!("https://fabrikam.example/{number}")),
        "usageReport" => json!(["Monthly", "Quarterly", "HalfYearly", "Yearly"][number % 4]),
        "profile.phone" | "profile.fax" => json!(format!("+49 30 1000{number}")),
        _ => json!(format!("CHECK:{number}")),
    }
}

/// A document with one setting.
pub(crate) fn document(path: &str, value: Value) -> Map<String, Value> {
    let mut parts = path.split('.').rev();
    let last = parts.next().unwrap_or_default();
    let innermost = Map::from_iter([(last.to_owned(), value)]);
    parts.fold(innermost, |inner, part| {
        Map::from_iter([(part.to_owned(), Value::Object(inner))])
    })
}

/// Puts the members of one document into another, level by level.
pub(crate) fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// A setting of an item.
pub(crate) fn at<'a>(item: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = format!("/{}", path.replace('.', "/"));
    item.pointer(&pointer)
}

/// The path of the first member of a document that an item doesn't have with this value.
pub(crate) fn lacking(item: &Value, document: &Map<String, Value>) -> Option<String> {
    document.iter().find_map(|(name, value)| {
        let there = item.get(name);
        match value {
            Value::Object(inner) => {
                let lacking = lacking(there.unwrap_or(&Value::Null), inner)?;
                Some(format!("{name}.{lacking}"))
            }
            value => (there != Some(value)).then(|| name.clone()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_built_and_compared_by_dotted_path() {
        let mut body = document("profile.phone", json!("1"));
        merge(&mut body, document("profile.fax", json!("2")));
        merge(&mut body, document("name", json!("x")));
        let item = json!({"name": "x", "profile": {"phone": "1", "fax": "3"}, "more": 1});
        assert_eq!(at(&item, "profile.fax"), Some(&json!("3")));
        assert_eq!(lacking(&item, &body).as_deref(), Some("profile.fax"));
        merge(&mut body, document("profile.fax", json!("3")));
        assert_eq!(lacking(&item, &body), None);
    }
}

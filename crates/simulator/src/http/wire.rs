//! How lists look on each wire, for faults that lie about them.

use serde_json::{Map, Value, json};

use crate::druva::Cursor;

/// Whose form a request has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Bridge,
    Druva,
}

/// The lists on Druva's wire by route, each with the name of its entries.
const LISTS: [(&str, &str); 7] = [
    ("customers", "customers"),
    ("tenants", "tenants"),
    ("servicePlans", "servicePlans"),
    ("admins", "admins"),
    ("events", "events"),
    ("quotas", "quotaConfigList"),
    ("report", "data"),
];

impl Wire {
    pub fn of(path: &str) -> Self {
        if path.starts_with("/msp/") {
            Self::Druva
        } else {
            Self::Bridge
        }
    }

    /// The parameter that asks for a later page.
    pub const fn cursor(self) -> &'static str {
        match self {
            Self::Bridge => "cursor",
            Self::Druva => "pageToken",
        }
    }

    /// The member that says when an item was made.
    pub const fn created(self) -> &'static str {
        match self {
            Self::Bridge => "createdAt",
            Self::Druva => "createdOn",
        }
    }

    /// The entries of a list; nothing if the document is none.
    pub fn items(self, document: &mut Map<String, Value>) -> Option<&mut Vec<Value>> {
        let name = match self {
            Self::Bridge => "items",
            Self::Druva => list(document)?.1,
        };
        document.get_mut(name)?.as_array_mut()
    }

    /// Makes a page the last one.
    pub fn end(self, document: &mut Map<String, Value>) {
        match self {
            Self::Bridge => {
                document.insert("next".into(), Value::Null);
                document.insert("complete".into(), json!(true));
            }
            Self::Druva => drop(document.insert("nextPageToken".into(), json!(""))),
        }
    }

    /// Where a page leads; the beginning again if it is the last one.
    pub fn next(self, document: &Map<String, Value>) -> String {
        let (member, beginning) = match self {
            Self::Bridge => ("next", "s0".to_owned()),
            Self::Druva => {
                let name = list(document).map_or("", |(name, _)| name);
                ("nextPageToken", Cursor::first(name, 100).token())
            }
        };
        let next = document.get(member).and_then(Value::as_str);
        next.filter(|next| !next.is_empty())
            .map_or(beginning, str::to_owned)
    }

    /// Makes a page lead somewhere.
    pub fn lead_on(self, document: &mut Map<String, Value>, next: String) {
        match self {
            Self::Bridge => {
                document.insert("next".into(), json!(next));
                document.insert("complete".into(), json!(false));
            }
            Self::Druva => drop(document.insert("nextPageToken".into(), json!(next))),
        }
    }
}

fn list(document: &Map<String, Value>) -> Option<&'static (&'static str, &'static str)> {
    LISTS.iter().find(|(_, name)| {
        document.get(*name).is_some_and(Value::is_array)
            // A customer or an event is no list, though it may have members of these names.
            && document.contains_key("nextPageToken")
    })
}

//! What Druva knows about an item beyond the estate's settings.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where an item is in its life; absent: ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Its creation isn't finished.
    Pending,
    /// A change isn't finished.
    Updating,
    /// Marked for deletion.
    Deleted,
    /// On its way into another account.
    Migrated,
}

/// A feature of a tenant, with its attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Feature {
    pub name: String,
    #[serde(default)]
    pub attrs: Vec<Attribute>,
}

/// An attribute of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    pub name: String,
    pub value: i64,
}

/// Kept with the item's state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Extra {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// When what is marked for deletion goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete_date: Option<Timestamp>,
    /// Of a customer its own, of a tenant those that it has or that have attributes of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// Of a customer, where they differ from the usual.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Quota configurations of a customer by product.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub quotas: BTreeMap<i64, Vec<Value>>,
}

impl Extra {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Ends what was under way; a mark that the console has set meanwhile stays.
    pub fn settle(&mut self) {
        if matches!(self.phase, Some(Phase::Pending | Phase::Updating)) {
            self.phase = None;
        }
    }

    /// Whether a feature is among them.
    pub fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|known| known.name == feature)
    }
}

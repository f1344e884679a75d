//! One complete sweep of a platform.

use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use super::{Capabilities, Object, ObjectId};
pub use crate::api::platform::ItemKind;

/// A place where a platform keeps data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageLocation {
    /// The platform's id, for instance `de-1`.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Countries it hosts, ISO 3166-1 alpha-2.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Products it takes; empty means all.
    #[serde(default)]
    pub products: Vec<String>,
}

/// A person with administrator rights on the platform's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Administrator {
    /// The platform's id.
    pub id: String,
    /// Whether the login is switched on.
    #[serde(default)]
    pub active: bool,
}

/// A machine that backs up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// The platform's id, for instance `pc-17`.
    pub id: ObjectId,
    /// The customer it belongs to.
    pub customer_id: ObjectId,
    /// Version for conditional writes.
    #[serde(default)]
    pub etag: Option<String>,
}

/// The platform's pool of licences.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Licences {
    /// All there are.
    pub total: u64,
    /// Those not given out.
    pub free: u64,
}

/// What a sweep reads besides the four kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scope {
    /// Also every client: only needed where a manifest lists some.
    pub clients: bool,
}

/// Something on a platform that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// What it is.
    pub kind: ItemKind,
    /// The platform's id, where that can be read.
    pub id: Option<String>,
    /// What can't be read.
    pub why: String,
}

/// What can't be read of a list or report: all of it counted, some of it named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// How many, by what they are.
    pub counts: BTreeMap<ItemKind, u64>,
    /// The first of them.
    pub named: Vec<Unreadable>,
}

impl Unread {
    /// How many are named: as many as the status field may list.
    pub const NAMED: usize = 20;

    /// One more.
    pub fn note(&mut self, item: Unreadable) {
        *self.counts.entry(item.kind).or_default() += 1;
        if self.named.len() < Self::NAMED {
            self.named.push(item);
        }
    }

    /// All of another list.
    pub fn add(&mut self, other: Self) {
        for (kind, count) in other.counts {
            *self.counts.entry(kind).or_default() += count;
        }
        self.named.extend(other.named);
        self.named.truncate(Self::NAMED);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// Everything that a platform holds at one time: complete, or not available at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The account of the credential, and what the platform can do.
    pub capabilities: Capabilities,
    /// Every reseller, plan, customer and tenant.
    pub objects: Vec<Object>,
    /// Where data can be kept.
    pub locations: Vec<StorageLocation>,
    /// The administrators of the account.
    pub administrators: Vec<Administrator>,
    /// The licence pool, where the platform has one.
    pub licences: Option<Licences>,
    /// Every client, when the scope asked for them.
    pub clients: Vec<Client>,
    /// What can't be read and is none of the objects: an unreadable object records that itself.
    pub unreadable: Unread,
}

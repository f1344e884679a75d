//! One complete sweep of a platform.

use serde::{Deserialize, Serialize};

use super::{Capabilities, Object, ObjectId};

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

/// Someone who may administer the platform's account.
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

/// All that a platform holds at one time: whole, or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Who we are there, and what can be done.
    pub capabilities: Capabilities,
    /// Every reseller, plan, customer and tenant.
    pub objects: Vec<Object>,
    /// Where data can be kept.
    pub locations: Vec<StorageLocation>,
    /// Who administers the account.
    pub administrators: Vec<Administrator>,
    /// The licence pool, where the platform has one.
    pub licences: Option<Licences>,
    /// Every client, when the scope asked for them.
    pub clients: Vec<Client>,
}

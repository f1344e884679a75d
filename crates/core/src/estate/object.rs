//! One remote object: a reseller, a service plan, a customer or a tenant.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Settings;
pub use crate::api::shared::Protection;
use crate::api::{Instant, Kind};

/// The platform's own id of an object: opaque, never built by us.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct ObjectId(Arc<str>);

impl ObjectId {
    /// Wraps an id as the platform spelled it.
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The id as the platform spelled it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ObjectId {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<ObjectId> for String {
    fn from(text: ObjectId) -> Self {
        text.as_str().to_owned()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Our ownership mark on a remote object: derived from kind, namespace and name under the platform's owner id; it reveals no
/// names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Claim(Arc<str>);

impl Claim {
    /// Wraps a claim as it stands on the platform or in status.
    pub fn new(claim: &str) -> Self {
        Self(claim.into())
    }

    /// The claim as text, for instance `hf-7f3k…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Claim {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Claim> for String {
    fn from(text: Claim) -> Self {
        text.as_str().to_owned()
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What an object hangs under; `None` is the top of the platform.
pub type Parent = Option<ObjectId>;

/// What the platform reports about an object and nothing can set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// Machines under a customer; `None` where the platform doesn't tell.
    pub clients: Option<u32>,
    /// Their ids, at most 50.
    pub client_ids: Vec<String>,
    /// Products of a customer, or users of a plan.
    pub tenants: u32,
    /// Customers directly under a reseller.
    pub customers: u32,
    /// Resellers directly under a reseller.
    pub resellers: u32,
    /// When a trial ends.
    #[serde(deserialize_with = "Instant::checked")]
    pub trial_ends_at: Option<Instant>,
    /// When the account details were mailed.
    #[serde(deserialize_with = "Instant::checked")]
    pub welcome_mail_sent_at: Option<Instant>,
    /// The edition that a tenant's plan gives it.
    pub edition: Option<String>,
    /// The platform's own word for the state of a tenant.
    pub phase: Option<String>,
    /// What the platform is still doing to the object, in its own words; until that has ended Holdfast writes nothing to the
    /// object.
    pub busy: Option<String>,
    /// The object was created by the first of two requests: its name carries the claim, and its true name and its claim are
    /// still to be written. See [`Creation::ListAndMark`](super::Creation::ListAndMark).
    pub provisional: bool,
    /// The object is a part of another's record (a tenant that is a set of fields of its customer): it can't be deleted by
    /// itself, and is deleted with that record.
    pub facet: bool,
}

/// One remote object, as last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// The platform's id.
    pub id: ObjectId,
    /// The name that the platform shows and keeps unique.
    pub name: String,
    /// The claim that it carries; ours or another's.
    pub claim: Option<Claim>,
    /// Version for conditional writes, where the platform has one.
    pub etag: Option<String>,
    /// Whether the platform keeps it for itself.
    pub protection: Protection,
    /// When the platform created it.
    pub created_at: Option<jiff::Timestamp>,
    /// Everything that can be set, by dotted path.
    pub settings: Settings,
    /// Everything that can only be read.
    pub facts: Facts,
    /// What of it can't be read, if anything. Then the object is left unchanged: its content isn't known.
    pub unreadable: Option<String>,
}

impl Object {
    /// Whether it belongs to the platform itself or to another tool: it is in none of our counts and sums.
    pub fn is_anothers(&self) -> bool {
        matches!(self.protection, Protection::System | Protection::Foreign)
    }

    /// An object of which only the id can be read.
    pub fn unreadable(kind: Kind, id: &str, why: String) -> Self {
        Self {
            kind,
            id: ObjectId::new(id),
            name: String::new(),
            claim: None,
            etag: None,
            protection: Protection::None,
            created_at: None,
            settings: Settings::default(),
            facts: Facts::default(),
            unreadable: Some(why),
        }
    }

    /// The object with what was known when it could be read last, where it can't be read now: it is assumed to hold the same
    /// as before, so that no other resource is granted it.
    #[must_use]
    pub fn remembering(mut self, known: &Self) -> Self {
        if self.unreadable.is_none() {
            return self;
        }
        self.settings.complete(&known.settings);
        if self.name.is_empty() {
            self.name.clone_from(&known.name);
        }
        if self.facts == Facts::default() {
            self.facts.clone_from(&known.facts);
        }
        self.claim = self.claim.or_else(|| known.claim.clone());
        self.protection = self.protection.max(known.protection);
        self
    }

    /// The setting that holds an object's parent, by kind; plans have none.
    pub fn parent_field(kind: Kind) -> Option<&'static str> {
        match kind {
            Kind::Reseller => Some("parentId"),
            Kind::Customer => Some("resellerId"),
            Kind::Tenant => Some("customerId"),
            Kind::ServicePlan => None,
        }
    }

    /// What this object hangs under.
    pub fn parent(&self) -> Parent {
        Self::parent_field(self.kind)
            .and_then(|field| self.settings.text(field))
            .map(ObjectId::new)
    }

    /// Whether the object is switched on; platforms that don't say mean yes.
    pub fn active(&self) -> bool {
        self.settings.flag("active").unwrap_or(true)
    }
}

//! Everything a decision may depend on, gathered before it is made.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;
use serde_json::Value;

use super::{Marks, Progress, Verdict};
use crate::{
    api::{
        Kind, Reason,
        shared::{Adopt, Lifecycle, ManagedStatus, Management},
    },
    estate::{Capabilities, Claim, Client, Object, ObjectId, Protection, StorageLocation},
    rules::{
        Requirement,
        quota::{Amounts, Shortage},
    },
    timeline::Timeline,
};

/// One resource, parsed once at the edge.
#[derive(Debug, Clone)]
pub struct Declared {
    /// What it is.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// `metadata.creationTimestamp`.
    pub created_at: jiff::Timestamp,
    /// Whether Kubernetes waits for Holdfast to release the resource.
    pub deleting: bool,
    /// The time from which on Kubernetes waits for that.
    pub deleted_at: Option<jiff::Timestamp>,
    /// `holdfast.dev/allow-deletion`: the id that may be deleted without delay or limit.
    pub allowed_deletion: Option<String>,
    /// `holdfast.dev/release-suspended`: the id that may be released suspended.
    pub release_suspended: Option<String>,
    /// Whether our finalizer is there.
    pub finalized: bool,
    /// The account and remote id in our annotation.
    pub annotated: Option<(String, ObjectId)>,
    /// Marks now on the resource: our annotation and labels.
    pub marks: Marks,
    /// `holdfast.dev/recreate`: the id of the vanished object that may be created anew.
    pub recreate: Option<String>,
    /// `holdfast.dev/retry-create`: the id of the intent with the creation that may be sent again.
    pub retry_create: Option<String>,
    /// How resource and remote object belong together.
    pub lifecycle: Lifecycle,
    /// The spec as a document, for the catalogue to pick from.
    pub spec: Value,
    /// Status as last written.
    pub status: ManagedStatus,
}

/// What a reference in the spec leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// No such resource in the namespace.
    Missing,
    /// It exists; the remote id once it has one.
    Found {
        /// The remote object's id.
        id: Option<ObjectId>,
        /// Whether it is being deleted.
        deleting: bool,
        /// The platform it lives on.
        platform: Option<String>,
    },
}

/// References by the spec's field, for those the spec declares: `parentRef`, `resellerRef`, `customerRef`, `servicePlanRef`.
pub type References = BTreeMap<&'static str, (String, Reference)>;

/// The platform that a resource lives on.
#[derive(Debug, Clone)]
pub enum PlatformState {
    /// The spec doesn't lead to a `BackupPlatform` (yet): which field, and what is wrong with it.
    Unresolved {
        /// The field of the spec.
        field: &'static str,
        /// The name that it gives.
        name: String,
    },
    /// There is no such `BackupPlatform`.
    Missing {
        /// Its name.
        name: String,
    },
    /// It exists, and a person must act on it before anything can be observed.
    Stalled {
        /// Its name.
        name: String,
        /// What it reports as wrong.
        trouble: String,
    },
    /// It, or a resource on the way to it, exists and can't be read.
    Unreadable {
        /// The kind of what can't be read.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What can't be read.
        why: String,
    },
    /// It exists, but nothing was observed on it yet.
    Unobserved {
        /// Its name.
        name: String,
        /// Why, when it isn't just new.
        trouble: Option<String>,
    },
    /// It has been observed.
    Observed(Arc<PlatformFacts>),
}

/// What the planner needs to know about an observed platform.
#[derive(Debug, Clone)]
pub struct PlatformFacts {
    /// Name of the `BackupPlatform`.
    pub name: String,
    /// Its `spec.ownerId`: the key of every claim.
    pub owner_id: String,
    /// Its `spec.management`.
    pub management: Management,
    /// Its `spec.adopt`.
    pub adopt: Adopt,
    /// What it can do, and the account of the credential.
    pub capabilities: Capabilities,
    /// Where it can keep data.
    pub locations: Vec<StorageLocation>,
    /// What delays deletions.
    pub safety: Safety,
}

/// What delays deletions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Safety {
    /// Most deletions within any hour.
    pub max_deletions_per_hour: u32,
    /// Time between the decision to delete and the deletion.
    pub deletion_delay: Duration,
}

/// An object seen on the platform, and which other resource holds it, if one does.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The object.
    pub object: Arc<Object>,
    /// `Kind/namespace/name` of the other resource.
    pub holder: Option<String>,
}

/// What the inventory says about one resource.
#[derive(Debug, Clone, Default)]
pub struct Remote {
    /// The object that carries our claim; where objects can't carry one, the object with the id that we noted, if everything
    /// else agrees.
    pub claimed: Option<Arc<Object>>,
    /// Further objects that carry our claim: nothing tells which of them is ours.
    pub twins: Vec<ObjectId>,
    /// The object with the id that we noted, and with another name or place; where objects can't carry a claim.
    pub disagreeing: Option<Arc<Object>>,
    /// The object with the id that we noted, or that the spec names.
    pub known: Option<Seen>,
    /// Other objects with our name under our parent.
    pub namesakes: Vec<Seen>,
    /// The listed clients, as observed; `None` when clients weren't observed yet.
    pub clients: Option<BTreeMap<String, Option<Client>>>,
    /// Listed clients that an older resource lists too, with that resource.
    pub contested: BTreeMap<String, String>,
}

/// Values that come from Secrets and `ConfigMaps`, by the field they stand for.
#[derive(Debug, Clone, Default)]
pub struct Supplements {
    /// Settings to add, for instance `webAccess.passwordTag`: never the secret itself, and of a picture its digest.
    pub settings: BTreeMap<&'static str, String>,
    /// What can't be read, by field: in one word, and which object, what is wrong, what to do.
    pub missing: BTreeMap<&'static str, (Reason, String)>,
}

/// What the rules need to know of the objects around an object.
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    /// Its actual or desired parents, nearest first.
    pub above: Vec<Arc<Object>>,
    /// What depends on it: resellers and customers directly below a reseller, tenants on a plan.
    pub below: Vec<Arc<Object>>,
    /// For a resource that is being deleted: which others refer to it and hold something on the platform, as `Tenant
    /// fabrikam`.
    pub dependents: Vec<String>,
    /// How many of them manage a part of the object's own record, which the platform doesn't count below it.
    pub facets: u32,
    /// The plan that the spec names.
    pub plan: Option<Arc<Object>>,
    /// The customer that the spec of a tenant names.
    pub customer: Option<Arc<Object>>,
    /// The circle that the parents of the specs form, by their names, if they do.
    pub circle: Option<String>,
    /// The shares that the ledger can't grant.
    pub shortages: Vec<Shortage<String>>,
    /// What is granted or held below, of what this object can allot.
    pub granted_below: [u64; 4],
    /// What is in use.
    pub used: Amounts,
    /// The limits that a customer must have.
    pub requirements: Vec<Requirement>,
}

impl Neighbours {
    /// Whether a tenant belongs to the platform's sandbox customer.
    pub fn in_sandbox(&self) -> bool {
        let customer = self.customer.as_ref();
        customer.is_some_and(|customer| customer.protection == Protection::Sandbox)
    }
}

/// After a failed pass: nothing is sent until the backoff has ended, and the same status stays meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    /// The earlier settlement.
    pub verdict: Verdict,
    /// How long the backoff still lasts.
    pub left: Duration,
}

/// Everything a decision may depend on.
#[derive(Debug, Clone)]
pub struct View<'a> {
    /// The resource.
    pub declared: &'a Declared,
    /// The platform it lives on.
    pub platform: PlatformState,
    /// What its references lead to.
    pub references: References,
    /// Values from Secrets and `ConfigMaps`.
    pub supplements: Supplements,
    /// The view of the inventory.
    pub remote: Remote,
    /// What the rules need to know of the objects around it.
    pub neighbours: Neighbours,
    /// Resources below this one that are being deleted and find their platform through it, by their titles.
    pub deleting_below: Vec<String>,
    /// Labels that follow from what was observed.
    pub labels: BTreeMap<String, String>,
    /// Labels and annotations of ours that another writer keeps overwriting: Holdfast doesn't write them.
    pub insisted: BTreeSet<String>,
    /// What this pass has learned.
    pub progress: &'a Progress,
    /// What a failed pass reported, during the backoff.
    pub backoff: Option<Backoff>,
    /// Why nothing may be written to the platform now, if so.
    pub hold: Option<(Reason, String)>,
    /// When this process or one before became the writer after one that ended without giving its Lease back: what was sent before
    /// may still be carried out.
    pub taken_over: Vec<jiff::Timestamp>,
    /// Passes in a row that failed.
    pub failures: u32,
    /// The time.
    pub timeline: Timeline,
}

impl View<'_> {
    /// The time of day.
    pub fn now(&self) -> jiff::Timestamp {
        self.timeline.now()
    }

    /// How long ago this was: a clock that was set forward since makes it no older.
    pub fn age(&self, at: jiff::Timestamp) -> SignedDuration {
        self.timeline.age(at)
    }
}

/// The remote object that a resource is about, as far as the inventory knows.
pub fn remote_object<'a>(declared: &Declared, remote: &'a Remote) -> Option<&'a Arc<Object>> {
    let noted = |seen: &&Seen| {
        seen.holder.is_none()
            && declared
                .annotated
                .as_ref()
                .is_some_and(|(_, id)| *id == seen.object.id)
    };
    remote
        .claimed
        .as_ref()
        .or_else(|| remote.known.as_ref().filter(noted).map(|seen| &seen.object))
}

impl Declared {
    /// The object as people know it, for messages: `Customer backup/fabrikam`.
    pub fn title(&self) -> String {
        format!("{} {}/{}", self.kind.as_str(), self.namespace, self.name)
    }
}

impl PlatformFacts {
    /// The strictest of the platform's and the resource's management.
    pub fn management(&self, lifecycle: &Lifecycle) -> Management {
        self.management.max(lifecycle.management())
    }

    /// The adoption rule in effect.
    pub fn adopt(&self, lifecycle: &Lifecycle) -> Adopt {
        lifecycle.adopt.unwrap_or(self.adopt)
    }

    /// The claim of a resource on this platform.
    pub fn claim(&self, kind: Kind, namespace: &str, name: &str) -> Claim {
        super::claim(&self.owner_id, kind, namespace, name)
    }
}

//! What a platform can do, and which account the credential belongs to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use crate::api::Capability;
use crate::api::{Kind, shared::Product};

/// The account of a credential. A change of it stops all writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The platform's id of the account.
    pub id: String,
    /// Its name, for people.
    pub name: String,
}

/// Keys that stand for the creation and the deletion of an object among the console's pages, in place of a field.
pub const CREATE: &str = "+";
/// See [`CREATE`].
pub const DELETE: &str = "-";

/// The setting of a tenant that says whether backups are allowed now, restores being allowed always. It is in no spec: Holdfast
/// computes it for platforms that list it among their fields.
pub const BACKUPS: &str = "quota.backups";

/// How a platform makes one object of a kind, and never a second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Creation {
    /// By our reference: the platform itself creates at most one object for a claim, and reports an existing one. No look-up
    /// is needed before the first attempt, and a lost answer is resolved by sending the request again.
    ByReference,
    /// The object carries the claim from the start, but the platform may create two objects for one claim: Holdfast looks the
    /// claim up first, notes the creation before it is sent, and waits after a lost answer, whichever process goes on.
    AskFirst,
    /// The object carries no claim. Its name is unique on the platform, so one more attempt with the same name is safe.
    UniqueName,
    /// The object carries no claim, and only our own rule says that a parent has one of its sort: no second attempt is made
    /// automatically.
    OneOfParent,
    /// The object is created under a name that carries the claim; a second request writes its true name and its claim. The
    /// parent's children are listed twice before the creation, and after a lost answer the platform is given ten minutes and
    /// two sweeps.
    ListAndMark,
}

impl Creation {
    /// Whether an object can carry our claim. Where it can't, an object is identified by its id in our annotation, as long as
    /// account and name agree, and it is adopted again only by `adopt`.
    pub fn is_marked(self) -> bool {
        matches!(self, Self::ByReference | Self::AskFirst | Self::ListAndMark)
    }

    /// The same for every kind.
    pub fn everywhere(self) -> BTreeMap<Kind, Self> {
        Kind::ALL.iter().map(|kind| (*kind, self)).collect()
    }

    /// Whether a creation can be sent again without risk.
    pub fn is_repeatable(self) -> bool {
        self == Self::ByReference
    }
}

/// What one platform can do, and the account that the credential belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// The account that the credential belongs to.
    pub account: Account,
    /// What the platform can do.
    pub verbs: BTreeSet<Capability>,
    /// Settable fields by kind; a kind that isn't listed takes every field.
    pub fields: BTreeMap<Kind, BTreeSet<String>>,
    /// Fields by kind that stay as they were made, beyond what stays on every platform: the name of a reseller, for instance.
    #[serde(default)]
    pub fixed: BTreeMap<Kind, BTreeSet<String>>,
    /// Settings, or groups of them, by kind that need a request of their own: an update sends one of them at a time, after
    /// all others, and a creation none.
    #[serde(default)]
    pub apart: BTreeMap<Kind, BTreeSet<String>>,
    /// Fields by kind that no list shows: where a spec states one, the object is read by itself before they are compared.
    #[serde(default)]
    pub unlisted: BTreeMap<Kind, BTreeSet<String>>,
    /// How objects are created, by kind; for a kind that isn't listed the claim is looked up first.
    pub creation: BTreeMap<Kind, Creation>,
    /// The products that the platform offers; empty for those that every platform has, which is all but `ObjectStorage`.
    #[serde(default)]
    pub products: BTreeSet<Product>,
    /// The console page for what the interface can't do, by kind and field of the spec; a field that is neither listed nor
    /// accepted has no counterpart on the platform. Under `displayName`, what a person does after another name. Empty where the
    /// pages aren't known.
    #[serde(default)]
    pub console: BTreeMap<Kind, BTreeMap<String, String>>,
    /// What gives the credential a right that it lacks, by the capability that goes, or is curtailed, without it.
    #[serde(default)]
    pub lacking: BTreeMap<Capability, String>,
    /// The customer that receives clients that no resource lists.
    pub default_customer: Option<super::ObjectId>,
}

impl Capabilities {
    /// The capabilities of a platform that creates every object by our reference, and supports no optional operation yet.
    pub fn by_reference(account: Account) -> Self {
        Self {
            account,
            verbs: BTreeSet::new(),
            fields: BTreeMap::new(),
            fixed: BTreeMap::new(),
            apart: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            products: BTreeSet::new(),
            creation: Creation::ByReference.everywhere(),
            console: BTreeMap::new(),
            lacking: BTreeMap::new(),
            default_customer: None,
        }
    }

    /// How an object of a kind is created.
    pub fn creation(&self, kind: Kind) -> Creation {
        let known = self.creation.get(&kind).copied();
        known.unwrap_or(Creation::AskFirst)
    }

    /// Whether objects of a kind can carry our claim.
    pub fn marks(&self, kind: Kind) -> bool {
        self.creation(kind).is_marked()
    }

    /// Whether the platform can do it.
    pub fn can(&self, capability: Capability) -> bool {
        self.verbs.contains(&capability)
    }

    /// Whether a field stays as it was made.
    pub fn fixes(&self, kind: Kind, field: &str) -> bool {
        let fixed = self.fixed.get(&kind);
        fixed.is_some_and(|fields| fields.contains(field))
    }

    /// Whether a field is shown only where an object is read by itself.
    pub fn lists_without(&self, kind: Kind, field: &str) -> bool {
        let unlisted = self.unlisted.get(&kind);
        unlisted.is_some_and(|fields| fields.contains(field))
    }

    /// The request of its own that a field needs, by the name of its group; `None` where it travels with the others.
    pub fn apart(&self, kind: Kind, field: &str) -> Option<&str> {
        let groups = self.apart.get(&kind)?.iter();
        let is_in = |group: &&String| {
            let rest = field.strip_prefix(group.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        { groups }.find(is_in).map(String::as_str)
    }

    /// Whether the platform has objects of a kind at all.
    pub fn knows(&self, kind: Kind) -> bool {
        let takes_nothing = self.fields.get(&kind).is_some_and(BTreeSet::is_empty);
        !takes_nothing || self.can(Capability::create(kind)) || self.can(Capability::update(kind))
    }

    /// The console's page for a field of a kind.
    pub fn console_page(&self, kind: Kind, field: &str) -> Option<&str> {
        let group = field.split('.').next().unwrap_or(field);
        let pages = self.console.get(&kind)?;
        pages
            .get(field)
            .or_else(|| pages.get(group))
            .map(String::as_str)
    }

    /// Whether the platform offers a product.
    pub fn offers(&self, product: Product) -> bool {
        if self.products.is_empty() {
            product != Product::ObjectStorage
        } else {
            self.products.contains(&product)
        }
    }

    /// Whether the platform can be told when backups are allowed, and keeps no quota and no window of its own.
    pub fn leaves_quotas_to_us(&self) -> bool {
        let fields = self.fields.get(&Kind::Tenant);
        fields.is_some_and(|fields| fields.contains(BACKUPS))
    }

    /// Whether the platform stores a field of a kind.
    pub fn takes(&self, kind: Kind, field: &str) -> bool {
        self.fields
            .get(&kind)
            .is_none_or(|fields| fields.contains(field))
    }
}

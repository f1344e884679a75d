//! Which object of an account a resource would hold if it were alone, and whether it does: the same answer for a pass and for
//! the opening of a platform.

use std::sync::Arc;

use super::{
    AccountKey, Managed, PlatformKey, Referrers, Store, Stores,
    declared::{created_at, resource_ref},
    index::{Index, Noted, ResourceRef, Title},
};
use crate::{
    api::{Kind, shared::Adopt},
    estate::{Object, ObjectId},
    inventory::Inventory,
    planner::{self, Declared, PlatformFacts, Reference, References},
    timeline::Timeline,
};

/// What the look-ups use.
#[derive(Clone, Copy)]
pub(super) struct Lookup<'a> {
    pub index: &'a Index,
    pub referrers: &'a Referrers,
    /// The resources of the scope that the asking one belongs to.
    pub stores: &'a Stores,
    /// The platform that it lives on.
    pub home: &'a PlatformKey,
    pub facts: &'a PlatformFacts,
    pub account: &'a AccountKey,
    pub inventory: &'a Inventory,
    pub timeline: &'a Timeline,
}

/// The objects that a resource points to, even if other resources do as well.
pub(super) struct Found {
    /// The object that carries its claim; where objects can't carry one, the noted one, if it agrees.
    pub claimed: Option<Arc<Object>>,
    /// The noted object, if it doesn't.
    pub disagreeing: Option<Arc<Object>>,
    /// The id that is noted or that the spec names.
    pub id: Option<ObjectId>,
    /// Whether the spec names it.
    pub by_word: bool,
}

/// What the references of a resource lead to.
pub(super) fn references<K: Managed>(index: &Index, stores: &Stores, object: &K) -> References {
    let namespace = object.meta().namespace.clone().unwrap_or_default();
    let look = |kind: Kind, name: &str| {
        let named = ResourceRef {
            kind,
            namespace: namespace.clone(),
            name: name.to_owned(),
        };
        match kind {
            Kind::Reseller => reference(index, stores, &stores.resellers, &named),
            Kind::ServicePlan => reference(index, stores, &stores.plans, &named),
            Kind::Customer => reference(index, stores, &stores.customers, &named),
            Kind::Tenant => reference(index, stores, &stores.tenants, &named),
        }
    };
    let references = object.references().into_iter();
    references
        .map(|(field, kind, to)| (field, (to.name.clone(), look(kind, &to.name))))
        .collect()
}

fn reference<K: Managed>(
    index: &Index,
    stores: &Stores,
    store: &Store<K>,
    named: &ResourceRef,
) -> Reference {
    let id = index.held_by(named);
    match store.get(&named.namespace, &named.name) {
        Some(object) => Reference::Found {
            id,
            deleting: object.meta().deletion_timestamp.is_some(),
            platform: stores.platform_of(&*object).ok(),
        },
        // A resource that can't be read exists, with what it holds.
        None if stores.is_unreadable(named) => Reference::Found {
            id,
            deleting: false,
            platform: None,
        },
        None => Reference::Missing,
    }
}

/// Whether Holdfast no longer keeps a resource: it waits for other finalizers only, and its object isn't its own.
pub(super) fn is_released(declared: &Declared) -> bool {
    declared.deleting && !declared.finalized
}

impl Lookup<'_> {
    /// The objects that a resource points to.
    pub fn found(&self, declared: &Declared, references: &References) -> Found {
        let kind = declared.kind;
        let by_word = self.facts.adopt(&declared.lifecycle) == Adopt::ById
            && declared.lifecycle.external_id.is_some();
        let noted = declared.annotated.as_ref();
        let noted = noted
            .filter(|(account, _)| *account == self.account.id)
            .map(|(_, id)| id.clone());
        let (claimed, disagreeing) = if self.facts.capabilities.marks(declared.kind) {
            let claim = self.facts.claim(kind, &declared.namespace, &declared.name);
            (self.inventory.claimed(kind, &claim).cloned(), None)
        } else {
            match noted.as_ref().and_then(|id| self.inventory.get(kind, id)) {
                Some(object) if planner::agrees(declared, references, object) => {
                    (Some(object.clone()), None)
                }
                object => (None, object.cloned()),
            }
        };
        let word = declared.lifecycle.external_id.as_ref();
        let word = word.filter(|_| by_word).map(|id| ObjectId::new(id));
        Found {
            claimed,
            disagreeing,
            id: word.or(noted).or_else(|| self.suspended(declared)),
            by_word,
        }
    }

    /// The object that Holdfast suspended for this resource's deletion, as status alone knows it.
    fn suspended(&self, declared: &Declared) -> Option<ObjectId> {
        let status = &declared.status;
        let here = status.account.as_deref() == Some(self.account.id.as_str());
        let deletion = status.deletion.as_ref().filter(|_| here)?;
        deletion.suspended.as_deref().map(ObjectId::new)
    }

    /// The object that a resource would hold if no other resource came first.
    pub fn would_hold(&self, declared: &Declared, found: &Found) -> Option<(Arc<Object>, Title)> {
        if is_released(declared) {
            return None;
        }
        if let Some(object) = &found.claimed {
            let title = if self.facts.capabilities.marks(declared.kind) {
                Title::Claim
            } else {
                Title::Note
            };
            return Some((object.clone(), title));
        }
        let id = found.id.as_ref();
        let id = id.filter(|_| found.disagreeing.is_none() || found.by_word)?;
        let object = self.inventory.get(declared.kind, id)?;
        let noted = declared.annotated.as_ref();
        let noted =
            noted.is_some_and(|(account, noted)| *account == self.account.id && noted == id);
        let title = if noted { Title::Note } else { Title::Spec };
        // Only the spec may name an object with another owner's claim.
        (object.claim.is_none() || found.by_word).then(|| (object.clone(), title))
    }

    /// The object that a resource has noted or held, when a list left it out while the platform hasn't said that it is gone: it
    /// may well be there.
    pub fn unseen(&self, resource: &ResourceRef, declared: &Declared) -> Option<ObjectId> {
        let (status, account) = (&declared.status, &self.account.id);
        let noted = declared.annotated.as_ref();
        let noted = noted.filter(|(noted, _)| noted == account);
        let noted = noted.map(|(_, id)| id.clone());
        let in_status = || {
            let here = status.account.as_ref() == Some(account);
            let id = status.external_id.as_deref().filter(|_| here)?;
            Some(ObjectId::new(id))
        };
        let held = || {
            let id = self.index.held_by(resource)?;
            let holder = self.index.by_id(account, resource.kind, &id);
            (holder.as_ref() == Some(resource)).then_some(id)
        };
        let id = noted.or_else(in_status).or_else(held);
        id.filter(|id| self.inventory.leaves_open(resource.kind, id))
    }

    /// Notes in the index what a resource claims and would hold. What a list left out stays noted.
    pub fn note<K: Managed>(&self, object: &K, declared: &Declared, found: &Found) -> Noted {
        let resource = resource_ref(object);
        let unseen = self.unseen(&resource, declared);
        if self.index.held_by(&resource).is_some() && unseen.is_some() {
            return Noted::default();
        }
        let would = self.would_hold(declared, found);
        // An object with its claim isn't waited for by what was released, or is on another platform: it counts as it is.
        let waits = !is_released(declared) && !self.is_elsewhere(declared);
        // Who stands below what nobody sees takes of it all the same.
        let unseen = unseen.filter(|_| waits);
        let would = match (&would, &unseen) {
            (Some((object, title)), _) => Some((&object.id, *title)),
            (None, unseen) => unseen.as_ref().map(|id| (id, Title::Note)),
        };
        let would = would.map(|(id, title)| (self.account.id.as_str(), id, title));
        let claim = waits.then(|| {
            self.facts
                .claim(K::KIND, &resource.namespace, &resource.name)
        });
        self.index
            .note(&resource, created_at(object), claim.as_ref(), would)
    }

    /// Whether a resource has its object on another platform.
    pub fn is_elsewhere(&self, declared: &Declared) -> bool {
        let noted = declared.annotated.as_ref();
        let elsewhere = noted.is_some_and(|(account, _)| *account != self.account.id);
        planner::noted_elsewhere(declared, &self.facts.name).is_some()
            || elsewhere && declared.status.platform.is_none()
    }

    /// The object that a resource holds: the one that it would hold, if it comes first.
    pub fn held(
        &self,
        resource: &ResourceRef,
        declared: &Declared,
        found: &Found,
    ) -> Option<Arc<Object>> {
        let (object, _) = self.would_hold(declared, found)?;
        let holder = self
            .index
            .by_id(&self.account.id, resource.kind, &object.id);
        (holder.as_ref() == Some(resource)).then_some(object)
    }
}

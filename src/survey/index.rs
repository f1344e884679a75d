//! Which resource holds which remote object: by claim, and by account and id.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use crate::{
    api::Kind,
    estate::{Claim, Object, ObjectId},
};

/// Names one resource of a managed kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceRef {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for ResourceRef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} {}/{}",
            self.kind.as_str(),
            self.namespace,
            self.name
        )
    }
}

/// A remote object, wherever in the cluster it is referred to.
type RemoteKey = (String, Kind, ObjectId);

#[derive(Debug, Default)]
struct Entries {
    claims: HashMap<(Kind, Claim), ResourceRef>,
    objects: HashMap<RemoteKey, (jiff::Timestamp, ResourceRef)>,
    resources: HashMap<ResourceRef, (Claim, Option<RemoteKey>)>,
}

/// The index; filled by passes, emptied when a resource is let go.
#[derive(Debug, Default)]
pub struct Index(RwLock<Entries>);

impl Index {
    /// Notes what a resource claims and holds. Of two resources that hold one object the older stays. True when the
    /// resource holds an object that it didn't hold before.
    pub fn note(
        &self,
        resource: &ResourceRef,
        created: jiff::Timestamp,
        claim: &Claim,
        held: Option<(&str, &ObjectId)>,
    ) -> bool {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let key = held.map(|(account, id)| (account.to_owned(), resource.kind, id.clone()));
        let before = entries.resources.get(resource);
        if before.is_some_and(|(known, held)| known == claim && *held == key) {
            return false;
        }
        if let Some((old_claim, old_key)) = before.cloned() {
            entries.claims.remove(&(resource.kind, old_claim));
            if let Some(old_key) = old_key.filter(|old| Some(old) != key.as_ref()) {
                entries.release(&old_key, resource);
            }
        }
        entries
            .claims
            .insert((resource.kind, claim.clone()), resource.clone());
        if let Some(key) = &key {
            let taken = entries.objects.get(key).is_some_and(|(since, holder)| {
                holder != resource && (*since, holder) < (created, resource)
            });
            if !taken {
                entries
                    .objects
                    .insert(key.clone(), (created, resource.clone()));
            }
        }
        let news = key.is_some();
        entries
            .resources
            .insert(resource.clone(), (claim.clone(), key));
        news
    }

    /// Forgets a resource that is gone.
    pub fn forget(&self, resource: &ResourceRef) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((claim, key)) = entries.resources.remove(resource) {
            entries.claims.remove(&(resource.kind, claim));
            if let Some(key) = key {
                entries.release(&key, resource);
            }
        }
    }

    /// Every resource that is noted.
    pub fn resources(&self) -> Vec<ResourceRef> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .resources
            .keys()
            .cloned()
            .collect()
    }

    /// The resource with this claim.
    pub fn by_claim(&self, kind: Kind, claim: &Claim) -> Option<ResourceRef> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .claims
            .get(&(kind, claim.clone()))
            .cloned()
    }

    /// The resource that holds a remote object, by its claim or by its id.
    pub fn holder(&self, account: &str, object: &Object) -> Option<ResourceRef> {
        let by_claim = object
            .claim
            .as_ref()
            .and_then(|claim| self.by_claim(object.kind, claim));
        by_claim.or_else(|| self.by_id(account, object.kind, &object.id))
    }

    /// The resource that holds a remote object by its id.
    pub fn by_id(&self, account: &str, kind: Kind, id: &ObjectId) -> Option<ResourceRef> {
        let key = (account.to_owned(), kind, id.clone());
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .objects
            .get(&key)
            .map(|(_, holder)| holder.clone())
    }

    /// The remote object that a resource holds.
    pub fn held_by(&self, resource: &ResourceRef) -> Option<ObjectId> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .resources
            .get(resource)
            .and_then(|(_, key)| key.as_ref().map(|(_, _, id)| id.clone()))
    }
}

impl Entries {
    fn release(&mut self, key: &RemoteKey, resource: &ResourceRef) {
        if self
            .objects
            .get(key)
            .is_some_and(|(_, holder)| holder == resource)
        {
            self.objects.remove(key);
        }
    }
}

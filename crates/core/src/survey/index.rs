//! Which resource holds which remote object: by claim, and by account and id.
//!
//! Every resource that would hold an object is noted, and the first of them holds it: the one with its claim on the object,
//! then the older one. So the order of the notes doesn't matter, and after a release the next resource holds it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
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

/// The reason for which a resource would hold an object. The object that carries a claim belongs to the claim's resource,
/// however young.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Title {
    /// The object carries its claim.
    Claim,
    /// Its annotation names the object.
    Note,
    /// Its spec names the object, and nothing is noted yet.
    Spec,
}

/// A remote object, wherever in the cluster it is referred to.
pub type RemoteKey = (String, Kind, ObjectId);

/// A resource in line for an object: the one with its claim on it, then the older, then by name.
type Place = (bool, jiff::Timestamp, ResourceRef);

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    created: jiff::Timestamp,
    claim: Option<Claim>,
    object: Option<(RemoteKey, Title)>,
}

impl Entry {
    fn key(&self) -> Option<&RemoteKey> {
        self.object.as_ref().map(|(key, _)| key)
    }

    fn place(&self, resource: &ResourceRef, title: Title) -> Place {
        (title != Title::Claim, self.created, resource.clone())
    }
}

#[derive(Debug, Default)]
struct Entries {
    claims: HashMap<(Kind, Claim), ResourceRef>,
    objects: HashMap<RemoteKey, BTreeSet<Place>>,
    resources: HashMap<ResourceRef, Entry>,
}

/// What a note has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The resource holds an object that it didn't hold before.
    pub took: bool,
    /// Other resources that hold an object now, or no longer do.
    pub others: Vec<ResourceRef>,
}

/// The index of one process.
#[derive(Debug, Default)]
pub struct Index(RwLock<Entries>);

impl Index {
    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a resource claims, and which object it would hold if no other resource came first.
    pub fn note(
        &self,
        resource: &ResourceRef,
        created: jiff::Timestamp,
        claim: Option<&Claim>,
        object: Option<(&str, &ObjectId, Title)>,
    ) -> Noted {
        let entry = Entry {
            created,
            claim: claim.cloned(),
            object: object.map(|(account, id, title)| {
                ((account.to_owned(), resource.kind, id.clone()), title)
            }),
        };
        let mut entries = self.write();
        if entries.resources.get(resource) == Some(&entry) {
            return Noted::default();
        }
        let before = entries.held_by(resource).cloned();
        let old = entries.resources.get(resource);
        let keys = [old.and_then(Entry::key), entry.key()];
        let lines: Vec<RemoteKey> = keys.into_iter().flatten().cloned().collect();
        let others = entries.changed_holders(resource, &lines, |entries| {
            entries.take_out(resource);
            entries.put_in(resource, entry);
        });
        let now = entries.held_by(resource);
        Noted {
            took: now.is_some() && now != before.as_ref(),
            others,
        }
    }

    /// Forgets a resource that is gone. Returns what it held, and which resource holds that now.
    pub fn forget(&self, resource: &ResourceRef) -> (Option<RemoteKey>, Vec<ResourceRef>) {
        let mut entries = self.write();
        let held = entries.first_of(resource).cloned();
        let lines: Vec<RemoteKey> = held.iter().cloned().collect();
        let heirs = entries.changed_holders(resource, &lines, |entries| entries.take_out(resource));
        (held, heirs)
    }

    /// Every resource that is noted.
    pub fn resources(&self) -> Vec<ResourceRef> {
        self.read().resources.keys().cloned().collect()
    }

    /// Whether a resource is noted.
    pub fn contains(&self, resource: &ResourceRef) -> bool {
        self.read().resources.contains_key(resource)
    }

    /// The resource with this claim.
    pub fn by_claim(&self, kind: Kind, claim: &Claim) -> Option<ResourceRef> {
        self.read().claims.get(&(kind, claim.clone())).cloned()
    }

    /// The resource that holds a remote object, by its claim or by its id.
    pub fn holder(&self, account: &str, object: &Object) -> Option<ResourceRef> {
        let claim = object.claim.as_ref();
        let by_claim = claim.and_then(|claim| self.by_claim(object.kind, claim));
        by_claim.or_else(|| self.by_id(account, object.kind, &object.id))
    }

    /// The resource that holds a remote object by its id.
    pub fn by_id(&self, account: &str, kind: Kind, id: &ObjectId) -> Option<ResourceRef> {
        let key = (account.to_owned(), kind, id.clone());
        self.read().holder(&key).cloned()
    }

    /// The remote object that a resource holds, once that is noted on either of them.
    pub fn held_by(&self, resource: &ResourceRef) -> Option<ObjectId> {
        self.read().held_by(resource).map(|(_, _, id)| id.clone())
    }
}

impl Entries {
    fn holder(&self, key: &RemoteKey) -> Option<&ResourceRef> {
        let (_, _, holder) = self.objects.get(key)?.first()?;
        Some(holder)
    }

    /// The object that a resource is first in line for.
    fn first_of(&self, resource: &ResourceRef) -> Option<&RemoteKey> {
        let (key, _) = self.resources.get(resource)?.object.as_ref()?;
        (self.holder(key) == Some(resource)).then_some(key)
    }

    fn held_by(&self, resource: &ResourceRef) -> Option<&RemoteKey> {
        let (_, title) = self.resources.get(resource)?.object.as_ref()?;
        self.first_of(resource).filter(|_| *title != Title::Spec)
    }

    /// Other resources that now hold one of these objects, or no longer do, after a change.
    fn changed_holders(
        &mut self,
        resource: &ResourceRef,
        keys: &[RemoteKey],
        change: impl FnOnce(&mut Self),
    ) -> Vec<ResourceRef> {
        let holders = |entries: &Self| -> Vec<Option<ResourceRef>> {
            keys.iter()
                .map(|key| entries.holder(key).cloned())
                .collect()
        };
        let before = holders(self);
        change(self);
        let pairs = before.into_iter().zip(holders(self));
        let changed = pairs.filter(|(before, now)| before != now);
        let both: BTreeSet<ResourceRef> = changed
            .flat_map(|(before, now)| before.into_iter().chain(now))
            .filter(|holder| holder != resource)
            .collect();
        both.into_iter().collect()
    }

    fn put_in(&mut self, resource: &ResourceRef, entry: Entry) {
        if let Some(claim) = &entry.claim {
            let claim = (resource.kind, claim.clone());
            self.claims.insert(claim, resource.clone());
        }
        if let Some((key, title)) = &entry.object {
            let place = entry.place(resource, *title);
            self.objects.entry(key.clone()).or_default().insert(place);
        }
        self.resources.insert(resource.clone(), entry);
    }

    fn take_out(&mut self, resource: &ResourceRef) {
        let Some(entry) = self.resources.remove(resource) else {
            return;
        };
        if let Some(claim) = &entry.claim {
            let claim = (resource.kind, claim.clone());
            if self.claims.get(&claim) == Some(resource) {
                self.claims.remove(&claim);
            }
        }
        if let Some((key, title)) = &entry.object
            && let Some(line) = self.objects.get_mut(key)
        {
            line.remove(&entry.place(resource, *title));
            if line.is_empty() {
                self.objects.remove(key);
            }
        }
    }
}

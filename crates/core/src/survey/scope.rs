//! What is known of one scope of the operator, and what follows from it.

use std::sync::Arc;

use kube::{ResourceExt, core::ObjectMeta};

use super::{
    Commons, Index, Managed, PlatformKey, PlatformView, Quotas, Referrers, ResourceRef, Store,
    Stores,
    declared::resource_ref,
    index::Title,
    lookup::Lookup,
    opening::{Indexing, Opening},
    standing::{Claimant, left_behind},
};
use crate::{
    api::{Customer, Kind, names},
    estate::ObjectId,
    timeline::Timeline,
};

/// What is known of the cluster, and what follows from it.
pub struct Survey {
    /// Every resource of this scope.
    pub stores: Stores,
    /// Which resource holds which object.
    pub index: Arc<Index>,
    /// Which resource refers to which.
    pub referrers: Arc<Referrers>,
    /// Which claimant was granted how much.
    pub quotas: Arc<Quotas>,
    /// What it shares with other scopes.
    pub commons: Arc<Commons>,
}

impl Survey {
    /// A survey of these resources, without any conclusions yet.
    pub fn new(stores: Stores) -> Self {
        Self::beside(stores, Arc::default())
    }

    /// The same beside others: what a resource of one holds no resource of another can hold.
    pub fn beside(stores: Stores, commons: Arc<Commons>) -> Self {
        commons.add_scope(stores.clone());
        Self {
            stores,
            index: commons.index.clone(),
            referrers: commons.referrers.clone(),
            quotas: commons.quotas.clone(),
            commons,
        }
    }

    /// The name of the `BackupPlatform` that a resource lives on.
    ///
    /// # Errors
    /// The field and the name of the reference that can't be resolved.
    pub fn platform_of<K: Managed>(&self, object: &K) -> Result<String, (&'static str, String)> {
        self.stores.platform_of(object)
    }

    /// Whether a resource exists and can't be read.
    pub fn is_unreadable(&self, resource: &ResourceRef) -> bool {
        self.stores.is_unreadable(resource)
    }

    /// Whether any customer on a platform lists clients, so that sweeps have to read them.
    pub fn lists_clients(&self, key: &PlatformKey) -> bool {
        let lists = |customer: &Customer| {
            customer.namespace().as_deref() == Some(&key.namespace)
                && !customer.listed_clients().is_empty()
        };
        self.stores
            .customers
            .all()
            .iter()
            .any(|customer| lists(customer))
    }

    /// Every resource that lives on a platform.
    pub fn living_on(&self, key: &PlatformKey) -> Vec<ResourceRef> {
        fn of<K: Managed>(
            stores: &Stores,
            store: &Store<K>,
            key: &PlatformKey,
        ) -> Vec<ResourceRef> {
            let objects = store.all().into_iter();
            let living = objects.filter(|object| stores.home_of(&**object).as_ref() == Some(key));
            living.map(|object| resource_ref(&*object)).collect()
        }
        let stores = &self.stores;
        [
            of(stores, &stores.resellers, key),
            of(stores, &stores.plans, key),
            of(stores, &stores.customers, key),
            of(stores, &stores.tenants, key),
        ]
        .concat()
    }

    /// Whether a resource lives on a platform.
    pub fn lives_on<K: Managed>(&self, object: &K, key: &PlatformKey) -> bool {
        self.stores.home_of(object).as_ref() == Some(key)
    }

    /// Opens a platform that was observed for the first time, or under another account than before. Platforms of the account
    /// that aren't observed yet are processed with it. Returns the resources to reconcile again.
    pub fn open(&self, site: &Arc<PlatformView>, timeline: &Timeline) -> Vec<ResourceRef> {
        let Some(account) = site.account() else {
            return Vec::new();
        };
        self.commons.add_site(site);
        let inventory = site.inventory();
        let opening = Opening {
            scopes: self.commons.scopes(),
            index: &self.index,
            referrers: &self.referrers,
            account: &account,
            inventory: &inventory,
            platforms: &self.commons.unopened(site, &account, &inventory),
            timeline,
        };
        let mut indexing = Indexing::default();
        opening.each(&mut indexing);
        let mut woken = self.quotas.open(&opening);
        drop(inventory);
        site.refresh_facts();
        woken.extend(indexing.changed);
        woken
    }

    /// The objects that count although no resource manages them, and that the last list left out. Nobody but the sweeper asks
    /// whether they are still there.
    pub fn left_out(&self, site: &PlatformView) -> Vec<(Kind, ObjectId)> {
        let account = site.account();
        account.map_or_else(Vec::new, |account| {
            self.quotas.left_out(&account, &site.inventory())
        })
    }

    /// After a sweep of an open platform: records what has changed. Returns the resources to reconcile again.
    pub fn note_sweep(
        &self,
        site: &PlatformView,
        changed: &[(Kind, ObjectId)],
        timeline: &Timeline,
    ) -> Vec<ResourceRef> {
        let (Some(account), Some(facts)) = (site.account(), site.facts()) else {
            return Vec::new();
        };
        let inventory = site.inventory();
        let lookup = Lookup {
            index: &self.index,
            referrers: &self.referrers,
            stores: &self.stores,
            home: &site.key,
            facts: &facts,
            account: &account,
            inventory: &inventory,
            timeline,
        };
        self.quotas.note_sweep(&lookup, changed)
    }

    /// Notes what a resource that can't be read holds: its annotation still says so.
    pub fn note_unread(&self, resource: &ResourceRef, metadata: &ObjectMeta) {
        let noted = metadata.annotations.as_ref();
        let noted = noted.and_then(|noted| noted.get(names::EXTERNAL_ID_ANNOTATION));
        let Some((account, id)) = noted.and_then(|noted| noted.split_once('/')) else {
            return;
        };
        if self.index.held_by(resource).is_none() {
            let created = metadata.creation_timestamp.as_ref();
            let created = created.map_or(jiff::Timestamp::MIN, |time| time.0);
            let id = ObjectId::new(id);
            let held = Some((account, &id, Title::Note));
            self.index.note(resource, created, None, held);
        }
    }

    /// Forgets a resource that is gone; what it leaves on the platform still counts. Returns the resources to reconcile again:
    /// the one that holds its object now, and those that were granted what it had.
    pub fn forget(&self, resource: &ResourceRef, now: jiff::Timestamp) -> Vec<ResourceRef> {
        let (held, mut woken) = self.index.forget(resource);
        let found = held.as_ref().and_then(|key| self.commons.object(key));
        let unreadable = found
            .as_ref()
            .filter(|(_, object)| object.unreadable.is_some());
        let unreadable = unreadable.map(|(account, _)| account.clone());
        let left = found.filter(|(_, object)| object.unreadable.is_none());
        let left =
            left.and_then(|(account, object)| left_behind(&self.index, &account, &object, now));
        let unseen = held.and_then(|key| {
            let account = unreadable.or_else(|| self.commons.unseen(&key))?;
            Some(Claimant::Unmanaged(account, key.1, key.2))
        });
        woken.extend(self.quotas.forget(resource, left, unseen));
        woken
    }
}

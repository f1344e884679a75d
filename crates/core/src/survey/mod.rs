//! What is known, collected for one decision: resources, which of them holds which object, which was granted how much, and one
//! platform as far as it is known. Looks things up; decides nothing, sends no request. The operator and `holdfast plan` use
//! the same survey.

mod account;
mod around;
mod books;
mod cache;
mod commons;
mod gather;
mod index;
mod inherited;
mod kinds;
mod lookup;
mod neighbours;
mod opening;
mod platform_view;
mod quotas;
mod referrers;
mod stand_in;
mod standing;
mod stores;
#[cfg(test)]
mod tests;
mod unreadable;

use std::sync::Arc;

use kube::{ResourceExt, core::ObjectMeta};

pub use account::{AccountKey, Origin};
pub use cache::{Cache, Shelf, Store};
pub use commons::Commons;
pub use gather::{Observation, created_at, gather, noted_id, resource_ref};
pub use index::{Index, ResourceRef};
pub use kinds::{Managed, Own};
pub use platform_view::{PlatformKey, PlatformView, Reports, Terms};
pub use quotas::Quotas;
pub use referrers::{Named, Referrers, named};
pub use stores::Stores;
pub use unreadable::{AnyRef, UnreadableResources};

use crate::{
    api::{Customer, Kind, names},
    estate::ObjectId,
};
use lookup::Lookup;

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

    /// Whether a resource lives on a platform.
    pub fn lives_on<K: Managed>(&self, object: &K, key: &PlatformKey) -> bool {
        self.stores.home_of(object).as_ref() == Some(key)
    }

    /// After a sweep of an open platform: records what has changed. Returns the resources to reconcile again.
    pub fn note_sweep(
        &self,
        site: &PlatformView,
        changed: &[(Kind, ObjectId)],
        now: jiff::Timestamp,
    ) -> Vec<ResourceRef> {
        let (Some(account), Some(facts)) = (site.account(), site.facts()) else {
            return Vec::new();
        };
        let inventory = site.inventory();
        let lookup = Lookup {
            commons: &self.commons,
            stores: &self.stores,
            home: &site.key,
            facts: &facts,
            account: &account,
            inventory: &inventory,
            now,
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
            let held = Some((account, &id, index::Title::Note));
            self.index.note(resource, created, None, held);
        }
    }

    /// Forgets a resource that is gone; what it leaves on the platform still counts. Returns the resources to reconcile again:
    /// the one that holds its object now, and those that were granted what it had.
    pub fn forget(&self, resource: &ResourceRef, now: jiff::Timestamp) -> Vec<ResourceRef> {
        let (held, mut woken) = self.index.forget(resource);
        let left = held.and_then(|key| self.commons.object(&key));
        let left = left.and_then(|(account, object)| {
            standing::left_behind(&self.index, &account, &object, now)
        });
        woken.extend(self.quotas.forget(resource, left));
        woken
    }
}

//! What is known, put together for one decision: resources, who holds what, who was granted how much, and one platform as
//! far as it is known. Looks things up; decides nothing, asks nobody. The operator and `holdfast plan` see by the same eyes.

mod around;
mod gather;
mod index;
mod inherited;
mod kinds;
mod neighbours;
mod quotas;
mod referrers;
mod site;
mod stand_in;
mod stores;
mod unreadable;

use std::sync::Arc;

use kube::{
    ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};

pub use gather::{Sight, created_at, gather, noted_id, resource_ref};
pub use index::{Index, ResourceRef};
pub use kinds::{Managed, Own};
pub use quotas::Quotas;
pub use referrers::{Named, Referrers, named};
pub use site::{PlatformKey, Reports, Site, Terms};
pub use stores::Stores;
pub use unreadable::{AnyRef, UnreadableResources};

use crate::{
    api::{Customer, Kind},
    planner,
};

/// What is known of the cluster, and what follows from it.
pub struct Survey {
    /// Every resource.
    pub stores: Stores,
    /// Which resource holds what.
    pub index: Arc<Index>,
    /// Which resource names which.
    pub referrers: Referrers,
    /// Who was granted how much.
    pub quotas: Quotas,
    /// Which resources can't be read.
    pub unreadable: UnreadableResources,
}

impl Survey {
    /// A survey of these resources, nothing concluded yet.
    pub fn new(stores: Stores) -> Self {
        Self::beside(stores, Arc::default())
    }

    /// The same, with an index that others share: what one of them holds isn't the other's.
    pub fn beside(stores: Stores, index: Arc<Index>) -> Self {
        Self {
            stores,
            index,
            referrers: Referrers::default(),
            quotas: Quotas::default(),
            unreadable: UnreadableResources::default(),
        }
    }

    /// The name of the `BackupPlatform` that a resource lives on, found through its references; of one that is being deleted
    /// also by its status, since those above may be gone before it; and of one whose parent can't be read.
    ///
    /// # Errors
    /// The field and the name that lead nowhere.
    pub fn platform_of<K: Managed>(&self, object: &K) -> Result<String, (&'static str, String)> {
        self.platform_by_references(object).or_else(|lost| {
            let deleted = object.meta().deletion_timestamp.is_some();
            let namespace = object.meta().namespace.as_deref().unwrap_or_default();
            let parent = object.parent_ref().is_some_and(|(kind, parent)| {
                let why = self.unreadable.why(kind.as_str(), namespace, &parent.name);
                why.is_some()
            });
            let status = object.managed().filter(|_| deleted || parent);
            status
                .and_then(|status| status.platform.clone())
                .ok_or(lost)
        })
    }

    /// At most as deep as kinds nest.
    fn platform_by_references<K: Managed>(
        &self,
        object: &K,
    ) -> Result<String, (&'static str, String)> {
        if let Some(platform) = object.platform_ref() {
            return Ok(platform.name.clone());
        }
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let Some((kind, above)) = object.parent_ref() else {
            return Err(("platformRef", String::new()));
        };
        let missing = |field| move || (field, above.name.clone());
        if kind == Kind::Customer {
            let above = find(&self.stores.customers, &namespace, &above.name);
            return self.platform_of(&*above.ok_or_else(missing("customerRef"))?);
        }
        let above = find(&self.stores.resellers, &namespace, &above.name);
        self.platform_of(&*above.ok_or_else(missing("resellerRef"))?)
    }

    /// Whether a resource is there, if only as one that can't be read.
    pub fn exists(&self, resource: &ResourceRef) -> bool {
        let (name, namespace) = (&resource.name, &resource.namespace);
        if self.is_unreadable(resource) {
            return true;
        }
        match resource.kind {
            Kind::Reseller => find(&self.stores.resellers, namespace, name).is_some(),
            Kind::ServicePlan => find(&self.stores.plans, namespace, name).is_some(),
            Kind::Customer => find(&self.stores.customers, namespace, name).is_some(),
            Kind::Tenant => find(&self.stores.tenants, namespace, name).is_some(),
        }
    }

    /// Whether a resource is there and can't be read.
    pub fn is_unreadable(&self, resource: &ResourceRef) -> bool {
        let kind = resource.kind.as_str();
        self.unreadable
            .why(kind, &resource.namespace, &resource.name)
            .is_some()
    }

    /// Whether any customer on a platform lists clients, so that sweeps have to read them.
    pub fn lists_clients(&self, key: &PlatformKey) -> bool {
        let lists = |customer: &Customer| {
            customer.namespace().as_deref() == Some(&key.namespace)
                && !customer.listed_clients().is_empty()
        };
        self.stores
            .customers
            .state()
            .iter()
            .any(|customer| lists(customer))
    }

    /// Whether a resource lives on a platform.
    pub fn lives_on<K: Managed>(&self, object: &K, key: &PlatformKey) -> bool {
        object.meta().namespace.as_deref() == Some(&key.namespace)
            && self.platform_of(object).as_ref() == Ok(&key.name)
    }

    /// Notes, for every resource on a platform, what it claims and holds, before the first pass asks for it: otherwise
    /// passes after a restart would wait for each other, and say so in status.
    pub fn index_platform(&self, site: &Site) {
        self.index_kind(&self.stores.resellers, site);
        self.index_kind(&self.stores.plans, site);
        self.index_kind(&self.stores.customers, site);
        self.index_kind(&self.stores.tenants, site);
    }

    fn index_kind<K: Managed>(&self, store: &Store<K>, site: &Site) {
        let owner_id = site.terms().owner_id;
        let inventory = site.inventory();
        let Some(surroundings) = inventory.surroundings() else {
            return;
        };
        let account = &surroundings.capabilities.account.id;
        for object in store.state() {
            if !self.lives_on(&*object, &site.key) {
                self.note_elsewhere(&*object, account);
                continue;
            }
            let resource = resource_ref(&*object);
            let claim = planner::claim(&owner_id, K::KIND, &resource.namespace, &resource.name);
            let held = inventory.claimed(K::KIND, &claim).or_else(|| {
                let (noted, id) = noted_id(&*object)?;
                inventory
                    .get(K::KIND, &id)
                    .filter(|object| noted == *account && object.claim.is_none())
            });
            let created = created_at(&*object);
            let held = held.map(|object| (account.as_str(), &object.id));
            self.index.note(&resource, created, &claim, held);
        }
    }

    /// Notes what a resource of another platform holds in this account: two platforms may be one account, and the other may not
    /// be observed yet.
    fn note_elsewhere<K: Managed>(&self, object: &K, account: &str) {
        if let Some((noted, id)) = noted_id(object).filter(|(noted, _)| noted == account) {
            let resource = resource_ref(object);
            if self.index.held_by(&resource).is_none() {
                let held = Some((noted.as_str(), &id));
                let nothing = crate::estate::Claim::new("");
                self.index
                    .note(&resource, created_at(object), &nothing, held);
            }
        }
    }

    /// Notes what a resource holds that can't be read: its annotation still says so.
    pub fn note_unread(&self, resource: &ResourceRef, metadata: &kube::api::ObjectMeta) {
        let noted = metadata.annotations.as_ref();
        let noted = noted.and_then(|noted| noted.get(crate::api::names::EXTERNAL_ID_ANNOTATION));
        let Some((account, id)) = noted.and_then(|noted| noted.split_once('/')) else {
            return;
        };
        if self.index.held_by(resource).is_none() {
            let created = metadata.creation_timestamp.as_ref();
            let created = created.map_or(jiff::Timestamp::MIN, |time| time.0);
            let (id, nothing) = (
                crate::estate::ObjectId::new(id),
                crate::estate::Claim::new(""),
            );
            let held = Some((account, &id));
            self.index.note(resource, created, &nothing, held);
        }
    }

    /// Notes what a resource claims and holds; true when it holds an object that it didn't hold before.
    pub fn note_holding<K: Managed>(&self, object: &K, sight: &Sight) -> bool {
        let planner::PlatformState::Observed(platform) = &sight.platform else {
            return false;
        };
        let resource = resource_ref(object);
        let claim = platform.claim(K::KIND, &resource.namespace, &resource.name);
        let held = planner::remote_object(&sight.declared, &sight.remote);
        let account = platform.capabilities.account.id.as_str();
        let held = held.map(|object| (account, &object.id));
        self.index.note(&resource, created_at(object), &claim, held)
    }

    /// Forgets a resource that is gone. Returns who was granted what it had.
    pub fn forget(&self, resource: &ResourceRef) -> Vec<ResourceRef> {
        self.index.forget(resource);
        self.quotas.forget(resource)
    }
}

/// A resource of a kind by name.
fn find<K: Managed>(store: &Store<K>, namespace: &str, name: &str) -> Option<std::sync::Arc<K>> {
    store.get(&ObjectRef::new(name).within(namespace))
}

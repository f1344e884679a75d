//! What every part of the shell shares: the cluster's client and caches, the platforms, the index, and how to wake an object.

use std::{collections::HashMap, sync::Arc};

use futures::channel::mpsc::UnboundedSender;
use kube::{
    Client, ResourceExt,
    runtime::{
        events::Recorder,
        reflector::{ObjectRef, Store},
    },
};
use tokio::sync::Mutex;

use super::{
    embedding::Embedding,
    index::{Index, ResourceRef},
    kinds::Managed,
    metrics::Metrics,
    platforms::{Handle, PlatformKey, Platforms},
    recent::Recent,
};
use crate::{
    api::{BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant},
    estate::{Claim, ObjectId},
};

/// Caches of all kinds, fed by watches.
#[derive(Clone)]
pub struct Stores {
    /// All `BackupPlatform`s.
    pub platforms: Store<BackupPlatform>,
    /// All `Reseller`s.
    pub resellers: Store<Reseller>,
    /// All `ServicePlan`s.
    pub plans: Store<ServicePlan>,
    /// All `Customer`s.
    pub customers: Store<Customer>,
    /// All `Tenant`s.
    pub tenants: Store<Tenant>,
}

/// Ways to have an object looked at again.
#[derive(Clone)]
pub struct Wakers {
    /// Wakes a `BackupPlatform`.
    pub platforms: UnboundedSender<ObjectRef<BackupPlatform>>,
    /// Wakes a `Reseller`.
    pub resellers: UnboundedSender<ObjectRef<Reseller>>,
    /// Wakes a `ServicePlan`.
    pub plans: UnboundedSender<ObjectRef<ServicePlan>>,
    /// Wakes a `Customer`.
    pub customers: UnboundedSender<ObjectRef<Customer>>,
    /// Wakes a `Tenant`.
    pub tenants: UnboundedSender<ObjectRef<Tenant>>,
}

/// What every part of the shell shares.
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// Caches of the cluster.
    pub stores: Stores,
    /// How to wake objects.
    pub wakers: Wakers,
    /// Where events go.
    pub recorder: Recorder,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The platforms.
    pub platforms: Platforms,
    /// Which resource holds what.
    pub index: Index,
    /// Objects newer than the caches.
    pub recent: Recent,
    /// The embedded platform, started when first needed.
    pub embedding: Mutex<Embedding>,
    /// Passes in a row that failed, by resource.
    pub failures: std::sync::Mutex<HashMap<ResourceRef, u32>>,
    /// Namespace for Leases.
    pub lease_namespace: String,
    /// Who this process is, for Leases.
    pub identity: String,
}

impl Context {
    /// Wakes a resource.
    pub fn wake(&self, resource: &ResourceRef) {
        let (name, namespace) = (&resource.name, &resource.namespace);
        match resource.kind {
            Kind::Reseller => Reseller::wake(self, ObjectRef::new(name).within(namespace)),
            Kind::ServicePlan => ServicePlan::wake(self, ObjectRef::new(name).within(namespace)),
            Kind::Customer => Customer::wake(self, ObjectRef::new(name).within(namespace)),
            Kind::Tenant => Tenant::wake(self, ObjectRef::new(name).within(namespace)),
        }
    }

    /// Wakes a `BackupPlatform`.
    pub fn wake_platform(&self, key: &PlatformKey) {
        // A closed channel means that the operator is stopping.
        let _ = self.wakers.platforms.unbounded_send(ObjectRef::new(&key.name).within(&key.namespace));
    }

    /// Wakes whatever may live on a platform: everything in its namespace.
    pub fn wake_all(&self, key: &PlatformKey) {
        self.wake_namespace(&self.stores.resellers, &key.namespace);
        self.wake_namespace(&self.stores.plans, &key.namespace);
        self.wake_namespace(&self.stores.customers, &key.namespace);
        self.wake_namespace(&self.stores.tenants, &key.namespace);
    }

    fn wake_namespace<K: Managed>(&self, store: &Store<K>, namespace: &str) {
        for object in store.state() {
            if object.meta().namespace.as_deref() == Some(namespace) {
                K::wake(self, ObjectRef::from_obj(&*object));
            }
        }
    }

    /// Wakes the resource of a remote object, and of what it hangs under: their figures change with it.
    pub fn wake_object(&self, handle: &Handle, kind: Kind, id: &ObjectId, claim: Option<&Claim>) {
        let Some(facts) = handle.facts() else { return };
        let account = &facts.capabilities.account.id;
        let by_claim = claim.and_then(|claim| self.index.by_claim(kind, claim));
        if let Some(resource) = by_claim.or_else(|| self.index.by_id(account, kind, id)) {
            self.wake(&resource);
        }
        for (kind, id) in self.above(handle, kind, id) {
            if let Some(resource) = self.index.by_id(account, kind, &id) {
                self.wake(&resource);
            }
        }
    }

    /// What a remote object hangs under or refers to.
    fn above(&self, handle: &Handle, kind: Kind, id: &ObjectId) -> Vec<(Kind, ObjectId)> {
        let inventory = handle.inventory();
        let Some(object) = inventory.get(kind, id) else { return Vec::new() };
        let parent = match kind {
            Kind::Reseller | Kind::Customer => object.parent().map(|id| (Kind::Reseller, id)),
            Kind::Tenant => object.parent().map(|id| (Kind::Customer, id)),
            Kind::ServicePlan => None,
        };
        let plan = object.settings.text("planId").map(|id| (Kind::ServicePlan, ObjectId::new(id)));
        parent.into_iter().chain(plan).collect()
    }

    /// Wakes the resources that refer to this one: it has just come, got its remote object, or is going.
    pub fn wake_referrers(&self, resource: &ResourceRef) {
        self.wake_referring(&self.stores.resellers, resource);
        self.wake_referring(&self.stores.customers, resource);
        self.wake_referring(&self.stores.tenants, resource);
    }

    fn wake_referring<K: Managed>(&self, store: &Store<K>, resource: &ResourceRef) {
        for object in store.state() {
            let same_namespace = object.meta().namespace.as_deref() == Some(&resource.namespace);
            let refers = || object.references().iter().any(|(_, kind, reference)| *kind == resource.kind && reference.name == resource.name);
            if same_namespace && refers() {
                K::wake(self, ObjectRef::from_obj(&*object));
            }
        }
    }

    /// Whether any customer on a platform lists clients, so that sweeps have to read them.
    pub fn lists_clients(&self, key: &PlatformKey) -> bool {
        self.stores.customers.state().iter().any(|customer| {
            customer.namespace().as_deref() == Some(&key.namespace) && !customer.listed_clients().is_empty()
        })
    }

    /// The name of the `BackupPlatform` that a resource lives on, found through its references: at most as deep as kinds nest.
    pub fn platform_of<K: Managed>(&self, object: &K) -> Result<String, (&'static str, String)> {
        if let Some(platform) = object.platform_ref() {
            return Ok(platform.name.clone());
        }
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let Some((kind, above)) = object.parent_ref() else { return Err(("platformRef", String::new())) };
        let field = if kind == Kind::Customer { "customerRef" } else { "resellerRef" };
        let missing = || (field, above.name.clone());
        match kind {
            Kind::Customer => self.platform_of(&*self.stores.customers.get(&ObjectRef::new(&above.name).within(&namespace)).ok_or_else(missing)?),
            _ => self.platform_of(&*self.stores.resellers.get(&ObjectRef::new(&above.name).within(&namespace)).ok_or_else(missing)?),
        }
    }

    /// The handle of a platform in a namespace.
    pub fn handle(&self, namespace: &str, name: &str) -> Option<Arc<Handle>> {
        self.platforms.get(&PlatformKey { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

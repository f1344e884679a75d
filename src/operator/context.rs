//! What every part of the shell shares: the cluster's client and caches, the platforms, the index, and how to wake an object.

use std::sync::Arc;

use kube::{
    Client, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};
use tokio::sync::Mutex;

use super::{
    embedding::Embedding,
    events::Events,
    gather::{created_at, noted_id, resource_ref},
    index::{Index, ResourceRef},
    kinds::Managed,
    memory::Memory,
    metrics::Metrics,
    platforms::{Handle, PlatformKey, Platforms},
    quotas::Quotas,
    recent::Recent,
    referrers::{Named, Referrers, named},
    stores::Stores,
    wakers::Wakers,
};
use crate::{
    api::{Customer, Kind, Reseller, ServicePlan, Tenant},
    estate::{Claim, ObjectId},
    planner,
    platform::Budgets,
};

/// How long the wake-up of what is above a changed object is put off.
const LATE: std::time::Duration = std::time::Duration::from_secs(1);

/// What every part of the shell shares.
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// Caches of the cluster.
    pub stores: Stores,
    /// How to wake objects.
    pub wakers: Wakers,
    /// Where events go.
    pub events: Events,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The platforms.
    pub platforms: Platforms,
    /// Which resource holds what.
    pub index: Index,
    /// Which resource names which.
    pub referrers: Referrers,
    /// Who was granted how much.
    pub quotas: Quotas,
    /// Objects newer than the caches.
    pub recent: Recent,
    /// The embedded platform, started when first needed.
    pub embedding: Arc<Mutex<Embedding>>,
    /// Request budgets, one a credential.
    pub budgets: Arc<Budgets>,
    /// What the shell remembers of each resource between passes.
    pub memory: Memory,
    /// Namespace for Leases.
    pub lease_namespace: String,
    /// Who this process is, for Leases.
    pub identity: String,
}

impl Context {
    /// Wakes a resource, which may succeed now.
    pub fn wake(&self, resource: &ResourceRef) {
        self.memory.rouse(resource);
        self.nudge(resource);
    }

    /// Has a resource looked at again.
    fn nudge(&self, resource: &ResourceRef) {
        let (name, namespace) = (&resource.name, &resource.namespace);
        match resource.kind {
            Kind::Reseller => self
                .wakers
                .wake(ObjectRef::<Reseller>::new(name).within(namespace)),
            Kind::ServicePlan => self
                .wakers
                .wake(ObjectRef::<ServicePlan>::new(name).within(namespace)),
            Kind::Customer => self
                .wakers
                .wake(ObjectRef::<Customer>::new(name).within(namespace)),
            Kind::Tenant => self
                .wakers
                .wake(ObjectRef::<Tenant>::new(name).within(namespace)),
        }
    }

    /// Wakes a `BackupPlatform`.
    pub fn wake_platform(&self, key: &PlatformKey) {
        // A closed channel means that the operator is stopping.
        let _ = self
            .wakers
            .platforms
            .unbounded_send(ObjectRef::new(&key.name).within(&key.namespace));
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
                self.wake(&resource_ref(&*object));
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
        self.wake_above(handle, kind, id);
    }

    /// Wakes, a little later, the resources above a remote object: their figures change with it. Later, so that a thousand
    /// new customers don't make their reseller's status be written a thousand times.
    pub fn wake_above(&self, handle: &Handle, kind: Kind, id: &ObjectId) {
        let Some(facts) = handle.facts() else { return };
        for (kind, id) in above(handle, kind, id) {
            let resource = self.index.by_id(&facts.capabilities.account.id, kind, &id);
            self.memory.wake_later(resource);
        }
        self.memory.wake_platform_later(handle.key.clone());
    }

    /// Wakes, a little later, the resources that one refers to: one that is let go may be what they were waiting for.
    pub fn wake_referenced<K: Managed>(&self, object: &K) {
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        for (_, kind, reference) in object.references() {
            self.memory.wake_later(Some(ResourceRef {
                kind,
                namespace: namespace.clone(),
                name: reference.name.clone(),
            }));
        }
        if let Ok(name) = self.platform_of(object) {
            self.memory
                .wake_platform_later(PlatformKey { namespace, name });
        }
    }

    /// Notes what a resource that is there names; of those that list the same client each has to notice the other.
    pub fn note_named<K: Managed>(&self, object: &K) {
        self.name_anew(&resource_ref(object), named(object));
    }

    fn name_anew(&self, resource: &ResourceRef, named: Vec<Named>) {
        let changed = self.referrers.note(resource, named);
        let clients = changed
            .iter()
            .filter(|named| matches!(named, Named::Client(..)));
        for client in clients {
            let others = self.referrers.of(client).into_iter();
            self.memory
                .wake_listers_later(others.filter(|other| other != resource));
        }
    }

    /// Wakes what was put off, every second.
    pub async fn run_late_wakes(self: Arc<Self>) {
        let mut tick = tokio::time::interval(LATE);
        loop {
            tick.tick().await;
            let (resources, platforms) = self.memory.take_late();
            for resource in &resources {
                self.nudge(resource);
            }
            for resource in self.memory.take_late_listers() {
                self.wake(&resource);
            }
            for key in &platforms {
                self.wake_platform(key);
            }
        }
    }

    /// Notes, for every resource on a platform, what it claims and holds, before the first pass asks for it: otherwise
    /// passes after a restart would wait for each other, and say so in status.
    pub fn index_platform(&self, handle: &Handle) {
        self.index_kind(&self.stores.resellers, handle);
        self.index_kind(&self.stores.plans, handle);
        self.index_kind(&self.stores.customers, handle);
        self.index_kind(&self.stores.tenants, handle);
    }

    fn index_kind<K: Managed>(&self, store: &Store<K>, handle: &Handle) {
        let owner_id = handle.terms().owner_id;
        let inventory = handle.inventory();
        let Some(surroundings) = inventory.surroundings() else {
            return;
        };
        let account = &surroundings.capabilities.account.id;
        for object in store.state() {
            let resource = resource_ref(&*object);
            let here = resource.namespace == handle.key.namespace
                && self.platform_of(&*object).as_ref() == Ok(&handle.key.name);
            if here {
                let claim = planner::claim(&owner_id, K::KIND, &resource.namespace, &resource.name);
                let held = inventory.claimed(K::KIND, &claim).or_else(|| {
                    let (noted, id) = noted_id(&*object)?;
                    inventory
                        .get(K::KIND, &id)
                        .filter(|object| noted == *account && object.claim.is_none())
                });
                let created = created_at(&*object);
                self.index.note(
                    &resource,
                    created,
                    &claim,
                    held.map(|object| (account.as_str(), &object.id)),
                );
            }
        }
    }

    /// Forgets what is gone and was missed: a watch that was cut off tells nothing of deletions meanwhile.
    pub fn prune(&self) {
        let named = self.referrers.resources();
        for resource in self.index.resources().into_iter().chain(named) {
            if !self.exists(&resource) {
                self.forget(&resource);
            }
        }
        for handle in self.platforms.all() {
            let key = &handle.key;
            if self
                .stores
                .platforms
                .get(&ObjectRef::new(&key.name).within(&key.namespace))
                .is_none()
            {
                self.platform_gone(key);
            }
        }
    }

    /// Forgets a resource that is gone.
    pub fn forget(&self, resource: &ResourceRef) {
        self.forget_named(resource);
        self.index.forget(resource);
        self.quotas.forget(self, resource);
        self.memory.forget(&self.metrics, resource);
    }

    /// A resource that is gone names nothing.
    pub fn forget_named(&self, resource: &ResourceRef) {
        self.name_anew(resource, Vec::new());
    }

    fn exists(&self, resource: &ResourceRef) -> bool {
        let (name, namespace) = (&resource.name, &resource.namespace);
        match resource.kind {
            Kind::Reseller => self
                .stores
                .resellers
                .get(&ObjectRef::new(name).within(namespace))
                .is_some(),
            Kind::ServicePlan => self
                .stores
                .plans
                .get(&ObjectRef::new(name).within(namespace))
                .is_some(),
            Kind::Customer => self
                .stores
                .customers
                .get(&ObjectRef::new(name).within(namespace))
                .is_some(),
            Kind::Tenant => self
                .stores
                .tenants
                .get(&ObjectRef::new(name).within(namespace))
                .is_some(),
        }
    }

    /// A `BackupPlatform` is gone: its handle goes, and what referred to it says so.
    pub fn platform_gone(&self, key: &PlatformKey) {
        if self.platforms.remove(key) {
            self.wake_all(key);
        }
    }

    /// Wakes the resources that refer to this one: it has just come, got its remote object, or is going.
    pub fn wake_referrers(&self, resource: &ResourceRef) {
        for referrer in self.referrers.of(&Named::Resource(resource.clone())) {
            self.wake(&referrer);
        }
    }

    /// Whether any customer on a platform lists clients, so that sweeps have to read them.
    pub fn lists_clients(&self, key: &PlatformKey) -> bool {
        self.stores.customers.state().iter().any(|customer| {
            customer.namespace().as_deref() == Some(&key.namespace)
                && !customer.listed_clients().is_empty()
        })
    }

    /// The name of the `BackupPlatform` that a resource lives on, found through its references: at most as deep as kinds nest.
    pub fn platform_of<K: Managed>(&self, object: &K) -> Result<String, (&'static str, String)> {
        if let Some(platform) = object.platform_ref() {
            return Ok(platform.name.clone());
        }
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let Some((kind, above)) = object.parent_ref() else {
            return Err(("platformRef", String::new()));
        };
        let field = if kind == Kind::Customer {
            "customerRef"
        } else {
            "resellerRef"
        };
        let missing = || (field, above.name.clone());
        match kind {
            Kind::Customer => self.platform_of(
                &*self
                    .stores
                    .customers
                    .get(&ObjectRef::new(&above.name).within(&namespace))
                    .ok_or_else(missing)?,
            ),
            _ => self.platform_of(
                &*self
                    .stores
                    .resellers
                    .get(&ObjectRef::new(&above.name).within(&namespace))
                    .ok_or_else(missing)?,
            ),
        }
    }

    /// The handle of a platform in a namespace.
    pub fn handle(&self, namespace: &str, name: &str) -> Option<Arc<Handle>> {
        self.platforms.get(&PlatformKey {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// What a remote object hangs under or refers to.
fn above(handle: &Handle, kind: Kind, id: &ObjectId) -> Vec<(Kind, ObjectId)> {
    let inventory = handle.inventory();
    let Some(object) = inventory.get(kind, id) else {
        return Vec::new();
    };
    let parent = match kind {
        Kind::Reseller | Kind::Customer => object.parent().map(|id| (Kind::Reseller, id)),
        Kind::Tenant => object.parent().map(|id| (Kind::Customer, id)),
        Kind::ServicePlan => None,
    };
    let plan = object
        .settings
        .text("planId")
        .map(|id| (Kind::ServicePlan, ObjectId::new(id)));
    parent.into_iter().chain(plan).collect()
}

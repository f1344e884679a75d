//! What every part of the operator shares: the cluster's client and caches, the platforms, the index, and how to enqueue an
//! object.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock, Weak},
};

use kube::Client;
use tokio::sync::{Mutex, Notify};

use super::{
    account::Accounts,
    clock,
    duties::Duties,
    embedding::Embedding,
    events::Events,
    filling::Filling,
    memory::Memory,
    metrics::Metrics,
    newest::Newest,
    platforms::{Handle, Platforms},
    wakers::Wakers,
};
use crate::{
    api::Kind,
    estate::{Claim, ObjectId},
    planner::Wake,
    platform::{Budgets, Registry},
    survey::{AnyRef, Managed, Named, PlatformKey, ResourceRef, Survey, named, resource_ref},
};

/// The delay before the parents of a changed object are enqueued.
const LATE: std::time::Duration = std::time::Duration::from_secs(1);

/// The scopes of one process: a resource of one may wait for what a resource of another releases.
#[derive(Default)]
pub struct Peers(RwLock<Vec<Weak<Context>>>);

impl Peers {
    /// Adds a scope.
    pub fn add(&self, context: &Arc<Context>) {
        let mut peers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        peers.push(Arc::downgrade(context));
    }

    fn watching(&self, namespace: &str) -> Option<Arc<Context>> {
        let peers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut contexts = peers.iter().filter_map(Weak::upgrade);
        contexts.find(|context| context.watches(namespace))
    }
}

/// What every part of the operator shares.
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// What is known: caches of the cluster, which resource holds which object, which was granted how much.
    pub survey: Survey,
    /// How to enqueue objects.
    pub wakers: Wakers,
    /// Where events go.
    pub events: Events,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The platforms.
    pub platforms: Platforms,
    /// Objects newer than the caches.
    pub recent: Newest,
    /// The platforms that this process can reach.
    pub drivers: Registry,
    /// The embedded platform, started when first needed.
    pub embedding: Arc<Mutex<Embedding>>,
    /// Request budgets, one a credential.
    pub budgets: Arc<Budgets>,
    /// The Leases that this process keeps.
    pub accounts: Arc<Accounts>,
    /// Whether the caches are filled.
    pub filling: Filling,
    /// The scopes of this process, this one among them.
    pub peers: Arc<Peers>,
    /// What the operator remembers of each resource between passes.
    pub memory: Memory,
    /// The namespace that is watched; all of them when absent.
    pub scope: Option<String>,
    /// The namespace in which months are kept for invoices; none are kept when absent.
    pub invoices: Option<String>,
    /// The Leases that the resources are under.
    pub duties: Duties,
    /// Resources that can't be read and are maintained all the same, and how to reconcile one of them again.
    pub attended: std::sync::Mutex<HashMap<AnyRef, Arc<Notify>>>,
}

impl Context {
    /// Whether a namespace is in this scope.
    fn watches(&self, namespace: &str) -> bool {
        let scope = self.scope.as_ref();
        scope.is_none_or(|scope| scope == namespace)
    }

    /// Enqueues a resource, which may succeed now.
    pub fn wake(&self, resource: &ResourceRef) {
        if self.watches(&resource.namespace) {
            self.memory.reset_backoff(resource);
            self.wakers.wake(resource);
        } else if let Some(peer) = self.peers.watching(&resource.namespace) {
            peer.wake(resource);
        }
    }

    /// Enqueues everything once the caches are filled: no decision has been made before.
    async fn wake_when_filled(&self) {
        self.filling.done().await;
        for platform in self.survey.stores.platforms.all() {
            self.wake_platform(&PlatformKey::of(&platform));
        }
        for resource in self.survey.stores.resources() {
            self.wakers.wake(&resource);
        }
    }

    /// Enqueues a `BackupPlatform`.
    pub fn wake_platform(&self, key: &PlatformKey) {
        self.wakers.wake_platform(key);
    }

    /// Enqueues every resource: those that resolve to no platform are this process's to reconcile now.
    pub fn wake_unassigned(&self) {
        for resource in self.survey.stores.resources() {
            self.wakers.wake(&resource);
        }
        let attended = self.attended.lock().unwrap_or_else(PoisonError::into_inner);
        for again in attended.values() {
            again.notify_one();
        }
    }

    /// Enqueues every resource that may live on a platform: everything in its namespace.
    pub fn wake_all(&self, key: &PlatformKey) {
        for resource in self.all_beside(key) {
            self.wake(&resource);
        }
    }

    /// Enqueues everything in a platform's namespace, so that status shows the reported figures. Figures don't resolve a
    /// refusal, so a resource that backs off continues to back off.
    pub fn show_all(&self, key: &PlatformKey) {
        for resource in self.all_beside(key) {
            self.wakers.wake(&resource);
        }
    }

    fn all_beside(&self, key: &PlatformKey) -> Vec<ResourceRef> {
        let mut beside = self.survey.stores.resources();
        beside.retain(|resource| resource.namespace == key.namespace);
        beside
    }

    /// Enqueues the resources that were granted something.
    pub fn wake_each(&self, resources: &[ResourceRef]) {
        for resource in resources {
            self.wake(resource);
        }
    }

    /// Enqueues the other resources that a pass of a resource has changed something for.
    pub fn enqueue<K: Managed>(&self, object: &K, handle: Option<&Handle>, wake: Wake) {
        match (wake, handle) {
            (Wake::Referrers, _) => self.wake_referrers(&resource_ref(object)),
            (Wake::Referenced, _) => self.wake_referenced(object),
            (Wake::Waiting, _) => self.retry_waiting(K::KIND),
            (Wake::Above(kind, id), Some(handle)) => self.wake_above(handle, kind, &id),
            (Wake::Sweep, Some(handle)) => handle.sweep_now.notify_one(),
            (Wake::Above(..) | Wake::Sweep, None) => {}
        }
    }

    /// Enqueues the resource of a remote object, and those of its parents: their figures change with it. True when a resource
    /// holds it.
    pub fn wake_object(
        &self,
        handle: &Handle,
        kind: Kind,
        id: &ObjectId,
        claim: Option<&Claim>,
    ) -> bool {
        let Some(facts) = handle.site.facts() else {
            return false;
        };
        let account = &facts.capabilities.account.id;
        let by_claim = claim.and_then(|claim| self.survey.index.by_claim(kind, claim));
        let holder = by_claim.or_else(|| self.survey.index.by_id(account, kind, id));
        match &holder {
            Some(resource) => self.wake(resource),
            None => self.wake_below(handle, account, kind, id),
        }
        self.wake_above(handle, kind, id);
        holder.is_some()
    }

    /// Enqueues the resources that inherit from a reseller that no resource declares.
    fn wake_below(&self, handle: &Handle, account: &str, kind: Kind, id: &ObjectId) {
        if kind != Kind::Reseller {
            return;
        }
        let inventory = handle.site.inventory();
        for below in [Kind::Customer, Kind::Reseller] {
            let children = inventory.children(below, id);
            let held =
                children.filter_map(|child| self.survey.index.by_id(account, below, &child.id));
            held.for_each(|resource| self.wake(&resource));
        }
    }

    /// Enqueues, a little later, the resources above a remote object: their figures change with it. Later, so that a thousand
    /// new customers don't cause a thousand writes of their reseller's status.
    pub fn wake_above(&self, handle: &Handle, kind: Kind, id: &ObjectId) {
        let Some(facts) = handle.site.facts() else {
            return;
        };
        for (kind, id) in above(handle, kind, id) {
            let resource = self
                .survey
                .index
                .by_id(&facts.capabilities.account.id, kind, &id);
            self.memory.enqueue_later(resource);
        }
        self.memory.enqueue_platform_later(handle.site.key.clone());
    }

    /// Enqueues, a little later, the resources that one refers to: one that is released may be what they were waiting for.
    pub fn wake_referenced<K: Managed>(&self, object: &K) {
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        for (_, kind, reference) in object.references() {
            self.memory.enqueue_later(Some(ResourceRef {
                kind,
                namespace: namespace.clone(),
                name: reference.name.clone(),
            }));
        }
        if let Ok(name) = self.survey.platform_of(object) {
            self.memory
                .enqueue_platform_later(PlatformKey { namespace, name });
        }
    }

    /// Records what an existing resource refers to; resources that list the same client are enqueued, so that each notices the
    /// other.
    pub fn note_named<K: Managed>(&self, object: &K) {
        self.name_anew(&resource_ref(object), named(object));
    }

    fn name_anew(&self, resource: &ResourceRef, named: Vec<Named>) {
        let changed = self.survey.referrers.note(resource, named);
        // What is below it goes where it goes: to another process, maybe, which hasn't looked at it so far.
        if changed
            .iter()
            .any(|named| matches!(named, Named::Resource(..) | Named::Platform(..)))
            && self.filling.is_done()
        {
            let below = self.survey.referrers.all_of(resource);
            self.memory.retry_later(below);
        }
        let clients = changed
            .iter()
            .filter(|named| matches!(named, Named::Client(..)));
        for client in clients {
            let others = self.survey.referrers.of(client).into_iter();
            self.memory
                .retry_later(others.filter(|other| other != resource));
        }
    }

    /// Enqueues everything once the caches are filled; from then on, every second, the delayed resources.
    pub async fn run_late_wakes(self: Arc<Self>) {
        self.wake_when_filled().await;
        let mut tick = tokio::time::interval(LATE);
        loop {
            tick.tick().await;
            self.wake_each(&self.survey.quotas.end(clock::now()));
            let (resources, platforms) = self.memory.take_late();
            for resource in &resources {
                self.wakers.wake(resource);
            }
            for resource in self.memory.take_retried() {
                self.wake(&resource);
            }
            for key in &platforms {
                self.wake_platform(key);
            }
        }
    }

    /// Forgets deleted objects after a missed deletion: an interrupted watch doesn't report deletions meanwhile.
    pub fn prune(&self) {
        let named = self.survey.referrers.resources();
        let held = self.survey.index.resources().into_iter();
        let entered = self.survey.quotas.resources();
        let known: BTreeSet<ResourceRef> = held.chain(named).chain(entered).collect();
        for resource in known {
            if self.watches(&resource.namespace) && !self.survey.stores.exists(&resource) {
                self.gone(&resource);
            }
        }
        let handles = self.platforms.all();
        let used = handles.iter().map(|handle| handle.site.key.clone());
        let told = self.metrics.conditions.platforms().into_iter();
        let platforms: BTreeSet<PlatformKey> = used.chain(told).collect();
        for key in platforms.iter().filter(|key| self.watches(&key.namespace)) {
            let (namespace, name) = (&key.namespace, &key.name);
            let stores = &self.survey.stores;
            let unreadable = stores.unreadable.why("BackupPlatform", namespace, name);
            if unreadable.is_none() && stores.platforms.get(namespace, name).is_none() {
                self.platform_gone(key);
                self.wake_all(key);
            }
        }
    }

    /// A resource is gone: it is forgotten, and those that refer to it report that.
    pub fn gone(&self, resource: &ResourceRef) {
        self.forget(resource);
        self.wake_referrers(resource);
    }

    /// Forgets a resource that is gone.
    pub fn forget(&self, resource: &ResourceRef) {
        self.forget_named(resource);
        let now = clock::now();
        self.wake_each(&self.survey.forget(resource, now));
        self.memory.forget(resource);
        self.metrics.conditions.forget(resource);
        self.retry_waiting(resource.kind);
    }

    /// Retries, once for many, the resources that wait for something that another resource of their kind has, or for what stands
    /// on the platform.
    pub fn retry_waiting(&self, kind: Kind) {
        let mut waiting = self.memory.waiting();
        waiting.retain(|resource| resource.kind == kind);
        self.memory.retry_later(waiting);
    }

    /// A resource that is gone refers to nothing.
    fn forget_named(&self, resource: &ResourceRef) {
        self.name_anew(resource, Vec::new());
    }

    /// A `BackupPlatform` is gone: its handle is removed, and the resources that referred to it report that.
    pub fn platform_gone(&self, key: &PlatformKey) {
        self.memory.forget_platform(key);
        self.metrics.forget_platform(&key.to_string());
        self.metrics.conditions.forget(key);
        self.duties.forget(key);
        if self.platforms.remove(key) {
            self.wake_all(key);
        }
    }

    /// A `BackupPlatform` can't be reached for now: its handle is no longer used, and the resources that refer to it report
    /// that.
    pub fn platform_parked(&self, key: &PlatformKey, trouble: &str) {
        if self.platforms.park(key, trouble) {
            self.wake_all(key);
        }
    }

    /// Enqueues the resources that refer to this one, directly or through others: it is new, has got its remote object, or is
    /// being deleted. Where it is, they are.
    pub fn wake_referrers(&self, resource: &ResourceRef) {
        for referrer in self.survey.referrers.all_of(resource) {
            self.wake(&referrer);
        }
    }
}

/// The parents of a remote object, and what it refers to.
fn above(handle: &Handle, kind: Kind, id: &ObjectId) -> Vec<(Kind, ObjectId)> {
    let inventory = handle.site.inventory();
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

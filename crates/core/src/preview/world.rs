//! The copy of what is known, on which a preview is played.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use k8s_openapi::{NamespaceResourceScope, apimachinery::pkg::apis::meta::v1::Time};
use kube::{Resource, ResourceExt};

use super::{Manifest, Manifests, manifests::Secrets, maps::Maps};
use crate::{
    api::{BackupPlatform, Customer, Reseller, ServicePlan, Tenant},
    estate::{Snapshot, UsageReport},
    planner::PlatformState,
    survey::{
        Managed, Origin, PlatformKey, PlatformView, ResourceRef, Shelf, Store, Stores, Survey,
        Terms, named, resource_ref,
    },
};

/// Resources as they are, before the manifests are applied.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// All `BackupPlatform`s.
    pub platforms: Vec<BackupPlatform>,
    /// All `Reseller`s.
    pub resellers: Vec<Reseller>,
    /// All `ServicePlan`s.
    pub plans: Vec<ServicePlan>,
    /// All `Customer`s.
    pub customers: Vec<Customer>,
    /// All `Tenant`s.
    pub tenants: Vec<Tenant>,
}

/// Ways to write into the stores.
#[derive(Default)]
pub(super) struct Shelves {
    platforms: Arc<Shelf<BackupPlatform>>,
    resellers: Arc<Shelf<Reseller>>,
    plans: Arc<Shelf<ServicePlan>>,
    customers: Arc<Shelf<Customer>>,
    tenants: Arc<Shelf<Tenant>>,
}

/// A kind that a world keeps.
pub(super) trait Kept: Managed {
    fn shelf(shelves: &Shelves) -> &Shelf<Self>;
    fn store(stores: &Stores) -> &Store<Self>;
    /// Applies a manifest to it.
    fn respecify(&mut self, declared: Self);
}

macro_rules! kept {
    ($($kind:ident: $member:ident),*) => {$(
        impl Kept for $kind {
            fn shelf(shelves: &Shelves) -> &Shelf<Self> {
                &shelves.$member
            }

            fn store(stores: &Stores) -> &Store<Self> {
                &stores.$member
            }

            fn respecify(&mut self, declared: Self) {
                self.spec = declared.spec;
            }
        }
    )*};
}

kept!(Reseller: resellers, ServicePlan: plans, Customer: customers, Tenant: tenants);

/// What is known, and what is to be applied.
pub struct World {
    pub(super) survey: Survey,
    pub(super) shelves: Shelves,
    pub(super) sites: HashMap<PlatformKey, Arc<PlatformView>>,
    pub(super) troubles: HashMap<PlatformKey, String>,
    /// Deletions that the platforms' limits were asked for.
    pub(super) permits: HashMap<PlatformKey, u32>,
    pub(super) secrets: Secrets,
    pub(super) maps: Maps,
    /// Whether Secrets and `ConfigMap`s that the manifests don't contain can't be looked up, as opposed to missing.
    pub(super) secrets_unknown: bool,
    /// Namespaces that resources are declared in and that don't exist.
    pub(super) absent: BTreeSet<String>,
    /// What of the manifests is read in another way than one may think.
    pub(super) notes: Vec<String>,
    /// The resources that the plan is about.
    pub(super) subjects: BTreeSet<ResourceRef>,
    now: jiff::Timestamp,
}

impl World {
    /// The resources as they are, at this time.
    pub fn new(existing: Existing, now: jiff::Timestamp) -> Self {
        let shelves = Shelves::default();
        let mut world = Self {
            survey: Survey::new(Stores {
                platforms: shelves.platforms.clone(),
                resellers: shelves.resellers.clone(),
                plans: shelves.plans.clone(),
                customers: shelves.customers.clone(),
                tenants: shelves.tenants.clone(),
                unreadable: Arc::default(),
            }),
            shelves,
            sites: HashMap::new(),
            troubles: HashMap::new(),
            permits: HashMap::new(),
            secrets: Secrets::new(),
            maps: Maps::new(),
            secrets_unknown: false,
            absent: BTreeSet::new(),
            notes: Vec::new(),
            subjects: BTreeSet::new(),
            now,
        };
        for platform in existing.platforms {
            world.put_platform(platform);
        }
        world.put_all(existing.resellers);
        world.put_all(existing.plans);
        world.put_all(existing.customers);
        world.put_all(existing.tenants);
        world
    }

    /// Applies manifests: existing resources get their spec, others are created. With `prune`, resources in the manifests'
    /// namespaces that the manifests no longer contain are deleted, as Argo CD and Flux do.
    pub fn apply(&mut self, manifests: Manifests, prune: bool) {
        let mut declared = BTreeSet::new();
        let mut namespaces = BTreeSet::new();
        for declaration in manifests.declarations {
            namespaces.insert(declaration.manifest.place().0);
            let resource = match declaration.manifest {
                Manifest::Platform(platform) => {
                    self.declare_platform(*platform);
                    continue;
                }
                Manifest::Reseller(reseller) => self.declare(*reseller),
                Manifest::Plan(plan) => self.declare(*plan),
                Manifest::Customer(customer) => self.declare(*customer),
                Manifest::Tenant(tenant) => self.declare(*tenant),
            };
            declared.insert(resource);
        }
        self.secrets.extend(manifests.secrets);
        self.maps.extend(manifests.maps);
        self.notes.extend(manifests.notes);
        if prune {
            self.prune::<Reseller>(&namespaces, &declared);
            self.prune::<ServicePlan>(&namespaces, &declared);
            self.prune::<Customer>(&namespaces, &declared);
            self.prune::<Tenant>(&namespaces, &declared);
        }
        self.subjects.extend(declared);
    }

    /// Includes existing resources that aren't in the manifests.
    pub fn consider_everything(&mut self) {
        self.consider::<Reseller>();
        self.consider::<ServicePlan>();
        self.consider::<Customer>();
        self.consider::<Tenant>();
    }

    /// These namespaces neither exist nor are among the manifests.
    pub fn without_namespaces(&mut self, absent: BTreeSet<String>) {
        self.absent = absent;
    }

    /// Secrets that aren't among the manifests can't be looked up: what depends on them isn't compared.
    pub fn without_secrets(&mut self) {
        self.secrets_unknown = true;
    }

    /// Adds a Secret's value.
    pub fn add_secret(
        &mut self,
        namespace: &str,
        name: &str,
        key: &str,
        value: secrecy::SecretString,
    ) {
        self.secrets
            .entry((namespace.to_owned(), name.to_owned()))
            .or_default()
            .insert(key.to_owned(), value);
    }

    /// Secrets and keys that resources refer to and that the manifests don't contain.
    pub fn missing_secrets(&self) -> Vec<(String, String, String)> {
        let mut missing = BTreeSet::new();
        let mut look = |namespace: Option<String>,
                        access: Option<&crate::api::shared::WebAccess>| {
            let Some(password) = access.and_then(|access| access.password_ref.as_ref()) else {
                return;
            };
            let place = (namespace.unwrap_or_default(), password.name.clone());
            if !self.secrets.contains_key(&place) {
                missing.insert((place.0, place.1, password.key.clone()));
            }
        };
        for reseller in self.survey.stores.resellers.all() {
            look(reseller.namespace(), reseller.web_access());
        }
        for customer in self.survey.stores.customers.all() {
            look(customer.namespace(), customer.web_access());
        }
        missing.into_iter().collect()
    }

    /// The `BackupPlatform`s that resources live on.
    pub fn platforms(&self) -> Vec<Arc<BackupPlatform>> {
        let mut platforms = self.survey.stores.platforms.all();
        platforms.sort_by_key(|platform| (platform.namespace(), platform.name_any()));
        platforms
    }

    /// Whether any customer on a platform lists clients.
    pub fn lists_clients(&self, platform: &BackupPlatform) -> bool {
        self.survey.lists_clients(&PlatformKey::of(platform))
    }

    /// Whether a resource lives on a platform.
    pub fn lives_on<K: Managed>(&self, resource: &K, platform: &BackupPlatform) -> bool {
        self.survey.lives_on(resource, &PlatformKey::of(platform))
    }

    /// What a platform holds.
    pub fn observe(&mut self, platform: &BackupPlatform, observation: Snapshot, clients: bool) {
        let key = PlatformKey::of(platform);
        let site = PlatformView::new(key.clone(), Origin::of(platform), Terms::of(platform));
        let ticket = site.inventory_mut().begin_sweep();
        site.install(ticket, observation, clients);
        self.sites.insert(key, Arc::new(site));
    }

    /// What the platform says is in use.
    pub fn report_usage(&self, platform: &BackupPlatform, report: UsageReport) {
        if let Some(site) = self.sites.get(&PlatformKey::of(platform)) {
            site.set_reports(|reports| reports.note_usage(report));
        }
    }

    /// Records that a platform can't be observed.
    pub fn note_trouble(&mut self, platform: &BackupPlatform, trouble: String) {
        self.troubles.insert(PlatformKey::of(platform), trouble);
    }

    /// What the planner receives about a resource's platform, and its site.
    pub(super) fn platform_state<K: Managed>(
        &self,
        object: &K,
    ) -> (PlatformState, Option<Arc<PlatformView>>) {
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let name = match self.survey.platform_of(object) {
            Ok(name) => name,
            Err((field, name)) => return (PlatformState::Unresolved { field, name }, None),
        };
        if !self.has_platform(&namespace, &name) {
            return (PlatformState::Missing { name }, None);
        }
        let key = PlatformKey { namespace, name };
        let site = self.sites.get(&key).cloned();
        if let Some(facts) = site.as_ref().and_then(|site| site.facts()) {
            return (PlatformState::Observed(facts), site);
        }
        let trouble = self.troubles.get(&key).cloned();
        let trouble = trouble.unwrap_or_else(|| "it wasn't observed".into());
        let state = PlatformState::Unobserved {
            name: key.name,
            trouble: Some(trouble),
        };
        (state, None)
    }

    /// Whether a `BackupPlatform` is there.
    pub(super) fn has_platform(&self, namespace: &str, name: &str) -> bool {
        self.survey.stores.platforms.get(namespace, name).is_some()
    }

    /// Replaces a resource by its new version.
    pub(super) fn put<K: Kept>(&mut self, object: K) {
        let resource = resource_ref(&object);
        self.survey.referrers.note(&resource, named(&object));
        K::shelf(&self.shelves).put(object);
    }

    /// Removes a resource.
    pub(super) fn remove<K: Kept>(&mut self, object: &K) {
        let resource = resource_ref(object);
        self.survey.referrers.note(&resource, Vec::new());
        self.survey.forget(&resource, self.now);
        K::shelf(&self.shelves).remove(object);
    }

    fn put_all<K: Kept>(&mut self, objects: Vec<K>) {
        for object in objects {
            self.put(object);
        }
    }

    fn put_platform(&mut self, platform: BackupPlatform) {
        self.shelves.platforms.put(platform);
    }

    fn declare_platform(&mut self, platform: BackupPlatform) {
        let PlatformKey { namespace, name } = PlatformKey::of(&platform);
        let mut newer = match self.survey.stores.platforms.get(&namespace, &name) {
            Some(known) => (*known).clone(),
            None => self.fresh(platform.clone()),
        };
        newer.spec = platform.spec;
        self.put_platform(newer);
    }

    fn declare<K: Kept>(&mut self, declared: K) -> ResourceRef {
        let resource = resource_ref(&declared);
        let known = K::store(&self.survey.stores).get(&resource.namespace, &resource.name);
        let newer = match known {
            Some(known) => {
                let mut newer = (*known).clone();
                if newer.spec_document().ok() != declared.spec_document().ok() {
                    newer.meta_mut().generation =
                        Some(known.meta().generation.unwrap_or_default() + 1);
                }
                let annotations = declared.annotations().clone();
                newer.annotations_mut().extend(annotations);
                newer.respecify(declared);
                newer
            }
            None => self.fresh(declared),
        };
        self.put(newer);
        resource
    }

    /// A resource as the API server would make it.
    fn fresh<K: Resource<DynamicType = (), Scope = NamespaceResourceScope>>(
        &self,
        mut object: K,
    ) -> K {
        let meta = object.meta_mut();
        meta.generation = Some(1);
        meta.creation_timestamp = Some(Time(self.now));
        meta.uid = None;
        meta.resource_version = None;
        meta.finalizers = None;
        meta.deletion_timestamp = None;
        object
    }

    fn prune<K: Kept>(&mut self, namespaces: &BTreeSet<String>, declared: &BTreeSet<ResourceRef>) {
        for object in K::store(&self.survey.stores).all() {
            let resource = resource_ref(&*object);
            if namespaces.contains(&resource.namespace) && !declared.contains(&resource) {
                let mut object = (*object).clone();
                object.meta_mut().deletion_timestamp = Some(Time(self.now));
                self.put(object);
                self.subjects.insert(resource);
            }
        }
    }

    fn consider<K: Kept>(&mut self) {
        for object in K::store(&self.survey.stores).all() {
            self.subjects.insert(resource_ref(&*object));
        }
    }
}

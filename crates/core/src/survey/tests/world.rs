//! Two scopes of one process, each with a `BackupPlatform` for the same account, the caches that watches fill, and the account
//! itself. Passes go as far as the ledger; what it grants is carried out at once or later.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::roll::Roll;
use crate::{
    api::{
        BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant,
        names::EXTERNAL_ID_ANNOTATION,
    },
    estate::{
        Account, Capabilities, Capability, Creation, Facts, Licences, Object, ObjectId, Protection,
        Settings, Snapshot,
    },
    planner::{self, PlatformState, Reference, Supplements},
    rules::quota::{self, Measure},
    survey::{
        Cache as _, Commons, Managed, Observation, Origin, PlatformKey, PlatformView, ResourceRef,
        Shelf, Stores, Survey, Terms, gather, named, resource_ref,
    },
};

pub const SCOPES: [&str; 2] = ["east", "west"];
/// Licences that the account has.
pub const LICENCES: u64 = 20;

/// A scope: its caches, and ways to write into them.
pub struct Scope {
    pub survey: Survey,
    pub site: Arc<PlatformView>,
    pub plans: Arc<Shelf<ServicePlan>>,
    resellers: Arc<Shelf<Reseller>>,
    pub customers: Arc<Shelf<Customer>>,
    pub tenants: Arc<Shelf<Tenant>>,
}

/// What the caches hold, to fill new ones with.
#[derive(Default, Clone)]
pub struct Cached {
    resellers: Vec<Arc<Reseller>>,
    customers: Vec<Arc<Customer>>,
    tenants: Vec<Arc<Tenant>>,
}

pub struct World {
    pub scopes: Vec<Scope>,
    pub objects: BTreeMap<ObjectId, Object>,
    /// Objects that lists leave out although they are there.
    pub hidden: BTreeSet<ObjectId>,
    pub now: jiff::Timestamp,
    /// Whether the platform has resellers.
    pub has_resellers: bool,
    made: u32,
}

fn platform(scope: &str, endpoint: &str) -> BackupPlatform {
    let platform = json!({
        "apiVersion": "holdfast.dev/v1alpha1", "kind": "BackupPlatform",
        "metadata": {"name": "msp", "namespace": scope},
        "spec": {
            "ownerId": format!("5b0c1d7e-0000-4000-8000-{scope:0>12}"),
            "bridge": {"endpoint": endpoint, "credentialsRef": {"name": "bridge"}},
        },
        "status": {"account": {"id": "9f", "name": "Acme"}},
    });
    serde_json::from_value(platform).expect("a BackupPlatform")
}

fn capabilities(has_resellers: bool) -> Capabilities {
    let (create, update) = (
        Capability::create(Kind::Reseller),
        Capability::update(Kind::Reseller),
    );
    let verbs = Capability::ALL.iter().copied();
    let nothing = (Kind::Reseller, std::collections::BTreeSet::new());
    Capabilities {
        account: Account {
            id: "9f".into(),
            name: "Acme".into(),
        },
        verbs: verbs
            .filter(|verb| has_resellers || (*verb != create && *verb != update))
            .collect(),
        fields: (!has_resellers).then_some(nothing).into_iter().collect(),
        fixed: BTreeMap::new(),
        creation: Creation::ByReference.everywhere(),
        apart: BTreeMap::new(),
        unlisted: BTreeMap::new(),
        products: std::collections::BTreeSet::new(),
        console: BTreeMap::new(),
        lacking: BTreeMap::new(),
        default_customer: None,
    }
}

impl Scope {
    fn new(name: &str, endpoint: &str, commons: &Arc<Commons>) -> Self {
        let platforms = Arc::new(Shelf::default());
        let resellers = Arc::new(Shelf::default());
        let customers = Arc::new(Shelf::default());
        let tenants = Arc::new(Shelf::default());
        let plans = Arc::new(Shelf::default());
        let stores = Stores {
            platforms: platforms.clone(),
            resellers: resellers.clone(),
            plans: plans.clone(),
            customers: customers.clone(),
            tenants: tenants.clone(),
            unreadable: Arc::default(),
        };
        let platform = platform(name, endpoint);
        let (key, origin, terms) = (
            PlatformKey::of(&platform),
            Origin::of(&platform),
            Terms::of(&platform),
        );
        platforms.put(platform);
        Self {
            survey: Survey::beside(stores, commons.clone()),
            site: Arc::new(PlatformView::new(key, origin, terms)),
            plans,
            resellers,
            customers,
            tenants,
        }
    }

    fn put<K: Stored>(&mut self, object: K) {
        let resource = resource_ref(&object);
        let names = named(&object);
        K::shelf(self).put(object);
        self.survey.referrers.note(&resource, names);
    }

    fn cached(&self) -> Cached {
        Cached {
            resellers: self.survey.stores.resellers.all(),
            customers: self.survey.stores.customers.all(),
            tenants: self.survey.stores.tenants.all(),
        }
    }

    fn fill(&mut self, cached: Cached) {
        for object in cached.resellers {
            self.put((*object).clone());
        }
        for object in cached.customers {
            self.put((*object).clone());
        }
        for object in cached.tenants {
            self.put((*object).clone());
        }
    }
}

pub trait Stored: Managed {
    fn shelf(scope: &Scope) -> &Shelf<Self>;
}

impl Stored for Reseller {
    fn shelf(scope: &Scope) -> &Shelf<Self> {
        &scope.resellers
    }
}

impl Stored for Customer {
    fn shelf(scope: &Scope) -> &Shelf<Self> {
        &scope.customers
    }
}

impl Stored for Tenant {
    fn shelf(scope: &Scope) -> &Shelf<Self> {
        &scope.tenants
    }
}

fn scopes(commons: &Arc<Commons>) -> Vec<Scope> {
    let endpoints = ["https://bridge.example", "https://BRIDGE.example:443/"];
    let pairs = SCOPES.iter().zip(endpoints);
    pairs
        .map(|(name, endpoint)| Scope::new(name, endpoint, commons))
        .collect()
}

impl World {
    /// Both platforms open, without any resources.
    pub fn new() -> Self {
        let mut world = Self {
            scopes: scopes(&Arc::default()),
            objects: BTreeMap::new(),
            hidden: BTreeSet::new(),
            has_resellers: true,
            now: "2026-06-01T12:00:00Z".parse().expect("an instant"),
            made: 0,
        };
        world.sweep(0);
        world.sweep(1);
        world
    }

    /// Another process with the same caches, as far as they are filled from the old one's, that has observed nothing yet.
    pub fn restart(&mut self) {
        let cached: Vec<Cached> = self.scopes.iter().map(Scope::cached).collect();
        self.scopes = scopes(&Arc::default());
        for (scope, cached) in self.scopes.iter_mut().zip(cached) {
            scope.fill(cached);
        }
    }

    /// A resource comes, or its spec changes.
    pub fn declare<K: Stored>(&mut self, scope: usize, name: &str, spec: &Value) {
        let known = self.get::<K>(scope, name);
        let created = known.map_or_else(
            || {
                self.made += 1;
                self.now + jiff::SignedDuration::from_secs(i64::from(self.made))
            },
            |known| super::super::created_at(&*known),
        );
        self.put::<K>(scope, name, spec, created);
    }

    pub fn put<K: Stored>(
        &mut self,
        scope: usize,
        name: &str,
        spec: &Value,
        created: jiff::Timestamp,
    ) {
        let object = json!({
            "apiVersion": "holdfast.dev/v1alpha1", "kind": K::KIND.as_str(),
            "metadata": {"name": name, "namespace": SCOPES[scope], "finalizers": ["holdfast.dev/finalizer"]},
            "spec": spec,
        });
        let mut object: K = serde_json::from_value(object).expect("a resource");
        object.meta_mut().creation_timestamp = Some(Time(created));
        let known = self.get::<K>(scope, name);
        object.meta_mut().annotations = known.and_then(|known| known.meta().annotations.clone());
        self.scopes[scope].put(object);
    }

    /// Notes on a resource which object it holds.
    fn annotate<K: Stored>(&mut self, scope: usize, name: &str, id: &ObjectId) {
        let Some(object) = self.get::<K>(scope, name) else {
            return;
        };
        let mut object = (*object).clone();
        let noted = (EXTERNAL_ID_ANNOTATION.to_owned(), format!("9f/{id}"));
        object.meta_mut().annotations = Some([noted].into());
        self.scopes[scope].put(object);
    }

    /// Asks for a resource's object by its noted id or by its claim, as a pass does whose list doesn't show it.
    pub fn read<K: Stored>(&mut self, scope: usize, name: &str) {
        let site = &self.scopes[scope].site;
        let (Some(resource), Some(facts)) = (self.get::<K>(scope, name), site.facts()) else {
            return;
        };
        let noted = resource.meta().annotations.as_ref();
        let noted = noted.and_then(|noted| noted[EXTERNAL_ID_ANNOTATION].strip_prefix("9f/"));
        let claim = facts.claim(K::KIND, SCOPES[scope], name);
        let mut claimed = self.objects.values();
        let claimed = claimed.find(|object| object.claim.as_ref() == Some(&claim));
        let id = noted.map(ObjectId::new);
        let Some(id) = id.or_else(|| claimed.map(|object| object.id.clone())) else {
            return;
        };
        let mut inventory = self.scopes[scope].site.inventory_mut();
        match self.objects.get(&id) {
            Some(object) if inventory.get(K::KIND, &id).is_none() => {
                inventory.record(object.clone());
            }
            Some(_) => {}
            None => inventory.forget(K::KIND, &id),
        }
    }

    pub fn get<K: Stored>(&self, scope: usize, name: &str) -> Option<Arc<K>> {
        K::shelf(&self.scopes[scope]).get(SCOPES[scope], name)
    }

    /// A resource goes without a pass, as when its finalizer is stripped.
    pub fn remove<K: Stored>(&mut self, scope: usize, name: &str) -> Vec<ResourceRef> {
        let Some(object) = self.get::<K>(scope, name) else {
            return Vec::new();
        };
        let resource = resource_ref(&*object);
        K::shelf(&self.scopes[scope]).remove(&object);
        let survey = &self.scopes[scope].survey;
        survey.referrers.note(&resource, Vec::new());
        survey.forget(&resource, self.now)
    }

    /// From now on lists leave out every object of a kind.
    pub fn hide(&mut self, kind: Kind) {
        let hidden = self.objects.values().filter(|object| object.kind == kind);
        self.hidden = hidden.map(|object| object.id.clone()).collect();
    }

    fn shown(&self) -> Vec<Object> {
        let shown = self.objects.values();
        let shown = shown.filter(|object| !self.hidden.contains(&object.id));
        shown.cloned().collect()
    }

    /// Both platforms' sweeps see what the account holds.
    pub fn sweep(&mut self, scope: usize) -> Vec<ResourceRef> {
        let Scope { survey, site, .. } = &self.scopes[scope];
        let ticket = site.inventory_mut().begin_sweep();
        let observation = Snapshot {
            unreadable: crate::estate::Unread::default(),
            capabilities: capabilities(self.has_resellers),
            objects: self.shown(),
            locations: Vec::new(),
            administrators: Vec::new(),
            licences: Some(Licences {
                total: LICENCES,
                free: 0,
            }),
            clients: Vec::new(),
        };
        let changes = site.install(ticket, observation, false);
        if site.facts().is_none() {
            return survey.open(site, &self.now.into());
        }
        for (kind, id) in survey.left_out(site) {
            let mut inventory = site.inventory_mut();
            match self.objects.get(&id) {
                Some(object) => inventory.record(object.clone()),
                None => inventory.forget(kind, &id),
            }
        }
        let changed: Vec<_> = changes.objects.into_iter().map(|(key, _)| key).collect();
        survey.note_sweep(site, &changed, &self.now.into())
    }

    /// What a pass sees; nothing while its platform isn't open.
    pub fn look<K: Stored>(&mut self, scope: usize, name: &str) -> Option<Observation> {
        let object = self.get::<K>(scope, name)?;
        let Scope { survey, site, .. } = &self.scopes[scope];
        let facts = site.facts()?;
        let supplements = Supplements::default();
        if let Err((field, name)) = survey.platform_of(&*object) {
            let state = PlatformState::Unresolved { field, name };
            let observation = gather(survey, &*object, state, None, supplements, &self.now.into());
            assert!(observation.is_ok());
            return None;
        }
        let state = PlatformState::Observed(facts);
        let observation = gather(
            survey,
            &*object,
            state,
            Some(site),
            supplements,
            &self.now.into(),
        );
        let observation = observation.expect("a spec that can be read");
        let held = planner::remote_object(&observation.declared, &observation.remote);
        if let Some(id) = held.map(|held| held.id.clone()) {
            self.annotate::<K>(scope, name, &id);
        }
        Some(observation)
    }

    /// Carries out what a pass may write: the whole spec where it is granted. True when something was written.
    pub fn carry_out<K: Stored>(&mut self, scope: usize, name: &str) -> bool {
        self.read::<K>(scope, name);
        let Some(observation) = self.look::<K>(scope, name) else {
            return false;
        };
        let parent = self.get::<K>(scope, name).and_then(|object| {
            let (kind, _) = object.parent_ref()?;
            Some(if kind == Kind::Customer {
                "customerRef"
            } else {
                "resellerRef"
            })
        });
        let parent = match parent
            .filter(|field| self.has_resellers || *field != "resellerRef")
            .map(|field| (field, observation.references.get(field)))
        {
            None => None,
            Some((field, Some((_, Reference::Found { id: Some(id), .. })))) => Some((field, id)),
            Some(_) => return false,
        };
        if !observation.neighbours.shortages.is_empty() {
            return false;
        }
        let held = planner::remote_object(&observation.declared, &observation.remote);
        let id = held.map_or_else(
            || {
                self.made += 1;
                ObjectId::new(&self.made.to_string())
            },
            |held| held.id.clone(),
        );
        let mut document = observation.declared.spec.clone();
        if let Some((field, id)) = parent {
            let setting = if field == "customerRef" {
                "customerId"
            } else {
                "resellerId"
            };
            document[setting] = json!(id.as_str());
        } else if let Some(place) = held.and_then(|held| held.parent()) {
            // A spec that names nothing above leaves the object where it is.
            document["resellerId"] = json!(place.as_str());
        }
        let wanted = quota::amounts(
            K::KIND,
            &Settings::from_document(K::KIND, &document).expect("settings"),
            self.now,
        );
        if K::KIND == Kind::Reseller
            && (0..4).any(|at| {
                wanted[at].is_some_and(|wanted| wanted < observation.neighbours.granted_below[at])
            })
        {
            return false;
        }
        let facts = self.scopes[scope].site.facts().expect("it is open");
        let object = Object {
            unreadable: None,
            kind: K::KIND,
            id: id.clone(),
            name: name.to_owned(),
            claim: Some(facts.claim(K::KIND, SCOPES[scope], name)),
            etag: None,
            protection: Protection::None,
            created_at: None,
            settings: Settings::from_document(K::KIND, &document).expect("settings"),
            facts: Facts::default(),
        };
        self.scopes[scope]
            .site
            .inventory_mut()
            .record(object.clone());
        let before = self.objects.insert(id, object.clone());
        self.look::<K>(scope, name);
        before.as_ref() != Some(&object)
    }

    /// What objects hold of a pool of the account: of its licences, or of a reseller's storage.
    pub fn held(&self, reseller: Option<&ObjectId>) -> u64 {
        let measure = if reseller.is_some() {
            Measure::Storage
        } else {
            Measure::Licences
        };
        let children = self
            .objects
            .values()
            .filter(|object| object.kind != Kind::Tenant && object.parent().as_ref() == reseller);
        let amounts = children.filter_map(|child| {
            quota::amounts(child.kind, &child.settings, self.now)[measure as usize]
        });
        amounts.sum()
    }

    /// Resellers of a scope on the platform, with their remote ids.
    pub fn resellers(&self, scope: usize) -> Vec<(Arc<Reseller>, ObjectId)> {
        let survey = &self.scopes[scope].survey;
        let resellers = survey.stores.resellers.all().into_iter();
        resellers
            .filter_map(|reseller| {
                let id = survey.index.held_by(&resource_ref(&*reseller))?;
                Some((reseller, id))
            })
            .collect()
    }

    /// The ledger.
    pub fn roll(&self) -> Roll {
        self.scopes[0].survey.quotas.roll()
    }
}

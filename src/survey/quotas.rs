//! The ledger of all platforms: tells it who holds and wants what, and says whom it grants something.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use kube::runtime::reflector::Store;

use super::{
    Managed, PlatformKey, ResourceRef, Sight, Site, Survey,
    gather::{created_at, declare, noted_id, resource_ref},
};
use crate::{
    api::{Kind, shared::Management},
    estate::{Object, ObjectId, Settings},
    planner::{self, Declared},
    rules::quota::{self, Amounts, Ledger, Measure, Membership, Rank, Shortage},
};

/// What can be shared out of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pool {
    /// The licences of a platform.
    Licences(PlatformKey),
    /// What a `Reseller` or a `Customer` has.
    Of(ResourceRef),
}

/// Who takes of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Claimant {
    Resource(ResourceRef),
    /// An object on the platform that no resource stands for.
    Unmanaged(PlatformKey, Kind, ObjectId),
}

#[derive(Debug, Default)]
struct Books {
    ledger: Ledger<Pool, Claimant>,
    unmanaged: HashMap<PlatformKey, HashSet<Claimant>>,
}

/// The ledger, shared by all passes.
#[derive(Debug, Default)]
pub struct Quotas(Mutex<Books>);

/// What the ledger says of one resource.
#[derive(Debug, Default)]
pub struct Word {
    /// What there isn't enough of, by the pool's name.
    pub shortages: Vec<Shortage<String>>,
    /// What is taken of what the resource itself has to give.
    pub granted_below: [u64; 4],
    /// Others that waited and are granted something now.
    pub promoted: Vec<ResourceRef>,
}

/// One resource's claims, and what it has to give itself.
struct Entry {
    resource: ResourceRef,
    rank: Rank,
    memberships: Vec<Membership<Pool>>,
    gives: Amounts,
}

impl Quotas {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// States a resource's claims.
    pub fn ask<K: Managed>(
        &self,
        survey: &Survey,
        object: &K,
        site: &Site,
        sight: &Sight,
        now: jiff::Timestamp,
    ) -> Word {
        let held = planner::remote_object(&sight.declared, &sight.remote);
        let held = held.map(|object| &**object);
        let entry = entry(survey, object, site, &sight.declared, held, now);
        let Some(entry) = entry else {
            return Word::default();
        };
        let certain = !planner::is_in_doubt(&sight.declared, now);
        let pool = Pool::Of(entry.resource.clone());
        let mut books = self.books();
        let mut promoted = books.ledger.allot(&pool, entry.gives);
        let claimant = Claimant::Resource(entry.resource);
        let outcome = books
            .ledger
            .declare(&claimant, &entry.rank, &entry.memberships, certain);
        let granted_below = books.ledger.taken(&pool);
        promoted.extend(outcome.promoted);
        Word {
            shortages: outcome.shortages.into_iter().map(named).collect(),
            granted_below,
            promoted: resources(promoted),
        }
    }

    /// Forgets a resource that is gone. Returns who was granted what it had.
    pub fn forget(&self, resource: &ResourceRef) -> Vec<ResourceRef> {
        let mut books = self.books();
        books.ledger.close(&Pool::Of(resource.clone()));
        resources(books.ledger.leave(&Claimant::Resource(resource.clone())))
    }

    /// After a sweep: the platform's licences, and what objects hold that no resource stands for. Returns who is granted
    /// something by that.
    pub fn note_sweep(
        &self,
        survey: &Survey,
        site: &Site,
        now: jiff::Timestamp,
    ) -> Vec<ResourceRef> {
        let inventory = site.inventory();
        let Some(surroundings) = inventory.surroundings() else {
            return Vec::new();
        };
        let account = &surroundings.capabilities.account.id;
        let unmanaged: Vec<(Claimant, Membership<Pool>)> = inventory
            .objects()
            .filter(|object| object.kind != Kind::ServicePlan)
            .filter(|object| survey.index.holder(account, object).is_none())
            .filter_map(|object| {
                let held = quota::amounts(object.kind, &object.settings, now);
                let pool = pool_of_object(survey, site, account, object)?;
                let claimant =
                    Claimant::Unmanaged(site.key.clone(), object.kind, object.id.clone());
                Some((claimant, membership(pool, held, held)))
            })
            .collect();
        let licences = surroundings.licences.map(|licences| licences.total);
        drop(inventory);
        let mut books = self.books();
        let pool = Pool::Licences(site.key.clone());
        let mut promoted = books.ledger.allot(&pool, [None, licences, None, None]);
        let seen = unmanaged
            .iter()
            .map(|(claimant, _)| claimant.clone())
            .collect();
        let before = books.unmanaged.insert(site.key.clone(), seen);
        for (claimant, membership) in &unmanaged {
            let rank = Rank {
                created: jiff::Timestamp::MIN,
                name: String::new(),
            };
            let memberships = std::slice::from_ref(membership);
            let outcome = books.ledger.declare(claimant, &rank, memberships, true);
            promoted.extend(outcome.promoted);
        }
        for claimant in before.into_iter().flatten() {
            if !books.unmanaged[&site.key].contains(&claimant) {
                promoted.extend(books.ledger.leave(&claimant));
            }
        }
        resources(promoted)
    }

    /// Before the first pass: everybody gets in line, so that the first to ask isn't served before older ones.
    pub fn enrol_all(&self, survey: &Survey, site: &Site, now: jiff::Timestamp) {
        self.enrol(survey, &survey.stores.resellers, site, now);
        self.enrol(survey, &survey.stores.customers, site, now);
        self.enrol(survey, &survey.stores.tenants, site, now);
        self.books().ledger.serve();
    }

    fn enrol<K: Managed>(
        &self,
        survey: &Survey,
        store: &Store<K>,
        site: &Site,
        now: jiff::Timestamp,
    ) {
        for object in store.state() {
            let here = survey.lives_on(&*object, &site.key);
            let Some(declared) = here.then(|| declare(&*object).ok()).flatten() else {
                continue;
            };
            let held = held_at_start(site, &*object);
            let entry = entry(survey, &*object, site, &declared, held.as_deref(), now);
            if let Some(entry) = entry {
                let mut books = self.books();
                books
                    .ledger
                    .allot(&Pool::Of(entry.resource.clone()), entry.gives);
                let claimant = Claimant::Resource(entry.resource);
                books
                    .ledger
                    .enrol(&claimant, &entry.rank, &entry.memberships);
            }
        }
    }
}

/// The object that a resource holds, as far as claim and annotation tell.
fn held_at_start<K: Managed>(site: &Site, object: &K) -> Option<std::sync::Arc<Object>> {
    let facts = site.facts()?;
    let resource = resource_ref(object);
    let claim = facts.claim(K::KIND, &resource.namespace, &resource.name);
    let inventory = site.inventory();
    let noted = || {
        let (account, id) = noted_id(object)?;
        let known = inventory.get(K::KIND, &id)?;
        (account == facts.capabilities.account.id && known.claim.is_none()).then_some(known)
    };
    inventory.claimed(K::KIND, &claim).or_else(noted).cloned()
}

/// What a resource claims and gives; `None` for kinds that do neither.
fn entry<K: Managed>(
    survey: &Survey,
    object: &K,
    site: &Site,
    declared: &Declared,
    held: Option<&Object>,
    now: jiff::Timestamp,
) -> Option<Entry> {
    if K::KIND == Kind::ServicePlan {
        return None;
    }
    let facts = site.facts()?;
    let resource = resource_ref(object);
    let holds = held.map(|held| quota::amounts(K::KIND, &held.settings, now));
    let nothing = [None; 4];
    // A spec that can't be read asks for nothing; the planner says what is wrong with it.
    let spec = Settings::from_document(K::KIND, &declared.spec).unwrap_or_default();
    let writes = facts.management(&declared.lifecycle) == Management::Manage && !declared.deleting;
    let wanted = if writes {
        quota::wanted(K::KIND, &spec, &holds.unwrap_or(nothing), now)
    } else {
        holds.unwrap_or(nothing)
    };
    let account = &facts.capabilities.account.id;
    let desired = pool_of_spec(object, &resource, site);
    let current = held.and_then(|held| pool_of_object(survey, site, account, held));
    let memberships = match (current, desired) {
        (Some(current), Some(desired)) if current == desired => {
            vec![membership(current, holds.unwrap_or(nothing), wanted)]
        }
        (current, desired) => {
            let leaves = current.map(|pool| membership(pool, holds.unwrap_or(nothing), nothing));
            let comes = desired.map(|pool| membership(pool, nothing, wanted));
            leaves.into_iter().chain(comes).collect()
        }
    };
    let gives = quota::allotment(&wanted, holds.as_ref());
    Some(Entry {
        rank: Rank {
            created: created_at(object),
            name: format!("{}/{}", resource.namespace, resource.name),
        },
        memberships,
        gives: match K::KIND {
            Kind::Reseller => gives,
            Kind::Customer => only(Measure::Credits, gives),
            Kind::Tenant | Kind::ServicePlan => nothing,
        },
        resource,
    })
}

fn membership(pool: Pool, held: Amounts, wanted: Amounts) -> Membership<Pool> {
    let masked = |amounts| match &pool {
        Pool::Licences(_) => only(Measure::Licences, amounts),
        Pool::Of(resource) if resource.kind == Kind::Customer => only(Measure::Credits, amounts),
        Pool::Of(_) => amounts,
    };
    Membership {
        held: masked(held),
        wanted: masked(wanted),
        pool,
    }
}

fn only(measure: Measure, amounts: Amounts) -> Amounts {
    let mut kept = [None; 4];
    kept[measure as usize] = amounts[measure as usize];
    kept
}

/// The pool that a spec asks to take of.
fn pool_of_spec<K: Managed>(object: &K, resource: &ResourceRef, site: &Site) -> Option<Pool> {
    let above = object.parent_ref().map(|(kind, reference)| {
        Pool::Of(ResourceRef {
            kind,
            namespace: resource.namespace.clone(),
            name: reference.name.clone(),
        })
    });
    let top = || (K::KIND != Kind::Tenant).then(|| Pool::Licences(site.key.clone()));
    above.or_else(top)
}

/// The pool that an object on the platform takes of now; `None` where nothing that is declared stands above it.
fn pool_of_object(survey: &Survey, site: &Site, account: &str, object: &Object) -> Option<Pool> {
    let kind = match object.kind {
        Kind::Tenant => Kind::Customer,
        _ => Kind::Reseller,
    };
    match object.parent() {
        Some(id) => survey.index.by_id(account, kind, &id).map(Pool::Of),
        None => (kind == Kind::Reseller).then(|| Pool::Licences(site.key.clone())),
    }
}

fn named(shortage: Shortage<Pool>) -> Shortage<String> {
    let pool = match shortage.pool {
        Pool::Licences(_) => "the platform's licence pool".to_owned(),
        Pool::Of(resource) => format!("{} {}", resource.kind.as_str(), resource.name),
    };
    Shortage {
        pool,
        measure: shortage.measure,
        wanted: shortage.wanted,
        has: shortage.has,
        free: shortage.free,
        allotted: shortage.allotted,
    }
}

fn resources(claimants: Vec<Claimant>) -> Vec<ResourceRef> {
    let resource = |claimant| match claimant {
        Claimant::Resource(resource) => Some(resource),
        Claimant::Unmanaged(..) => None,
    };
    claimants.into_iter().filter_map(resource).collect()
}

//! The ledger of all accounts: who holds and wants what, as the caches say, and whom it grants something.
//!
//! A pool is opened with everybody who takes of it: those whose specs name its owner, and what the platform holds below it. So
//! nobody is served from a pool that others have taken of unseen, whoever asks first.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    AccountKey, Index, Managed, Named, ResourceRef, find,
    gather::{declare, resource_ref},
    lookup::{Lookup, is_released, references},
    opening::{Opening, Visit},
    standing::{Pool, Standing, Unmanaged, named, unmanaged},
};
use crate::{
    api::Kind,
    estate::{Object, ObjectId},
    inventory::Inventory,
    planner::Declared,
    rules::quota::{Ledger, Measure, Membership, Outcome, Shortage},
};

/// Who takes of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Claimant {
    Resource(ResourceRef),
    /// An object on the platform that no resource stands for.
    Unmanaged(AccountKey, Kind, ObjectId),
}

#[derive(Debug, Default)]
struct Books {
    ledger: Ledger<Pool, Claimant>,
    unmanaged: HashMap<AccountKey, HashSet<Claimant>>,
    /// Whose pools are open, and below which remote object everybody was entered.
    open: HashMap<ResourceRef, Option<ObjectId>>,
    /// When the quota of a claimant is over.
    ends: BTreeSet<(jiff::Timestamp, Claimant)>,
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

impl Quotas {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// States a resource's claims, and opens the pools that it takes of and gives where they aren't open yet.
    pub(super) fn ask<K: Managed>(
        &self,
        lookup: &Lookup<'_>,
        object: &K,
        declared: &Declared,
        held: Option<&Object>,
    ) -> Word {
        let standing = Standing::of(lookup, object, declared, held);
        let Some(standing) = standing.filter(|_| !is_released(declared)) else {
            return Word::default();
        };
        let mut books = self.books();
        let mut touched = Vec::new();
        for membership in &standing.memberships {
            books.open_above(lookup, &membership.pool, &mut touched);
        }
        books.open_below(lookup, &standing, &mut touched);
        if let Some(held) = held {
            touched.extend(books.take_over(lookup.account, held));
        }
        let claimant = Claimant::Resource(standing.resource.clone());
        books.note_end(standing.ends, &claimant);
        let outcome = books.declare(&claimant, &standing);
        let mut promoted = outcome.promoted;
        // Only now that what it holds is entered.
        for pool in &touched {
            promoted.extend(books.ledger.serve(pool));
        }
        promoted.retain(|other| *other != claimant);
        Word {
            shortages: outcome.shortages.into_iter().map(named).collect(),
            granted_below: books.ledger.taken(&Pool::Of(standing.resource)),
            promoted: resources(promoted),
        }
    }

    /// Forgets a resource that is gone; an object that it leaves on the platform goes on counting. What others have of its
    /// pool stays entered. Returns who was granted what it had.
    pub(super) fn forget(
        &self,
        resource: &ResourceRef,
        left: Option<(Claimant, Unmanaged)>,
    ) -> Vec<ResourceRef> {
        let mut books = self.books();
        if let Some((claimant, unmanaged)) = left {
            books.enter_unmanaged(claimant, &unmanaged, &mut Vec::new());
        }
        books.open.remove(resource);
        books.ledger.close(&Pool::Of(resource.clone()));
        resources(books.ledger.leave(&Claimant::Resource(resource.clone())))
    }

    /// Enters everybody of an account before the first of them is served, in one step. Returns who is granted something.
    pub(super) fn open(&self, opening: &Opening<'_>) -> Vec<ResourceRef> {
        let mut books = self.books();
        opening.each(&mut Entering(&mut books));
        let index = &opening.survey.index;
        books.look_over(index, opening.account, opening.inventory, opening.now);
        resources(books.ledger.serve_all())
    }

    /// After a sweep: what the objects that changed hold now, the account's licences, and what objects hold that no resource
    /// stands for. Returns who is granted something by that.
    pub(super) fn note_sweep(
        &self,
        lookup: &Lookup<'_>,
        changed: &[(Kind, ObjectId)],
    ) -> Vec<ResourceRef> {
        let mut books = self.books();
        let mut touched = Vec::new();
        for (kind, id) in changed {
            if let Some(holder) = lookup.commons.index.by_id(&lookup.account.id, *kind, id) {
                books.enter_from_cache(lookup, &holder, &mut touched);
            }
        }
        let index = &lookup.commons.index;
        books.look_over(index, lookup.account, lookup.inventory, lookup.now);
        resources(books.ledger.serve_all())
    }

    /// The quotas that are over at this time. Returns whom to look at again: those whose quota it is, and those who are granted
    /// what is free by it.
    pub fn end(&self, now: jiff::Timestamp) -> Vec<ResourceRef> {
        let mut books = self.books();
        let mut woken = Vec::new();
        while let Some((at, claimant)) = books.ends.first().cloned().filter(|(at, _)| *at <= now) {
            books.ends.remove(&(at, claimant.clone()));
            match claimant {
                Claimant::Resource(resource) => woken.push(resource),
                unmanaged @ Claimant::Unmanaged(..) => {
                    woken.extend(resources(books.ledger.leave(&unmanaged)));
                }
            }
        }
        woken
    }

    /// Every resource that is in the ledger.
    pub fn resources(&self) -> Vec<ResourceRef> {
        let books = self.books();
        let owners = books.open.keys().cloned();
        let claimants = resources(books.ledger.claimants().cloned().collect());
        claimants.into_iter().chain(owners).collect()
    }
}

struct Entering<'a>(&'a mut Books);

impl Visit for Entering<'_> {
    fn visit<K: Managed>(&mut self, lookup: &Lookup<'_>, object: &K) {
        if let Some(standing) = standing_in_cache(lookup, object) {
            let claimant = Claimant::Resource(standing.resource.clone());
            self.0.enrol(&claimant, &standing, &mut Vec::new());
            if standing.gives_to_others() {
                // Everybody below is gone through as well.
                let resource = standing.resource.clone();
                self.0
                    .ledger
                    .open(&Pool::Of(resource.clone()), standing.gives);
                self.0.open.insert(resource, standing.object);
            }
        }
    }
}

/// What a resource claims and gives, as the caches say.
fn standing_in_cache<K: Managed>(lookup: &Lookup<'_>, object: &K) -> Option<Standing> {
    let declared = declare(object).ok()?;
    if is_released(&declared) {
        return None;
    }
    let references = references(lookup.commons, lookup.stores, object);
    let found = lookup.found(&declared, &references);
    let held = lookup.held(&resource_ref(object), &declared, &found);
    Standing::of(lookup, object, &declared, held.as_deref()).map(Standing::doubted)
}

impl Books {
    fn enrol(&mut self, claimant: &Claimant, standing: &Standing, touched: &mut Vec<Pool>) {
        let (rank, memberships) = (&standing.rank, self.claims(claimant, standing));
        touched.extend(self.ledger.enrol(claimant, rank, &memberships));
        touched.extend(memberships.iter().map(|membership| membership.pool.clone()));
        self.note_end(standing.ends, claimant);
    }

    /// The claims of a resource. One that moves below what is known here alone has what it holds in the old place until there
    /// is room for it in the new one.
    fn claims(&self, claimant: &Claimant, standing: &Standing) -> Vec<Membership<Pool>> {
        let claims = &standing.memberships;
        let is_left = |pool: &&Pool| claims.iter().all(|member| member.pool != **pool);
        let left = self.ledger.pools_of(claimant).iter().find(is_left);
        match left.filter(|_| standing.above_is_kept_here) {
            Some(left) => standing.moving_from(left),
            None => claims.clone(),
        }
    }

    /// States the claims of a resource.
    fn declare(&mut self, claimant: &Claimant, standing: &Standing) -> Outcome<Pool, Claimant> {
        let (rank, certain) = (&standing.rank, standing.certain);
        let claims = self.claims(claimant, standing);
        let mut outcome = self.ledger.declare(claimant, rank, &claims, certain);
        if outcome.shortages.is_empty() && claims != standing.memberships {
            let moved = self
                .ledger
                .declare(claimant, rank, &standing.memberships, certain);
            outcome.promoted.extend(moved.promoted);
        }
        outcome
    }

    fn note_end(&mut self, ends: Option<jiff::Timestamp>, claimant: &Claimant) {
        self.ends.extend(ends.map(|at| (at, claimant.clone())));
    }

    /// An object that a resource holds is that resource's to count.
    fn take_over(&mut self, account: &AccountKey, held: &Object) -> Vec<Pool> {
        let claimant = Claimant::Unmanaged(account.clone(), held.kind, held.id.clone());
        let all = self.unmanaged.get_mut(account);
        if !all.is_some_and(|all| all.remove(&claimant)) {
            return Vec::new();
        }
        self.ledger.withdraw(&claimant)
    }

    /// Opens the pool of a resource that hasn't passed yet.
    fn open_above(&mut self, lookup: &Lookup<'_>, pool: &Pool, touched: &mut Vec<Pool>) {
        if let Pool::Of(owner) = pool
            && !self.open.contains_key(owner)
        {
            self.enter_from_cache(lookup, owner, touched);
        }
    }

    /// Enters a resource as the caches say, and what takes of it.
    fn enter_from_cache(
        &mut self,
        lookup: &Lookup<'_>,
        resource: &ResourceRef,
        touched: &mut Vec<Pool>,
    ) {
        let (stores, namespace, name) = (lookup.stores, &resource.namespace, &resource.name);
        match resource.kind {
            Kind::Reseller => self.enter(lookup, find(&stores.resellers, namespace, name), touched),
            Kind::Customer => self.enter(lookup, find(&stores.customers, namespace, name), touched),
            Kind::Tenant => self.enter(lookup, find(&stores.tenants, namespace, name), touched),
            Kind::ServicePlan => {}
        }
    }

    fn enter<K: Managed>(
        &mut self,
        lookup: &Lookup<'_>,
        object: Option<Arc<K>>,
        touched: &mut Vec<Pool>,
    ) {
        let home = |object: &Arc<K>| lookup.stores.home_of(&**object);
        let object = object.filter(|object| home(object).as_ref() == Some(lookup.home));
        let Some(standing) = object.and_then(|object| standing_in_cache(lookup, &*object)) else {
            return;
        };
        let claimant = Claimant::Resource(standing.resource.clone());
        self.enrol(&claimant, &standing, touched);
        self.open_below(lookup, &standing, touched);
    }

    /// Opens a resource's pool, with everybody who takes of it; again, when it has got its remote object.
    fn open_below(&mut self, lookup: &Lookup<'_>, standing: &Standing, touched: &mut Vec<Pool>) {
        if !standing.gives_to_others() {
            return;
        }
        let pool = Pool::Of(standing.resource.clone());
        self.ledger.open(&pool, standing.gives);
        touched.push(pool);
        let below = standing.object.clone();
        let before = self.open.insert(standing.resource.clone(), below.clone());
        if before == Some(below.clone()) {
            return;
        }
        let named = Named::Resource(standing.resource.clone());
        for referrer in lookup.commons.referrers.of(&named) {
            self.enter_from_cache(lookup, &referrer, touched);
        }
        let Some(below) = below else { return };
        for kind in [Kind::Reseller, Kind::Customer, Kind::Tenant] {
            for child in lookup.inventory.children(kind, &below) {
                let index = &lookup.commons.index;
                if let Some((who, what)) = unmanaged(index, lookup.account, child, lookup.now) {
                    self.enter_unmanaged(who, &what, touched);
                }
            }
        }
    }

    fn enter_unmanaged(&mut self, who: Claimant, what: &Unmanaged, touched: &mut Vec<Pool>) {
        let memberships = std::slice::from_ref(&what.membership);
        touched.extend(self.ledger.enrol(&who, &Unmanaged::rank(), memberships));
        touched.push(what.membership.pool.clone());
        self.note_end(what.ends, &who);
        if let Claimant::Unmanaged(account, ..) = &who {
            let all = self.unmanaged.entry(account.clone()).or_default();
            all.insert(who);
        }
    }

    /// The account's licences, and the objects that no resource stands for: those that were among them and are no more leave.
    fn look_over(
        &mut self,
        index: &Index,
        account: &AccountKey,
        inventory: &Inventory,
        now: jiff::Timestamp,
    ) {
        let before = self.unmanaged.remove(account).unwrap_or_default();
        for object in inventory.objects() {
            if let Some((who, what)) = unmanaged(index, account, object, now) {
                self.enter_unmanaged(who, &what, &mut Vec::new());
            }
        }
        let entered = self.unmanaged.get(account);
        let is_gone = |who: &Claimant| !entered.is_some_and(|entered| entered.contains(who));
        let gone: Vec<Claimant> = before.into_iter().filter(is_gone).collect();
        for who in gone {
            self.ledger.withdraw(&who);
        }
        let around = inventory.surroundings();
        let licences = around.and_then(|around| around.licences.as_ref());
        let mut amounts = [None; 4];
        amounts[Measure::Licences as usize] = licences.map(|licences| licences.total);
        self.ledger.open(&Pool::Licences(account.clone()), amounts);
    }
}

/// What tests see of the ledger.
#[cfg(test)]
impl Quotas {
    /// Every claim on a pool.
    pub fn roll(&self) -> Roll {
        let books = self.books();
        let mut entries = books.ledger.entries();
        entries.sort();
        let pools = entries.iter().map(|(pool, ..)| pool.clone());
        let allotted = pools
            .map(|pool| (pool.clone(), books.ledger.allotted(&pool)))
            .collect();
        Roll { entries, allotted }
    }
}

/// Every claim in the ledger: what is held, and what is taken with what is granted.
#[cfg(test)]
pub struct Roll {
    entries: Vec<(Pool, Claimant, [[u64; 4]; 2])>,
    allotted: std::collections::BTreeMap<Pool, Option<crate::rules::quota::Amounts>>,
}

#[cfg(test)]
impl Roll {
    /// Who is in which pool, holding what, and whether there is a limit.
    pub fn members(&self) -> Vec<String> {
        let entries = self.entries.iter();
        entries
            .map(|(pool, who, [held, _])| {
                format!("{pool:?} {:?} {who:?} {held:?}", self.allotted[pool])
            })
            .collect()
    }

    /// What is held and taken of each pool, and how much there is where that is known: licences of an account, storage of others.
    pub fn sums(&self) -> HashMap<Pool, (u64, u64, Option<u64>)> {
        let mut sums = HashMap::new();
        for (pool, _, [held, taken]) in &self.entries {
            let measure = match pool {
                Pool::Licences(_) => Measure::Licences,
                Pool::Of(_) => Measure::Storage,
            } as usize;
            let allotted = self.allotted[pool].and_then(|allotted| allotted[measure]);
            let sum = sums.entry(pool.clone()).or_insert((0, 0, allotted));
            (sum.0, sum.1) = (sum.0 + held[measure], sum.1 + taken[measure]);
        }
        sums
    }
}

fn resources(claimants: Vec<Claimant>) -> Vec<ResourceRef> {
    let resource = |claimant| match claimant {
        Claimant::Resource(resource) => Some(resource),
        Claimant::Unmanaged(..) => None,
    };
    claimants.into_iter().filter_map(resource).collect()
}

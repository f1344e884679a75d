//! The input of the ledger, pool by pool.
//!
//! A pool is opened with all claimants that take of it: the resources with specs that name its owner, and what the platform
//! holds below it. So no claimant is served from a pool with unknown other claimants, whichever asks first.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    AccountKey, Index, Managed, Named, ResourceRef,
    declared::{declare, resource_ref},
    lookup::{Lookup, is_released, references},
    opening::Visit,
    standing::{Claimant, Pool, Standing, Unmanaged, is_awaited, unmanaged},
};
use crate::{
    api::Kind,
    estate::{Object, ObjectId},
    inventory::Inventory,
    rules::quota::{Ledger, Measure, Membership, Outcome},
};

/// The ledger, and what is known of its pools.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub ledger: Ledger<Pool, Claimant>,
    /// The objects that no resource manages.
    pub unmanaged: HashMap<AccountKey, HashSet<Claimant>>,
    /// The owners of open pools, and below which remote object all claimants were entered.
    pub open: HashMap<ResourceRef, Option<ObjectId>>,
    /// The object that each pool was opened with last, also after its owner was forgotten or left out of a list.
    pub given_by: HashMap<ResourceRef, ObjectId>,
    /// When the quota of a claimant is over.
    pub ends: BTreeSet<(jiff::Timestamp, Claimant)>,
    /// The same by claimant: a quota that is extended has one end, the later.
    ended: HashMap<Claimant, jiff::Timestamp>,
    /// The resources to reconcile again, since a resource without a pass so far holds an object now.
    pub woken: Vec<ResourceRef>,
}

/// Enters each resource of an opening.
pub(super) struct Entering<'a>(pub &'a mut Books);

impl Visit for Entering<'_> {
    fn visit<K: Managed>(&mut self, lookup: &Lookup<'_>, object: &K) {
        if let Some(standing) = standing_in_cache(lookup, object) {
            let claimant = Claimant::Resource(standing.resource.clone());
            self.0.enrol(&claimant, &standing, &mut Vec::new());
            if standing.gives_to_others() {
                // Everything below is entered as well.
                self.0.open_pool(&standing);
                self.0.note_object(&standing);
                self.0.open.insert(standing.resource, standing.object);
            }
        }
    }
}

/// What a resource claims and gives, according to the caches.
fn standing_in_cache<K: Managed>(lookup: &Lookup<'_>, object: &K) -> Option<Standing> {
    let declared = declare(object).ok()?;
    if is_released(&declared) {
        return None;
    }
    let references = references(lookup.index, lookup.stores, object);
    let found = lookup.found(&declared, &references);
    let held = lookup.held(&resource_ref(object), &declared, &found);
    Standing::of(lookup, object, &declared, held.as_deref()).map(Standing::doubted)
}

impl Books {
    /// Opens the pool of what a resource has to give, once that is known.
    fn open_pool(&mut self, standing: &Standing) -> Pool {
        let pool = Pool::Of(standing.resource.clone());
        if standing.unseen.is_none() {
            self.ledger.open(&pool, standing.gives);
        }
        pool
    }

    /// Notes the object that gives. A new one of a resource whose object has vanished owes nothing that the old one had granted.
    fn note_object(&mut self, standing: &Standing) {
        let Some(object) = &standing.object else {
            return;
        };
        let (owner, object) = (standing.resource.clone(), object.clone());
        let before = self.given_by.insert(owner.clone(), object.clone());
        if before.is_some_and(|before| before != object) {
            self.ledger.renew(&Pool::Of(owner));
        }
    }

    /// Whether a resource stays in the ledger as it is: with what it had, or with what its object counted for meanwhile.
    fn stays(&mut self, claimant: &Claimant, standing: &Standing) -> bool {
        let Some(alone) = &standing.unseen else {
            return false;
        };
        if self.ledger.pools_of(claimant).is_empty() {
            let has = self.ledger.taken_by(alone);
            self.drop_unmanaged(alone);
            self.ledger.enrol(claimant, &standing.rank, &has);
        }
        !self.ledger.pools_of(claimant).is_empty()
    }

    pub fn enrol(&mut self, claimant: &Claimant, standing: &Standing, touched: &mut Vec<Pool>) {
        if self.stays(claimant, standing) {
            return;
        }
        let (rank, memberships) = (&standing.rank, self.claims(claimant, standing));
        touched.extend(self.ledger.enrol(claimant, rank, &memberships));
        touched.extend(memberships.iter().map(|membership| membership.pool.clone()));
        self.note_end(standing.ends, claimant);
    }

    /// The claims of a resource. One that moves below a parent that exists in the cluster alone keeps what it holds in the old
    /// place until enough is free in the new one.
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
    pub fn declare(&mut self, claimant: &Claimant, standing: &Standing) -> Outcome<Pool, Claimant> {
        if self.stays(claimant, standing) {
            // Nothing is written before it was read.
            return Outcome {
                shortages: Vec::new(),
                promoted: Vec::new(),
            };
        }
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

    pub fn note_end(&mut self, ends: Option<jiff::Timestamp>, claimant: &Claimant) {
        let before = match ends {
            Some(at) => self.ended.insert(claimant.clone(), at),
            None => self.ended.remove(claimant),
        };
        if let Some(before) = before {
            self.ends.remove(&(before, claimant.clone()));
        }
        self.ends.extend(ends.map(|at| (at, claimant.clone())));
    }

    /// An object that a resource holds is counted for that resource.
    pub fn take_over(&mut self, account: &AccountKey, held: &Object) -> Vec<Pool> {
        let claimant = Claimant::Unmanaged(account.clone(), held.kind, held.id.clone());
        self.drop_unmanaged(&claimant)
    }

    fn drop_unmanaged(&mut self, claimant: &Claimant) -> Vec<Pool> {
        let Claimant::Unmanaged(account, ..) = claimant else {
            return Vec::new();
        };
        let all = self.unmanaged.get_mut(account);
        if !all.is_some_and(|all| all.remove(claimant)) {
            return Vec::new();
        }
        self.ledger.withdraw(claimant)
    }

    /// Whether a resource holds an object and has yet to enter it as its own: in between nobody else gets what it takes.
    fn is_being_taken_over(&self, index: &Index, account: &AccountKey, object: &Object) -> bool {
        let holder = index.by_id(&account.id, object.kind, &object.id);
        let entered = |holder| !self.ledger.pools_of(&Claimant::Resource(holder)).is_empty();
        holder.is_some_and(|holder| !entered(holder))
    }

    /// Opens the pool of a resource without a pass so far, or with another object than before.
    pub fn open_above(&mut self, lookup: &Lookup<'_>, pool: &Pool, touched: &mut Vec<Pool>) {
        let Pool::Of(owner) = pool else { return };
        let held = lookup.index.held_by(owner);
        let is_new = || held.is_some() && held.as_ref() != self.given_by.get(owner);
        if !self.open.contains_key(owner) || is_new() {
            self.enter_from_cache(lookup, owner, touched);
        }
    }

    /// Enters a resource according to the caches, and its claimants.
    pub fn enter_from_cache(
        &mut self,
        lookup: &Lookup<'_>,
        resource: &ResourceRef,
        touched: &mut Vec<Pool>,
    ) {
        let (stores, namespace, name) = (lookup.stores, &resource.namespace, &resource.name);
        match resource.kind {
            Kind::Reseller => self.enter(lookup, stores.resellers.get(namespace, name), touched),
            Kind::Customer => self.enter(lookup, stores.customers.get(namespace, name), touched),
            Kind::Tenant => self.enter(lookup, stores.tenants.get(namespace, name), touched),
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
        let Some(object) = object else { return };
        self.note(lookup, &*object);
        let Some(standing) = standing_in_cache(lookup, &*object) else {
            return;
        };
        let claimant = Claimant::Resource(standing.resource.clone());
        self.enrol(&claimant, &standing, touched);
        self.open_below(lookup, &standing, touched);
    }

    /// Notes in the index what a resource without a pass so far would hold. After a pass its own note is newer than the cache.
    fn note<K: Managed>(&mut self, lookup: &Lookup<'_>, object: &K) {
        if lookup.index.contains(&resource_ref(object)) {
            return;
        }
        let Ok(declared) = declare(object) else {
            return;
        };
        let references = references(lookup.index, lookup.stores, object);
        let found = lookup.found(&declared, &references);
        let noted = lookup.note(object, &declared, &found);
        self.woken.extend(noted.others);
        if noted.took {
            let named = Named::Resource(resource_ref(object));
            self.woken.extend(lookup.referrers.of(&named));
        }
    }

    /// Opens a resource's pool, with all claimants that take of it; again, when it has got its remote object.
    pub fn open_below(
        &mut self,
        lookup: &Lookup<'_>,
        standing: &Standing,
        touched: &mut Vec<Pool>,
    ) {
        if !standing.gives_to_others() {
            return;
        }
        let pool = self.open_pool(standing);
        touched.push(pool);
        self.note_object(standing);
        let below = standing.object.clone();
        let before = self.open.insert(standing.resource.clone(), below.clone());
        if before == Some(below.clone()) {
            return;
        }
        let named = Named::Resource(standing.resource.clone());
        for referrer in lookup.referrers.of(&named) {
            self.enter_from_cache(lookup, &referrer, touched);
        }
        let Some(below) = below else { return };
        for kind in [Kind::Reseller, Kind::Customer, Kind::Tenant] {
            for child in lookup.inventory.children(kind, &below) {
                let index = &lookup.index;
                if let Some((who, what)) =
                    unmanaged(index, lookup.account, child, lookup.timeline.now())
                {
                    self.enter_unmanaged(who, &what, touched);
                } else if let Some(holder) = index.holder(&lookup.account.id, child) {
                    // Its spec may name another parent, to which it hasn't moved yet.
                    self.enter_from_cache(lookup, &holder, touched);
                }
            }
        }
    }

    pub fn enter_unmanaged(&mut self, who: Claimant, what: &Unmanaged, touched: &mut Vec<Pool>) {
        let memberships = std::slice::from_ref(&what.membership);
        touched.extend(self.ledger.enrol(&who, &Unmanaged::rank(), memberships));
        touched.push(what.membership.pool.clone());
        self.note_end(what.ends, &who);
        if let Claimant::Unmanaged(account, ..) = &who {
            let all = self.unmanaged.entry(account.clone()).or_default();
            all.insert(who);
        }
    }

    /// What a resource has counts from now on for its object, which a list left out.
    pub fn bequeath(&mut self, resource: &ResourceRef, who: Claimant) {
        let has = self.ledger.taken_by(&Claimant::Resource(resource.clone()));
        self.ledger.enrol(&who, &Unmanaged::rank(), &has);
        if let Claimant::Unmanaged(account, ..) = &who {
            let all = self.unmanaged.entry(account.clone()).or_default();
            all.insert(who);
        }
    }

    /// The objects that no resource manages, that are counted, and that the last list left out: whoever sweeps asks for them.
    pub fn left_out(&self, account: &AccountKey, inventory: &Inventory) -> Vec<(Kind, ObjectId)> {
        let all = self.unmanaged.get(account).into_iter().flatten();
        let ids = all.filter_map(|who| match who {
            Claimant::Unmanaged(_, kind, id) => Some((*kind, id.clone())),
            Claimant::Resource(_) => None,
        });
        ids.filter(|(kind, id)| inventory.leaves_open(*kind, id))
            .collect()
    }

    /// The account's licences, and the objects that no resource manages: those that the platform says are gone leave the pool.
    pub fn look_over(
        &mut self,
        index: &Index,
        account: &AccountKey,
        inventory: &Inventory,
        now: jiff::Timestamp,
    ) {
        let before = self.unmanaged.remove(account).unwrap_or_default();
        for object in inventory.objects() {
            let Some((who, what)) = unmanaged(index, account, object, now) else {
                continue;
            };
            if object.unreadable.is_some() && !self.ledger.pools_of(&who).is_empty() {
                // It holds what it held.
                let entered = self.unmanaged.entry(account.clone()).or_default();
                entered.insert(who);
            } else {
                self.enter_unmanaged(who, &what, &mut Vec::new());
            }
        }
        for who in before {
            let Claimant::Unmanaged(_, kind, id) = &who else {
                continue;
            };
            let known = inventory.get(*kind, id);
            // What can't be read holds what it held, also while its parent isn't seen.
            let stays = known.is_some_and(|object| {
                object.unreadable.is_some()
                    || is_awaited(index, account, object)
                    || self.is_being_taken_over(index, account, object)
            });
            let left_out = inventory.leaves_open(*kind, id);
            let entered = self.unmanaged.entry(account.clone()).or_default();
            if stays || left_out {
                entered.insert(who);
            } else if !entered.contains(&who) {
                self.ledger.withdraw(&who);
            }
        }
        let around = inventory.surroundings();
        let licences = around.and_then(|around| around.licences.as_ref());
        let mut amounts = [None; 4];
        amounts[Measure::Licences as usize] = licences.map(|licences| licences.total);
        self.ledger.open(&Pool::Licences(account.clone()), amounts);
    }
}

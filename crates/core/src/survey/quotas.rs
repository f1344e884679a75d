//! The ledger of all accounts: which claimant holds and wants what, according to the caches, and what each is granted.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    AccountKey, Managed, ResourceRef,
    books::{Books, Entering},
    lookup::{Lookup, is_released},
    opening::Opening,
    standing::{Claimant, Pool, Standing, Unmanaged, named},
};
use crate::{
    api::Kind,
    estate::{Object, ObjectId},
    inventory::Inventory,
    planner::Declared,
    rules::quota::Shortage,
};

/// The ledger, shared by all passes.
#[derive(Debug, Default)]
pub struct Quotas(Mutex<Books>);

/// The ledger's answer for one resource.
#[derive(Debug, Default)]
pub struct QuotaDecision {
    /// The shortages, by the pool's name.
    pub shortages: Vec<Shortage<String>>,
    /// What is taken of what the resource itself has to give.
    pub granted_below: [u64; 4],
    /// Other resources that waited and are granted something now, or that have to be reconciled again.
    pub promoted: Vec<ResourceRef>,
}

impl Quotas {
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// States a resource's claims, and opens its pools and its own pool where they aren't open yet.
    pub(super) fn ask<K: Managed>(
        &self,
        lookup: &Lookup<'_>,
        object: &K,
        declared: &Declared,
        held: Option<&Object>,
    ) -> QuotaDecision {
        let standing = Standing::of(lookup, object, declared, held);
        // What stands on another platform stays entered there, and is granted nothing here.
        let elsewhere = held.is_none() && lookup.is_elsewhere(declared);
        let Some(standing) = standing.filter(|_| !is_released(declared) && !elsewhere) else {
            return QuotaDecision::default();
        };
        let mut books = self.books();
        let mut touched = Vec::new();
        for membership in &standing.memberships {
            books.open_above(lookup, &membership.pool, &mut touched);
        }
        books.open_below(lookup, &standing, &mut touched);
        if let Some(held) = held.filter(|held| held.unreadable.is_none()) {
            touched.extend(books.take_over(lookup.account, held));
        }
        let claimant = Claimant::Resource(standing.resource.clone());
        books.note_end(standing.ends, &claimant);
        let outcome = books.declare(&claimant, &standing);
        let mut promoted = outcome.promoted;
        // Only after its holdings are entered.
        for pool in &touched {
            promoted.extend(books.ledger.serve(pool));
        }
        promoted.retain(|other| *other != claimant);
        let mut promoted = resources(promoted);
        promoted.append(&mut books.woken);
        QuotaDecision {
            shortages: outcome.shortages.into_iter().map(named).collect(),
            granted_below: books.ledger.taken(&Pool::Of(standing.resource)),
            promoted,
        }
    }

    /// Forgets a resource that is gone; an object that it leaves on the platform still counts, also one that a list left out.
    /// What others have of its pool stays entered. Returns the claimants that were granted what it had.
    pub(super) fn forget(
        &self,
        resource: &ResourceRef,
        left: Option<(Claimant, Unmanaged)>,
        unseen: Option<Claimant>,
    ) -> Vec<ResourceRef> {
        let mut books = self.books();
        if let Some(unseen) = unseen {
            books.bequeath(resource, unseen);
        }
        if let Some((claimant, unmanaged)) = left {
            books.enter_unmanaged(claimant, &unmanaged, &mut Vec::new());
        }
        books.note_end(None, &Claimant::Resource(resource.clone()));
        books.open.remove(resource);
        let pool = Pool::Of(resource.clone());
        books.ledger.close(&pool);
        if !books.ledger.knows(&pool) {
            books.given_by.remove(resource);
        }
        resources(books.ledger.leave(&Claimant::Resource(resource.clone())))
    }

    /// Enters all claimants of an account before the first of them is served, in one step. Returns those that are granted
    /// something.
    pub(super) fn open(&self, opening: &Opening<'_>) -> Vec<ResourceRef> {
        let mut books = self.books();
        opening.each(&mut Entering(&mut books));
        let index = opening.index;
        books.look_over(
            index,
            opening.account,
            opening.inventory,
            opening.timeline.now(),
        );
        resources(books.ledger.serve_all())
    }

    /// The objects that no resource manages, and that the last list left out.
    pub(super) fn left_out(
        &self,
        account: &AccountKey,
        inventory: &Inventory,
    ) -> Vec<(Kind, ObjectId)> {
        self.books().left_out(account, inventory)
    }

    /// After a sweep: what the changed objects hold now, the account's licences, and what objects hold that no resource
    /// manages. Returns the claimants that are granted something by that.
    pub(super) fn note_sweep(
        &self,
        lookup: &Lookup<'_>,
        changed: &[(Kind, ObjectId)],
    ) -> Vec<ResourceRef> {
        let mut books = self.books();
        let mut touched = Vec::new();
        for (kind, id) in changed {
            if let Some(holder) = lookup.index.by_id(&lookup.account.id, *kind, id) {
                books.enter_from_cache(lookup, &holder, &mut touched);
            }
        }
        let index = &lookup.index;
        books.look_over(
            index,
            lookup.account,
            lookup.inventory,
            lookup.timeline.now(),
        );
        let mut woken = resources(books.ledger.serve_all());
        woken.append(&mut books.woken);
        woken
    }

    /// The quotas that have ended at this time. Returns the resources to reconcile again: those of these quotas, and those
    /// that are granted what becomes free.
    pub fn end(&self, now: jiff::Timestamp) -> Vec<ResourceRef> {
        let mut books = self.books();
        let mut woken = Vec::new();
        while let Some((_, claimant)) = books.ends.first().cloned().filter(|(at, _)| *at <= now) {
            books.note_end(None, &claimant);
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

fn resources(claimants: Vec<Claimant>) -> Vec<ResourceRef> {
    let resource = |claimant| match claimant {
        Claimant::Resource(resource) => Some(resource),
        Claimant::Unmanaged(..) => None,
    };
    claimants.into_iter().filter_map(resource).collect()
}

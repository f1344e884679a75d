//! The ledger: which claimant was granted how much of which pool, and which claimants wait.
//!
//! A claim is granted whole or not at all, and what was granted is kept. Waiting claims are served in the order of rank
//! whenever something becomes free; a claim that doesn't fit doesn't block a smaller one after it. Nothing here depends on the
//! number of claims but the moment when something becomes free, and then only on those that wait.
//!
//! ```text
//!  allotted 20 Ti ├──── granted: max(held, granted) of each ────┤── free ──┤   waiting: by rank, whole claims only
//! ```

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

use super::{
    Amounts,
    share::{Membership, Rank, Share, Shortage},
};

/// What became of a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome<Pool, Claimant> {
    /// The shortages; none when the claim is granted.
    pub shortages: Vec<Shortage<Pool>>,
    /// Other claimants that waited and are granted now.
    pub promoted: Vec<Claimant>,
}

/// The ledger of one or many platforms.
#[derive(Debug)]
pub struct Ledger<Pool, Claimant> {
    pools: HashMap<Pool, Share<Claimant>>,
    memberships: HashMap<Claimant, Vec<Pool>>,
}

impl<Pool, Claimant> Default for Ledger<Pool, Claimant> {
    fn default() -> Self {
        Self {
            pools: HashMap::new(),
            memberships: HashMap::new(),
        }
    }
}

impl<Pool: Clone + Eq + Hash, Claimant: Clone + Eq + Hash + Ord> Ledger<Pool, Claimant> {
    /// Declares how much there is in a pool, `None` being no limit. Returns the claimants that are granted something by it.
    pub fn allot(&mut self, pool: &Pool, allotted: Amounts) -> Vec<Claimant> {
        self.open(pool, allotted);
        self.serve(pool)
    }

    /// The same without granting anything yet: all claimants have to be in line before the first is served.
    pub fn open(&mut self, pool: &Pool, allotted: Amounts) {
        let share = self.share(pool);
        if share.allotted != Some(allotted) {
            share.allotted = Some(allotted);
            share.room = true;
        }
    }

    /// What a pool has to give is another object's by now: what was granted of the old one and isn't held has to be granted anew.
    pub fn renew(&mut self, pool: &Pool) {
        if let Some(share) = self.pools.get_mut(pool) {
            share.revoke();
        }
    }

    /// Whether somebody takes of a pool, or its amount is declared.
    pub fn knows(&self, pool: &Pool) -> bool {
        self.pools.contains_key(pool)
    }

    /// The amount of a pool is no longer declared: what is held and granted stays, and nothing is granted until it is opened
    /// again.
    pub fn close(&mut self, pool: &Pool) {
        if let Some(share) = self.pools.get_mut(pool) {
            share.allotted = None;
        }
        self.drop_if_empty(pool);
    }

    /// Enters claims without granting anything yet, nor revoking what was granted. Returns the pools that the claimant left by
    /// it.
    pub fn enrol(
        &mut self,
        claimant: &Claimant,
        rank: &Rank,
        memberships: &[Membership<Pool>],
    ) -> Vec<Pool> {
        let left = self.leave_others(claimant, memberships);
        for membership in memberships {
            let share = self.share(&membership.pool);
            share.enter(claimant, rank, membership, false);
            share.room = true;
        }
        left
    }

    /// Serves all claimants that wait for something of a pool, in order.
    pub fn serve(&mut self, pool: &Pool) -> Vec<Claimant> {
        let share = self.pools.get_mut(pool);
        share.map(Share::serve).unwrap_or_default()
    }

    /// Serves all waiting claimants, in order.
    pub fn serve_all(&mut self) -> Vec<Claimant> {
        let shares = self.pools.values_mut();
        shares.flat_map(Share::serve).collect()
    }

    /// States what a claimant holds and wants in all its pools, and grants it where enough is free. `certain` is false while
    /// what it holds may be more than is known, since a change had no answer: then nothing it was granted is returned.
    pub fn declare(
        &mut self,
        claimant: &Claimant,
        rank: &Rank,
        memberships: &[Membership<Pool>],
        certain: bool,
    ) -> Outcome<Pool, Claimant> {
        let mut promoted = self.part(claimant, memberships);
        let mut shortages = Vec::new();
        for membership in memberships {
            let share = self.share(&membership.pool);
            share.enter(claimant, rank, membership, certain);
            if share.room {
                promoted.extend(share.serve());
            } else {
                share.try_to_grant(claimant);
            }
            shortages.extend(share.shortages(&membership.pool, claimant));
        }
        promoted.retain(|other| other != claimant);
        Outcome {
            shortages,
            promoted,
        }
    }

    /// Removes a claimant from all pools. Returns the claimants that are granted something by it.
    pub fn leave(&mut self, claimant: &Claimant) -> Vec<Claimant> {
        self.part(claimant, &[])
    }

    /// Removes a claimant from all pools without serving others yet. Returns the pools.
    pub fn withdraw(&mut self, claimant: &Claimant) -> Vec<Pool> {
        self.leave_others(claimant, &[])
    }

    /// The pools that a claimant is in.
    pub fn pools_of(&self, claimant: &Claimant) -> &[Pool] {
        self.memberships.get(claimant).map_or(&[], Vec::as_slice)
    }

    /// What a claimant holds or was granted, of each pool that it is in.
    pub fn taken_by(&self, claimant: &Claimant) -> Vec<Membership<Pool>> {
        let taken = |pool: &Pool| {
            let entry = self.pools.get(pool)?.entries.get(claimant)?;
            let taken = entry.taken().map(Some);
            Some(Membership {
                pool: pool.clone(),
                held: taken,
                wanted: taken,
                perhaps: [None; 4],
            })
        };
        self.pools_of(claimant).iter().filter_map(taken).collect()
    }

    /// Every claimant.
    pub fn claimants(&self) -> impl Iterator<Item = &Claimant> {
        self.memberships.keys()
    }

    /// What is taken of a pool, granted or held.
    pub fn taken(&self, pool: &Pool) -> [u64; 4] {
        let taken = self.pools.get(pool).map_or([0; 4], |share| share.taken);
        taken.map(|taken| u64::try_from(taken).unwrap_or(u64::MAX))
    }

    /// Every claim: what is held, and what is taken with what is granted.
    #[cfg(test)]
    pub fn entries(&self) -> Vec<(Pool, Claimant, [[u64; 4]; 2])> {
        let pools = self.pools.iter();
        pools
            .flat_map(|(pool, share)| {
                let entries = share.entries.iter();
                entries.map(|(who, entry)| (pool.clone(), who.clone(), [entry.held, entry.taken()]))
            })
            .collect()
    }

    /// How much there is in a pool, where that was said.
    #[cfg(test)]
    pub fn allotted(&self, pool: &Pool) -> Option<Amounts> {
        self.pools.get(pool)?.allotted
    }

    /// Leaves the pools that aren't among the memberships. Returns the claimants that are granted something by it.
    fn part(&mut self, claimant: &Claimant, memberships: &[Membership<Pool>]) -> Vec<Claimant> {
        let left = self.leave_others(claimant, memberships);
        left.iter().flat_map(|pool| self.serve(pool)).collect()
    }

    /// Leaves the pools that aren't among the memberships, and says which.
    fn leave_others(&mut self, claimant: &Claimant, memberships: &[Membership<Pool>]) -> Vec<Pool> {
        let now: Vec<Pool> = memberships
            .iter()
            .map(|membership| membership.pool.clone())
            .collect();
        let before = if now.is_empty() {
            self.memberships.remove(claimant)
        } else {
            self.memberships.insert(claimant.clone(), now.clone())
        };
        let mut left = before.unwrap_or_default();
        left.retain(|pool| !now.contains(pool));
        for pool in &left {
            if let Some(share) = self.pools.get_mut(pool) {
                share.remove(claimant);
            }
            self.drop_if_empty(pool);
        }
        left
    }

    fn drop_if_empty(&mut self, pool: &Pool) {
        let share = self.pools.get(pool);
        if share.is_some_and(|share| share.allotted.is_none() && share.entries.is_empty()) {
            self.pools.remove(pool);
        }
    }

    fn share(&mut self, pool: &Pool) -> &mut Share<Claimant> {
        self.pools.entry(pool.clone()).or_insert_with(|| Share {
            allotted: None,
            entries: HashMap::new(),
            waiting: BTreeSet::new(),
            taken: [0; 4],
            room: false,
        })
    }
}

//! What tests see of the ledger.

use std::collections::{BTreeMap, HashMap};

use super::super::{
    Quotas,
    standing::{Claimant, Pool},
};
use crate::rules::quota::{Amounts, Measure};

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
pub struct Roll {
    entries: Vec<(Pool, Claimant, [[u64; 4]; 2])>,
    allotted: BTreeMap<Pool, Option<Amounts>>,
}

/// The claims on one pool.
#[derive(Debug, Default)]
pub struct Share {
    pub allotted: Option<u64>,
    /// What each claimant holds, and has with what it is granted.
    pub claims: HashMap<String, (u64, u64)>,
}

impl Roll {
    /// Which claimant is in which pool, holding what, and whether there is a limit.
    pub fn members(&self) -> Vec<String> {
        let entries = self.entries.iter();
        entries
            .map(|(pool, who, [held, _])| {
                format!("{pool:?} {:?} {who:?} {held:?}", self.allotted[pool])
            })
            .collect()
    }

    /// What is held and taken of each pool, by claimant, and the amount where it is known: licences of an account, storage of
    /// others.
    pub fn shares(&self) -> HashMap<String, Share> {
        let mut shares: HashMap<String, Share> = HashMap::new();
        for (pool, who, [held, taken]) in &self.entries {
            let measure = match pool {
                Pool::Licences(_) => Measure::Licences,
                Pool::Of(_) => Measure::Storage,
            } as usize;
            let allotted = self.allotted[pool].and_then(|allotted| allotted[measure]);
            let share = shares.entry(format!("{pool:?}")).or_default();
            share.allotted = allotted;
            let claim = (held[measure], taken[measure]);
            share.claims.insert(format!("{who:?}"), claim);
        }
        shares
    }
}

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

    /// What is held and taken of each pool, and the amount where it is known: licences of an account, storage of others.
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

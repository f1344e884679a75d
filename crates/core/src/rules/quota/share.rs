//! One pool of the ledger: what each claimant holds, was granted and wants of it, and who waits.

use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
};

use super::{Amounts, Measure};

/// The order of claims: what the platform already holds comes by itself; then the older resource, then the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// When the resource was made.
    pub created: jiff::Timestamp,
    /// Its namespace and name.
    pub name: String,
}

/// A claim on one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership<Pool> {
    /// The pool.
    pub pool: Pool,
    /// What the platform's object takes of it now.
    pub held: Amounts,
    /// What is asked for.
    pub wanted: Amounts,
    /// What it may take by now, or soon: a change was sent, and nobody knows what became of it.
    pub perhaps: Amounts,
}

/// One measure of which a pool hasn't enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage<Pool> {
    /// The pool.
    pub pool: Pool,
    /// The measure.
    pub measure: Measure,
    /// What is asked for.
    pub wanted: u64,
    /// What this claimant has of it already.
    pub has: u64,
    /// What is left beside.
    pub free: u64,
    /// All that there is.
    pub allotted: u64,
}

/// What one claimant has of a pool.
#[derive(Debug)]
pub(super) struct Entry {
    rank: Rank,
    pub held: [u64; 4],
    granted: [u64; 4],
    wanted: [u64; 4],
    perhaps: [u64; 4],
}

impl Entry {
    /// What nobody else may have.
    pub fn taken(&self) -> [u64; 4] {
        let has = self.has();
        each(|at| has[at].max(self.perhaps[at]))
    }

    /// What it may use itself.
    fn has(&self) -> [u64; 4] {
        each(|at| self.held[at].max(self.granted[at]))
    }

    fn wants_more(&self) -> bool {
        let has = self.has();
        (0..4).any(|at| self.wanted[at] > has[at])
    }
}

/// One pool.
#[derive(Debug)]
pub(super) struct Share<Claimant> {
    /// All that there is; nothing is granted until the amount is declared.
    pub allotted: Option<Amounts>,
    pub entries: HashMap<Claimant, Entry>,
    pub waiting: BTreeSet<(Rank, Claimant)>,
    /// Wider than any claim: what platforms say is taken as it is.
    pub taken: [u128; 4],
    /// Whether something may be free for a waiting claimant.
    pub room: bool,
}

impl<Claimant: Clone + Eq + Hash + Ord> Share<Claimant> {
    pub fn enter<Pool>(
        &mut self,
        claimant: &Claimant,
        rank: &Rank,
        membership: &Membership<Pool>,
        certain: bool,
    ) {
        let room = self.room;
        let before = self.remove(claimant);
        let had = before.as_ref().map_or([0; 4], Entry::taken);
        let before_perhaps = before.as_ref().map_or([0; 4], |before| before.perhaps);
        let wanted = membership.wanted.map(Option::unwrap_or_default);
        let granted = before.map_or([0; 4], |before| {
            each(|at| {
                if certain {
                    before.granted[at].min(wanted[at])
                } else {
                    before.granted[at]
                }
            })
        });
        let entry = Entry {
            rank: rank.clone(),
            held: membership.held.map(Option::unwrap_or_default),
            granted,
            wanted,
            perhaps: each(|at| {
                let kept = if certain { 0 } else { before_perhaps[at] };
                membership.perhaps[at].unwrap_or_default().max(kept)
            }),
        };
        if entry.wants_more() {
            self.waiting.insert((rank.clone(), claimant.clone()));
        }
        let taken = entry.taken();
        self.taken = each(|at| self.taken[at] + u128::from(taken[at]));
        self.room = room || (0..4).any(|at| taken[at] < had[at]);
        self.entries.insert(claimant.clone(), entry);
    }

    /// Takes back what is granted and not held.
    pub fn revoke(&mut self) {
        self.room = true;
        for (claimant, entry) in &mut self.entries {
            let before = entry.taken();
            entry.granted = [0; 4];
            let after = entry.taken();
            self.taken = each(|at| self.taken[at] - u128::from(before[at]) + u128::from(after[at]));
            if entry.wants_more() {
                self.waiting.insert((entry.rank.clone(), claimant.clone()));
            }
        }
    }

    /// Removes an entry; what it had is free for others.
    pub fn remove(&mut self, claimant: &Claimant) -> Option<Entry> {
        let entry = self.entries.remove(claimant)?;
        let taken = entry.taken();
        self.taken = each(|at| self.taken[at] - u128::from(taken[at]));
        self.waiting.remove(&(entry.rank.clone(), claimant.clone()));
        self.room = self.room || taken != [0; 4];
        Some(entry)
    }

    /// Grants whatever fits, in order.
    pub fn serve(&mut self) -> Vec<Claimant> {
        if !std::mem::take(&mut self.room) {
            return Vec::new();
        }
        let line: Vec<Claimant> = self.waiting.iter().map(|(_, who)| who.clone()).collect();
        let granted = line.into_iter().filter(|who| self.try_to_grant(who));
        granted.collect()
    }

    pub fn try_to_grant(&mut self, claimant: &Claimant) -> bool {
        if !self.short(claimant).is_empty() {
            return false;
        }
        let Some(entry) = self.entries.get_mut(claimant) else {
            return false;
        };
        if !entry.wants_more() {
            return false;
        }
        let before = entry.taken();
        entry.granted = each(|at| entry.granted[at].max(entry.wanted[at]));
        let after = entry.taken();
        self.taken = each(|at| self.taken[at] - u128::from(before[at]) + u128::from(after[at]));
        let place = (entry.rank.clone(), claimant.clone());
        self.waiting.remove(&place);
        true
    }

    /// The measures of which a claimant wants more than there is: wanted, has, free, allotted.
    fn short(&self, claimant: &Claimant) -> Vec<(Measure, [u64; 4])> {
        let Some(entry) = self.entries.get(claimant) else {
            return Vec::new();
        };
        let (has, taken) = (entry.has(), entry.taken());
        let short = |measure: &Measure| {
            let at = *measure as usize;
            let allotted = self.allotted.map_or(Some(0), |allotted| allotted[at])?;
            // What it may have already is free for itself.
            let others = self.taken[at] - u128::from(taken[at] - has[at]);
            let free = u128::from(allotted).saturating_sub(others);
            let free = u64::try_from(free).unwrap_or(allotted);
            let more = entry.wanted[at].saturating_sub(has[at]);
            (more > free).then_some((*measure, [entry.wanted[at], has[at], free, allotted]))
        };
        Measure::ALL.iter().filter_map(short).collect()
    }

    pub fn shortages<Pool: Clone>(&self, pool: &Pool, claimant: &Claimant) -> Vec<Shortage<Pool>> {
        let short = self.short(claimant).into_iter();
        short
            .map(|(measure, [wanted, has, free, allotted])| Shortage {
                pool: pool.clone(),
                measure,
                wanted,
                has,
                free,
                allotted,
            })
            .collect()
    }
}

fn each<T>(amount: impl Fn(usize) -> T) -> [T; 4] {
    std::array::from_fn(amount)
}

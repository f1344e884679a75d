//! Opening a platform: the one place that decides, from the caches alone, which resource holds which object and which
//! claimants are in the ledger. Until it has completed, nothing is decided on the platform, so the order of passes doesn't
//! matter after a restart.

use std::collections::HashMap;

use super::{
    AccountKey, Managed, PlatformKey, Referrers, Store, Stores,
    declared::declare,
    index::{Index, ResourceRef},
    lookup::{Lookup, references},
};
use crate::{inventory::Inventory, planner::PlatformFacts, timeline::Timeline};

/// The resources to process: all on the account's platforms that aren't open yet.
pub(super) struct Opening<'a> {
    pub scopes: Vec<Stores>,
    pub index: &'a Index,
    pub referrers: &'a Referrers,
    pub account: &'a AccountKey,
    pub inventory: &'a Inventory,
    pub platforms: &'a HashMap<PlatformKey, PlatformFacts>,
    pub timeline: &'a Timeline,
}

/// What is done with each resource of a kind.
pub(super) trait Visit {
    fn visit<K: Managed>(&mut self, lookup: &Lookup<'_>, object: &K);
}

impl Opening<'_> {
    /// Processes every resource, those above before those below.
    pub fn each(&self, visit: &mut impl Visit) {
        for stores in &self.scopes {
            self.each_of(stores, &stores.resellers, visit);
        }
        for stores in &self.scopes {
            self.each_of(stores, &stores.plans, visit);
        }
        for stores in &self.scopes {
            self.each_of(stores, &stores.customers, visit);
        }
        for stores in &self.scopes {
            self.each_of(stores, &stores.tenants, visit);
        }
    }

    fn each_of<K: Managed>(&self, stores: &Stores, store: &Store<K>, visit: &mut impl Visit) {
        for object in store.all() {
            let home = stores.home_of(&*object);
            if let Some((home, facts)) = home.and_then(|home| self.platforms.get_key_value(&home)) {
                let lookup = Lookup {
                    index: self.index,
                    referrers: self.referrers,
                    stores,
                    home,
                    facts,
                    account: self.account,
                    inventory: self.inventory,
                    timeline: self.timeline,
                };
                visit.visit(&lookup, &*object);
            }
        }
    }
}

/// Notes in the index what each resource claims and would hold.
#[derive(Default)]
pub(super) struct Indexing {
    /// Resources that hold an object now, or no longer do.
    pub changed: Vec<ResourceRef>,
}

impl Visit for Indexing {
    fn visit<K: Managed>(&mut self, lookup: &Lookup<'_>, object: &K) {
        // No decision is made for a resource that can't be read.
        let Ok(declared) = declare(object) else {
            return;
        };
        let references = references(lookup.index, lookup.stores, object);
        let found = lookup.found(&declared, &references);
        self.changed
            .extend(lookup.note(object, &declared, &found).others);
    }
}

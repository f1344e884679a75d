//! Opening a platform: the one place that decides, from the caches alone, which resource holds which object and which
//! claimants are in the ledger. Until it has completed, nothing is decided on the platform, so the order of passes doesn't
//! matter after a restart.

use std::{collections::HashMap, sync::Arc};

use super::{
    AccountKey, Managed, PlatformKey, PlatformView, ResourceRef, Store, Stores, Survey,
    gather::declare,
    lookup::{Lookup, references},
};
use crate::{inventory::Inventory, planner::PlatformFacts};

/// The resources to process: all on the account's platforms that aren't open yet.
pub(super) struct Opening<'a> {
    pub survey: &'a Survey,
    pub account: &'a AccountKey,
    pub inventory: &'a Inventory,
    pub platforms: &'a HashMap<PlatformKey, PlatformFacts>,
    pub now: jiff::Timestamp,
}

/// What is done with each resource of a kind.
pub(super) trait Visit {
    fn visit<K: Managed>(&mut self, lookup: &Lookup<'_>, object: &K);
}

impl Opening<'_> {
    /// Processes every resource, those above before those below.
    pub fn each(&self, visit: &mut impl Visit) {
        let scopes = self.survey.commons.scopes();
        for stores in &scopes {
            self.each_of(stores, &stores.resellers, visit);
        }
        for stores in &scopes {
            self.each_of(stores, &stores.plans, visit);
        }
        for stores in &scopes {
            self.each_of(stores, &stores.customers, visit);
        }
        for stores in &scopes {
            self.each_of(stores, &stores.tenants, visit);
        }
    }

    fn each_of<K: Managed>(&self, stores: &Stores, store: &Store<K>, visit: &mut impl Visit) {
        for object in store.all() {
            let home = stores.home_of(&*object);
            if let Some((home, facts)) = home.and_then(|home| self.platforms.get_key_value(&home)) {
                let lookup = Lookup {
                    commons: &self.survey.commons,
                    stores,
                    home,
                    facts,
                    account: self.account,
                    inventory: self.inventory,
                    now: self.now,
                };
                visit.visit(&lookup, &*object);
            }
        }
    }
}

/// Notes in the index what each resource claims and would hold.
#[derive(Default)]
struct Indexing {
    /// Resources that hold an object now, or no longer do.
    changed: Vec<ResourceRef>,
}

impl Visit for Indexing {
    fn visit<K: Managed>(&mut self, lookup: &Lookup<'_>, object: &K) {
        // No decision is made for a resource that can't be read.
        let Ok(declared) = declare(object) else {
            return;
        };
        let references = references(lookup.commons, lookup.stores, object);
        let found = lookup.found(&declared, &references);
        self.changed
            .extend(lookup.note(object, &declared, &found).others);
    }
}

impl Survey {
    /// Opens a platform that was observed for the first time, or under another account than before. Platforms of the account
    /// that aren't observed yet are processed with it. Returns the resources to reconcile again.
    pub fn open(&self, site: &Arc<PlatformView>, now: jiff::Timestamp) -> Vec<ResourceRef> {
        let Some(account) = site.account() else {
            return Vec::new();
        };
        self.commons.add_site(site);
        let inventory = site.inventory();
        let opening = Opening {
            survey: self,
            account: &account,
            inventory: &inventory,
            platforms: &self.commons.unopened(site, &account, &inventory),
            now,
        };
        let mut indexing = Indexing::default();
        opening.each(&mut indexing);
        let mut woken = self.quotas.open(&opening);
        drop(inventory);
        site.refresh_facts();
        woken.extend(indexing.changed);
        woken
    }
}

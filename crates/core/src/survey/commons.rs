//! What all scopes of one process share: several may use one account.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, Weak},
};

use super::{
    AccountKey, Index, Origin, PlatformKey, PlatformView, Quotas, Referrers, ResourceRef, Stores,
    Terms, index::RemoteKey, platform_view::facts,
};
use crate::{api::BackupPlatform, estate::Object, inventory::Inventory, planner::PlatformFacts};

/// See the module.
#[derive(Default)]
pub struct Commons {
    /// Which resource holds which object.
    pub index: Arc<Index>,
    /// Which resource refers to which.
    pub referrers: Arc<Referrers>,
    /// Which claimant was granted how much.
    pub quotas: Arc<Quotas>,
    scopes: RwLock<Vec<Stores>>,
    sites: RwLock<HashMap<PlatformKey, Weak<PlatformView>>>,
}

impl Commons {
    /// Adds the resources of a scope.
    pub fn add_scope(&self, stores: Stores) {
        let mut scopes = self.scopes.write().unwrap_or_else(PoisonError::into_inner);
        scopes.push(stores);
    }

    /// The resources of every scope.
    pub fn scopes(&self) -> Vec<Stores> {
        let scopes = self.scopes.read().unwrap_or_else(PoisonError::into_inner);
        scopes.clone()
    }

    /// Notes a platform that is about to be opened.
    pub fn add_site(&self, site: &Arc<PlatformView>) {
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        sites.retain(|_, site| site.strong_count() > 0);
        sites.insert(site.key.clone(), Arc::downgrade(site));
    }

    fn sites(&self) -> Vec<Arc<PlatformView>> {
        let sites = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        sites.values().filter_map(Weak::upgrade).collect()
    }

    /// The account of a `BackupPlatform`: the one that was observed, or else the one that is noted.
    fn account_of(&self, platform: &BackupPlatform) -> Option<AccountKey> {
        let key = PlatformKey::of(platform);
        let sites = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        let site = sites.get(&key).and_then(Weak::upgrade);
        drop(sites);
        site.and_then(|site| site.account()).or_else(|| {
            Some(AccountKey {
                origin: Origin::of(platform),
                id: Terms::of(platform).account?,
            })
        })
    }

    /// Whether the platform of this key is used under this account.
    pub fn is_of(&self, key: &PlatformKey, account: &AccountKey) -> bool {
        let scopes = self.scopes();
        let mut found = scopes
            .iter()
            .filter_map(|stores| stores.platforms.get(&key.namespace, &key.name));
        found.any(|platform| self.account_of(&platform).as_ref() == Some(account))
    }

    /// The platforms of an account that aren't open yet, this one among them.
    pub(super) fn unopened(
        &self,
        site: &PlatformView,
        account: &AccountKey,
        inventory: &Inventory,
    ) -> HashMap<PlatformKey, PlatformFacts> {
        let Some(surroundings) = inventory.surroundings() else {
            return HashMap::new();
        };
        let open: Vec<PlatformKey> = self
            .sites()
            .iter()
            .filter(|other| other.facts().is_some())
            .map(|other| other.key.clone())
            .collect();
        let mut unopened = HashMap::new();
        for stores in self.scopes() {
            for platform in stores.platforms.all() {
                let key = PlatformKey::of(&platform);
                if key != site.key
                    && !open.contains(&key)
                    && Origin::of(&platform) == account.origin
                    && Terms::of(&platform).account.as_ref() == Some(&account.id)
                {
                    let facts = facts(&key, Terms::of(&platform), surroundings);
                    unopened.insert(key, facts);
                }
            }
        }
        unopened.insert(
            site.key.clone(),
            facts(&site.key, site.terms(), surroundings),
        );
        unopened
    }

    /// A remote object that is known, with the account that it is in.
    pub(super) fn object(&self, key: &RemoteKey) -> Option<(AccountKey, Arc<Object>)> {
        let (account, kind, id) = key;
        self.sites().into_iter().find_map(|site| {
            let known = site.account().filter(|known| known.id == *account)?;
            let object = site.inventory().get(*kind, id).cloned()?;
            Some((known, object))
        })
    }

    /// The account of a remote object that nobody sees now, while the platform hasn't said that it is gone: a list left it out, or
    /// no platform of the account is open.
    pub(super) fn unseen(&self, key: &RemoteKey) -> Option<AccountKey> {
        let (account, kind, id) = key;
        let mut sites = self.sites();
        sites.retain(|site| site.account().is_some_and(|known| known.id == *account));
        if sites.is_empty() {
            return self.noted(account);
        }
        let open = |site: &Arc<PlatformView>| site.inventory().leaves_open(*kind, id);
        sites.into_iter().find(open)?.account()
    }

    /// The account of this id, as a `BackupPlatform` has it noted.
    fn noted(&self, id: &str) -> Option<AccountKey> {
        let scopes = self.scopes().into_iter();
        let mut platforms = scopes.flat_map(|stores| stores.platforms.all());
        platforms.find_map(|platform| {
            let account = self.account_of(&platform)?;
            (account.id == id).then_some(account)
        })
    }

    /// Whether a resource is there, in any scope.
    pub fn exists(&self, resource: &ResourceRef) -> bool {
        self.scopes().iter().any(|stores| stores.exists(resource))
    }
}

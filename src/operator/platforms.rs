//! The platforms that this process talks to: one handle each, with its inventory, reports and hold on the account.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{sync::Notify, task::AbortHandle, time::Instant};

use super::{deletions::Deletions, lease::Tenure};
use crate::{
    api::{
        Reason,
        shared::{Adopt, Bandwidth, Branding, Management},
    },
    estate::{Consumption, DataSources, ObjectId},
    inventory::Inventory,
    planner::{PlatformFacts, Safety},
    platform::Platform,
};

/// Names a `BackupPlatform`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlatformKey {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for PlatformKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

/// What of a `BackupPlatform`'s spec matters to the resources on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Key of every claim.
    pub owner_id: String,
    /// How much we may do.
    pub management: Management,
    /// What may be adopted.
    pub adopt: Adopt,
    /// Time between sweeps.
    pub sweep_interval: std::time::Duration,
    /// Time between reports.
    pub usage_interval: std::time::Duration,
    /// What slows deletions down.
    pub safety: Safety,
    /// Throttling at the top of what is inherited.
    pub bandwidth: Option<Bandwidth>,
    /// Branding at the top of what is inherited.
    pub branding: Option<Branding>,
    /// The account that may be written to; `None` until one was seen.
    pub account: Option<String>,
}

/// What is wrong with a platform, for its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The credential is refused.
    Credentials(String),
    /// It doesn't answer, or not sensibly.
    Unreachable(String),
}

/// The last bulk reports, by customer and tenant.
#[derive(Debug, Default)]
pub struct Reports {
    /// When the platform's figures are from.
    pub usage_as_of: Option<jiff::Timestamp>,
    /// Consumption by customer (tenant `None`) and tenant.
    pub usage: HashMap<(ObjectId, Option<ObjectId>), Arc<Consumption>>,
    /// When the platform's figures are from.
    pub health_as_of: Option<jiff::Timestamp>,
    /// Health by customer and tenant.
    pub health: HashMap<ObjectId, Vec<Arc<DataSources>>>,
}

/// One platform under one credential.
pub struct Handle {
    /// Which `BackupPlatform` it serves.
    pub key: PlatformKey,
    /// What it was built from: a change makes a new handle.
    pub fingerprint: String,
    /// Driver and endpoint: what the account is looked up by.
    origin: (&'static str, String),
    /// The way to the platform.
    pub adapter: Arc<dyn Platform>,
    /// This process's hold on the account.
    pub tenure: Arc<Tenure>,
    /// Asks for a sweep now.
    pub sweep_now: Notify,
    terms: RwLock<Terms>,
    inventory: RwLock<Inventory>,
    facts: RwLock<Option<Arc<PlatformFacts>>>,
    trouble: RwLock<Option<Trouble>>,
    reports: RwLock<Reports>,
    swept_at: RwLock<Option<Instant>>,
    /// Deletions of the last hour.
    pub deletions: Deletions,
    tasks: RwLock<Vec<AbortHandle>>,
    leased: AtomicBool,
    unreported: AtomicBool,
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Handle {
    /// A handle that has seen nothing yet.
    pub fn new(
        key: PlatformKey,
        fingerprint: String,
        origin: (&'static str, String),
        adapter: Arc<dyn Platform>,
        tenure: Arc<Tenure>,
        terms: Terms,
    ) -> Arc<Self> {
        Arc::new(Self {
            key,
            fingerprint,
            origin,
            adapter,
            tenure,
            sweep_now: Notify::new(),
            terms: RwLock::new(terms),
            inventory: RwLock::default(),
            facts: RwLock::default(),
            trouble: RwLock::default(),
            reports: RwLock::default(),
            swept_at: RwLock::default(),
            deletions: Deletions::default(),
            tasks: RwLock::default(),
            leased: AtomicBool::new(false),
            unreported: AtomicBool::new(false),
        })
    }

    /// Driver and endpoint.
    pub fn origin(&self) -> (&'static str, &str) {
        (self.origin.0, &self.origin.1)
    }

    /// True once: for whoever is to keep the account's Lease.
    pub fn start_lease(&self) -> bool {
        !self.leased.swap(true, Ordering::Relaxed)
    }

    /// Notes that something was made that the last reports can't know.
    pub fn note_unreported(&self) {
        self.unreported.store(true, Ordering::Relaxed);
    }

    /// Whether something was made since the last reports; asking settles it.
    pub fn take_unreported(&self) -> bool {
        self.unreported.swap(false, Ordering::Relaxed)
    }

    /// The terms in effect.
    pub fn terms(&self) -> Terms {
        read(&self.terms).clone()
    }

    /// Puts new terms in effect; true when they differ.
    pub fn set_terms(&self, terms: Terms) -> bool {
        let changed = *read(&self.terms) != terms;
        if changed {
            *write(&self.terms) = terms;
            self.refresh_facts();
        }
        changed
    }

    /// The inventory, to look things up.
    pub fn inventory(&self) -> RwLockReadGuard<'_, Inventory> {
        read(&self.inventory)
    }

    /// The inventory, to record what was seen or written.
    pub fn inventory_mut(&self) -> RwLockWriteGuard<'_, Inventory> {
        write(&self.inventory)
    }

    /// The last reports.
    pub fn reports(&self) -> RwLockReadGuard<'_, Reports> {
        read(&self.reports)
    }

    /// Replaces the reports.
    pub fn set_reports(&self, change: impl FnOnce(&mut Reports)) {
        change(&mut write(&self.reports));
    }

    /// What resources need to know, once there was a complete observation.
    pub fn facts(&self) -> Option<Arc<PlatformFacts>> {
        read(&self.facts).clone()
    }

    /// Recomputes the facts from terms and inventory.
    pub fn refresh_facts(&self) {
        let terms = self.terms();
        let facts = self.inventory().surroundings().map(|surroundings| {
            Arc::new(PlatformFacts {
                name: self.key.name.clone(),
                owner_id: terms.owner_id,
                management: terms.management,
                adopt: terms.adopt,
                capabilities: surroundings.capabilities.clone(),
                locations: surroundings.locations.clone(),
                safety: terms.safety,
            })
        });
        *write(&self.facts) = facts;
    }

    /// What is wrong, if something is.
    pub fn trouble(&self) -> Option<Trouble> {
        read(&self.trouble).clone()
    }

    /// Notes what is wrong, or that nothing is; true when that is news.
    pub fn set_trouble(&self, trouble: Option<Trouble>) -> bool {
        let mut current = write(&self.trouble);
        let news = *current != trouble;
        *current = trouble;
        news
    }

    /// Why nothing may be written now, if so.
    pub fn hold(&self) -> Option<(Reason, String)> {
        let mismatch = self
            .account_mismatch()
            .map(|message| (Reason::AccountMismatch, message));
        mismatch.or_else(|| {
            self.tenure
                .hold()
                .map(|message| (Reason::NotLeader, message))
        })
    }

    /// The credential leads to another account than the one that was confirmed.
    pub fn account_mismatch(&self) -> Option<String> {
        let expected = self.terms().account?;
        let facts = self.facts()?;
        let seen = &facts.capabilities.account;
        (seen.id != expected).then(|| {
            format!(
                "the credential of BackupPlatform {} leads to account {:?} ({}), not to {expected:?}. Nothing is written. Correct the Secret; or, if the change is meant, set holdfast.dev/confirm-account={} as annotation of the BackupPlatform.",
                self.key.name, seen.name, seen.id, seen.id
            )
        })
    }

    /// When the last complete sweep ended.
    pub fn swept_at(&self) -> Option<Instant> {
        *read(&self.swept_at)
    }

    /// Notes a complete sweep.
    pub fn set_swept(&self) {
        *write(&self.swept_at) = Some(Instant::now());
    }

    /// Ties a background task to this handle's life.
    pub fn own(&self, task: AbortHandle) {
        write(&self.tasks).push(task);
    }

    /// Ends the background tasks.
    pub fn retire(&self) {
        for task in write(&self.tasks).drain(..) {
            task.abort();
        }
    }
}

/// Every handle, by `BackupPlatform`.
#[derive(Default)]
pub struct Platforms {
    handles: RwLock<HashMap<PlatformKey, Arc<Handle>>>,
}

impl Platforms {
    /// The handle of a `BackupPlatform`.
    pub fn get(&self, key: &PlatformKey) -> Option<Arc<Handle>> {
        read(&self.handles).get(key).cloned()
    }

    /// Puts a handle in place, and ends the one before.
    pub fn put(&self, handle: Arc<Handle>) {
        if let Some(old) = write(&self.handles).insert(handle.key.clone(), handle) {
            old.retire();
        }
    }

    /// Takes a handle away and ends it; true if there was one.
    pub fn remove(&self, key: &PlatformKey) -> bool {
        let old = write(&self.handles).remove(key);
        old.inspect(|old| old.retire()).is_some()
    }

    /// Every handle.
    pub fn all(&self) -> Vec<Arc<Handle>> {
        read(&self.handles).values().cloned().collect()
    }
}

//! The platforms that this process uses: one handle each, with what is known of it, and the hold on the account.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
    time::Instant,
};

use super::account::Writer;
use crate::{
    api::Reason,
    platform::Platform,
    survey::{Origin, PlatformKey, PlatformView, Terms},
};

/// What is wrong with a platform, for its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The credential is refused.
    Credentials(String),
    /// It doesn't answer, or its answers can't be used.
    Unreachable(String),
}

/// One platform under one credential.
pub struct Handle {
    /// What is known of the platform.
    pub site: Arc<PlatformView>,
    /// The inputs that it was built from: a change makes a new handle.
    pub fingerprint: String,
    /// Driver and endpoint, by which the account is looked up: the platform's identity, the same for every spelling of its
    /// address.
    pub origin: Origin,
    /// The connection to the platform.
    pub adapter: Arc<dyn Platform>,
    /// This process's right to write.
    pub writer: Arc<Writer>,
    /// Requests a sweep now.
    pub sweep_now: Notify,
    /// Requests reading the reports now.
    pub report_now: Notify,
    /// Signals that an object was created that the last reports can't include.
    pub created: Notify,
    /// Signals that the terms have changed.
    pub terms_changed: watch::Sender<()>,
    trouble: RwLock<Option<Trouble>>,
    swept_at: RwLock<Option<Instant>>,
    tasks: RwLock<Vec<AbortHandle>>,
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Handle {
    /// A handle without any observation yet.
    pub fn new(
        key: PlatformKey,
        fingerprint: String,
        origin: Origin,
        adapter: Arc<dyn Platform>,
        writer: Arc<Writer>,
        terms: Terms,
    ) -> Arc<Self> {
        Arc::new(Self {
            site: Arc::new(PlatformView::new(key, origin.clone(), terms)),
            fingerprint,
            origin,
            adapter,
            writer,
            sweep_now: Notify::new(),
            report_now: Notify::new(),
            created: Notify::new(),
            terms_changed: watch::Sender::new(()),
            trouble: RwLock::default(),
            swept_at: RwLock::default(),
            tasks: RwLock::default(),
        })
    }

    /// What is wrong, if something is.
    pub fn trouble(&self) -> Option<Trouble> {
        read(&self.trouble).clone()
    }

    /// Records what is wrong, or that nothing is; true when that is news.
    pub fn set_trouble(&self, trouble: Option<Trouble>) -> bool {
        let mut current = write(&self.trouble);
        let news = *current != trouble;
        *current = trouble;
        news
    }

    /// Why nothing may be written now, if so.
    pub fn hold(&self) -> Option<(Reason, String)> {
        let mismatch = self
            .site
            .account_mismatch()
            .map(|message| (Reason::AccountMismatch, message));
        mismatch.or_else(|| {
            self.writer
                .hold()
                .map(|message| (Reason::NotLeader, message))
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
    /// Retired, since the Secret is gone; a deletion of the platform may still need them.
    parked: RwLock<HashMap<PlatformKey, Arc<Handle>>>,
    /// Why a `BackupPlatform` can't be reached.
    troubles: RwLock<HashMap<PlatformKey, String>>,
}

impl Platforms {
    /// The handle of a `BackupPlatform`.
    pub fn get(&self, key: &PlatformKey) -> Option<Arc<Handle>> {
        read(&self.handles).get(key).cloned()
    }

    /// Installs a handle, and ends the earlier one.
    pub fn put(&self, handle: Arc<Handle>) {
        write(&self.parked).remove(&handle.site.key);
        write(&self.troubles).remove(&handle.site.key);
        if let Some(old) = write(&self.handles).insert(handle.site.key.clone(), handle) {
            old.retire();
        }
    }

    /// Removes a handle and ends it; true if there was one.
    pub fn remove(&self, key: &PlatformKey) -> bool {
        let parked = write(&self.parked).remove(key).is_some();
        let trouble = write(&self.troubles).remove(key).is_some();
        let old = write(&self.handles).remove(key);
        old.inspect(|old| old.retire()).is_some() || parked || trouble
    }

    /// Retires a handle and keeps it, with the credential that it has in memory. True when there was one, or when the reason
    /// is news.
    pub fn park(&self, key: &PlatformKey, trouble: &str) -> bool {
        let before = write(&self.troubles).insert(key.clone(), trouble.to_owned());
        let handle = write(&self.handles).remove(key);
        if let Some(handle) = &handle {
            handle.retire();
            write(&self.parked).insert(key.clone(), handle.clone());
        }
        handle.is_some() || before.as_deref() != Some(trouble)
    }

    /// Why a `BackupPlatform` can't be reached, if so.
    pub fn trouble(&self, key: &PlatformKey) -> Option<String> {
        read(&self.troubles).get(key).cloned()
    }

    /// The retired handle.
    pub fn parked(&self, key: &PlatformKey) -> Option<Arc<Handle>> {
        read(&self.parked).get(key).cloned()
    }

    /// Every handle.
    pub fn all(&self) -> Vec<Arc<Handle>> {
        read(&self.handles).values().cloned().collect()
    }
}

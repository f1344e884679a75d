//! The Leases that the resources of a scope are under.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::task::AbortHandle;

use super::account::Account;
use crate::survey::PlatformKey;

/// A Lease, and the task that follows which process holds it.
pub struct Duty {
    /// The account with its Lease.
    pub account: Arc<Account>,
    /// Ended with the duty.
    pub following: AbortHandle,
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// See the module.
#[derive(Default)]
pub struct Duties {
    platforms: Mutex<HashMap<PlatformKey, Duty>>,
    unassigned: OnceLock<Duty>,
}

impl Duties {
    fn platforms(&self) -> MutexGuard<'_, HashMap<PlatformKey, Duty>> {
        self.platforms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The account of a platform.
    pub fn account(&self, key: &PlatformKey) -> Option<Arc<Account>> {
        Some(self.platforms().get(key)?.account.clone())
    }

    /// The accounts of all platforms; one that has several comes several times.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        let platforms = self.platforms();
        platforms
            .values()
            .map(|duty| duty.account.clone())
            .collect()
    }

    /// Puts a platform under another Lease.
    pub fn set(&self, key: PlatformKey, duty: Duty) {
        self.platforms().insert(key, duty);
    }

    /// Forgets a platform that is gone.
    pub fn forget(&self, key: &PlatformKey) {
        self.platforms().remove(key);
    }

    /// The Lease of what resolves to no `BackupPlatform`.
    pub fn unassigned(&self) -> Option<&Arc<Account>> {
        Some(&self.unassigned.get()?.account)
    }

    /// Notes that Lease, at the start. A second one is dropped.
    pub fn set_unassigned(&self, duty: Duty) {
        let _ = self.unassigned.set(duty);
    }
}

//! State that all platforms of one account share in this process: one keeper of the account's Lease, and the permits for
//! deletions.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use tokio::{task::AbortHandle, time::Instant};

use super::{
    asked::still_asked,
    clock,
    error::PassError,
    keeper::{Keeper, give_back},
    lease::Tenure,
    permits::Permits,
};
use crate::{planner::DeletionPermit, platform::WriterGuard};

/// How long recording a permit may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// One account. Its Lease is kept as long as a platform uses it.
pub struct Account {
    /// Name of its Lease.
    pub lease: String,
    /// This process's hold on it.
    pub tenure: Arc<Tenure>,
    permits: Arc<Permits>,
    keeper: AbortHandle,
}

impl Account {
    /// Takes one of the `most` permits for a deletion that are available within an hour, and records it.
    ///
    /// # Errors
    /// The permit can't be recorded now; it is returned.
    pub async fn take_permit(&self, most: u32) -> Result<DeletionPermit, PassError> {
        let permit = self.permits.take(most, &clock::timeline());
        if let DeletionPermit::Granted(at) = permit
            && tokio::time::timeout(DEADLINE, self.permits.written_down())
                .await
                .is_err()
        {
            self.permits.give_back(at);
            return Err(PassError::PermitNotRecorded(self.lease.clone()));
        }
        Ok(permit)
    }

    /// Returns a permit that wasn't used.
    pub fn give_back(&self, taken_at: Timestamp) {
        self.permits.give_back(taken_at);
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Every Lease that this process keeps, by its name: all platforms of one account share one.
pub struct Accounts {
    client: Client,
    namespace: String,
    identity: String,
    kept: Mutex<HashMap<String, Weak<Account>>>,
    /// Those that this process has held.
    ever_held: Arc<Mutex<HashSet<String>>>,
}

impl Accounts {
    /// Without any Lease yet. Leases are kept in this namespace under this identity.
    pub fn new(client: Client, namespace: String, identity: String) -> Self {
        Self {
            client,
            namespace,
            identity,
            kept: Mutex::default(),
            ever_held: Arc::default(),
        }
    }

    /// The account of this Lease; from now on the Lease is kept. A `new` one was never held, so that a missing Lease is vacant.
    pub fn join(&self, lease: &str, new: bool) -> Arc<Account> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = kept.get(lease).and_then(Weak::upgrade) {
            return account;
        }
        let tenure = Arc::new(Tenure::default());
        let permits = Arc::new(Permits::default());
        let keeper = Keeper {
            client: self.client.clone(),
            namespace: self.namespace.clone(),
            name: lease.to_owned(),
            identity: self.identity.clone(),
            new,
            tenure: tenure.clone(),
            permits: permits.clone(),
            ever_held: self.ever_held.clone(),
        };
        let account = Arc::new(Account {
            lease: lease.to_owned(),
            tenure,
            permits,
            keeper: tokio::spawn(keeper.run()).abort_handle(),
        });
        kept.insert(lease.to_owned(), Arc::downgrade(&account));
        account
    }

    /// Deletes the Lease of a platform, whose account has one now.
    pub async fn discard(&self, lease: &str) {
        self.give_back(lease, true).await;
    }

    /// Stops keeping Leases, and gives them back so that the next process needn't wait until they expire.
    pub async fn give_back_all(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        for (lease, account) in kept {
            if let Some(account) = account.upgrade() {
                account.keeper.abort();
            }
            self.give_back(&lease, false).await;
        }
    }

    /// Stops keeping Leases, and leaves them to expire.
    pub fn abandon_all(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        for account in kept.into_values().filter_map(|account| account.upgrade()) {
            account.keeper.abort();
        }
    }

    async fn give_back(&self, lease: &str, delete: bool) {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), &self.namespace);
        if let Err(error) = give_back(&api, lease, &self.identity, delete).await {
            tracing::warn!(lease, %error, "the Lease wasn't released; it expires by itself");
        }
    }
}

/// One platform's right to write: its account's, once the account is known.
#[derive(Default)]
pub struct Writer(OnceLock<Arc<Account>>);

impl Writer {
    /// The account, once it is known.
    pub fn account(&self) -> Option<&Arc<Account>> {
        self.0.get()
    }

    /// Notes the account.
    pub fn set(&self, account: Arc<Account>) {
        // The first one stays: a credential of another account is an account mismatch.
        let _ = self.0.set(account);
    }

    /// Why no request may be sent now, if so.
    pub fn hold(&self) -> Option<String> {
        match self.account() {
            Some(account) => account.tenure.hold(),
            None => Some("the account at the platform isn't known yet.".into()),
        }
    }

    /// When writing becomes possible, if it isn't yet.
    pub fn opens_at(&self) -> Option<Instant> {
        self.account()?.tenure.opens_at()
    }

    /// When this process took over from one that had ended without giving the account back, if it did, and when that one had.
    pub fn taken_over(&self) -> Vec<Timestamp> {
        let account = self.account();
        account.map_or_else(Vec::new, |account| account.tenure.taken_over())
    }
}

impl WriterGuard for Writer {
    fn may_write(&self) -> Result<(), String> {
        self.hold().map_or(Ok(()), Err)?;
        still_asked()
    }
}

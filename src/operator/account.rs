//! State that all platforms of one account share in this process: one keeper of the account's Lease, and the permits for
//! deletions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use kube::Client;
use tokio::{task::AbortHandle, time::Instant};

use super::{
    error::PassError,
    lease::{Keeper, Tenure},
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
        let permit = self.permits.take(most, jiff::Timestamp::now());
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
    pub fn give_back(&self, taken_at: jiff::Timestamp) {
        self.permits.give_back(taken_at);
    }

    /// Stops keeping the Lease.
    pub fn stop(&self) {
        self.keeper.abort();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Every account that a platform uses, by the name of its Lease.
#[derive(Default)]
pub struct Accounts(Mutex<HashMap<String, Weak<Account>>>);

impl Accounts {
    /// The account of this Lease; from now on the Lease is kept.
    pub fn join(
        &self,
        client: &Client,
        namespace: &str,
        lease: String,
        identity: &str,
    ) -> Arc<Account> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get(&lease).and_then(Weak::upgrade) {
            return account;
        }
        let tenure = Arc::new(Tenure::default());
        let permits = Arc::new(Permits::default());
        let keeper = Keeper {
            client: client.clone(),
            namespace: namespace.to_owned(),
            name: lease.clone(),
            identity: identity.to_owned(),
            tenure: tenure.clone(),
            permits: permits.clone(),
        };
        let account = Arc::new(Account {
            lease: lease.clone(),
            tenure,
            permits,
            keeper: tokio::spawn(keeper.run()).abort_handle(),
        });
        accounts.insert(lease, Arc::downgrade(&account));
        account
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
}

impl WriterGuard for Writer {
    fn may_write(&self) -> Result<(), String> {
        self.hold().map_or(Ok(()), Err)
    }
}

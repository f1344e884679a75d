//! Which Lease a resource is under: only the process that holds it reconciles the resource and writes its status. The others
//! keep their caches warm.
//!
//! A `BackupPlatform` and what lives on it are under the Lease of the account that its status names, whether the platform can
//! be reached or not; before an account is known, under one of the `BackupPlatform`'s own; what resolves to no
//! `BackupPlatform` is under one for all.

use std::sync::{Arc, Weak};

use kube::ResourceExt;
use tokio::sync::watch;

use super::{
    context::Context,
    duties::Duty,
    lease::{UNASSIGNED, account_lease, platform_lease},
    metrics::PlatformLabels,
    platforms::Handle,
};
use crate::{
    api::BackupPlatform,
    survey::{Managed, Origin, PlatformKey, Terms},
};

impl Context {
    /// Whether this process reconciles what resolves to no `BackupPlatform`.
    pub fn leads_unassigned(&self) -> bool {
        let account = self.duties.unassigned();
        account.is_some_and(|account| account.tenure.leads())
    }

    /// Whether this process reconciles a resource.
    pub fn leads<K: Managed>(&self, object: &K) -> bool {
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let Ok(name) = self.survey.platform_of(object) else {
            return self.leads_unassigned();
        };
        let stores = &self.survey.stores;
        // One that can't be read any more stays in the cache, and is under no Lease.
        let unreadable = stores.unreadable.why("BackupPlatform", &namespace, &name);
        if unreadable.is_some() || stores.platforms.get(&namespace, &name).is_none() {
            return self.leads_unassigned();
        }
        self.leads_account(&PlatformKey { namespace, name })
    }

    /// Whether this process holds the Lease that a platform is under. Unlike `leads_platform` it keeps none.
    pub fn leads_account(&self, key: &PlatformKey) -> bool {
        let account = self.duties.account(key);
        account.is_some_and(|account| account.tenure.leads())
    }

    /// Keeps the Lease that a platform is under from now on. Returns whether this process holds it.
    pub fn leads_platform(self: &Arc<Self>, platform: &BackupPlatform) -> bool {
        let key = PlatformKey::of(platform);
        let own = platform_lease(&platform.uid().unwrap_or_default());
        let known = Terms::of(platform).account;
        let known = known.map(|account| account_lease(&Origin::of(platform), &account));
        let lease = known.clone().unwrap_or_else(|| own.clone());
        let before = self.duties.account(&key);
        if let Some(account) = before.as_ref().filter(|account| account.lease == lease) {
            return account.tenure.leads();
        }
        let promoted = before.is_some_and(|before| before.lease == own && before.tenure.leads());
        let account = self.accounts.join(&lease, known.is_none() || promoted);
        let leads = account.tenure.leads();
        let duty = Duty {
            following: tokio::spawn(follow(
                Arc::downgrade(self),
                key.clone(),
                account.tenure.changes(),
            ))
            .abort_handle(),
            account,
        };
        self.duties.set(key, duty);
        if promoted {
            let accounts = self.accounts.clone();
            tokio::spawn(async move { accounts.discard(&own).await });
        }
        leads
    }

    /// Keeps the Lease of what resolves to no `BackupPlatform`.
    pub fn keep_unassigned(self: &Arc<Self>) {
        let name = self.scope.as_ref().map_or_else(
            || UNASSIGNED.to_owned(),
            |namespace| format!("{UNASSIGNED}-{namespace}"),
        );
        let account = self.accounts.join(&name, true);
        let (context, mut changes) = (Arc::downgrade(self), account.tenure.changes());
        let following = async move {
            loop {
                let leads = *changes.borrow_and_update();
                if let Some(context) = context.upgrade().filter(|_| leads == Some(true)) {
                    context.filling.done().await;
                    context.wake_unassigned();
                }
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        let following = tokio::spawn(following).abort_handle();
        self.duties.set_unassigned(Duty { account, following });
    }

    /// Lets a platform be written to under its Lease, if the account is the one that the Lease is of.
    pub fn admit(&self, handle: &Handle) {
        let (Some(facts), Some(account)) =
            (handle.site.facts(), self.duties.account(&handle.site.key))
        else {
            return;
        };
        if account.lease == account_lease(&handle.origin, &facts.capabilities.account.id) {
            handle.writer.set(account);
        }
    }

    /// Another process reconciles a platform: nothing is sent to it, and what was counted for it is no longer said.
    fn stand_by(&self, key: &PlatformKey) {
        if self.platforms.remove(key) {
            tracing::debug!(platform = %key, "another process reconciles this platform");
        }
        self.memory.forget_platform(key);
        self.metrics.drop_gauges(&key.to_string());
        self.metrics.conditions.forget(key);
        for resource in self.survey.living_on(key) {
            self.memory.leave(&resource);
            self.metrics.conditions.forget(&resource);
        }
    }
}

/// Enqueues a platform and everything on it whenever this process becomes the leader, and stops using it when another does.
async fn follow(
    context: Weak<Context>,
    key: PlatformKey,
    mut changes: watch::Receiver<Option<bool>>,
) {
    loop {
        let leads = *changes.borrow_and_update();
        let Some(context) = context.upgrade() else {
            return;
        };
        match leads {
            Some(true) => {
                context
                    .platforms
                    .get(&key)
                    .inspect(|handle| context.admit(handle));
                context.wake_platform(&key);
                context.wake_all(&key);
            }
            Some(false) => context.stand_by(&key),
            None => {}
        }
        if let Some(leads) = leads {
            let platform = key.to_string();
            let gauge = context
                .metrics
                .leader
                .get_or_create(&PlatformLabels { platform })
                .clone();
            gauge.set(i64::from(leads));
        }
        drop(context);
        if changes.changed().await.is_err() {
            return;
        }
    }
}

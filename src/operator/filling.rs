//! Whether the caches are filled.

use std::sync::Arc;

use tokio::sync::watch;

use crate::survey::Stores;

/// The interval at which the first lists of the watches are checked.
const FILLING: std::time::Duration = std::time::Duration::from_millis(20);

/// Whether the caches of every scope are filled: before that, a missing object may only not have arrived.
#[derive(Clone)]
pub struct Filling(Arc<watch::Sender<bool>>);

impl Default for Filling {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Filling {
    /// Waits until every watch has received its first list, and records that.
    pub async fn run(self, scopes: Vec<Stores>) {
        for stores in &scopes {
            filled(stores).await;
        }
        self.0.send_replace(true);
    }

    /// Whether all are filled.
    pub fn is_done(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when all are filled.
    pub async fn done(&self) {
        let _ = self.0.subscribe().wait_for(|done| *done).await;
    }
}

/// The kinds with a watch that hasn't received its first list.
pub fn unfilled(stores: &Stores) -> Vec<&'static str> {
    let lists = [
        (stores.platforms.is_filled(), "backupplatforms"),
        (stores.resellers.is_filled(), "resellers"),
        (stores.plans.is_filled(), "serviceplans"),
        (stores.customers.is_filled(), "customers"),
        (stores.tenants.is_filled(), "tenants"),
    ];
    let unfilled = lists.iter().filter(|(filled, _)| !filled);
    unfilled.map(|(_, name)| *name).collect()
}

/// Resolves when every watch has received its first list. It polls, since a store notifies only the last task that waits for
/// it, and `/readyz` waits too.
async fn filled(stores: &Stores) {
    while !unfilled(stores).is_empty() {
        tokio::time::sleep(FILLING).await;
    }
}

//! Caches of all kinds, and whether they are filled.

use kube::{Resource, runtime::reflector::Store};

use crate::api::{BackupPlatform, Customer, Reseller, ServicePlan, Tenant};

/// Caches of all kinds, fed by watches.
#[derive(Clone)]
pub struct Stores {
    /// All `BackupPlatform`s.
    pub platforms: Store<BackupPlatform>,
    /// All `Reseller`s.
    pub resellers: Store<Reseller>,
    /// All `ServicePlan`s.
    pub plans: Store<ServicePlan>,
    /// All `Customer`s.
    pub customers: Store<Customer>,
    /// All `Tenant`s.
    pub tenants: Store<Tenant>,
}

impl Stores {
    /// The kinds whose watch hasn't brought its first list.
    pub fn unfilled(&self) -> Vec<&'static str> {
        let lists = [
            (is_filled(&self.platforms), "backupplatforms"),
            (is_filled(&self.resellers), "resellers"),
            (is_filled(&self.plans), "serviceplans"),
            (is_filled(&self.customers), "customers"),
            (is_filled(&self.tenants), "tenants"),
        ];
        let unfilled = lists.iter().filter(|(filled, _)| !filled);
        unfilled.map(|(_, name)| *name).collect()
    }

    /// Resolves when every watch has brought its first list. Asks again and again, since a store wakes only the last who
    /// waits for it, and `/readyz` asks too.
    pub async fn filled(&self) {
        while !self.unfilled().is_empty() {
            tokio::time::sleep(FILLING).await;
        }
    }
}

/// Whether a watch has brought its first list.
fn is_filled<K>(store: &Store<K>) -> bool
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let ready = futures::FutureExt::now_or_never(store.wait_until_ready());
    ready.is_some_and(|ready| ready.is_ok())
}

/// Time between two looks whether the watches have brought their first lists.
const FILLING: std::time::Duration = std::time::Duration::from_millis(20);

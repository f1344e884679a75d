//! Whether the caches are filled.

use kube::{Resource, runtime::reflector::Store};

use crate::survey::Stores;

/// Time between two looks whether the watches have brought their first lists.
const FILLING: std::time::Duration = std::time::Duration::from_millis(20);

/// The kinds whose watch hasn't brought its first list.
pub fn unfilled(stores: &Stores) -> Vec<&'static str> {
    let lists = [
        (is_filled(&stores.platforms), "backupplatforms"),
        (is_filled(&stores.resellers), "resellers"),
        (is_filled(&stores.plans), "serviceplans"),
        (is_filled(&stores.customers), "customers"),
        (is_filled(&stores.tenants), "tenants"),
    ];
    let unfilled = lists.iter().filter(|(filled, _)| !filled);
    unfilled.map(|(_, name)| *name).collect()
}

/// Resolves when every watch has brought its first list. Asks again and again, since a store wakes only the last who
/// waits for it, and `/readyz` asks too.
pub async fn filled(stores: &Stores) {
    while !unfilled(stores).is_empty() {
        tokio::time::sleep(FILLING).await;
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

//! Every resource that is known, by kind: the operator fills these from watches, `holdfast plan` from files.

use kube::runtime::reflector::Store;

use crate::api::{BackupPlatform, Customer, Reseller, ServicePlan, Tenant};

/// All resources, by kind.
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

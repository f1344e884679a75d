//! Having objects looked at again.

use futures::channel::mpsc::UnboundedSender;
use kube::runtime::reflector::ObjectRef;

use crate::api::{BackupPlatform, Customer, Reseller, ServicePlan, Tenant};

/// Ways to have an object looked at again.
#[derive(Clone)]
pub struct Wakers {
    /// Wakes a `BackupPlatform`.
    pub platforms: UnboundedSender<ObjectRef<BackupPlatform>>,
    /// Wakes a `Reseller`.
    pub resellers: UnboundedSender<ObjectRef<Reseller>>,
    /// Wakes a `ServicePlan`.
    pub plans: UnboundedSender<ObjectRef<ServicePlan>>,
    /// Wakes a `Customer`.
    pub customers: UnboundedSender<ObjectRef<Customer>>,
    /// Wakes a `Tenant`.
    pub tenants: UnboundedSender<ObjectRef<Tenant>>,
}

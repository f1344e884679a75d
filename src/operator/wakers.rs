//! Having objects looked at again.

use futures::channel::mpsc::UnboundedSender;
use kube::runtime::reflector::ObjectRef;

use crate::{
    api::{BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant},
    survey::{PlatformKey, ResourceRef},
};

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

impl Wakers {
    /// Has a resource looked at again. A closed channel means that the operator is stopping.
    pub fn wake(&self, resource: &ResourceRef) {
        let (name, namespace) = (&resource.name, &resource.namespace);
        let _ = match resource.kind {
            Kind::Reseller => self
                .resellers
                .unbounded_send(ObjectRef::new(name).within(namespace))
                .is_ok(),
            Kind::ServicePlan => self
                .plans
                .unbounded_send(ObjectRef::new(name).within(namespace))
                .is_ok(),
            Kind::Customer => self
                .customers
                .unbounded_send(ObjectRef::new(name).within(namespace))
                .is_ok(),
            Kind::Tenant => self
                .tenants
                .unbounded_send(ObjectRef::new(name).within(namespace))
                .is_ok(),
        };
    }

    /// Has a `BackupPlatform` looked at again.
    pub fn wake_platform(&self, key: &PlatformKey) {
        let _ = self
            .platforms
            .unbounded_send(ObjectRef::new(&key.name).within(&key.namespace));
    }
}

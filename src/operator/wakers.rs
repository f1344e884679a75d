//! Enqueueing objects.

use futures::channel::mpsc::UnboundedSender;
use kube::runtime::reflector::ObjectRef;

use crate::{
    api::{BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant},
    survey::{PlatformKey, ResourceRef},
};

/// Channels to enqueue an object.
#[derive(Clone)]
pub struct Wakers {
    /// Enqueues a `BackupPlatform`.
    pub platforms: UnboundedSender<ObjectRef<BackupPlatform>>,
    /// Enqueues a `Reseller`.
    pub resellers: UnboundedSender<ObjectRef<Reseller>>,
    /// Enqueues a `ServicePlan`.
    pub plans: UnboundedSender<ObjectRef<ServicePlan>>,
    /// Enqueues a `Customer`.
    pub customers: UnboundedSender<ObjectRef<Customer>>,
    /// Enqueues a `Tenant`.
    pub tenants: UnboundedSender<ObjectRef<Tenant>>,
}

impl Wakers {
    /// Enqueues a resource. A closed channel means that the operator is stopping.
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

    /// Enqueues a `BackupPlatform`.
    pub fn wake_platform(&self, key: &PlatformKey) {
        let _ = self
            .platforms
            .unbounded_send(ObjectRef::new(&key.name).within(&key.namespace));
    }
}

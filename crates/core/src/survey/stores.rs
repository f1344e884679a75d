//! Every resource that is known, by kind: the operator fills these from watches, `holdfast plan` from files.

use std::sync::Arc;

use kube::ResourceExt;

use super::{
    Managed, PlatformKey, ResourceRef, Store, UnreadableResources, declared::resource_ref,
};
use crate::api::{BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant, names};

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
    /// Which resources exist and can't be read.
    pub unreadable: Arc<UnreadableResources>,
}

impl Stores {
    /// The name of the `BackupPlatform` that a resource lives on, found through its references; of one that is being deleted
    /// also by its status, since those above may be gone before it; and of one whose parent can't be read.
    ///
    /// # Errors
    /// The field and the name of the reference that can't be resolved.
    pub fn platform_of<K: Managed>(&self, object: &K) -> Result<String, (&'static str, String)> {
        self.platform_by_references(object).or_else(|lost| {
            let deleted = object.meta().deletion_timestamp.is_some();
            let namespace = object.meta().namespace.as_deref().unwrap_or_default();
            let above = object.parent_ref();
            let unreadable = above.is_some_and(|(kind, above)| {
                let why = self.unreadable.why(kind.as_str(), namespace, &above.name);
                why.is_some()
            });
            let status = object.managed().filter(|_| deleted || unreadable);
            status
                .and_then(|status| status.platform.clone())
                .ok_or(lost)
        })
    }

    /// At most as deep as kinds nest.
    fn platform_by_references<K: Managed>(
        &self,
        object: &K,
    ) -> Result<String, (&'static str, String)> {
        if let Some(platform) = object.platform_ref() {
            return Ok(platform.name.clone());
        }
        let namespace = object.meta().namespace.clone().unwrap_or_default();
        let Some((kind, above)) = object.parent_ref() else {
            return Err(("platformRef", String::new()));
        };
        let missing = |field| move || (field, above.name.clone());
        if kind == Kind::Customer {
            let above = self.customers.get(&namespace, &above.name);
            return self.platform_of(&*above.ok_or_else(missing("customerRef"))?);
        }
        let above = self.resellers.get(&namespace, &above.name);
        self.platform_of(&*above.ok_or_else(missing("resellerRef"))?)
    }

    /// The `BackupPlatform` that a resource lives on, if its references lead to one.
    pub fn home_of<K: Managed>(&self, object: &K) -> Option<PlatformKey> {
        Some(PlatformKey {
            namespace: object.meta().namespace.clone()?,
            name: self.platform_of(object).ok()?,
        })
    }

    /// Every resource.
    pub fn resources(&self) -> Vec<ResourceRef> {
        [
            names_of(&self.resellers),
            names_of(&self.plans),
            names_of(&self.customers),
            names_of(&self.tenants),
        ]
        .concat()
    }

    /// Whether a resource exists and can't be read.
    pub fn is_unreadable(&self, resource: &ResourceRef) -> bool {
        let (kind, unreadable) = (resource.kind.as_str(), &self.unreadable);
        let why = unreadable.why(kind, &resource.namespace, &resource.name);
        why.is_some()
    }

    /// Whether a resource exists, if only as one that can't be read.
    pub fn exists(&self, resource: &ResourceRef) -> bool {
        let (name, namespace) = (&resource.name, &resource.namespace);
        if self.is_unreadable(resource) {
            return true;
        }
        match resource.kind {
            Kind::Reseller => self.resellers.get(namespace, name).is_some(),
            Kind::ServicePlan => self.plans.get(namespace, name).is_some(),
            Kind::Customer => self.customers.get(namespace, name).is_some(),
            Kind::Tenant => self.tenants.get(namespace, name).is_some(),
        }
    }

    /// The uid and the generation of a resource that can be read.
    pub fn version_of(&self, resource: &ResourceRef) -> Option<(Option<String>, Option<i64>)> {
        fn version<K: Managed>(object: Option<Arc<K>>) -> Option<(Option<String>, Option<i64>)> {
            let object = object?;
            Some((object.meta().uid.clone(), object.meta().generation))
        }
        let (name, namespace) = (&resource.name, &resource.namespace);
        match resource.kind {
            Kind::Reseller => version(self.resellers.get(namespace, name)),
            Kind::ServicePlan => version(self.plans.get(namespace, name)),
            Kind::Customer => version(self.customers.get(namespace, name)),
            Kind::Tenant => version(self.tenants.get(namespace, name)),
        }
    }

    /// Whether a resource is being deleted and still carries our finalizer.
    pub fn is_being_deleted(&self, resource: &ResourceRef) -> bool {
        fn deleted<K: Managed>(object: Option<Arc<K>>) -> bool {
            let ours = |finalizer: &String| finalizer == names::FINALIZER;
            object.is_some_and(|object| {
                object.meta().deletion_timestamp.is_some() && object.finalizers().iter().any(ours)
            })
        }
        let (name, namespace) = (&resource.name, &resource.namespace);
        match resource.kind {
            Kind::Reseller => deleted(self.resellers.get(namespace, name)),
            Kind::ServicePlan => deleted(self.plans.get(namespace, name)),
            Kind::Customer => deleted(self.customers.get(namespace, name)),
            Kind::Tenant => deleted(self.tenants.get(namespace, name)),
        }
    }
}

fn names_of<K: Managed>(store: &Store<K>) -> Vec<ResourceRef> {
    let objects = store.all();
    objects
        .iter()
        .map(|object| resource_ref(&**object))
        .collect()
}

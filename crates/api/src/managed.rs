//! What the four managed kinds have in common, as a trait.

use std::fmt::Debug;

use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    closed_enum::closed_enum,
    customer::Customer,
    plan::ServicePlan,
    reseller::Reseller,
    shared::{Lifecycle, LocalRef, ManagedStatus},
    tenant::Tenant,
};

closed_enum! {
    /// The managed kinds, in the order in which they depend on each other.
    Kind {
        /// A distributor, sub-distributor or reseller.
        Reseller,
        /// A service plan.
        ServicePlan,
        /// An end customer.
        Customer,
        /// One product subscription of a customer.
        Tenant,
    }
}

impl Kind {
    /// The plural, lower-case name in API paths.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Reseller => "resellers",
            Self::ServicePlan => "serviceplans",
            Self::Customer => "customers",
            Self::Tenant => "tenants",
        }
    }
}

/// A kind with a remote object for each of its objects.
pub trait ManagedKind:
    Resource<DynamicType = ()>
    + Clone
    + Debug
    + PartialEq
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// Which kind it is.
    const KIND: Kind;

    /// How resource and remote object belong together.
    fn lifecycle(&self) -> &Lifecycle;

    /// The common part of the status, once there is a status.
    fn managed(&self) -> Option<&ManagedStatus>;

    /// The common part of the status, made where there is none.
    fn managed_mut(&mut self) -> &mut ManagedStatus;

    /// The platform, where the spec names it itself.
    fn platform_ref(&self) -> Option<&LocalRef>;

    /// The object of ours that it hangs below: the parent reseller, the customer's reseller, the tenant's customer.
    fn parent_ref(&self) -> Option<(Kind, &LocalRef)>;

    /// Everything of ours that the spec refers to: the field, the kind, the reference. The platform is not among them.
    fn references(&self) -> Vec<(&'static str, Kind, &LocalRef)>;
}

macro_rules! managed {
    ($kind:ident, platform: $platform:expr, parent: $parent:expr, references: $references:expr) => {
        impl ManagedKind for $kind {
            const KIND: Kind = Kind::$kind;

            fn lifecycle(&self) -> &Lifecycle {
                &self.spec.lifecycle
            }

            fn managed(&self) -> Option<&ManagedStatus> {
                self.status.as_ref().map(|status| &status.managed)
            }

            fn managed_mut(&mut self) -> &mut ManagedStatus {
                &mut self.status.get_or_insert_default().managed
            }

            fn platform_ref(&self) -> Option<&LocalRef> {
                let platform: fn(&Self) -> Option<&LocalRef> = $platform;
                platform(self)
            }

            fn parent_ref(&self) -> Option<(Kind, &LocalRef)> {
                let parent: fn(&Self) -> Option<(Kind, &LocalRef)> = $parent;
                parent(self)
            }

            fn references(&self) -> Vec<(&'static str, Kind, &LocalRef)> {
                let references: fn(&Self) -> Vec<(&'static str, Kind, &LocalRef)> = $references;
                references(self)
            }
        }
    };
}

managed! {
    Reseller,
    platform: |this| Some(&this.spec.platform_ref),
    parent: |this| this.spec.parent_ref.as_ref().map(|parent| (Kind::Reseller, parent)),
    references: |this| this.spec.parent_ref.iter().map(|parent| ("parentRef", Kind::Reseller, parent)).collect()
}
managed! {
    ServicePlan,
    platform: |this| Some(&this.spec.platform_ref),
    parent: |_| None,
    references: |_| Vec::new()
}
managed! {
    Customer,
    platform: |this| this.spec.platform_ref.as_ref(),
    parent: |this| this.spec.reseller_ref.as_ref().map(|reseller| (Kind::Reseller, reseller)),
    references: |this| this.spec.reseller_ref.iter().map(|reseller| ("resellerRef", Kind::Reseller, reseller)).collect()
}
managed! {
    Tenant,
    platform: |_| None,
    parent: |this| Some((Kind::Customer, &this.spec.customer_ref)),
    references: |this| {
        let customer = ("customerRef", Kind::Customer, &this.spec.customer_ref);
        let plan = this.spec.service_plan_ref.iter().map(|plan| ("servicePlanRef", Kind::ServicePlan, plan));
        std::iter::once(customer).chain(plan).collect()
    }
}

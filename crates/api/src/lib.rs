//! The custom resources: their fields, schema, rules, columns, and the words of their conditions.
//!
//! Group `holdfast.dev`, version `v1alpha1`, every kind namespaced. The doc comments of fields are what `kubectl explain`
//! shows. Absent means not managed, empty means clear; no field that reaches a platform has a default. Nothing in here does
//! any I/O.

mod bounded;
pub mod bounds;
mod closed_enum;
pub mod conditions;
pub mod crd;
pub mod customer;
pub mod instant;
mod managed;
pub mod names;
pub mod plan;
pub mod platform;
mod platform_status;
pub mod quantity;
pub mod reseller;
mod rules;
mod schema;
pub mod shared;
pub mod tenant;
mod yaml;

pub use bounded::status_document;
pub use conditions::{ConditionType, Reason};
pub use crd::{crd_files, crd_yaml, crds, schema_of};
pub use customer::{Customer, CustomerSpec, CustomerStatus};
pub use instant::{Instant, Moment};
pub use managed::{Kind, ManagedKind};
pub use plan::{ServicePlan, ServicePlanSpec, ServicePlanStatus};
pub use platform::{
    BackupPlatform, BackupPlatformSpec, BackupPlatformStatus, Capability, CustomColumns, DriverSpec,
};
pub use reseller::{Reseller, ResellerSpec, ResellerStatus};
pub use tenant::{Tenant, TenantSpec, TenantStatus};
pub use yaml::yaml;

/// A word that isn't in its closed set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not one of {allowed}: use one of these")]
pub struct UnknownWord {
    /// The word.
    pub word: String,
    /// The words that are allowed, joined by commas.
    pub allowed: String,
}

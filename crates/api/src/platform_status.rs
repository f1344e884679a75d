//! What the operator knows about a `BackupPlatform`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Kind,
    bounds::COUNTRY,
    closed_enum::closed_enum,
    quantity::Count,
    schema,
    shared::{Product, Protection},
};

closed_enum! {
    /// What a platform can do. What it doesn't list is never attempted.
    Capability {
        /// Make resellers.
        CreateReseller,
        /// Change resellers.
        UpdateReseller,
        /// Remove resellers.
        DeleteReseller,
        /// Switch resellers off and on.
        SuspendReseller,
        /// Put resellers under another parent.
        MoveReseller,
        /// Make customers.
        CreateCustomer,
        /// Change customers.
        UpdateCustomer,
        /// Remove customers.
        DeleteCustomer,
        /// Switch customers off and on.
        SuspendCustomer,
        /// Put customers under another reseller.
        MoveCustomer,
        /// Make tenants.
        CreateTenant,
        /// Change tenants.
        UpdateTenant,
        /// Remove tenants.
        DeleteTenant,
        /// Switch tenants off and on.
        SuspendTenant,
        /// Switching off loses no data and can be undone: a deletion may begin with it.
        SuspendKeepsData,
        /// Make service plans.
        CreateServicePlan,
        /// Change service plans.
        UpdateServicePlan,
        /// Remove service plans.
        DeleteServicePlan,
        /// Move clients between customers.
        MoveClient,
        /// Mail account details to a customer.
        SendWelcomeMail,
        /// Report consumption.
        ReadUsage,
        /// Report backup health.
        ReadHealth,
        /// Report the pool of licences.
        ReadLicences,
    }
}

impl Capability {
    /// Making a new object of a kind.
    pub fn create(kind: Kind) -> Self {
        match kind {
            Kind::Reseller => Self::CreateReseller,
            Kind::ServicePlan => Self::CreateServicePlan,
            Kind::Customer => Self::CreateCustomer,
            Kind::Tenant => Self::CreateTenant,
        }
    }

    /// Changing settings of an object of a kind.
    pub fn update(kind: Kind) -> Self {
        match kind {
            Kind::Reseller => Self::UpdateReseller,
            Kind::ServicePlan => Self::UpdateServicePlan,
            Kind::Customer => Self::UpdateCustomer,
            Kind::Tenant => Self::UpdateTenant,
        }
    }

    /// Removing an object of a kind.
    pub fn delete(kind: Kind) -> Self {
        match kind {
            Kind::Reseller => Self::DeleteReseller,
            Kind::ServicePlan => Self::DeleteServicePlan,
            Kind::Customer => Self::DeleteCustomer,
            Kind::Tenant => Self::DeleteTenant,
        }
    }

    /// Switching an object of a kind off and on; plans have no such switch.
    pub fn suspend(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Reseller => Some(Self::SuspendReseller),
            Kind::ServicePlan => None,
            Kind::Customer => Some(Self::SuspendCustomer),
            Kind::Tenant => Some(Self::SuspendTenant),
        }
    }
}

closed_enum! {
    /// What something on a platform is that can't be read.
    ItemKind {
        /// A distributor, sub-distributor or reseller.
        Reseller,
        /// A service plan.
        ServicePlan,
        /// An end customer.
        Customer,
        /// One product subscription of a customer.
        Tenant,
        /// A machine that backs up.
        Client,
        /// A place where data is stored.
        StorageLocation,
        /// Someone who administers the account.
        Administrator,
        /// The pool of licences.
        LicencePool,
        /// A row of the report of consumption.
        UsageRow,
        /// A row of the report of health.
        HealthRow,
    }
}

impl From<Kind> for ItemKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Reseller => Self::Reseller,
            Kind::ServicePlan => Self::ServicePlan,
            Kind::Customer => Self::Customer,
            Kind::Tenant => Self::Tenant,
        }
    }
}

/// Something on the platform that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnreadableItem {
    /// What it is: an object of one of the four kinds, or something else that the platform lists. Example: `Tenant`.
    pub kind: ItemKind,
    /// Its id on the platform, where that can be read.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// What of it can't be read. Example: `limits.storage: -5 is not a size such as 500Gi`.
    #[schemars(length(max = 512))]
    pub message: String,
}

/// What the operator knows about the platform.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupPlatformStatus {
    /// The `metadata.generation` that this status speaks about; -1 until the operator has seen the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Conditions: `Ready`, `Reconciling`, `Stalled`, `PlatformReachable`, `CredentialsValid`, `AccountMatches`,
    /// `SingleAdministrator`, `DeletionsHeld`; types and reasons are listed in `docs/conditions.md`.
    #[schemars(schema_with = "schema::conditions")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The account that the credentials opened first. Another account behind the same resource refuses all writes until its
    /// id is put into the annotation `holdfast.dev/confirm-account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// What the platform can do, out of a closed list; what is absent is never attempted, and what only its console can do
    /// becomes a manual step.
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// Places where the platform stores data: the ids for `Customer` `storageLocation`.
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage_locations: Vec<StorageLocation>,
    /// The customer that takes clients listed nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_customer: Option<RemoteName>,
    /// How many objects the platform holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<ObjectCounts>,
    /// Objects on the platform that no resource declares, at most 20, protected ones first. They are left alone.
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<UnmanagedObject>,
    /// What on the platform can't be read, at most 20. It is left alone until it can be; nothing else is held up by it.
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableItem>,
    /// Administrators of the account. One alone raises `SingleAdministrator`: losing that login would lock everybody out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrators: Option<AdministratorCounts>,
    /// The platform's pool of licences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licences: Option<LicencePool>,
    /// Short texts for the columns of `kubectl get`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<BackupPlatformSummary>,
}

/// An account at a platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Id of the account.
    #[schemars(length(max = 128))]
    pub id: String,
    /// Name of the account. Example: `Acme MSP`.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A place where data is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageLocation {
    /// Id of the location. Example: `de-1`.
    #[schemars(length(max = 64))]
    pub id: String,
    /// Name of the location. Example: `Frankfurt`.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Countries whose customers are stored here, ISO 3166-1 alpha-2.
    #[schemars(length(max = 250), inner(length(max = 2), regex(pattern = COUNTRY)), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// Products that can be stored here; empty: all.
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<Product>,
}

/// A remote object by id and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteName {
    /// Id on the platform.
    #[schemars(length(max = 128))]
    pub external_id: String,
    /// Name on the platform.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How many objects the platform holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectCounts {
    /// Resellers on the platform.
    pub resellers: u64,
    /// Customers on the platform.
    pub customers: u64,
    /// Tenants on the platform.
    pub tenants: u64,
    /// Service plans on the platform.
    pub service_plans: u64,
    /// Objects of all kinds that no resource declares.
    pub unmanaged: u64,
    /// Things of all kinds that can't be read and are left alone; `status.unreadable` names some of them.
    #[serde(default)]
    pub unreadable: u64,
}

/// A remote object that no resource declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnmanagedObject {
    /// Its kind: `Reseller`, `ServicePlan`, `Customer` or `Tenant`.
    pub kind: Kind,
    /// Id on the platform.
    #[schemars(length(max = 128))]
    pub external_id: String,
    /// Name on the platform.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What protects it: `None`, `Sandbox`, `Default`, `System` or `Foreign`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
}

/// Administrators of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdministratorCounts {
    /// Administrators whose login is switched on.
    pub active: u64,
}

/// The platform's pool of licences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LicencePool {
    /// All licences of the account.
    pub total: Count,
    /// Licences that nobody holds.
    pub free: Count,
}

/// Short texts for the columns of `kubectl get`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackupPlatformSummary {
    /// `embedded`, `bridge`, `druva`, `cove` or `rgw`.
    #[schemars(length(max = 16))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Name of the account, or its id where it has no name.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Free licences of the pool, or `-`.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_licences: Option<String>,
}

//! `Reseller`: a distributor, sub-distributor or reseller, with what is allotted to it.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    bounds::{COUNTRY, LABEL_WORD},
    closed_enum::closed_enum,
    quantity::{Count, Credits, Size},
    shared::{
        Bandwidth, Branding, Contact, Effective, Lifecycle, LocalRef, ManagedStatus, Profile,
        Reports, RequiredLimit, ServiceType, Stage, Usage, WebAccess,
    },
};

closed_enum! {
    /// Where a reseller stands in the chain, from the top. A child stands lower than its parent.
    Level {
        /// May hold sub-distributors and resellers.
        Distributor,
        /// May hold resellers.
        SubDistributor,
        /// Holds customers.
        Reseller,
    }
}

/// A distributor, sub-distributor or reseller.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "holdfast.dev",
    version = "v1alpha1",
    kind = "Reseller",
    plural = "resellers",
    shortname = "rsl",
    category = "holdfast",
    namespaced,
    status = "ResellerStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "A distributor, sub-distributor or reseller: who it is, what is allotted to it to share out among its customers, and what they inherit.",
    selectable = ".spec.platformRef.name",
    selectable = ".spec.parentRef.name",
    selectable = ".status.protection",
    printcolumn(name = "Level", type_ = "string", json_path = ".status.summary.level", description = "Distributor, SubDistributor or Reseller."),
    printcolumn(name = "Allotted", type_ = "string", json_path = ".status.summary.allotted", description = "Storage allotted to the reseller."),
    printcolumn(name = "Granted", type_ = "string", json_path = ".status.summary.granted", description = "Storage granted to its customers and resellers."),
    printcolumn(name = "Free", type_ = "string", json_path = ".status.summary.free", description = "Storage left to grant."),
    printcolumn(name = "Customers", type_ = "integer", json_path = ".status.customers", description = "Customers directly below."),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether the spec is applied and nothing refuses it."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Parent", type_ = "string", priority = 1, json_path = ".status.summary.parent", description = "The reseller above."),
    printcolumn(name = "Active", type_ = "string", priority = 1, json_path = ".status.summary.active", description = "Whether its customers can back up."),
    printcolumn(name = "Used", type_ = "string", priority = 1, json_path = ".status.summary.used", description = "Storage in use by its customers."),
    printcolumn(name = "Resellers", type_ = "integer", priority = 1, json_path = ".status.resellers", description = "Resellers directly below."),
    printcolumn(name = "Id", type_ = "string", priority = 1, json_path = ".status.externalId", description = "Id on the platform."),
    validation = super::rules::name_fits_a_label()
)]
#[serde(rename_all = "camelCase")]
pub struct ResellerSpec {
    /// How this resource and the remote object belong together.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The platform on which the reseller is. Fixed once the remote object exists.
    pub platform_ref: LocalRef,
    /// The reseller above, of the same platform; a change is a move. Absent: directly under the platform's own account;
    /// one that exists stays where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_ref: Option<LocalRef>,
    /// Where it stands in the chain: `Distributor`, `SubDistributor` or `Reseller`; lower than its parent. Absent: left as it
    /// is (a new one becomes a `Reseller`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Name on the platform. Some platforms (among them the embedded one) never change it. Example: `Northwind IT`.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"\S"))]
    pub display_name: String,
    /// Whether the customers below can back up; `false` stops every one of them. Absent: left as it is (a new one is active).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// What it gets: `AllInclusive` (the vendor stores) or `SoftwareOnly` (own storage). Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_type: Option<ServiceType>,
    /// What it may pass on to those below: `AllInclusive`, `SoftwareOnly`, or both. Absent: left as it is.
    #[schemars(length(max = 2), extend("x-kubernetes-list-type" = "set"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_service_types: Option<Vec<ServiceType>>,
    /// Country, ISO 3166-1 alpha-2, quoted, since YAML reads a bare NO as false. Where the platform hosts it, it decides the
    /// storage location at creation. Absent: left as it is. Example: `"DE"`.
    #[schemars(length(max = 2), regex(pattern = COUNTRY))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Where data is stored: an id of `status.storageLocations` of the `BackupPlatform`. Absent: derived from `country` where
    /// the platform hosts it. Fixed once the remote object exists. Example: `de-1`.
    #[schemars(length(max = 63), regex(pattern = LABEL_WORD))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_location: Option<String>,
    /// `Trial` or `Production`; there is no way back to `Trial`. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Company profile. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// People to talk to, each known by the e-mail address. Absent: left as they are. Empty: all are removed.
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["email"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<Contact>>,
    /// What is allotted to the reseller to share out; the sum of what its customers and resellers get may never exceed it.
    /// Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allotment: Option<Allotment>,
    /// Limits that every customer below must have, also below resellers further down: `storage`, `licences`, `clients`,
    /// `credits`. A customer without one is refused. It stays in the cluster. Absent: none are required here. Example:
    /// `[storage]`.
    #[schemars(length(max = 4), extend("x-kubernetes-list-type" = "set"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_limits: Option<Vec<RequiredLimit>>,
    /// Throttling of backup traffic for everyone below without a setting of their own. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// E-mail reports. Absent: left as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<Reports>,
    /// Branding for everyone below without their own. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branding: Option<Branding>,
    /// The reseller's login at the platform's web console. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_access: Option<WebAccess>,
}

/// What is allotted. Each field: absent is left as it is, empty text is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Allotment {
    /// Storage in bytes, as a quantity. Absent: left as it is. Empty: no limit. Example: `20Ti`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Size>,
    /// Licences, a whole number. Absent: left as it is. Empty: no limit. Example: `200`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licences: Option<Count>,
    /// Clients (machines that back up), a whole number. Absent: left as it is. Empty: no limit. Example: `500`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<Count>,
    /// Credits (consumption units), up to three decimals. Absent: left as it is. Empty: no limit. Example: `1000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// Percentage of the storage or credits allotted that is in use below, from which on the condition `LimitNear` holds. It stays in
    /// the cluster. Absent: there is no such condition. Example: `80`.
    #[schemars(range(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_at_percent: Option<u32>,
}

/// What the operator knows about the reseller.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResellerStatus {
    /// The part that every managed kind has.
    #[serde(flatten)]
    pub managed: ManagedStatus,
    /// What is allotted, granted to those below, free to grant, and used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allotment: Option<AllotmentStatus>,
    /// What all customers below use, also those below resellers further down, and when the allotment is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Customers directly below. Deleting is refused while there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<u64>,
    /// Resellers directly below. Deleting is refused while there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resellers: Option<u64>,
    /// Inherited settings, as they come out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
    /// Short texts for the columns of `kubectl get`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<ResellerSummary>,
}

/// How an allotment is shared out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllotmentStatus {
    /// Storage in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<StorageShare>,
    /// Licences of clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licences: Option<CountShare>,
    /// Clients (machines that back up).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<CountShare>,
    /// Credits (consumption units).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<CreditShare>,
}

macro_rules! share {
    ($(#[$doc:meta])* $name:ident, $quantity:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            /// What the reseller has to share out; absent without a limit.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub allotted: Option<$quantity>,
            /// What those below were granted.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub granted: Option<$quantity>,
            /// What is left to grant, never below 0; absent without a limit.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub free: Option<$quantity>,
            /// What all customers below use, also those below resellers further down.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub used: Option<$quantity>,
        }
    };
}

share! {
    /// Storage shared out.
    StorageShare, Size
}
share! {
    /// Licences or clients shared out.
    CountShare, Count
}
share! {
    /// Credits shared out.
    CreditShare, Credits
}

/// Short texts for the columns of `kubectl get`; `-` where there is nothing to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResellerSummary {
    /// Level on the platform.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Storage allotted.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allotted: Option<String>,
    /// Storage granted.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<String>,
    /// Storage free to grant.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<String>,
    /// Storage in use.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// The reseller above.
    #[schemars(length(max = 63))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Whether it is active: `Yes` or `No`.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
}

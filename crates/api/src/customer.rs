//! `Customer`: an end customer of a reseller or of the provider itself.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Instant,
    bounds::{COUNTRY, LABEL_WORD},
    closed_enum::closed_enum,
    quantity::{Count, Credits, Size},
    shared::{
        Administrator, Bandwidth, Branding, Contact, Effective, Health, Lifecycle, LocalRef,
        ManagedStatus, Product, Profile, Reports, ServiceType, Stage, Usage, WebAccess,
    },
    tenant::TenantType,
};

/// An end customer.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "holdfast.dev",
    version = "v1alpha1",
    kind = "Customer",
    plural = "customers",
    shortname = "cust",
    category = "holdfast",
    namespaced,
    status = "CustomerStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "An end customer, under a reseller or directly under the platform: who it is, where its data lies, what it may use. A customer without any tenant is fine; products are added by Tenants.",
    selectable = ".spec.resellerRef.name",
    selectable = ".spec.platformRef.name",
    selectable = ".status.protection",
    printcolumn(name = "Customer", type_ = "string", json_path = ".spec.displayName", description = "Name of the customer."),
    printcolumn(name = "Reseller", type_ = "string", json_path = ".status.summary.reseller", description = "The reseller in charge."),
    printcolumn(name = "Plan", type_ = "string", json_path = ".status.summary.plan", description = "Service plans of its tenants."),
    printcolumn(name = "Product", type_ = "string", json_path = ".status.summary.product", description = "Products of its tenants."),
    printcolumn(name = "Storage", type_ = "string", json_path = ".status.summary.storage", description = "Storage in use."),
    printcolumn(name = "Limit", type_ = "string", json_path = ".status.summary.limit", description = "Storage limit."),
    printcolumn(name = "Used%", type_ = "string", json_path = ".status.summary.usedPercent", description = "Storage in use, of the limit."),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether the spec is applied and nothing refuses it."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Location", type_ = "string", priority = 1, json_path = ".status.summary.location", description = "Where the data lies."),
    printcolumn(name = "Types", type_ = "string", priority = 1, json_path = ".status.summary.types", description = "Types of its tenants."),
    printcolumn(name = "Active", type_ = "string", priority = 1, json_path = ".status.summary.active", description = "Whether its clients can back up."),
    printcolumn(name = "Health", type_ = "string", priority = 1, json_path = ".status.summary.health", description = "Successful backup jobs of the last 30 days."),
    printcolumn(name = "Id", type_ = "string", priority = 1, json_path = ".status.externalId", description = "Id on the platform."),
    validation = super::rules::name_fits_a_label()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.resellerRef) != has(self.platformRef)")
        .message("a customer belongs either to a reseller or directly to a platform: set exactly one of resellerRef and platformRef"),
    // Only at creation: Invalid upon a change makes `kubectl apply --force` delete the object. Policies check changes.
    validation = Rule::new("oldSelf.hasValue() || !(has(self.hideName) && self.hideName) || (has(self.accountName) && self.accountName != '')")
        .message("hideName needs an accountName, because that is what the platform is told instead of displayName: set accountName, or remove hideName (rule hidden-name-telltale)")
        .field_path(".hideName")
        .optional_old_self(true),
    validation = Rule::new("oldSelf.hasValue() || !(has(self.hideName) && self.hideName) || !has(self.profile) || !has(self.profile.billing) || !has(self.profile.billing.legalName)")
        .message("profile.billing.legalName would tell the platform the name that hideName hides: remove legalName, or remove hideName (rule hidden-name-telltale)")
        .field_path(".profile.billing.legalName")
        .optional_old_self(true),
    validation = Rule::new("oldSelf.hasValue() || !(has(self.hideName) && self.hideName) || !has(self.branding) || !has(self.branding.companyName)")
        .message("branding.companyName would tell the platform the name that hideName hides: remove companyName, or remove hideName (rule hidden-name-telltale)")
        .field_path(".branding.companyName")
        .optional_old_self(true),
)]
pub struct CustomerSpec {
    /// How this resource and the remote object belong together.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The reseller in charge. Exactly one of `resellerRef` and `platformRef` is set. Another reseller of the same platform is
    /// a move; the platform itself is fixed once the remote object exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reseller_ref: Option<LocalRef>,
    /// The platform, for a customer directly under it. Exactly one of `resellerRef` and `platformRef` is set. Fixed once the
    /// remote object exists. A customer that is below a reseller on the platform stays there: to move it, name another reseller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_ref: Option<LocalRef>,
    /// Name of the customer. It goes to the platform unless `hideName` is set. Example: `Fabrikam GmbH`.
    #[schemars(length(min = 1, max = 255), regex(pattern = r"\S"))]
    pub display_name: String,
    /// Name of the account at the platform, where that has one beside the customer's name; `displayName` when absent there.
    /// Fixed once the remote object exists. Example: `acct-4711`.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// Whether the name is hidden from the platform. Then `accountName` goes out wherever the platform wants a name, and
    /// `displayName` never leaves the cluster: not in a request, a log or an event; what would give it away
    /// (`profile.billing.legalName`, `branding.companyName`) is refused. Fixed once the remote object exists. Absent: not hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hide_name: Option<bool>,
    /// Company profile. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// People to talk to, each known by the e-mail address. Absent: left as they are. Empty: all are removed.
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["email"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<Contact>>,
    /// Tenant administrators: accounts at the platform that may manage this customer. Absent: left as they are. Empty: all are
    /// removed.
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["email"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub administrators: Option<Vec<Administrator>>,
    /// Country of the customer's devices, ISO 3166-1 alpha-2, quoted, since YAML reads a bare NO as false. Where the platform
    /// hosts it, it decides the storage location at creation; a later change moves no data. Absent: left as it is.
    /// Example: `"DE"`.
    #[schemars(length(max = 2), regex(pattern = COUNTRY))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Where the data is stored: an id of `status.storageLocations` of the `BackupPlatform`. Absent: derived from `country`
    /// where the platform hosts it; elsewhere it must be chosen. Fixed once the remote object exists. Example: `de-1`.
    #[schemars(length(max = 63), regex(pattern = LABEL_WORD))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_location: Option<String>,
    /// Who stores the data: `AllInclusive` (the vendor) or `SoftwareOnly` (the provider's own storage). Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_type: Option<ServiceType>,
    /// `Trial` (the platform's 30 days) or `Production`; there is no way back to `Trial`. Absent: left as it is (a new one
    /// starts in `Production`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Whether the customer's clients can back up. Absent: left as it is, so that dropping `active: false` from a manifest
    /// switches nobody on again (a new customer is active).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// What the customer may use, out of its reseller's allotment. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Which clients (machines that back up) belong to the customer. Absent: left as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<Clients>,
    /// Throttling of backup traffic. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// E-mail reports. Absent: left as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<Reports>,
    /// Branding. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branding: Option<Branding>,
    /// The customer's login at the platform's web console. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_access: Option<WebAccess>,
    /// Whether the account details are mailed to `profile.email`, once, after creation. Absent or `false`: not mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub welcome_mail: Option<bool>,
    /// Communication with the customer, past and upcoming, each known by its id. Dropping an entry leaves it on the platform.
    /// Absent: left as it is.
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"]))]
    #[x_kube(validation = Rule::new("size(self) > 0")
        .message("communications is empty, which would remove every entry, and an entry that is dropped stays on the platform: list entries, or leave the field out to leave them alone"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub communications: Option<Vec<Communication>>,
}

/// What a customer may use. Each field: absent is left as it is, empty text is no limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Storage for all clients together, in bytes, as a quantity. It may not be set below what is in use. Absent: left as it
    /// is. Empty: no limit. Example: `500Gi`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Size>,
    /// Licences. Absent: left as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licences: Option<Licences>,
    /// Most clients, a whole number. Absent: left as it is. Empty: no limit. Example: `25`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<Count>,
    /// Most credits (consumption units), up to three decimals. Absent: left as it is. Empty: no limit. Example: `50`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// Percentage of the storage or credit limit in use from which on the condition `LimitNear` holds. It stays in the cluster.
    /// Absent: there is no such condition. Example: `80`.
    #[schemars(range(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_at_percent: Option<u32>,
}

closed_enum! {
    /// How a customer gets licences.
    LicenceMode {
        /// From the pool, as needed.
        Automatic,
        /// A fixed number; at the limit there are no more backups until it is raised.
        Fixed,
    }
}

/// How a customer gets licences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.mode == 'Fixed') == has(self.count)")
    .message("licences.count belongs to mode: Fixed and to no other, since only then is there a number to keep: add count, remove it, or change the mode")
    .field_path(".mode"))]
pub struct Licences {
    /// `Automatic`: from the reseller's or the platform's pool, as needed. `Fixed`: the number in `count`; once it is used up no
    /// further backups are possible until it is raised.
    pub mode: LicenceMode,
    /// Number of licences. Only with `mode: Fixed`, and needed there. Example: `20`.
    #[schemars(range(min = 0, max = 1_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

closed_enum! {
    /// Which clients may join a customer.
    Admission {
        /// Any, on its first backup.
        Automatic,
        /// Only those listed.
        Listed,
    }
}

/// Which clients belong to a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Clients {
    /// `Automatic`: a client joins on its first backup. `Listed`: only those in `ids` do; the platform's default customer takes
    /// the rest. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
    /// Ids of clients that belong here. Listing an id moves the client here, once; of two customers that list the same, the
    /// older keeps it. Dropping an id moves nothing. Absent: none are moved. Example: `[pc-17]`.
    #[schemars(length(max = 500), inner(length(min = 1, max = 128)), extend("x-kubernetes-list-type" = "set"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
}

closed_enum! {
    /// A way to talk to a customer.
    CommunicationKind {
        /// By phone.
        Call,
        /// By mail.
        Mail,
        /// In person or by video.
        Meeting,
        /// A note to oneself.
        Note,
    }
}

/// One piece of communication with a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Communication {
    /// Your own id, unique for this customer. Example: `renewal-26`.
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL_WORD))]
    pub id: String,
    /// When it took or will take place, RFC 3339. Example: `2026-12-01T09:00:00Z`.
    pub at: Instant,
    /// `Call`, `Mail`, `Meeting` or `Note`.
    pub kind: CommunicationKind,
    /// What it is about. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 2048))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What the operator knows about the customer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerStatus {
    /// The part that every managed kind has.
    #[serde(flatten)]
    pub managed: ManagedStatus,
    /// Name of the account at the platform.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_name: Option<String>,
    /// Where the data is stored.
    #[schemars(length(max = 63))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_location: Option<String>,
    /// Its tenants. Deleting is refused while there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenants: Option<CustomerTenants>,
    /// Its clients. Deleting is refused while there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<CustomerClients>,
    /// When the trial ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial_ends_at: Option<Instant>,
    /// Consumption, mostly of the last 90 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Backup health of the last 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Inherited settings, as they come out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
    /// When the account details were mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub welcome_mail_sent_at: Option<Instant>,
    /// Short texts for the columns of `kubectl get`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<CustomerSummary>,
}

/// The tenants of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerTenants {
    /// How many tenants it has.
    pub total: u64,
    /// Their products.
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<Product>,
    /// Their service plans, by name of the `ServicePlan`, or by name on the platform where no resource declares it.
    #[schemars(length(max = 16), inner(length(max = 128)), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<String>,
    /// Their storage regions.
    #[schemars(length(max = 64), inner(length(max = 63)), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Their types: `Evaluation`, `Commercial`, `Sandbox`.
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<TenantType>,
}

/// The clients of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerClients {
    /// How many clients it has.
    pub total: u64,
    /// Their ids, at most 50.
    #[schemars(length(max = 50), inner(length(max = 128)), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// Short texts for the columns of `kubectl get`; `-` where there is nothing to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerSummary {
    /// The reseller, by name of the `Reseller`.
    #[schemars(length(max = 63))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reseller: Option<String>,
    /// Service plans, joined by commas.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Products, joined by commas.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Storage in use, rounded.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<String>,
    /// Storage limit, or `-`.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// Storage in use, of the limit, such as `62%`.
    #[schemars(length(max = 16))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_percent: Option<String>,
    /// Storage location.
    #[schemars(length(max = 63))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Types of the tenants, joined by commas.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<String>,
    /// Whether it is active: `Yes` or `No`.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// Successful jobs of all, such as `884/900`.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
}

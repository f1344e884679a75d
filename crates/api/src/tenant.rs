//! `Tenant`: one product subscription of a customer.

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Instant,
    bounds::LABEL_WORD,
    closed_enum::closed_enum,
    quantity::Credits,
    shared::{Edition, Health, Lifecycle, LocalRef, ManagedStatus, Product, Usage},
};

closed_enum! {
    /// How a tenant stands commercially.
    TenantType {
        /// For trying out.
        Evaluation,
        /// Paid for; there is no way back.
        Commercial,
        /// The platform's own, for demonstrations; adopted only, never created.
        Sandbox,
    }
}

closed_enum! {
    /// Whether a tenant can be used.
    TenantState {
        /// It can.
        Active,
        /// It is switched off, reversibly.
        Suspended,
    }
}

/// One product subscription of a customer.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "holdfast.dev",
    version = "v1alpha1",
    kind = "Tenant",
    plural = "tenants",
    shortname = "tnt",
    category = "holdfast",
    namespaced,
    status = "TenantStatus",
    derive = "PartialEq",
    doc = "One product subscription of a customer: the plan, the regions, the workloads with their seats, the quota and its window. At most one for each customer and product.",
    selectable = ".spec.customerRef.name",
    selectable = ".spec.servicePlanRef.name",
    selectable = ".spec.product",
    selectable = ".spec.type",
    selectable = ".spec.state",
    selectable = ".status.protection",
    printcolumn(name = "Customer", type_ = "string", json_path = ".spec.customerRef.name", description = "The customer that subscribes."),
    printcolumn(name = "Product", type_ = "string", json_path = ".spec.product", description = "What is subscribed to."),
    printcolumn(name = "Plan", type_ = "string", json_path = ".status.summary.plan", description = "The service plan."),
    printcolumn(name = "Type", type_ = "string", json_path = ".status.summary.type", description = "Evaluation, Commercial or Sandbox."),
    printcolumn(name = "State", type_ = "string", json_path = ".status.summary.state", description = "Active or Suspended."),
    printcolumn(name = "Quota", type_ = "string", json_path = ".status.summary.quota", description = "Credits allotted now."),
    printcolumn(name = "Used", type_ = "string", json_path = ".status.summary.used", description = "Credits used."),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether the spec is applied and nothing refuses it."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Edition", type_ = "string", priority = 1, json_path = ".status.summary.edition", description = "Edition, from the plan."),
    printcolumn(name = "Regions", type_ = "string", priority = 1, json_path = ".status.summary.regions", description = "Storage regions."),
    printcolumn(name = "Expires", type_ = "string", priority = 1, json_path = ".status.summary.expires", description = "When the licence expires."),
    printcolumn(name = "Health", type_ = "string", priority = 1, json_path = ".status.summary.health", description = "Successful backup jobs of the last 30 days."),
    printcolumn(name = "Id", type_ = "string", priority = 1, json_path = ".status.externalId", description = "Id on the platform."),
    validation = super::rules::name_fits_a_label()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    // Only at creation: Invalid upon a change makes `kubectl apply --force` delete the object. Policies check changes.
    validation = Rule::new("oldSelf.hasValue() || !has(self.type) || self.type != 'Sandbox' || (has(self.adopt) && self.adopt in ['Matching', 'ById'])")
        .message("a sandbox tenant is made by the platform only and can be adopted, never created: set adopt: Matching or ById, or choose type Evaluation or Commercial (rule sandbox-never-created)")
        .field_path(".type")
        .optional_old_self(true),
    validation = Rule::new("oldSelf.hasValue() || self.product != 'ObjectStorage' || !has(self.workloads) || size(self.workloads) == 0")
        .message("object storage has no workloads: it holds what other programs back up. Remove workloads (rule object-storage-bare)")
        .field_path(".workloads")
        .optional_old_self(true),
    validation = Rule::new("oldSelf.hasValue() || !has(self.quota) || !has(self.quota.effectiveAt) || !has(self.quota.endsAt) || self.quota.effectiveAt < self.quota.endsAt")
        .message("quota.effectiveAt is not before quota.endsAt, so the quota would never be in effect: begin it earlier, or end it later (rule quota-dates-in-order)")
        .field_path(".quota.endsAt")
        .optional_old_self(true),
    validation = Rule::new("oldSelf.hasValue() || !has(self.licenceExpiresAt) || !has(self.quota) || !has(self.quota.endsAt) || self.quota.endsAt <= self.licenceExpiresAt")
        .message("quota.endsAt is after licenceExpiresAt, and without a licence there is nothing to use the quota for: end the quota earlier, or let the licence expire later (rule quota-dates-in-order)")
        .field_path(".quota.endsAt")
        .optional_old_self(true),
    validation = Rule::new("oldSelf.hasValue() || !has(self.licenceExpiresAt) || !has(self.quota) || !has(self.quota.effectiveAt) || self.quota.effectiveAt < self.licenceExpiresAt")
        .message("quota.effectiveAt is not before licenceExpiresAt, so the quota would never take effect: begin the quota earlier, or let the licence expire later (rule quota-dates-in-order)")
        .field_path(".quota.effectiveAt")
        .optional_old_self(true),
)]
pub struct TenantSpec {
    /// How this resource and the remote object belong together.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The customer that subscribes. Fixed once the remote object exists.
    pub customer_ref: LocalRef,
    /// The service plan; it must contain the product. Absent: left as it is (a new tenant gets the platform's default plan).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_plan_ref: Option<LocalRef>,
    /// What is subscribed to: `HybridWorkloads` (servers, databases, virtual machines, NAS), `SaaSAppsAndEndpoints`, or, where
    /// the platform offers it, `ObjectStorage` (room for backups of other programs; without workloads). One `Tenant` for each
    /// customer and product. Fixed once the remote object exists.
    pub product: Product,
    /// `Evaluation`, `Commercial` or `Sandbox`. A sandbox tenant is adopted only, never created, and its type never changes.
    /// Absent: left as it is (a new one is for `Evaluation`).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub tenant_type: Option<TenantType>,
    /// Regions where the data is stored. A region can be added, never removed. Absent: left as they are.
    /// Example: `[eu-central-1]`.
    #[schemars(length(max = 32), inner(length(max = 63), regex(pattern = LABEL_WORD)), extend("x-kubernetes-list-type" = "set"))]
    // As above: taking regions off the list later is refused by a policy.
    #[x_kube(validation = Rule::new("oldSelf.hasValue() || size(self) > 0")
        .message("storageRegions is empty, which would remove every region, and a region can be added but never removed: list the regions, or leave the field out to leave them alone (rule regions-add-only)")
        .optional_old_self(true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_regions: Option<Vec<String>>,
    /// Workloads to protect, each in the plan, with their seats. Absent: all that the plan has for the product.
    #[schemars(length(max = 32), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workloads: Option<Vec<TenantWorkload>>,
    /// How much may be used, and when. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// When the licence expires, RFC 3339. Absent: left as it is (a new tenant gets what the platform grants).
    /// Example: `2027-12-31T00:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence_expires_at: Option<Instant>,
    /// `Active` or `Suspended` (switched off, reversibly). Absent: left as it is (a new one is active).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<TenantState>,
}

/// One workload of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantWorkload {
    /// Name of the workload, as in the plan. Example: `Microsoft365`.
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL_WORD))]
    pub name: String,
    /// Seats: users to protect. Absent: left as it is. Example: `120`.
    #[schemars(range(min = 0, max = 10_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// Seats of users who left and whose data is kept. Absent: left as it is. Example: `10`.
    #[schemars(range(min = 0, max = 10_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preserved_users: Option<u32>,
}

/// How much may be used, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Credits (consumption units), up to three decimals (those in quotes), out of the reseller's allotment. Absent: left as
    /// they are. Empty: no limit. Example: `50` or `"12.5"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// From when the quota is in effect, RFC 3339; nothing is allotted before. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Instant>,
    /// Until when the quota is in effect, RFC 3339; nothing is allotted from then on. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Instant>,
}

/// What the operator knows about the tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantStatus {
    /// The part that every managed kind has.
    #[serde(flatten)]
    pub managed: ManagedStatus,
    /// Edition, from the plan: `Business`, `Enterprise` or `Elite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<Edition>,
    /// Where the platform says it is in its life. Example: `Active`, `Suspended`, `Creating`, `Deleting`.
    #[schemars(length(max = 63))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The quota now, and when it changes next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<QuotaStatus>,
    /// Consumption, mostly of the last 90 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Backup health of the last 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// Short texts for the columns of `kubectl get`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<TenantSummary>,
}

/// The quota now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaStatus {
    /// Credits allotted now: 0 outside the window; absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allotted: Option<Credits>,
    /// Whether now is inside the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_effect: Option<bool>,
    /// When the window opens or closes next; absent when it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_change_at: Option<Timestamp>,
}

/// Short texts for the columns of `kubectl get`; `-` where there is nothing to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantSummary {
    /// The plan, by name of the `ServicePlan`, or by name on the platform.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Type on the platform.
    #[schemars(length(max = 32))]
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub tenant_type: Option<String>,
    /// State on the platform.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Credits allotted now.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<String>,
    /// Credits used, or `-`.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<String>,
    /// Edition, from the plan.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// Storage regions, joined by commas.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<String>,
    /// Day on which the licence expires.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Successful jobs of all, such as `884/900`.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
}

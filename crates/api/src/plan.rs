//! `ServicePlan`: what a tenant may protect, in which edition, and what service level is promised.

use kube::{CustomResource, KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    bounds::LABEL_WORD,
    closed_enum::closed_enum,
    quantity::Percent,
    schema,
    shared::{Edition, Lifecycle, LocalRef, ManagedStatus, Product},
};

closed_enum! {
    /// How often the usage report of a plan is made.
    UsageReport {
        /// Every month.
        Monthly,
        /// Every three months.
        Quarterly,
        /// Every six months.
        HalfYearly,
        /// Every year.
        Yearly,
    }
}

/// What a tenant may protect, in which edition.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "holdfast.dev",
    version = "v1alpha1",
    kind = "ServicePlan",
    plural = "serviceplans",
    shortname = "splan",
    category = "holdfast",
    namespaced,
    status = "ServicePlanStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "A service plan: which products and workloads its tenants may protect, in which edition, and what service level is promised. A plan in use can't be removed, the platform's default plan never.",
    selectable = ".spec.platformRef.name",
    selectable = ".status.protection",
    printcolumn(name = "Plan", type_ = "string", json_path = ".spec.planName", description = "Name on the platform."),
    printcolumn(name = "Editions", type_ = "string", json_path = ".status.summary.editions", description = "Editions of its products."),
    printcolumn(name = "Tenants", type_ = "integer", json_path = ".status.tenants", description = "Tenants that use the plan."),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether the spec is applied and nothing refuses it."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Products", type_ = "string", priority = 1, json_path = ".status.summary.products", description = "Products of the plan."),
    printcolumn(name = "Objective", type_ = "string", priority = 1, json_path = ".status.summary.objective", description = "The service level promised."),
    printcolumn(name = "Default", type_ = "string", priority = 1, json_path = ".status.summary.default", description = "Whether it is the platform's default plan."),
    printcolumn(name = "Id", type_ = "string", priority = 1, json_path = ".status.externalId", description = "Id on the platform."),
    validation = super::rules::name_fits_a_label()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    // Only at creation: Invalid upon a change makes `kubectl apply --force` delete the object. A policy checks changes.
    validation = Rule::new("oldSelf.hasValue() || !has(self.products) || self.products.all(entry, entry.product != 'ObjectStorage' || (!has(entry.edition) && (!has(entry.workloads) || size(entry.workloads) == 0)))")
        .message("object storage has neither edition nor workloads: it holds what other programs back up. Remove edition and workloads from this product (rule object-storage-bare)")
        .field_path(".products")
        .optional_old_self(true),
)]
pub struct ServicePlanSpec {
    /// How this resource and the remote object belong together.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The platform on which the plan is. Fixed once the remote object exists.
    pub platform_ref: LocalRef,
    /// Name of the plan on the platform, unique there. Fixed once the remote object exists. Example: `Gold`.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"\S"))]
    pub plan_name: String,
    /// What the plan contains, one entry a product. Absent: left as it is (a new plan needs at least one).
    #[schemars(length(max = 3), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["product"]))]
    #[x_kube(validation = Rule::new("size(self) > 0")
        .message("products is empty, and a plan without a product could hold no tenant: list at least one product, or leave the field out to leave the plan's products alone"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products: Option<Vec<PlanProduct>>,
    /// How often the usage report is made: `Monthly`, `Quarterly`, `HalfYearly` or `Yearly`. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_report: Option<UsageReport>,
    /// What is promised to those who subscribe. It stays in the cluster: each data source is measured against it from the
    /// platform's job data. Absent: nothing is promised and nothing measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_level: Option<ServiceLevel>,
    /// What an invoice line of those who subscribe counts. It stays in the cluster. Absent: nothing is counted for invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing: Option<PlanBilling>,
}

closed_enum! {
    /// What an invoice line counts.
    BillingUnit {
        /// The mean of the month's daily storage, in GiB.
        GiBMonth,
        /// The credits of the month.
        Credit,
        /// The most seats (users of workloads) of any day.
        Seat,
        /// The most clients of any day.
        Client,
    }
}

/// What an invoice line counts, and what is included in the price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanBilling {
    /// Your own article number. Example: `HF-GOLD`.
    #[schemars(length(min = 1, max = 63), regex(pattern = LABEL_WORD))]
    pub sku: String,
    /// `GiBMonth`: the mean of the month's daily storage, in GiB. `Credit`: the credits of the month. `Seat`, `Client`: the most
    /// of any day.
    pub unit: BillingUnit,
    /// How many units are included in the price. Absent: none. Example: `500`.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub included: Option<u32>,
}

/// One product of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanProduct {
    /// The product: `HybridWorkloads` (servers, databases, virtual machines, NAS), `SaaSAppsAndEndpoints`, or `ObjectStorage`
    /// (room for backups of other programs), which has neither edition nor workloads.
    pub product: Product,
    /// The edition: `Business`, `Enterprise` or `Elite`. Absent: left as it is (a new product gets `Business`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<Edition>,
    /// Workloads that tenants may protect. Absent: left as they are. Example: `[FileServers, MSSQL, NAS, Oracle, VMware]` or
    /// `[Microsoft365, GoogleWorkspace, Endpoints]`.
    #[schemars(length(max = 32), inner(length(max = 63), regex(pattern = LABEL_WORD)), extend("x-kubernetes-list-type" = "set"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workloads: Option<Vec<String>>,
}

/// What is promised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceLevel {
    /// Longest time since the last successful backup of a data source, from `1m` to `8760h`. Absent: none promised.
    /// Example: `24h`.
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m') && duration(self) <= duration('8760h')")
        .message("recoveryPointObjective is out of range: write a duration from 1m to 8760h such as 24h (a day)"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_point_objective: Option<Duration>,
    /// Least share of backup jobs that succeed, in percent, from 0 to 100, up to three decimals (those in quotes). Absent:
    /// none promised. Example: `98` or `"99.5"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_success_percent: Option<Percent>,
    /// Longest time since something was last restored from a data source, from `1h` to `43800h` (five years): a backup that was
    /// never restored from is a hope. Held only against what the platform tells of restores. Absent: none promised. Example:
    /// `2160h` (90 days).
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1h') && duration(self) <= duration('43800h')")
        .message("restoreTestInterval is out of range: write a duration from 1h to 43800h such as 2160h (90 days)"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_test_interval: Option<Duration>,
}

/// What the operator knows about the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlanStatus {
    /// The part that every managed kind has.
    #[serde(flatten)]
    pub managed: ManagedStatus,
    /// Tenants that use the plan. Deleting is refused while there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenants: Option<u64>,
    /// Whether it is the platform's default plan, which is never removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
    /// Editions of its products: `Business`, `Enterprise`, `Elite`.
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub editions: Vec<Edition>,
    /// Short texts for the columns of `kubectl get`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<ServicePlanSummary>,
}

/// Short texts for the columns of `kubectl get`; `-` where there is nothing to show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlanSummary {
    /// Editions, joined by commas.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub editions: Option<String>,
    /// Products, joined by commas.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products: Option<String>,
    /// The service level, such as `24h, 98%`.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    /// Whether it is the default plan: `Yes` or `No`.
    #[schemars(length(max = 8))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

//! Requests to the platform, by the vendor's OpenAPI document: instants to the second in UTC, attributes in the type of the
//! wire, and nothing that the document doesn't declare.
//!
//! Source: Druva OpenAPI "Druva MSP" 1.0.0, schemas.

use serde::Serialize;
use serde_json::Value;

use super::wire::{CustomerAttribute, Feature, FeatureAttribute, Region};
use crate::api::{Instant, Moment};

/// A feature of a tenant, switched on or off. Source: Druva OpenAPI, `PatchTenantFeatures`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SwitchedFeature {
    pub(super) name: String,
    pub(super) is_enabled: bool,
    pub(super) attrs: Vec<FeatureAttribute>,
}

/// Source: Druva OpenAPI, `CreateCustomerV3Request`.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewCustomer {
    pub(super) account_name: String,
    pub(super) customer_name: String,
    pub(super) address: String,
    pub(super) phone: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tenant_admins: Vec<i64>,
    pub(super) attributes: Vec<CustomerAttribute>,
}

/// All settings of a customer, since the call replaces all. Source: Druva OpenAPI, `UpdateCustomerV3Request`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WholeCustomer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account_name: Option<String>,
    pub(super) customer_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) features: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant_admins: Option<Vec<i64>>,
    pub(super) attributes: Vec<CustomerAttribute>,
}

/// Source: Druva OpenAPI, `CreateTenantV3Request`.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewTenant {
    #[serde(rename = "productID")]
    pub(super) product_id: i64,
    #[serde(rename = "servicePlanID")]
    pub(super) service_plan_id: i64,
    pub(super) tenant_type: i64,
    pub(super) license_expiry_date: String,
    pub(super) storage_regions: Vec<Region>,
    pub(super) features: Vec<Feature>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota_start_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota_end_date: Option<String>,
}

/// The changes of a tenant. Source: Druva OpenAPI, `PatchTenantRequest`.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChangedTenant {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) license_expiry_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota_start_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quota_end_date: Option<String>,
    #[serde(rename = "servicePlanID", skip_serializing_if = "Option::is_none")]
    pub(super) service_plan_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant_type: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_regions: Option<Vec<Region>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) features: Option<Vec<SwitchedFeature>>,
}

/// All quotas of a customer and product, since the call replaces all. Source: Druva OpenAPI,
/// `QuotaSaveQuotaConfigRequestBody`.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct QuotaConfigurations {
    pub(super) config: Vec<QuotaEntry>,
}

/// Source: Druva OpenAPI, `QuotaConfigEntry`.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaEntry {
    pub(super) product_module_id: i64,
    pub(super) consumption_parameter: String,
    pub(super) quota: Value,
    pub(super) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) increment_settings: Option<QuotaIncrements>,
}

/// Source: Druva OpenAPI, `QuotaIncrementSettings`.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaIncrements {
    pub(super) increment_by: Value,
    pub(super) frequency: i64,
    pub(super) increment_till: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) skip_next_increment: Option<bool>,
}

/// An instant as requests carry it: UTC, to the second, with `Z`; never as it was written.
pub(super) fn date(instant: &Instant) -> String {
    match instant.moment() {
        Some(Moment::At(time)) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Some(Moment::Never) | None => instant.as_str().to_owned(),
    }
}

//! The platform's answers, by the vendor's OpenAPI document. They are read leniently: unknown members are ignored, and an
//! unknown figure is kept.
//!
//! Source: Druva OpenAPI "Druva MSP" 1.0.0, schemas.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};

use super::lenient;
use crate::{
    api::Instant,
    estate::ItemKind,
    rows::{Lost, Raw, salvage},
};

/// One page of a list or report. The member that holds the rows is named after its content.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    /// The contract's `data::` of one report is a slip that a server may have followed.
    #[serde(
        alias = "customers",
        alias = "tenants",
        alias = "servicePlans",
        alias = "admins",
        alias = "events",
        alias = "quotaConfigList",
        alias = "data",
        alias = "data::",
        deserialize_with = "lenient::list"
    )]
    pub(super) rows: Vec<Raw>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) next_page_token: Option<String>,
    #[serde(default, deserialize_with = "lenient::instant")]
    pub(super) last_sync_timestamp: Option<Timestamp>,
}

/// What a list holds.
pub(super) trait Row: DeserializeOwned {
    /// Its kind, where it can't be read.
    const KIND: ItemKind;
    /// Members that are required.
    const NEEDED: &'static [&'static str];

    /// A value that may occur once in a list.
    fn key(&self) -> String;

    /// The place to record what of it can't be read.
    fn odd(&mut self) -> &mut Option<String>;

    /// Reads an entry, as far as it can be read.
    ///
    /// # Errors
    /// A required member can't be read.
    fn read(raw: &RawValue) -> Result<Self, Lost> {
        let (mut row, odd) = salvage::<Self>(raw, Self::NEEDED)?;
        *row.odd() = odd;
        Ok(row)
    }
}

/// Implements [`Row`] for entries with an id.
macro_rules! row {
    ($name:ident, $needed:expr, |$this:ident| $key:expr) => {
        impl Row for $name {
            const KIND: ItemKind = ItemKind::$name;
            const NEEDED: &'static [&'static str] = &$needed;

            fn key(&self) -> String {
                let $this = self;
                $key
            }

            fn odd(&mut self) -> &mut Option<String> {
                &mut self.odd
            }
        }
    };
}

row!(Customer, ["id"], |this| this.id.clone());
row!(Tenant, ["id", "customerID", "productID"], |this| this
    .id
    .clone());
row!(ServicePlan, ["id"], |this| this.id.to_string());

/// Source: Druva OpenAPI, `GetCustomerV3Response`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Customer {
    pub(super) id: String,
    #[serde(default, deserialize_with = "lenient::words")]
    pub(super) account_name: Option<String>,
    #[serde(rename = "customerName", default, deserialize_with = "lenient::words")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "lenient::words")]
    pub(super) address: Option<String>,
    #[serde(default, deserialize_with = "lenient::words")]
    pub(super) phone: Option<String>,
    /// Sent back as they were read: what they may hold besides a name isn't documented.
    #[serde(default)]
    pub(super) features: Option<Vec<Value>>,
    #[serde(default)]
    pub(super) tenant_admins: Option<Vec<i64>>,
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) status: Option<i64>,
    #[serde(default, deserialize_with = "lenient::dated")]
    pub(super) created_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) attributes: Vec<CustomerAttribute>,
    /// What of it can't be read.
    #[serde(skip)]
    pub(super) odd: Option<String>,
}

/// An attribute of a customer: a text on both sides. Source: Druva OpenAPI, `CustomerAttributes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CustomerAttribute {
    pub(super) name: String,
    #[serde(deserialize_with = "any_text")]
    pub(super) value: String,
}

fn any_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    lenient::text(from).map(Option::unwrap_or_default)
}

/// Source: Druva OpenAPI, `GetTenantV3Response`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tenant {
    pub(super) id: String,
    #[serde(rename = "customerID")]
    pub(super) customer_id: String,
    #[serde(rename = "productID")]
    pub(super) product_id: i64,
    /// -1 where the vendor provisions the customer itself.
    #[serde(
        rename = "servicePlanID",
        default,
        deserialize_with = "lenient::figure"
    )]
    pub(super) service_plan_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) edition: Option<String>,
    #[serde(rename = "tenantType", default, deserialize_with = "lenient::whole")]
    pub(super) kind: Option<i64>,
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) status: Option<i64>,
    #[serde(default, deserialize_with = "lenient::lasting")]
    pub(super) license_expiry_date: Option<Instant>,
    #[serde(default, deserialize_with = "lenient::amount")]
    pub(super) quota: Option<f64>,
    #[serde(default, deserialize_with = "lenient::lasting")]
    pub(super) quota_start_date: Option<Instant>,
    #[serde(default, deserialize_with = "lenient::lasting")]
    pub(super) quota_end_date: Option<Instant>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) storage_regions: Vec<Region>,
    /// Returned only on request.
    #[serde(default)]
    pub(super) features: Option<Vec<Feature>>,
    #[serde(default, deserialize_with = "lenient::dated")]
    pub(super) created_on: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::dated")]
    pub(super) delete_date: Option<Timestamp>,
    /// What of it can't be read.
    #[serde(skip)]
    pub(super) odd: Option<String>,
}

/// A storage region. Source: Druva OpenAPI, `StorageRegions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Region {
    pub(super) name: String,
    #[serde(
        default,
        deserialize_with = "lenient::whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) storage_provider: Option<i64>,
}

/// A feature of a tenant. Source: Druva OpenAPI, `TenantFeaturesV3`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Feature {
    pub(super) name: String,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) attrs: Vec<FeatureAttribute>,
}

/// An attribute of a feature: declared as an object, a whole number on the wire. Source: Druva OpenAPI,
/// `FeatureAttributeForV3` and its example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FeatureAttribute {
    pub(super) name: String,
    #[serde(default)]
    pub(super) value: Value,
}

impl FeatureAttribute {
    /// An attribute that counts.
    pub(super) fn count(name: &str, count: u64) -> Self {
        Self {
            name: name.to_owned(),
            value: count.into(),
        }
    }

    /// The attribute as it may be sent: a whole number as one, whatever it came as.
    pub(super) fn strict(self) -> Self {
        let value = lenient::as_whole(&self.value).map_or(self.value, Value::from);
        Self { value, ..self }
    }
}

/// Source: Druva OpenAPI, `ServicePlanV3`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ServicePlan {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) products: Vec<PlanProduct>,
    /// What of it can't be read.
    #[serde(skip)]
    pub(super) odd: Option<String>,
}

/// Source: Druva OpenAPI, `ServicePlanProductDetailsV3Response`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PlanProduct {
    #[serde(rename = "productID")]
    pub(super) product_id: i64,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) edition: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) features: Vec<PlanFeature>,
}

/// Source: Druva OpenAPI, `ServicePlanProductFeaturesV3`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlanFeature {
    pub(super) name: String,
    #[serde(default)]
    pub(super) is_enabled: bool,
}

/// Source: Druva OpenAPI, `AdminV2Response`. Its `status` isn't read: sources contradict each other about the meaning of its
/// figures.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Admin {
    pub(super) id: i64,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) email: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) first_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) last_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) role: Option<i64>,
    #[serde(default)]
    pub(super) active: bool,
    /// What of it can't be read.
    #[serde(skip)]
    pub(super) odd: Option<String>,
}

impl Row for Admin {
    const KIND: ItemKind = ItemKind::Administrator;
    const NEEDED: &'static [&'static str] = &["id"];

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn odd(&mut self) -> &mut Option<String> {
        &mut self.odd
    }
}

/// Source: Druva OpenAPI, `GetStorageRegionsResponse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StorageRegions {
    #[serde(deserialize_with = "lenient::list")]
    pub(super) storage_regions: Vec<Raw>,
}

/// The regions that a product may use.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ProductRegions {
    #[serde(rename = "productID")]
    pub(super) product_id: i64,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) regions: Vec<Region>,
}

/// The quotas of a customer. Source: Druva OpenAPI, `QuotaConfigurationList`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CustomerQuotas {
    pub(super) customer_global_id: String,
    #[serde(default, deserialize_with = "lenient::list")]
    pub(super) quota_config: Vec<Quota>,
    /// What of it can't be read.
    #[serde(skip)]
    pub(super) odd: Option<String>,
}

impl Row for CustomerQuotas {
    const KIND: ItemKind = ItemKind::Customer;
    const NEEDED: &'static [&'static str] = &["customerGlobalId"];

    fn odd(&mut self) -> &mut Option<String> {
        &mut self.odd
    }

    /// Includes the quotas: whether a customer's quotas may continue on the next page isn't documented.
    fn key(&self) -> String {
        let quotas = self.quota_config.iter();
        let quotas = quotas.map(|quota| {
            let place = (quota.product_id, quota.product_module_id);
            (place, quota.consumption_parameter.as_deref())
        });
        format!(
            "{} {:?}",
            self.customer_global_id,
            quotas.collect::<Vec<_>>()
        )
    }
}

/// The quota of a consumption parameter. Source: Druva OpenAPI, `QuotaConfigurationResponse`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Quota {
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) product_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) product_module_id: Option<i64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) consumption_parameter: Option<String>,
    #[serde(rename = "quotaLimit", default, deserialize_with = "lenient::number")]
    pub(super) limit: Option<f64>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) unit: Option<String>,
    #[serde(default)]
    pub(super) increment_settings: Option<QuotaIncrementsShown>,
}

/// How a quota grows by itself. Source: Druva OpenAPI, `QuotaIncrementSettingsResponse`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QuotaIncrementsShown {
    #[serde(default, deserialize_with = "lenient::number")]
    pub(super) increment_by: Option<f64>,
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) frequency: Option<i64>,
    #[serde(default, deserialize_with = "lenient::lasting")]
    pub(super) increment_till: Option<Instant>,
    #[serde(default)]
    pub(super) skip_next_increment: Option<bool>,
}

/// Source: Druva OpenAPI, `ListMSPEvents`.
#[derive(Deserialize)]
pub(super) struct Event {
    #[serde(rename = "globalID", default, deserialize_with = "lenient::text")]
    pub(super) global_id: Option<String>,
}

/// The answer to a request that is finished later. Source: Druva OpenAPI, `TaskCreatedResponse`.
#[derive(Deserialize)]
pub(super) struct Accepted {
    pub(super) task: TaskId,
}

/// A task, by id.
#[derive(Deserialize)]
pub(super) struct TaskId {
    pub(super) id: String,
}

/// Source: Druva OpenAPI, `GetTaskResponse`.
#[derive(Deserialize)]
pub(super) struct Task {
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) status: Option<i64>,
    #[serde(default)]
    pub(super) output: Option<TaskOutput>,
}

/// How a task ended.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskOutput {
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) failed: Option<i64>,
    #[serde(default)]
    pub(super) success_resp: Option<TaskSuccess>,
    #[serde(default)]
    pub(super) error_resp: Option<ErrorBody>,
}

/// What a task created.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskSuccess {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) entity_id: Option<String>,
}

/// Why something failed: a text as code over HTTP, a number in a task. Source: Druva OpenAPI, `APIError` and `errorResp`.
#[derive(Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) message: Option<String>,
}

/// Source: Druva OpenAPI, `GenerateTokenResponse`, and its clients: the token's own answer has no schema.
#[derive(Deserialize)]
pub(super) struct TokenBody {
    #[serde(deserialize_with = "secret")]
    pub(super) access_token: SecretString,
    #[serde(default, deserialize_with = "lenient::whole")]
    pub(super) expires_in: Option<i64>,
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

//! The report of all usage: credits of each account and module, without a day and without bytes. It includes tenants without
//! itemised figures, such as sandboxes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{Druva, known::Known, lenient, refusal::GLOBAL_USAGE, words::product_of_module};
use crate::{
    PlatformError,
    estate::{ItemKind, Unread},
};

/// Source: Druva OpenAPI, `GlobalUsageItemV3`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(default, deserialize_with = "lenient::text")]
    account_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    product_module: Option<String>,
    #[serde(default, deserialize_with = "lenient::number")]
    cu_consumption: Option<f64>,
}

/// The report's figures for known tenants.
#[derive(Default)]
pub(super) struct GlobalUsage {
    /// By customer and tenant.
    pub(super) credits: BTreeMap<(String, String), f64>,
    /// The age of the report, as it says.
    pub(super) said: Option<Timestamp>,
    /// Rows that can't be read.
    pub(super) unreadable: Unread,
}

impl GlobalUsage {
    /// Adds a row to its tenant. A row that could be another tenant's is left out.
    fn add(&mut self, row: &Row, known: &Known) {
        let product = row.product_module.as_deref().and_then(product_of_module);
        let account = row.account_name.as_deref();
        let tenant = account
            .zip(product)
            .and_then(|(account, product)| known.tenant_by_account(account, product));
        if let Some(((customer, tenant), credits)) = tenant.zip(row.cu_consumption) {
            let key = (customer.to_string(), tenant.to_string());
            *self.credits.entry(key).or_default() += credits;
        }
    }
}

impl Druva {
    /// Empty before tenants were listed, and where the platform refuses the report or it can't be understood: neither ends by
    /// itself. A failure that may end by itself is an error.
    pub(super) async fn global_usage(&self) -> Result<GlobalUsage, PlatformError> {
        let mut global = GlobalUsage::default();
        if self.known.listed().is_none() {
            return Ok(global);
        }
        let path = ["reporting", "v3", "reports", "mspGlobalUsage"];
        let each = |row: Row| global.add(&row, &self.known);
        let mut unreadable = Unread::default();
        let noted = (ItemKind::UsageRow, &mut unreadable);
        match self
            .report(GLOBAL_USAGE, &path, json!([]), noted, each)
            .await
        {
            Ok(said) => Ok(GlobalUsage {
                said,
                unreadable,
                ..global
            }),
            Err(error @ (PlatformError::Refused(_) | PlatformError::Garbled(_))) => {
                tracing::warn!(%error, "the report of all usage can't be read; what isn't itemised isn't shown");
                Ok(GlobalUsage::default())
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;

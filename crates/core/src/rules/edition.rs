//! What an edition doesn't offer.

use serde_json::Value;

use super::registry::{self, Refusal};
use crate::estate::Settings;

/// The edition that has limits, and the workloads that it doesn't offer. Source: Druva OpenAPI, `createTenantV3`.
const LIMITED: &str = "Business";
const NOT_OFFERED: [&str; 3] = ["Endpoints", "D365", "Okta"];

/// The first of these workloads that an entry of a plan's products doesn't offer by its edition.
pub(super) fn beyond<'a>(
    entry: &Value,
    mut workloads: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let limited = entry.get("edition").and_then(Value::as_str) == Some(LIMITED);
    workloads.find(|name| limited && NOT_OFFERED.contains(name))
}

/// Why a plan can't have these products, if so. Serves R-D20.
pub fn edition(settings: &Settings) -> Option<Refusal> {
    let products = settings.get("products").and_then(Value::as_array)?;
    products.iter().find_map(|entry| {
        let workloads = entry.get("workloads").and_then(Value::as_array)?;
        let outside = beyond(entry, workloads.iter().filter_map(Value::as_str))?;
        let product = entry.get("product").and_then(Value::as_str)?;
        Some(refusal(&format!("products[{product}].workloads"), outside))
    })
}

/// The message about a workload that the edition doesn't offer.
pub(super) fn refusal(field: &str, workload: &str) -> Refusal {
    Refusal::new(
        &registry::EDITION_LIMITS,
        field,
        format!("{workload} isn't available in the edition {LIMITED}"),
        format!("Remove {workload}, or choose the edition Enterprise or Elite for the plan"),
    )
}

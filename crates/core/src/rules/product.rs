//! What a product can be: one that the platform offers, and object storage without what only backup products have.

use serde_json::Value;

use super::registry::{self, Refusal};
use crate::{
    api::{Kind, shared::Product},
    estate::{Capabilities, Settings},
};

/// Why a platform can't have a tenant of this product, if so. Serves R-D30.
pub fn offered(capabilities: &Capabilities, kind: Kind, settings: &Settings) -> Option<Refusal> {
    let product = settings.text("product").filter(|_| kind == Kind::Tenant)?;
    let product: Product = product.parse().ok()?;
    if capabilities.offers(product) {
        return None;
    }
    let every = Product::ALL.iter().copied();
    let offered = every.filter(|product| capabilities.offers(*product));
    let offered: Vec<&str> = offered.map(Product::as_str).collect();
    Some(Refusal::new(
        &registry::PRODUCT_OFFERED,
        "product",
        format!("the platform doesn't offer {}", product.as_str()),
        format!("Choose {}, or another platform", offered.join(" or ")),
    ))
}

/// Why object storage can't have this, if so. Serves R-D30, R-D20.
pub fn bare(kind: Kind, settings: &Settings) -> Option<Refusal> {
    let storage = Product::ObjectStorage.as_str();
    let field = match kind {
        Kind::Tenant if settings.text("product") == Some(storage) => {
            let workloads = settings.get("workloads")?.as_array()?;
            (!workloads.is_empty()).then_some("workloads")
        }
        Kind::ServicePlan => {
            let mut entries = settings.get("products")?.as_array()?.iter();
            let entry = entries.find(|entry| entry["product"] == storage)?;
            let stated = |member: &&str| entry.get(member).is_some_and(|value| !is_empty(value));
            ["edition", "workloads"].into_iter().find(stated)
        }
        _ => None,
    }?;
    let place = match kind {
        Kind::ServicePlan => format!("products[{storage}].{field}"),
        _ => field.to_owned(),
    };
    Some(Refusal::new(
        &registry::OBJECT_STORAGE_BARE,
        place,
        "object storage has neither edition nor workloads: it holds what other programs back up",
        format!("Remove {field}"),
    ))
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

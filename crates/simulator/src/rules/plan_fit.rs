//! Whether a tenant fits its service plan (D20, D32).

use serde_json::Value;

use crate::{item::Item, problem::Problem};

/// The plan's entry for a product.
pub(crate) fn entry<'a>(plan: &'a Item, product: &str) -> Option<&'a Value> {
    plan.value("products")?
        .as_array()?
        .iter()
        .find(|entry| entry["product"] == product)
}

/// Names of a plan's workloads for a product.
pub(crate) fn workloads<'a>(plan: &'a Item, product: &str) -> Vec<&'a str> {
    let listed = entry(plan, product).and_then(|entry| entry["workloads"].as_array());
    listed
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Names of the workloads that a tenant lists.
pub(crate) fn listed(tenant: &Item) -> Vec<&str> {
    let entries = tenant.value("workloads").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["name"].as_str())
        .collect()
}

/// Refuses a tenant whose product or workloads the plan doesn't cover.
pub(crate) fn check(plan: &Item, tenant: &Item) -> Result<(), Problem> {
    let product = tenant.text("product").unwrap_or_default();
    if entry(plan, product).is_none() {
        return Err(Problem::invalid(
            "planId",
            format!("{} doesn't cover {product}", plan.label()),
        )
        .remedy("Choose a plan that covers the product, or add the product to the plan first"));
    }
    let covered = workloads(plan, product);
    match listed(tenant)
        .into_iter()
        .find(|name| !covered.contains(name))
    {
        None => Ok(()),
        Some(name) => Err(Problem::invalid(
            "workloads",
            format!(
                "{} doesn't cover the workload {name} of {product}",
                plan.label()
            ),
        )
        .remedy(format!(
            "Choose among {}, or another plan",
            covered.join(", ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use jiff::Timestamp;
    use serde_json::json;

    #[test]
    fn a_plan_must_cover_product_and_workloads() {
        // R-D32
        let item = |kind, settings: Value| {
            Item::new(
                kind,
                serde_json::from_value(settings).expect("an object"),
                Timestamp::UNIX_EPOCH,
            )
        };
        let plan = item(
            Kind::Plan,
            json!({"name": "Gold", "products": [{"product": "HybridWorkloads", "workloads": ["NAS", "MSSQL"]}]}),
        );
        let field = |settings| {
            check(&plan, &item(Kind::Tenant, settings))
                .err()
                .and_then(|problem| problem.field)
        };
        assert_eq!(field(json!({"product": "HybridWorkloads"})), None);
        assert_eq!(
            field(json!({"product": "HybridWorkloads", "workloads": [{"name": "NAS"}]})),
            None
        );
        assert_eq!(
            field(json!({"product": "HybridWorkloads", "workloads": [{"name": "Oracle"}]}))
                .as_deref(),
            Some("workloads")
        );
        assert_eq!(
            field(json!({"product": "SaaSAppsAndEndpoints"})).as_deref(),
            Some("planId")
        );
    }
}

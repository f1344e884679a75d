//! Whether a service plan fits what a tenant wants of it.

use serde_json::Value;

use super::registry::{self, Refusal};
use crate::estate::{Object, Settings};

/// Why a tenant with these settings can't be on the plan, if so. Serves R-D30, R-D32.
pub fn plan_fit(settings: &Settings, held: Option<&Settings>, plan: &Object) -> Option<Refusal> {
    let product = settings.text("product").or_else(|| held?.text("product"))?;
    let products = plan.settings.get("products").and_then(Value::as_array)?;
    let named = |entry: &&Value| entry.get("product").and_then(Value::as_str) == Some(product);
    let Some(entry) = products.iter().find(named) else {
        let others: Vec<&str> = products
            .iter()
            .filter_map(|entry| entry.get("product")?.as_str())
            .collect();
        let message = format!(
            "plan {:?} doesn't contain {product}; it contains {}",
            plan.name,
            listed(&others)
        );
        let remedy = "Choose a plan that contains the product, or add it to the plan";
        let rule = &registry::PLAN_COVERS_PRODUCT;
        return Some(Refusal::new(rule, "servicePlanRef", message, remedy));
    };
    let offered = entry.get("workloads").and_then(Value::as_array);
    let offered: Vec<&str> = offered
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let wanted = settings.get("workloads").or_else(|| held?.get("workloads"));
    let wanted = wanted.and_then(Value::as_array).into_iter().flatten();
    let outside = wanted
        .filter_map(|workload| workload.get("name")?.as_str())
        .find(|name| !offered.is_empty() && !offered.contains(name))?;
    let message = format!(
        "{outside} is not in plan {:?}, which offers {} for {product}",
        plan.name,
        listed(&offered)
    );
    let remedy = "Take the workload out, choose a plan that offers it, or add it to the plan";
    let rule = &registry::WORKLOAD_IN_PLAN;
    Some(Refusal::new(
        rule,
        format!("workloads[{outside}]"),
        message,
        remedy,
    ))
}

fn listed(words: &[&str]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}

//! Whether a service plan fits what a tenant wants of it.

use serde_json::Value;

use super::{
    edition,
    registry::{self, Refusal, Rule},
};
use crate::estate::{Object, Settings};

/// What of a tenant a plan doesn't offer.
pub(super) struct Unfit<'a> {
    /// The rule.
    pub rule: &'static Rule,
    /// The tenant's product.
    pub product: &'a str,
    /// The workload, where it isn't the product as a whole.
    pub workload: Option<&'a str>,
    /// What the plan has instead.
    pub offered: Vec<&'a str>,
}

/// Why a tenant with these settings can't be on the plan, if so. Serves R-D30, R-D32.
pub fn plan_fit(settings: &Settings, held: Option<&Settings>, plan: &Object) -> Option<Refusal> {
    let Some(unfit) = fits(settings, held, &plan.settings) else {
        return beyond_edition(settings, held, &plan.settings);
    };
    let (product, offered) = (unfit.product, listed(&unfit.offered));
    let Some(outside) = unfit.workload else {
        let message = format!(
            "plan {:?} doesn't contain {product}; it contains {offered}",
            plan.name
        );
        let remedy = "Choose a plan that contains the product, or add it to the plan";
        return Some(Refusal::new(unfit.rule, "servicePlanRef", message, remedy));
    };
    let message = format!(
        "{outside} is not in plan {:?}, which offers {offered} for {product}",
        plan.name
    );
    let remedy = "Remove the workload, choose a plan that offers it, or add it to the plan";
    let field = format!("workloads[{outside}]");
    Some(Refusal::new(unfit.rule, field, message, remedy))
}

/// The first workload of a tenant that its plan's edition doesn't offer. Where the plan lists its workloads, the platform has
/// decided that already.
fn beyond_edition(
    settings: &Settings,
    held: Option<&Settings>,
    plan: &Settings,
) -> Option<Refusal> {
    let product = settings.text("product").or_else(|| held?.text("product"))?;
    let entry = entry(plan, product).filter(|entry| entry.get("workloads").is_none())?;
    let outside = edition::beyond(entry, wanted(settings, held))?;
    Some(edition::refusal(&format!("workloads[{outside}]"), outside))
}

/// A plan's entry for a product.
fn entry<'a>(plan: &'a Settings, product: &str) -> Option<&'a Value> {
    let products = plan.get("products").and_then(Value::as_array)?;
    let named = |entry: &&Value| entry.get("product").and_then(Value::as_str) == Some(product);
    products.iter().find(named)
}

/// The workloads that a tenant has or wants.
fn wanted<'a>(settings: &'a Settings, held: Option<&'a Settings>) -> impl Iterator<Item = &'a str> {
    let workloads = settings.get("workloads").or_else(|| held?.get("workloads"));
    let workloads = workloads.and_then(Value::as_array).into_iter().flatten();
    workloads.filter_map(|workload| workload.get("name")?.as_str())
}

/// The first thing of a tenant that a plan with these settings doesn't offer.
pub(super) fn fits<'a>(
    settings: &'a Settings,
    held: Option<&'a Settings>,
    plan: &'a Settings,
) -> Option<Unfit<'a>> {
    let product = settings.text("product").or_else(|| held?.text("product"))?;
    let products = plan.get("products").and_then(Value::as_array)?;
    let Some(entry) = entry(plan, product) else {
        let others = products.iter();
        return Some(Unfit {
            rule: &registry::PLAN_COVERS_PRODUCT,
            product,
            workload: None,
            offered: others
                .filter_map(|entry| entry.get("product")?.as_str())
                .collect(),
        });
    };
    let offered = entry.get("workloads").and_then(Value::as_array);
    let offered: Vec<&str> = offered
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let outside =
        wanted(settings, held).find(|name| !offered.is_empty() && !offered.contains(name))?;
    Some(Unfit {
        rule: &registry::WORKLOAD_IN_PLAN,
        product,
        workload: Some(outside),
        offered,
    })
}

fn listed(words: &[&str]) -> String {
    if words.is_empty() {
        "nothing".to_owned()
    } else {
        words.join(", ")
    }
}

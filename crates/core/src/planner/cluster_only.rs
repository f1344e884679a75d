//! Resources of a kind that the platform has no objects of: they exist in the cluster alone, and what of them has no effect is said.

use serde_json::Value;

use super::{
    PlatformFacts, Step, Verdict, View,
    desired::{desired, spec_field},
    refusals,
    step::settle,
};
use crate::api::{Kind, shared::ManualStep};

/// The one step: nothing is sent. A reseller groups the resources that refer to it, and allots its own share to them.
pub fn next(view: &View<'_>, platform: &PlatformFacts) -> Step {
    if let Some(refusal) = refusals::circle(view) {
        return refusals::refuse(&refusal);
    }
    let mut step = settle(Verdict::ClusterOnly(message(view.declared.kind)), None);
    if let Step::Settle(settlement) = &mut step {
        let (steps, nowhere) = without_effect(view, platform);
        settlement.manual_steps = steps;
        settlement.not_acted_on = nowhere;
    }
    step
}

fn message(kind: Kind) -> String {
    let role = match kind {
        Kind::Tenant => "The service plan that it names holds for its customer's figures.",
        Kind::ServicePlan => {
            "What it promises and bills is measured for the customers whose tenants name it."
        }
        Kind::Reseller | Kind::Customer => {
            "It groups the resources that refer to it, and Holdfast enforces its allotment."
        }
    };
    format!(
        "The platform has no objects of kind {}: this resource exists in the cluster only. {role}",
        kind.as_str()
    )
}

/// Whether a field means something in the cluster.
fn has_effect(kind: Kind, field: &str) -> bool {
    let fields: &[&str] = match kind {
        Kind::Tenant => &["customerRef", "servicePlanRef", "product", "reference"],
        Kind::ServicePlan => &["planName", "products", "reference"],
        // Customers inherit from resellers, whatever the platform has of them.
        Kind::Reseller | Kind::Customer => return true,
    };
    fields.contains(&field)
}

/// What a person does at the console instead, and the fields that have no counterpart at all.
fn without_effect(view: &View<'_>, platform: &PlatformFacts) -> (Vec<ManualStep>, Vec<String>) {
    const PLAN: &str = "servicePlanRef";
    let declared = view.declared;
    let kind = declared.kind;
    let settings = desired(view, platform).unwrap_or_default();
    let mut fields: Vec<String> = settings
        .filled()
        .map(|setting| spec_field(kind, setting))
        .collect();
    // A plan that is in the cluster alone has no id that a setting could hold.
    let names_a_plan = declared.spec.get(PLAN).is_some_and(Value::is_object);
    if names_a_plan && !declared.lifecycle.ignores(PLAN) {
        fields.push(PLAN.to_owned());
    }
    let (mut steps, mut nowhere) = (Vec::new(), Vec::new());
    for field in fields {
        match platform.capabilities.console_page(kind, &field) {
            Some(page) => steps.push(ManualStep {
                step: page.to_owned(),
                field,
            }),
            None if has_effect(kind, &field) => {}
            None => nowhere.push(field),
        }
    }
    (steps, nowhere)
}

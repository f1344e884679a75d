//! What is below an object stays valid when the object changes: resellers and customers of a reseller, tenants of a plan.

use std::sync::Arc;

use super::{
    hierarchy::{passes_on, rank},
    plan_fit::fits,
    registry::{self, Refusal},
};
use crate::{
    api::Kind,
    estate::{Object, Settings},
};

/// Why these settings would break a rule for an existing object below, if so. `below` are resellers and customers directly
/// below a reseller, or the tenants of a plan. Serves R-S4, R-S20, R-D30, R-D32.
pub fn below(kind: Kind, settings: &Settings, below: &[Arc<Object>]) -> Option<Refusal> {
    below.iter().find_map(|object| match kind {
        Kind::Reseller => level(settings, object).or_else(|| service_type(settings, object)),
        Kind::ServicePlan => plan(settings, object),
        Kind::Customer | Kind::Tenant => None,
    })
}

fn level(settings: &Settings, child: &Object) -> Option<Refusal> {
    let level = settings.text("level")?;
    let theirs = child.settings.text("level").unwrap_or("Reseller");
    if child.kind != Kind::Reseller || rank(level) < rank(theirs) {
        return None;
    }
    let message = format!(
        "reseller {} directly below is a {theirs}, which can't be below a {level}",
        child.id
    );
    let remedy = "Choose a higher level, or lower or move the resellers below first";
    let rule = &registry::LEVEL_BELOW_PARENT;
    Some(Refusal::new(rule, "level", message, remedy))
}

fn service_type(settings: &Settings, child: &Object) -> Option<Refusal> {
    let theirs = child.settings.text("serviceType")?;
    if passes_on(settings, theirs) {
        return None;
    }
    let message = format!(
        "{} {} directly below has service type {theirs}, which would no longer be passed on",
        child.kind.as_str(),
        child.id
    );
    let remedy = "Keep it in childServiceTypes, or change the resources below first";
    let rule = &registry::SERVICE_TYPE_PASSED_ON;
    Some(Refusal::new(rule, "childServiceTypes", message, remedy))
}

fn plan(settings: &Settings, tenant: &Object) -> Option<Refusal> {
    let unfit = fits(&tenant.settings, None, settings)?;
    let what = match unfit.workload {
        Some(workload) => format!("uses {workload}"),
        None => format!("has product {}", unfit.product),
    };
    let message = format!(
        "tenant {} is on this plan and {what}, which the plan would no longer offer",
        tenant.id
    );
    let remedy = "Keep it in the plan, or move the tenant to another plan first";
    Some(Refusal::new(unfit.rule, "products", message, remedy))
}

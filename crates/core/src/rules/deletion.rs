//! Whether a remote object may be deleted.

use super::registry::{self, Refusal};
use crate::{
    api::Kind,
    estate::{Capabilities, Capability, DELETE, Object, Protection},
};

/// How to remove the resource in spite of the rule.
const RELEASE: &str = "set deletionPolicy: Retain to release it unchanged";

/// Resources that a message names.
const NAMED: usize = 5;

/// What hangs below an object in the cluster.
pub struct Below<'a> {
    /// Resources that hold something on the platform.
    pub resources: &'a [String],
    /// How many of them manage a part of the object's own record, which the platform doesn't count below it.
    pub facets: u32,
}

/// Why a remote object must not be deleted, if so: what the platform can't do, keeps for itself, or still holds below it.
/// Serves R-D6, R-D13, R-D22, R-S3.
pub fn deletion(
    capabilities: &Capabilities,
    object: &Object,
    below: &Below<'_>,
) -> Option<Refusal> {
    let (kind, id) = (object.kind.as_str(), &object.id);
    let needed = Capability::delete(object.kind);
    if let Some(right) = capabilities.lacking.get(&needed) {
        let message = format!("the credential has no right to delete a {kind}");
        let remedy = format!("To give it: {right}; or {RELEASE}");
        let rule = &registry::DELETION_UNSUPPORTED;
        return Some(Refusal::new(rule, "", message, remedy));
    }
    if !capabilities.can(needed) {
        let message = format!("the platform's API can't delete a {kind}");
        let console = match capabilities.console_page(object.kind, DELETE) {
            Some(page) => format!("at the platform's console: {page}"),
            None => "at the platform's console".to_owned(),
        };
        let remedy = format!("Delete {id} {console}; or {RELEASE}");
        let rule = &registry::DELETION_UNSUPPORTED;
        return Some(Refusal::new(rule, "", message, remedy));
    }
    if object.protection != Protection::None {
        let message = format!(
            "{kind} {id} is a {:?} object of the platform and is never deleted",
            object.protection
        );
        let remedy = "Set deletionPolicy: Retain to release it";
        let rule = &registry::DELETION_PROTECTED;
        return Some(Refusal::new(rule, "", message, remedy));
    }
    let counts = dependents(object, below.facets);
    if counts.is_empty() {
        return None;
    }
    let counts = counts.join(" and ");
    let message = format!("{kind} {id} still has {counts}{}", named(below.resources));
    let rule = match object.kind {
        Kind::ServicePlan => &registry::DELETION_PLAN_IN_USE,
        _ => &registry::DELETION_HAS_DEPENDENTS,
    };
    let remedy =
        format!("Remove or move them, and this deletion continues by itself; or {RELEASE}");
    Some(Refusal::new(rule, "", message, remedy))
}

/// Resources in a message, at most a few of them.
fn named(resources: &[String]) -> String {
    let shown = resources.get(..NAMED).unwrap_or(resources).join(", ");
    match resources.len() {
        0 => String::new(),
        few if few <= NAMED => format!(" ({shown})"),
        many => format!(" ({shown} and {} more resources)", many - NAMED),
    }
}

/// What is still below an object, in words.
fn dependents(object: &Object, facets: u32) -> Vec<String> {
    let facts = &object.facts;
    let counts: &[(u32, &str)] = match object.kind {
        Kind::Reseller => &[(facts.customers, "customer"), (facts.resellers, "reseller")],
        Kind::Customer => &[
            (facts.tenants.saturating_add(facets), "tenant"),
            (facts.clients.unwrap_or(0), "client"),
        ],
        Kind::ServicePlan => &[(facts.tenants, "tenant")],
        Kind::Tenant => &[],
    };
    counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}{}", if *count == 1 { "" } else { "s" }))
        .collect()
}

//! Whether a remote object may be deleted.

use crate::{
    api::{Kind, conditions::Reason},
    estate::{Capabilities, Capability, Object, Protection},
};

/// Why a remote object must not be deleted, if so: what the platform can't do, keeps for itself, or still holds below it.
/// Serves R-D6, R-D13, R-D22, R-S3.
pub fn deletion(capabilities: &Capabilities, object: &Object) -> Option<(Reason, String)> {
    let (kind, id) = (object.kind.as_str(), &object.id);
    if !capabilities.can(Capability::delete(object.kind)) {
        let message = format!(
            "the platform's interface can't delete a {kind}. Delete {id} at the platform's console; or set deletionPolicy: Retain to let go of it untouched."
        );
        return Some((Reason::CapabilityMissing, message));
    }
    if object.protection != Protection::None {
        let message = format!(
            "{kind} {id} is a {:?} object of the platform and is never deleted. Set deletionPolicy: Retain to let go of it.",
            object.protection
        );
        return Some((Reason::Protected, message));
    }
    let below = dependents(object);
    if below.is_empty() {
        return None;
    }
    let message = format!(
        "{kind} {id} still has {}. Remove or move them first; or set deletionPolicy: Retain to let go of it untouched.",
        below.join(" and ")
    );
    Some((Reason::HasDependents, message))
}

/// What still hangs under an object, in words.
fn dependents(object: &Object) -> Vec<String> {
    let facts = &object.facts;
    let counts: &[(u32, &str)] = match object.kind {
        Kind::Reseller => &[
            (facts.customers, "customers"),
            (facts.resellers, "resellers"),
        ],
        Kind::Customer => &[(facts.tenants, "tenants"), (facts.clients, "clients")],
        Kind::ServicePlan => &[(facts.tenants, "tenants")],
        Kind::Tenant => &[],
    };
    counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect()
}

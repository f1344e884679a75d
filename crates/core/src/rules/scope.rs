//! What may be written where: capabilities, and fields that nothing acts on yet.

use serde_json::Value;

use crate::{
    api::Kind,
    estate::{Capabilities, Capability, Difference},
};

/// Splits differences into those that may be written and those that only a person at the console can make. Serves R-N12.
pub fn writable(
    capabilities: &Capabilities,
    kind: Kind,
    differing: Vec<Difference>,
) -> (Vec<Difference>, Vec<Difference>) {
    differing.into_iter().partition(|difference| {
        let needed = match (kind, difference.field) {
            (kind, "active") => Capability::suspend(kind),
            (Kind::Customer, "resellerId") => Some(Capability::MoveCustomer),
            (Kind::Reseller, "parentId") => Some(Capability::MoveReseller),
            (kind, _) => Some(Capability::update(kind)),
        };
        needed.is_some_and(|capability| capabilities.can(capability))
    })
}

/// Fields of the spec that are accepted and that no code acts on yet.
pub fn not_acted_on(kind: Kind, spec: &Value) -> Vec<String> {
    let candidates: &[&str] = match kind {
        Kind::Reseller | Kind::Customer => &["branding.logoRef", "branding.iconRef"],
        Kind::ServicePlan | Kind::Tenant => &[],
    };
    let stated = |path: &str| {
        path.split('.')
            .try_fold(spec, |value, member| value.get(member))
    };
    let stated = |path: &&&str| stated(path).is_some_and(|value| !value.is_null());
    candidates
        .iter()
        .filter(stated)
        .map(|field| (*field).to_owned())
        .collect()
}

//! What may be written where: capabilities, protected objects, and fields that nothing acts on yet.

use serde_json::Value;

use crate::{
    api::Kind,
    estate::{Capabilities, Capability, Difference, Object, Protection},
};

/// Settings of a Sandbox object that may change. Source: requirement D12.
const SANDBOX_TENANT: [&str; 6] = [
    "planId",
    "quota.credits",
    "quota.effectiveAt",
    "quota.endsAt",
    "storageRegions",
    "workloads",
];

/// Splits differences into those that may be written and those that only a person at the console can make. Serves R-D12, R-D13.
pub fn writable(
    capabilities: &Capabilities,
    object: &Object,
    differing: Vec<Difference>,
) -> (Vec<Difference>, Vec<Difference>) {
    differing
        .into_iter()
        .partition(|difference| may_write(capabilities, object, difference.field))
}

fn may_write(capabilities: &Capabilities, object: &Object, setting: &str) -> bool {
    let needed = match (object.kind, setting) {
        (kind, "active") => Capability::suspend(kind),
        (Kind::Customer, "resellerId") => Some(Capability::MoveCustomer),
        (Kind::Reseller, "parentId") => Some(Capability::MoveReseller),
        (kind, _) => Some(Capability::update(kind)),
    };
    let able = needed.is_some_and(|capability| capabilities.can(capability));
    able && match object.protection {
        Protection::None => true,
        Protection::Sandbox => object.kind == Kind::Tenant && SANDBOX_TENANT.contains(&setting),
        Protection::Default => setting != "active" && setting != "name",
        Protection::System | Protection::Foreign => false,
    }
}

/// Whether nothing but the listed settings of an object may change: then no client moves to it and no mail goes out for it.
/// Serves R-D12, I3.
pub fn hands_off(object: &Object) -> bool {
    matches!(
        object.protection,
        Protection::Sandbox | Protection::System | Protection::Foreign
    )
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

//! Which object may be below which.

use serde_json::Value;

use super::registry::{self, Refusal};
use crate::{
    api::Kind,
    estate::{Object, ObjectId, Settings},
};

/// The chain above an object, nearest first.
pub type Chain<'a> = &'a [std::sync::Arc<Object>];

/// Why an object with these settings can't be below the chain, if so. `own` is its id once it has one. Serves R-S4, R-S20.
pub fn hierarchy(
    kind: Kind,
    settings: &Settings,
    held: Option<&Settings>,
    own: Option<&ObjectId>,
    above: Chain<'_>,
) -> Option<Refusal> {
    let parent = above.first()?;
    if let Some(own) = own
        && kind == Kind::Reseller
        && above.iter().any(|ancestor| ancestor.id == *own)
    {
        let message = format!("{} is itself below this reseller", parent.name);
        let remedy = "Name a reseller outside of its own branch";
        return Some(Refusal::new(
            &registry::NO_CYCLE,
            "parentRef",
            message,
            remedy,
        ));
    }
    let effective = |path: &str| settings.text(path).or_else(|| held?.text(path));
    if kind == Kind::Reseller {
        let level = effective("level").unwrap_or("Reseller");
        let above = parent.settings.text("level").unwrap_or("Reseller");
        if rank(level) <= rank(above) {
            let message = format!(
                "a {level} can't be below {}, which is a {above}; the order is Distributor, SubDistributor, Reseller",
                parent.name
            );
            let remedy = match above {
                "Reseller" => {
                    "Name a parentRef of a higher level: below a Reseller there are only customers"
                }
                _ => "Choose a lower level, or another parentRef",
            };
            let rule = &registry::LEVEL_BELOW_PARENT;
            return Some(Refusal::new(rule, "level", message, remedy));
        }
    }
    service_type(effective("serviceType")?, parent)
}

fn service_type(wanted: &str, parent: &Object) -> Option<Refusal> {
    if passes_on(&parent.settings, wanted) {
        return None;
    }
    let message = format!(
        "{} may pass on {} only, not {wanted}",
        parent.name,
        passed_on(&parent.settings).join(" and ")
    );
    let remedy = "Choose one of these, or add it to childServiceTypes of the Reseller above";
    let rule = &registry::SERVICE_TYPE_PASSED_ON;
    Some(Refusal::new(rule, "serviceType", message, remedy))
}

/// Whether a reseller with these settings may pass a service type on; one that says nothing passes on all.
pub(super) fn passes_on(settings: &Settings, service_type: &str) -> bool {
    let passed_on = passed_on(settings);
    passed_on.is_empty() || passed_on.contains(&service_type)
}

fn passed_on(settings: &Settings) -> Vec<&str> {
    let listed = settings.get("childServiceTypes").and_then(Value::as_array);
    let listed = listed.into_iter().flatten();
    listed.filter_map(Value::as_str).collect()
}

/// How far down a level stands.
pub(super) fn rank(level: &str) -> u8 {
    match level {
        "Distributor" => 0,
        "SubDistributor" => 1,
        _ => 2,
    }
}

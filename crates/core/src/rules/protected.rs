//! What the platform keeps for itself: sandboxes, default objects, its own, and what another tool manages.

use super::registry::{self, Refusal, Rule};
use crate::{
    api::Kind,
    estate::{Difference, Object, Protection},
};

/// Settings of a Sandbox tenant that may change. Source: requirement D12.
const SANDBOX_TENANT: [&str; 6] = [
    "planId",
    "quota.credits",
    "quota.effectiveAt",
    "quota.endsAt",
    "storageRegions",
    "workloads",
];

/// The first difference that the object's protection forbids to write, by the field as users know it. Serves R-D11, R-D12,
/// R-D13, R-V4.
pub fn protected(
    object: &Object,
    differing: &[Difference],
    spec_field: impl Fn(&str) -> String,
) -> Option<Refusal> {
    differing.iter().find_map(|difference| {
        let rule = forbidden_by(object, difference)?;
        let field = spec_field(difference.field);
        let what = match difference.field {
            "workloads" if object.protection == Protection::Sandbox => {
                "workloads can be added to it but not removed"
            }
            _ => "this field of it can't be changed",
        };
        let message = format!(
            "{} {} is a {:?} object of the platform, and {what}",
            object.kind.as_str(),
            object.id,
            object.protection
        );
        let remedy = format!("Remove {field} from the spec, or state the value in effect");
        Some(Refusal::new(rule, field, message, remedy))
    })
}

fn forbidden_by(object: &Object, difference: &Difference) -> Option<&'static Rule> {
    let field = difference.field;
    match object.protection {
        Protection::None => None,
        Protection::Sandbox => match field {
            "active" => Some(&registry::SANDBOX_STATE),
            "type" => Some(&registry::SANDBOX_TYPE),
            "workloads" if takes_away(difference) => Some(&registry::SANDBOX_FIELDS),
            _ if object.kind == Kind::Tenant && SANDBOX_TENANT.contains(&field) => None,
            _ => Some(&registry::SANDBOX_FIELDS),
        },
        Protection::Default => {
            matches!(field, "name" | "level" | "active").then_some(&registry::DEFAULT_FIELDS)
        }
        Protection::System | Protection::Foreign => Some(&registry::PROTECTED_FIELDS),
    }
}

/// Whether writing would drop an entry of a list that is keyed by name.
fn takes_away(difference: &Difference) -> bool {
    let names = |value: &serde_json::Value| -> Vec<String> {
        let entries = value.as_array().into_iter().flatten();
        let names = entries.filter_map(|entry| entry.get("name")?.as_str());
        names.map(str::to_ascii_lowercase).collect()
    };
    let kept = names(&difference.write);
    let held = difference.observed.as_ref().map(names).unwrap_or_default();
    held.iter().any(|name| !kept.contains(name))
}

/// Whether nothing but the listed settings of an object may change: then no client moves to it and no mail goes out for it.
/// Serves R-D12, I3.
pub fn hands_off(object: &Object) -> bool {
    matches!(
        object.protection,
        Protection::Sandbox | Protection::System | Protection::Foreign
    )
}

//! What can't change any more once the remote object exists, and what changes one way only.

use serde_json::Value;

use super::registry::{self, Refusal, Rule};
use crate::{
    api::Kind,
    estate::{Capabilities, Difference, Object},
};

/// The first difference that can never be written, if there is one: by the nature of the field, or by this platform's word.
/// Serves R-D2, R-D20, R-D30, R-S1, R-S2, R-S20.
pub fn fixed(
    capabilities: &Capabilities,
    kind: Kind,
    differing: &[Difference],
    object: &Object,
) -> Option<Refusal> {
    differing.iter().find_map(|difference| {
        let here = || {
            let fixes = capabilities.fixes(kind, difference.field);
            fixes.then_some(&registry::FIXED_BY_PLATFORM)
        };
        let rule = fixed_by(kind, difference).or_else(here)?;
        Some(refusal(rule, kind, difference, object))
    })
}

fn fixed_by(kind: Kind, difference: &Difference) -> Option<&'static Rule> {
    let becomes = |from: &str, to: &str| {
        difference.observed.as_ref().and_then(Value::as_str) == Some(from)
            && difference.desired.as_str() == Some(to)
    };
    match (kind, difference.field) {
        (Kind::ServicePlan, "name") => Some(&registry::PLAN_NAME_FIXED),
        (Kind::Customer, "accountName") => Some(&registry::ACCOUNT_NAME_FIXED),
        (Kind::Customer, "hideName") => Some(&registry::HIDE_NAME_FIXED),
        (Kind::Customer | Kind::Reseller, "storageLocation") => {
            Some(&registry::STORAGE_LOCATION_FIXED)
        }
        (Kind::Tenant, "customerId") => Some(&registry::CUSTOMER_FIXED),
        (Kind::Tenant, "product") => Some(&registry::PRODUCT_FIXED),
        (Kind::Tenant, "type") if difference.desired == "Sandbox" => Some(&registry::SANDBOX_TYPE),
        (Kind::Tenant, "type") if becomes("Commercial", "Evaluation") => {
            Some(&registry::COMMERCIAL_STAYS_COMMERCIAL)
        }
        (Kind::Customer | Kind::Reseller, "stage") if becomes("Production", "Trial") => {
            Some(&registry::TRIAL_NOT_AGAIN)
        }
        _ => None,
    }
}

fn refusal(rule: &'static Rule, kind: Kind, difference: &Difference, object: &Object) -> Refusal {
    let held = difference
        .observed
        .as_ref()
        .map_or_else(|| "not set".to_owned(), ToString::to_string);
    let field = match (kind, difference.field) {
        (Kind::ServicePlan, "name") => "planName",
        (_, "name") => "displayName",
        (_, "customerId") => "customerRef",
        (_, field) => field,
    };
    if rule == &registry::STORAGE_LOCATION_FIXED {
        let message = format!(
            "the platform keeps the data of {} in {held}, not in {}, and data can't be moved by changing this field",
            object.id, difference.desired
        );
        let remedy = "State the location in effect, and contact the platform's support if the data is in the wrong place";
        return Refusal::new(rule, field, message, remedy);
    }
    let message = format!(
        "it is {held} on the platform and can't change once {} exists",
        object.id
    );
    Refusal::new(
        rule,
        field,
        message,
        "State the value in effect, or create a new resource",
    )
}

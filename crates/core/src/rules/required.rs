//! Whether a customer has the limits that a reseller above or the platform requires.

use super::{
    Requirement,
    registry::{self, Refusal},
};
use crate::estate::{Object, Protection, Settings};

/// Which required limit a customer wouldn't have with these settings, if so. What the spec leaves out stays as the platform
/// holds it. Objects that the platform reserves are exempt: nobody may limit those. Serves R-N14.
pub fn required_limits(
    settings: &Settings,
    held: Option<&Object>,
    requirements: &[Requirement],
) -> Option<Refusal> {
    if held.is_some_and(|object| object.protection != Protection::None) {
        return None;
    }
    let limited = |field: &str| {
        let stated = settings.get(field);
        let value = stated.or_else(|| held?.settings.get(field));
        value.is_some_and(|value| !crate::estate::is_empty(value))
    };
    let missing = requirements
        .iter()
        .find(|requirement| !limited(requirement.limit.field()))?;
    let field = missing.limit.field();
    let message = format!(
        "{} requires this limit of every customer below (requireLimits), and this customer has none",
        missing.origin
    );
    let remedy = if field == "limits.licences.count" {
        "State limits.licences with mode: Fixed and a count"
    } else {
        "State the limit"
    };
    Some(Refusal::new(
        &registry::LIMIT_REQUIRED,
        field,
        message,
        remedy,
    ))
}

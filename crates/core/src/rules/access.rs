//! Administrator access.

use serde_json::Value;

use super::registry::{self, Refusal};
use crate::estate::Difference;

/// A customer that has administrators keeps at least one. Serves R-D41.
pub fn administrators(differing: &[Difference]) -> Option<Refusal> {
    let entries = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
    let difference = differing
        .iter()
        .find(|difference| difference.field == "administrators")?;
    let (held, left) = (
        entries(difference.observed.as_ref()),
        entries(Some(&difference.write)),
    );
    if held == 0 || left > 0 {
        return None;
    }
    let message = format!(
        "an empty list would remove the last of {held}, and no administrator could log in any more"
    );
    let remedy =
        "Keep at least one, or remove administrators from the spec to leave them unchanged";
    let rule = &registry::LAST_ADMINISTRATOR;
    Some(Refusal::new(rule, "administrators", message, remedy))
}

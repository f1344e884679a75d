//! The status to write when the API server refuses the computed one: that it was refused, and every field that safety depends
//! on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::{Map, Value};

use crate::api::{ConditionType, Reason, bounds::shortened, status_document};

/// Members that people and guards read: they keep their earlier values. Everything else is the input of the next pass, and is
/// kept as computed.
const SHOWN: [&str; 16] = [
    "allotment",
    "clients",
    "conditions",
    "defaultCustomer",
    "drift",
    "editions",
    "effective",
    "health",
    "manualSteps",
    "phase",
    "quota",
    "storageLocations",
    "summary",
    "tenants",
    "unmanaged",
    "usage",
];
/// How much of the API server's answer is repeated.
const ANSWER: usize = 1024;

/// What is written instead of the status `made`, which the API server has refused with this answer.
///
/// # Errors
/// A condition that can't be turned into a document.
pub fn refused_status(
    kind: &str,
    before: &Value,
    made: &Value,
    generation: i64,
    answer: &str,
    now: jiff::Timestamp,
) -> serde_json::Result<Value> {
    let members = |status: &Value| status.as_object().cloned().unwrap_or_default();
    let is_shown = |name: &String| SHOWN.contains(&name.as_str());
    let (before, made) = (members(before), members(made));
    let kept = before.iter().filter(|(name, _)| is_shown(name));
    let carried = made.iter().filter(|(name, _)| !is_shown(name));
    let mut status: Map<String, Value> = kept
        .chain(carried)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let answer = shortened(answer.trim_end_matches('.'), ANSWER);
    let message = format!(
        "The API server rejects the status of this {kind}: {answer}. Holdfast still reconciles the remote object, but the status shown here may be outdated. Install the CRDs of this version; Holdfast then retries."
    );
    let said = [
        (ConditionType::Ready, "False"),
        (ConditionType::Stalled, "True"),
    ];
    let conditions = said.map(|(kind, value)| {
        let last = before.get("conditions").and_then(Value::as_array);
        let last = last
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind.as_str() && condition["status"] == value);
        let since = last.and_then(|last| last["lastTransitionTime"].as_str()?.parse().ok());
        Condition {
            type_: kind.as_str().to_owned(),
            status: value.to_owned(),
            reason: Reason::Internal.as_str().to_owned(),
            message: message.clone(),
            last_transition_time: Time(since.unwrap_or(now)),
            observed_generation: Some(generation),
        }
    });
    status.insert("conditions".into(), serde_json::to_value(conditions)?);
    status.insert("observedGeneration".into(), generation.into());
    status_document(kind, &status)
}

//! What only the cluster has of what a resource manages already: applying an export takes none of it away. R-N4

use serde_json::{Map, Value};

use crate::{
    api::{Kind, ManagedKind},
    estate::{Capabilities, fields, insert},
    planner::spec_field,
};

/// Fields that no platform holds.
const OURS: [&str; 8] = [
    "deletionPolicy",
    "management",
    "ignore",
    "requireLimits",
    "serviceLevel",
    "billing",
    "allotment.warnAtPercent",
    "limits.warnAtPercent",
];

/// Adds to an exported spec what the resource of that name has and the platform can't tell.
pub fn carry<K: ManagedKind>(exported: &mut Value, existing: &K, capabilities: &Capabilities) {
    let Ok(mut existing) = serde_json::to_value(existing) else {
        return;
    };
    let untold = fields(K::KIND)
        .iter()
        .filter(|field| !is_told(capabilities, K::KIND, field.path))
        .map(|field| spec_field(K::KIND, field.path));
    let paths = OURS.into_iter().map(ToOwned::to_owned).chain(untold);
    let (spec, existing) = (&mut exported["spec"], existing["spec"].take());
    let Value::Object(spec) = spec else {
        return;
    };
    for path in paths {
        if let Some(value) = at(&existing, &path).filter(|_| !has(spec, &path)) {
            insert(spec, &path, value.clone());
        }
    }
    // A customer has exactly one of both.
    if spec.contains_key("resellerRef") {
        spec.remove("platformRef");
    }
}

/// Whether a platform tells a setting of a kind.
fn is_told(capabilities: &Capabilities, kind: Kind, path: &str) -> bool {
    let there = match path {
        "resellerId" => capabilities.knows(Kind::Reseller),
        "planId" => capabilities.knows(Kind::ServicePlan),
        _ => true,
    };
    there && capabilities.takes(kind, path)
}

fn at<'a>(spec: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(spec, |value, name| value.get(name))
}

fn has(spec: &Map<String, Value>, path: &str) -> bool {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let first = spec.get(first);
    first.is_some_and(|first| rest.is_empty() || at(first, rest).is_some())
}

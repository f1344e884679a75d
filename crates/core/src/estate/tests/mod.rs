//! What counts as a difference, and how it is written without losing what isn't ours.

mod comparing;
mod patching;
mod properties;

use serde_json::{Value, json};

use super::{Difference, Settings, differences, merge_patch};
use crate::api::Kind;

/// The settings of a document.
fn settings(kind: Kind, document: &Value) -> Settings {
    Settings::from_document(kind, document).expect("a document that fits")
}

/// What differs between a spec and an item of the platform.
fn differing(kind: Kind, desired: &Value, observed: &Value) -> Vec<Difference> {
    differences(kind, &settings(kind, desired), &settings(kind, observed))
}

/// The paths that differ.
fn paths(kind: Kind, desired: &Value, observed: &Value) -> Vec<&'static str> {
    let differing = differing(kind, desired, observed);
    differing
        .iter()
        .map(|difference| difference.field)
        .collect()
}

/// The patch that is sent.
fn patch(kind: Kind, desired: &Value, observed: &Value) -> Value {
    let differing = differing(kind, desired, observed);
    Value::Object(merge_patch(&differing, &settings(kind, observed)))
}

/// What the platform holds when the patch has been applied.
fn patched(kind: Kind, desired: &Value, observed: &Value) -> Value {
    let mut document = observed.clone();
    json_patch::merge(&mut document, &patch(kind, desired, observed));
    document
}

#[test]
fn a_value_that_does_not_fit_its_field_is_named() {
    for (document, field) in [
        (json!({"limits": {"storage": "plenty"}}), "limits.storage"),
        (json!({"limits": {"storage": true}}), "limits.storage"),
        (json!({"limits": {"credits": "1.2345"}}), "limits.credits"),
        (json!({"limits": {"clients": "-1"}}), "limits.clients"),
        (json!({"bandwidth": {"maxRate": []}}), "bandwidth.maxRate"),
    ] {
        let error = Settings::from_document(Kind::Customer, &document).expect_err("it fits");
        assert_eq!(error.field, field, "{document}");
    }
    let never = json!({"quota": {"endsAt": "someday"}});
    let error = Settings::from_document(Kind::Tenant, &never).expect_err("it fits");
    assert_eq!(error.field, "quota.endsAt");
}

#[test]
fn every_setting_of_a_kind_is_listed_once() {
    for &kind in Kind::ALL {
        let mut paths: Vec<_> = super::fields(kind).iter().map(|field| field.path).collect();
        let count = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), count, "{kind}");
    }
}

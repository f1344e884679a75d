//! The merge patch writes what differs, clears what is emptied, and leaves everything else where it is.

use serde_json::{Value, json};

use super::{patch, patched};
use crate::api::Kind::{self, Customer, ServicePlan, Tenant};

fn sends(kind: Kind, desired: &Value, observed: &Value, expected: &Value) {
    assert_eq!(
        &patch(kind, desired, observed),
        expected,
        "{desired} over {observed}"
    );
}

#[test]
fn only_what_differs_is_sent() {
    sends(
        Customer,
        &json!({"name": "a", "profile": {"phone": "1", "fax": "2"}}),
        &json!({"name": "a", "profile": {"phone": "0", "fax": "2"}}),
        &json!({"profile": {"phone": "1"}}),
    );
    sends(
        Customer,
        &json!({"name": "a"}),
        &json!({"name": "a"}),
        &json!({}),
    );
}

#[test]
fn amounts_are_sent_as_numbers() {
    sends(
        Customer,
        &json!({"limits": {"storage": "500Gi", "clients": "25", "credits": "12.5"}, "bandwidth": {"maxRate": "20M"}}),
        &json!({}),
        &json!({"limits": {"storage": 536_870_912_000_u64, "clients": 25, "credits": 12.5}, "bandwidth": {"maxRate": 20_000_000}}),
    );
}

#[test]
fn what_is_emptied_is_sent_as_null() {
    sends(
        Customer,
        &json!({"profile": {"phone": "", "fax": "1"}, "contacts": []}),
        &json!({"profile": {"phone": "1", "fax": "0"}, "contacts": [{"email": "a@x.example"}]}),
        &json!({"profile": {"phone": null, "fax": "1"}, "contacts": null}),
    );
}

#[test]
fn a_group_of_which_nothing_remains_goes_as_a_whole_and_its_neighbours_stay() {
    let emptied = json!({"profile": {"address": {"street": "", "city": ""}}});
    sends(
        Customer,
        &emptied,
        &json!({"profile": {"phone": "1", "address": {"street": "a", "city": "b"}}}),
        &json!({"profile": {"address": null}}),
    );
    sends(
        Customer,
        &emptied,
        &json!({"profile": {"address": {"street": "a", "city": "b"}}}),
        &json!({"profile": null}),
    );
    sends(
        Customer,
        &emptied,
        &json!({"profile": {"address": {"street": "a", "city": "b", "state": "kept"}}}),
        &json!({"profile": {"address": {"street": null, "city": null}}}),
    );
}

#[test]
fn clearing_the_rest_of_a_group_keeps_what_is_unmanaged_in_it() {
    let observed =
        json!({"limits": {"storage": 5, "clients": 7, "licences": {"mode": "Fixed", "count": 3}}});
    let desired = json!({"limits": {"storage": "", "clients": ""}});
    assert_eq!(
        patched(Customer, &desired, &observed),
        json!({"limits": {"licences": {"mode": "Fixed", "count": 3}}})
    );
}

// R-D4
#[test]
fn entries_are_laid_over_those_of_the_same_key_in_whatever_case() {
    let observed = json!({"contacts": [
        {"email": "it@x.example", "name": "IT", "phone": "1"},
        {"email": "old@x.example"},
    ]});
    let desired = json!({"contacts": [
        {"email": "IT@x.example", "phone": "2"},
        {"email": "new@x.example", "name": "New"},
    ]});
    sends(
        Customer,
        &desired,
        &observed,
        &json!({"contacts": [
            {"email": "it@x.example", "name": "IT", "phone": "2"},
            {"email": "new@x.example", "name": "New"},
        ]}),
    );
    let cleared =
        json!({"contacts": [{"email": "it@x.example", "name": ""}, {"email": "old@x.example"}]});
    assert_eq!(
        patched(Customer, &cleared, &observed)["contacts"][0],
        json!({"email": "it@x.example", "phone": "1"})
    );
}

// R-D12, S6
#[test]
fn what_can_only_grow_keeps_what_is_there() {
    sends(
        Tenant,
        &json!({"storageRegions": ["eu-central-1"]}),
        &json!({"storageRegions": ["us-east-1"]}),
        &json!({"storageRegions": ["eu-central-1", "us-east-1"]}),
    );
    sends(
        Customer,
        &json!({"communications": [{"id": "new", "kind": "Call"}]}),
        &json!({"communications": [{"id": "old", "kind": "Mail"}]}),
        &json!({"communications": [{"id": "old", "kind": "Mail"}, {"id": "new", "kind": "Call"}]}),
    );
}

// R-D20
#[test]
fn a_plans_products_are_written_with_all_their_members() {
    sends(
        ServicePlan,
        &json!({"products": [{"product": "HybridWorkloads", "workloads": ["NAS", "MSSQL"]}]}),
        &json!({"products": [{"product": "HybridWorkloads", "edition": "Elite", "workloads": ["NAS"]}]}),
        &json!({"products": [{"product": "HybridWorkloads", "edition": "Elite", "workloads": ["NAS", "MSSQL"]}]}),
    );
}

#[test]
fn a_creation_leaves_out_what_is_cleared() {
    let spec = json!({"name": "a", "profile": {"phone": "", "fax": "1"}, "contacts": [], "limits": {"storage": ""}});
    let document = Value::Object(super::settings(Customer, &spec).to_document());
    assert_eq!(document, json!({"name": "a", "profile": {"fax": "1"}}));
}

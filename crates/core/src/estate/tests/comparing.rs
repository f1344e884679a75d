//! What the platform may spell otherwise, and what is a difference indeed.

use serde_json::{Value, json};

use super::{differing, paths, settings};
use crate::api::Kind::{Customer, Reseller, ServicePlan, Tenant};

// F18, I4
#[test]
fn what_a_server_recases_reorders_rounds_or_trims_is_no_difference() {
    for (kind, desired, observed) in [
        (
            Customer,
            json!({"profile": {"email": "Office@Fabrikam.example"}}),
            json!({"profile": {"email": "office@fabrikam.example"}}),
        ),
        (
            Customer,
            json!({"profile": {"notes": "two\nlines\n"}}),
            json!({"profile": {"notes": "two\nlines"}}),
        ),
        (
            Customer,
            json!({"limits": {"storage": "1Gi"}}),
            json!({"limits": {"storage": 1_073_741_824_u64}}),
        ),
        (
            Customer,
            json!({"limits": {"storage": "0.5Gi"}}),
            json!({"limits": {"storage": "512Mi"}}),
        ),
        (
            Customer,
            json!({"bandwidth": {"maxRate": "20M"}}),
            json!({"bandwidth": {"maxRate": 20_000_000}}),
        ),
        (
            Customer,
            json!({"limits": {"clients": "25"}}),
            json!({"limits": {"clients": 25}}),
        ),
        (
            Customer,
            json!({"limits": {"clients": 25}}),
            json!({"limits": {"clients": 25.0}}),
        ),
        (
            Customer,
            json!({"limits": {"credits": "12.5"}}),
            json!({"limits": {"credits": 12.5}}),
        ),
        (
            Customer,
            json!({"limits": {"credits": "0.1"}}),
            json!({"limits": {"credits": 0.100}}),
        ),
        (
            Customer,
            json!({"reports": {"consolidated": {"recipients": ["b@x.example", "A@x.example"]}}}),
            json!({"reports": {"consolidated": {"recipients": ["a@x.example", "b@x.example"]}}}),
        ),
        (
            Customer,
            json!({"contacts": [{"email": "B@x.example"}, {"email": "a@x.example", "name": "A"}]}),
            json!({"contacts": [{"email": "a@x.example", "name": "A"}, {"email": "b@x.example"}]}),
        ),
        (
            Customer,
            json!({"communications": [{"id": "c", "at": "2026-12-01T10:00:00+01:00", "kind": "Call"}]}),
            json!({"communications": [{"id": "c", "at": "2026-12-01T09:00:00Z", "kind": "Call"}]}),
        ),
        (
            Customer,
            json!({"communications": [{"id": "c", "at": "2026-12-01T09:00:00.6Z", "kind": "Call"}]}),
            json!({"communications": [{"id": "c", "at": "2026-12-01T09:00:01Z", "kind": "Call"}]}),
        ),
        (
            Tenant,
            json!({"quota": {"endsAt": "2026-12-01T01:00:00+01:00"}}),
            json!({"quota": {"endsAt": "2026-12-01T00:00:00Z"}}),
        ),
        (
            Customer,
            json!({"communications": [{"id": "c", "note": "two\nlines\n"}]}),
            json!({"communications": [{"id": "c", "note": "two\nlines"}]}),
        ),
        (
            Tenant,
            json!({"storageRegions": ["b", "A"]}),
            json!({"storageRegions": ["a", "b"]}),
        ),
        (
            ServicePlan,
            json!({"products": [{"product": "HybridWorkloads", "workloads": ["NAS", "MSSQL"]}]}),
            json!({"products": [{"product": "HybridWorkloads", "workloads": ["MSSQL", "NAS"]}]}),
        ),
        (
            Reseller,
            json!({"childServiceTypes": ["SoftwareOnly", "AllInclusive"]}),
            json!({"childServiceTypes": ["AllInclusive", "SoftwareOnly"]}),
        ),
    ] {
        assert_eq!(differing(kind, &desired, &observed), [], "{desired}");
    }
}

#[test]
fn what_differs_indeed_is_found() {
    for (kind, desired, observed, path) in [
        (Customer, json!({"name": "a"}), json!({"name": "b"}), "name"),
        (Customer, json!({"name": "a"}), json!({"name": "A"}), "name"),
        (
            Customer,
            json!({"active": false}),
            json!({"active": true}),
            "active",
        ),
        (Customer, json!({"active": true}), json!({}), "active"),
        (
            Customer,
            json!({"profile": {"email": "a@x.example"}}),
            json!({"profile": {"email": "b@x.example"}}),
            "profile.email",
        ),
        (
            Customer,
            json!({"limits": {"storage": "1Gi"}}),
            json!({"limits": {"storage": "1G"}}),
            "limits.storage",
        ),
        (
            Customer,
            json!({"limits": {"storage": 7_999_999_999_999_999_u64}}),
            json!({"limits": {"storage": 7_999_999_999_999_998_u64}}),
            "limits.storage",
        ),
        (
            Reseller,
            json!({"allotment": {"storage": "4Pi"}}),
            json!({"allotment": {"storage": "5Pi"}}),
            "allotment.storage",
        ),
        (
            Customer,
            json!({"limits": {"credits": "12.5"}}),
            json!({"limits": {"credits": 12.501}}),
            "limits.credits",
        ),
        (
            Customer,
            json!({"contacts": [{"email": "a@x.example"}]}),
            json!({"contacts": [{"email": "a@x.example"}, {"email": "b@x.example"}]}),
            "contacts",
        ),
        (
            Customer,
            json!({"contacts": [{"email": "a@x.example", "name": "new"}]}),
            json!({"contacts": [{"email": "a@x.example", "name": "old"}]}),
            "contacts",
        ),
        (
            Customer,
            json!({"communications": [{"id": "c", "at": "2026-12-01T09:00:00Z"}]}),
            json!({"communications": [{"id": "c", "at": "2026-12-01T09:00:02Z"}]}),
            "communications",
        ),
        (
            Tenant,
            json!({"storageRegions": ["a", "c"]}),
            json!({"storageRegions": ["a", "b"]}),
            "storageRegions",
        ),
        (
            Tenant,
            json!({"workloads": [{"name": "MSSQL", "users": 5}]}),
            json!({"workloads": [{"name": "MSSQL", "users": 6}]}),
            "workloads",
        ),
        (
            Tenant,
            json!({"licenceExpiresAt": "2026-12-01T00:00:00Z"}),
            json!({"licenceExpiresAt": "2026-12-01T00:00:01Z"}),
            "licenceExpiresAt",
        ),
    ] {
        assert_eq!(
            paths(kind, &desired, &observed),
            [path],
            "{desired} {observed}"
        );
    }
}

#[test]
fn what_the_spec_leaves_out_is_not_managed() {
    let observed = json!({
        "name": "a", "active": true, "limits": {"storage": "1Gi", "clients": 5},
        "contacts": [{"email": "a@x.example"}], "profile": {"phone": "1", "address": {"city": "Ulm"}},
    });
    assert_eq!(differing(Customer, &json!({}), &observed), []);
    let nulls =
        json!({"active": null, "limits": null, "contacts": null, "profile": {"phone": null}});
    assert_eq!(differing(Customer, &nulls, &observed), []);
}

#[test]
fn clearing_what_is_not_there_is_no_difference() {
    let cleared = json!({
        "profile": {"phone": "", "email": ""}, "limits": {"storage": "", "clients": ""},
        "contacts": [], "communications": [], "reports": {"consolidated": {"recipients": []}},
    });
    assert_eq!(differing(Customer, &cleared, &json!({})), []);
    let empty =
        json!({"profile": {"phone": "", "email": ""}, "contacts": [], "communications": []});
    assert_eq!(differing(Customer, &cleared, &empty), []);
}

// R-D12, S6: what can only grow
#[test]
fn what_can_only_grow_is_satisfied_by_more() {
    let (wanted, held) = (
        json!({"storageRegions": ["a"]}),
        json!({"storageRegions": ["a", "b"]}),
    );
    assert_eq!(differing(Tenant, &wanted, &held), []);
    let wanted = json!({"communications": [{"id": "b", "note": "x"}]});
    let held = json!({"communications": [{"id": "a"}, {"id": "b", "note": "x"}]});
    assert_eq!(differing(Customer, &wanted, &held), []);
}

#[test]
fn members_of_an_entry_that_the_spec_leaves_out_are_not_managed() {
    let wanted = json!({"contacts": [{"email": "a@x.example", "phone": ""}]});
    let held = json!({"contacts": [{"email": "a@x.example", "name": "by hand"}]});
    assert_eq!(differing(Customer, &wanted, &held), []);
}

#[test]
fn a_difference_tells_what_is_wanted_and_what_is_held() {
    let wanted = json!({"limits": {"storage": "1Gi"}, "profile": {"fax": "1"}});
    let found = differing(Customer, &wanted, &json!({"limits": {"storage": 5}}));
    assert_eq!(found[0].field, "limits.storage");
    assert_eq!(found[0].desired, json!(1_073_741_824_u64));
    assert_eq!(found[0].observed, Some(json!(5)));
    assert_eq!(found[1].field, "profile.fax");
    assert_eq!(found[1].observed, None);
}

// Whatever its fraction or offset, what most vendors write for never is one and the same instant, and keeps its text.
#[test]
fn every_way_to_write_never_is_the_same_and_keeps_its_text() {
    let expires = |text: &str| json!({"licenceExpiresAt": text});
    let never = "9999-12-31T23:59:59Z";
    for other in [
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59+00:00",
        "9999-12-31T12:00:00-26:30",
    ] {
        assert!(
            differing(Tenant, &expires(never), &expires(other)).is_empty(),
            "{other}"
        );
        assert_eq!(
            settings(Tenant, &expires(other)).text("licenceExpiresAt"),
            Some(other)
        );
        let call = |at: &str| json!({"communications": [{"id": "a", "at": at}]});
        assert!(
            differing(Customer, &call(never), &call(other)).is_empty(),
            "{other}"
        );
    }
    assert_eq!(
        paths(Tenant, &expires(never), &expires("2027-01-01T00:00:00Z")),
        ["licenceExpiresAt"]
    );
    assert_eq!(
        paths(Tenant, &expires("2027-01-01T00:00:00Z"), &expires(never)),
        ["licenceExpiresAt"]
    );
    assert_eq!(
        paths(Tenant, &expires(never), &json!({})),
        ["licenceExpiresAt"]
    );
}

// The bridge wire and stored estates keep the word that a spec can't say.
#[test]
fn a_mode_that_was_called_off_is_read_and_sent_on_as_the_wire_spells_it() {
    let mode = |word: &str| json!({"bandwidth": {"mode": word}});
    assert!(differing(Customer, &mode("Unlimited"), &mode("Off")).is_empty());
    assert!(differing(Customer, &mode("Off"), &mode("Unlimited")).is_empty());
    let stored = settings(Reseller, &mode("Off"));
    assert_eq!(stored.text("bandwidth.mode"), Some("Unlimited"));
    let sent = super::super::spelt_for_the_wire(stored.to_document());
    assert_eq!(Value::Object(sent), mode("Off"));
    let window = settings(Reseller, &mode("Window")).to_document();
    assert_eq!(
        Value::Object(super::super::spelt_for_the_wire(window)),
        mode("Window")
    );
}

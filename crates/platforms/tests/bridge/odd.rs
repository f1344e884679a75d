//! One odd value in one of several items: the list is read, the others are as they were, and the odd one is read or told.

use holdfast_api::Kind;
use holdfast_core::estate::{ItemKind, Object, ObjectId, Scope, Snapshot, Unreadable};
use holdfast_platforms::Platform;
use holdfast_platforms::{ByClaim as _, Reports as _, Suspension as _};
use serde_json::{Value, json};

use crate::server::{Fake, Reply, healthy};

/// What a platform may write anywhere.
fn oddities() -> Vec<&'static str> {
    vec![
        "null",
        "-5",
        "-0.5",
        "1e300",
        "1e999",
        "18446744073709551616",
        "true",
        "\"\"",
        "\"plenty\"",
        "\"9999-12-31T23:59:59Z\"",
        "\"2026-13-45T99:00:00Z\"",
        r#""\ud800""#,
        r#""\u0000\u2028""#,
        "[]",
        "[null]",
        "[[]]",
        "{}",
        r#"{"sha256": 7}"#,
    ]
}

/// An item of a kind with every field that the contract has, as text by field.
fn full(kind: Kind, id: &str) -> Value {
    let organisation = json!({
        "id": id, "name": format!("name {id}"), "externalRef": format!("hf-{id}"), "etag": "7", "protection": "None",
        "createdAt": "2026-11-01T10:00:00Z", "updatedAt": "2026-11-02T10:00:00Z", "reference": "CWM:1", "active": true,
        "serviceType": "AllInclusive", "stage": "Production", "country": "DE", "storageLocation": "de-1",
        "profile": {"email": "a@b.example", "phone": "1", "address": {"text": "x", "country": "DE"}, "billing": {"legalName": "x"}},
        "contacts": [{"email": "a@b.example", "name": "x"}],
        "bandwidth": {"mode": "Window", "window": {"from": "08:00", "to": "09:00", "exceptWeekends": true}, "maxRate": 20},
        "reports": {"email": true, "consolidated": {"frequency": "Daily", "recipients": ["a@b.example"]}},
        "branding": {"companyName": "x", "logo": {"sha256": "ab", "contentType": "image/png"}},
        "webAccess": {"username": "x", "passwordTag": "t"},
        "facts": {"clients": 1, "clientIds": ["pc"], "tenants": 1, "customers": 1, "resellers": 1, "trialEndsAt": "2027-01-01T00:00:00Z", "phase": "Active"},
    });
    let own = match kind {
        Kind::Reseller => {
            json!({"parentId": "1", "level": "Reseller", "childServiceTypes": ["SoftwareOnly"],
            "allotment": {"storage": 5, "licences": 2, "clients": 3, "credits": 1.5}})
        }
        Kind::Customer => {
            json!({"resellerId": "1", "accountName": "x", "hideName": false, "administrators": [{"email": "a@b.example"}],
            "limits": {"storage": 5, "clients": 3, "credits": 1.5, "licences": {"mode": "Fixed", "count": 2}},
            "clients": {"admission": "Automatic"}, "communications": [{"id": "a", "at": "2026-12-01T09:00:00Z"}]})
        }
        Kind::ServicePlan => {
            json!({"products": [{"product": "HybridWorkloads"}], "usageReport": "Monthly"})
        }
        Kind::Tenant => {
            json!({"customerId": "1", "planId": "1", "product": "HybridWorkloads", "type": "Commercial",
            "storageRegions": ["eu"], "workloads": [{"name": "MSSQL", "users": 1}],
            "quota": {"credits": 5, "effectiveAt": "2026-11-01T00:00:00Z", "endsAt": "2027-01-01T00:00:00Z"},
            "licenceExpiresAt": "2028-01-01T00:00:00Z"})
        }
    };
    let mut item = organisation;
    json_patch::merge(&mut item, &own);
    item
}

/// Dotted paths of all members.
fn paths(above: &str, item: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (name, value) in item.as_object().into_iter().flatten() {
        let path = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        found.extend(paths(&path, value));
        found.push(path);
    }
    found
}

const HOLE: &str = "@hole@";

/// The item as text with an odd value at a path.
fn with_odd(item: &Value, path: &str, odd: &str) -> String {
    let mut item = item.clone();
    let pointer = format!("/{}", path.replace('.', "/"));
    *item.pointer_mut(&pointer).expect("the path is there") = HOLE.into();
    item.to_string().replace(&format!("\"{HOLE}\""), odd)
}

fn page(items: &[String]) -> String {
    format!(
        r#"{{"items": [{}], "next": null, "complete": true, "asOf": "2026-11-22T10:00:00Z"}}"#,
        items.join(",")
    )
}

async fn observed(collection: &'static str, body: String) -> Snapshot {
    let fake = Fake::start(move |seen| {
        if seen.target.starts_with(&format!("/v1/{collection}?")) {
            Reply::raw(200, "application/json", body.clone())
        } else {
            healthy(seen)
        }
    })
    .await;
    let scope = Scope { clients: true };
    fake.bridge()
        .observe(scope)
        .await
        .unwrap_or_else(|error| panic!("{collection}: {error}"))
}

fn of<'a>(observation: &'a Snapshot, kind: Kind, id: &str) -> Option<&'a Object> {
    let id = ObjectId::new(id);
    observation
        .objects
        .iter()
        .find(|object| object.kind == kind && object.id == id)
}

/// All odd values of a list at once, one an item, between two good ones.
#[tokio::test]
async fn an_odd_value_in_one_item_takes_no_other_with_it() {
    for (kind, collection) in [
        (Kind::Reseller, "resellers"),
        (Kind::ServicePlan, "plans"),
        (Kind::Customer, "customers"),
        (Kind::Tenant, "tenants"),
    ] {
        let good = full(kind, "good");
        let mut items = vec![full(kind, "first").to_string()];
        let mut told = Vec::new();
        for path in paths("", &good) {
            for odd in oddities() {
                let id = format!("odd-{}", items.len());
                items.push(with_odd(&full(kind, &id), &path, odd));
                told.push((id, path.clone(), odd));
            }
        }
        items.extend(["null", "7", "[]", "{}"].map(str::to_owned));
        items.push(full(kind, "last").to_string());
        let observation = observed(collection, page(&items)).await;
        for id in ["first", "last"] {
            let object = of(&observation, kind, id).expect("the good ones are there");
            assert_eq!(object.unreadable, None);
            let alone = observed(collection, page(&[full(kind, id).to_string()])).await;
            assert_eq!(Some(object), of(&alone, kind, id));
        }
        let unnamed = observation.unreadable.counts.get(&kind.into()).copied();
        let mut lost = 4;
        for (id, path, odd) in told {
            match of(&observation, kind, &id) {
                Some(object) => {
                    let why = object.unreadable.as_deref().unwrap_or_default();
                    assert!(!why.contains("hf-"), "{path} {odd}: {why}");
                }
                None if path == "id" => lost += 1,
                None => panic!("{kind} with {path} {odd} is gone"),
            }
        }
        // Ids that are another text, or a number, are ids.
        let renamed = observation.objects.iter().filter(|object| {
            object.kind == kind
                && !object.id.as_str().starts_with("odd-")
                && !["first", "last"].contains(&object.id.as_str())
        });
        assert_eq!(unnamed, Some(lost - renamed.count() as u64), "{kind}");
    }
}

#[tokio::test]
async fn an_odd_size_word_or_instant_is_told_with_field_and_value() {
    for (path, odd) in [
        ("limits.storage", "-5"),
        ("limits.clients", "1e999"),
        ("bandwidth.maxRate", "\"plenty\""),
        ("active", "\"yes\""),
        ("createdAt", "\"2026-13-45\""),
        ("facts", "{\"clients\": -1}"),
        ("resellerId", "7"),
        ("contacts", "{}"),
    ] {
        let item = with_odd(&full(Kind::Customer, "1"), path, odd);
        let observation = observed("customers", page(&[item])).await;
        let why =
            of(&observation, Kind::Customer, "1").and_then(|object| object.unreadable.clone());
        let why = why.unwrap_or_else(|| panic!("{path} {odd} is taken for readable"));
        let member = path.split('.').next().unwrap_or_default();
        assert!(why.contains(member), "{path} {odd}: {why}");
    }
    let never = with_odd(
        &full(Kind::Tenant, "1"),
        "licenceExpiresAt",
        "\"9999-12-31T23:59:59.9999999Z\"",
    );
    let observation = observed("tenants", page(&[never])).await;
    let tenant = of(&observation, Kind::Tenant, "1").expect("it is there");
    assert_eq!(tenant.unreadable, None);
    assert_eq!(
        tenant.settings.text("licenceExpiresAt"),
        Some("9999-12-31T23:59:59.9999999Z")
    );
}

#[tokio::test]
async fn odd_places_administrators_and_clients_are_left_out_and_counted() {
    for (collection, item) in [
        (
            "locations",
            json!({"id": "de-1", "name": "x", "countries": ["DE"], "products": []}),
        ),
        ("administrators", json!({"id": "1", "active": true})),
        (
            "clients",
            json!({"id": "pc", "customerId": "1", "etag": "1"}),
        ),
    ] {
        let mut items = vec![item.to_string()];
        for path in paths("", &item) {
            for (at, odd) in oddities().into_iter().enumerate() {
                let mut other = item.clone();
                other["id"] = format!("{path}-{at}").into();
                items.push(with_odd(&other, &path, odd));
            }
        }
        let all = items.len();
        let observation = observed(collection, page(&items)).await;
        let (kind, read) = match collection {
            "locations" => (ItemKind::StorageLocation, observation.locations.len()),
            "administrators" => (ItemKind::Administrator, observation.administrators.len()),
            _ => (ItemKind::Client, observation.clients.len()),
        };
        let unread = observation.unreadable.counts[&kind];
        assert!(read > 0);
        assert_eq!(read as u64 + unread, all as u64, "{collection}");
        let named: &[Unreadable] = &observation.unreadable.named;
        assert!(named.len() <= 20 && named.iter().all(|item| !item.why.is_empty()));
    }
}

#[tokio::test]
async fn odd_rows_of_reports_are_left_out_and_counted() {
    let usage = json!({"customerId": "1", "tenantId": "2", "storageBytes": 5, "credits": 1.5, "months": [{"month": "2026-10"}]});
    let health = json!({"customerId": "1", "tenantId": "2", "jobs": {"total": 1}, "restores": {}, "alerts": {},
        "dataSources": [{"name": "sql", "lastRunAt": "2026-10-01T00:00:00Z"}]});
    for (report, row) in [("usage", usage), ("health", health)] {
        let mut rows = vec![row.to_string()];
        for path in paths("", &row) {
            for (at, odd) in oddities().into_iter().enumerate() {
                let mut other = row.clone();
                other["customerId"] = format!("{path}-{at}").into();
                rows.push(with_odd(&other, &path, odd));
            }
        }
        let (all, body) = (rows.len() as u64, page(&rows));
        let fake = Fake::start(move |seen| {
            if seen.target.starts_with(&format!("/v1/{report}?")) {
                Reply::raw(200, "application/json", body.clone())
            } else {
                healthy(seen)
            }
        })
        .await;
        let (read, unread) = match report {
            "usage" => fake
                .bridge()
                .usage(90)
                .await
                .map(|report| (report.rows.len(), report.unreadable)),
            _ => fake
                .bridge()
                .health(30)
                .await
                .map(|report| (report.rows.len(), report.unreadable)),
        }
        .unwrap_or_else(|error| panic!("{report}: {error}"));
        assert!(read > 1);
        assert_eq!(read as u64 + unread.count(), all, "{report}");
    }
}

#[tokio::test]
async fn an_object_that_can_not_be_read_by_id_claim_or_after_a_write_is_told_as_itself() {
    let odd = with_odd(&full(Kind::Customer, "1"), "limits.storage", "-5");
    let fake = Fake::start(move |seen| {
        if seen.target.starts_with("/v1/customers/") {
            Reply::raw(200, "application/json", odd.clone())
        } else {
            healthy(seen)
        }
    })
    .await;
    let bridge = fake.bridge();
    let id = ObjectId::new("1");
    let read = bridge.read(Kind::Customer, &id).await.unwrap().unwrap();
    let found = bridge
        .find(Kind::Customer, &holdfast_core::estate::Claim::new("hf-1"))
        .await
        .unwrap()
        .remove(0);
    let switched = bridge.set_active(Kind::Customer, &id, false).await.unwrap();
    assert_eq!(read.unreadable, found.unreadable);
    assert!(read.unreadable.unwrap().contains("limits.storage"));
    assert!(
        matches!(switched, holdfast_platforms::Written::Done(object) if object.unreadable.is_some())
    );
}

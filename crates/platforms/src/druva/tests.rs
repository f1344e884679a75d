use serde::Deserialize;

use super::{
    customers, document,
    mapping::{self, TENANT_FIELDS},
    sent::{ChangedTenant, date},
    tenants,
    wire::{Admin, ProductRegions, ServicePlan, StorageRegions, Tenant},
    words, *,
};
use crate::{
    api::Instant,
    estate::{Object, Settings, differences, merge_patch},
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn admins() -> Vec<Admin> {
    read(json!([{"id": 42, "email": "ops@msp.example", "firstName": "Ada"}, {"id": 43}]))
}

fn customer() -> Customer {
    read(
        json!({"id": "c-1", "accountName": "fabrikam", "customerName": "Fabrikam GmbH", "address": "Ulm", "phone": "+49",
        "tenantAdmins": [42, 43, 44], "status": 1, "attributes": [{"name": "dataAccessAllowed", "value": 1}]}),
    )
}

fn tenant() -> Tenant {
    read(
        json!({"id": "t-1", "customerID": "c-1", "productID": 2, "servicePlanID": 7, "tenantType": 3, "status": 1,
        "licenseExpiryDate": "2027-12-31T00:00:00Z", "quota": 12.5, "quotaEndDate": "2026-12-31T00:00:00Z",
        "storageRegions": [{"name": "eu-west-2", "storageProvider": 1}],
        "features": [{"name": "M365", "attrs": [{"name": "userCount", "value": 40}, {"name": "preservedUserCount", "value": 5}]}]}),
    )
}

fn plan() -> ServicePlan {
    read(
        json!({"id": 7, "name": "Gold", "products": [{"productID": 2, "features": [{"name": "m365", "isEnabled": true}]}]}),
    )
}

fn regions() -> Vec<ProductRegions> {
    let body = json!({"storageRegions": [{"productID": 2, "regions": [{"name": "us-east-1", "storageProvider": 1}]}]});
    reads::product_regions(&read::<StorageRegions>(body)).0
}

/// The patch that the planner would send for a spec that says so.
fn patch(object: &Object, spec: &Value) -> Map<String, Value> {
    let desired = Settings::from_document(object.kind, spec).unwrap();
    let differing = differences(object.kind, &desired, &object.settings);
    merge_patch(&differing, &object.settings)
}

#[test]
fn a_customer_that_is_declared_as_it_is_is_written_as_it_was() {
    let (customer, admins) = (customer(), admins());
    let object = mapping::customer(&customer, &admins, known::Holdings::default(), &[]).unwrap();
    let as_is = Value::Object(object.settings.to_document());
    assert_eq!(patch(&object, &as_is), Map::new());
    let held = customers::held(&customer).unwrap();
    let written = customers::changed(&held, as_is.as_object().unwrap(), &admins).unwrap();
    assert_eq!(written, held);
    let sent = serde_json::to_value(&held).unwrap();
    assert_eq!(
        sent["attributes"],
        json!([{"name": "dataAccessAllowed", "value": "1"}]),
        "a text on the wire"
    );
}

#[test]
fn administrators_are_matched_by_address_and_none_is_lost() {
    let (customer, admins) = (customer(), admins());
    let object = mapping::customer(&customer, &admins, known::Holdings::default(), &[]).unwrap();
    let spec = json!({"administrators": [{"email": "OPS@MSP.example"}, {"email": "id-44@unlisted.invalid"}]});
    let patch = patch(&object, &spec);
    let held = customers::held(&customer).unwrap();
    let written = customers::changed(&held, &patch, &admins).unwrap();
    assert_eq!(written.tenant_admins, Some(vec![42, 44]));
    let none = customers::changed(
        &held,
        json!({"administrators": null}).as_object().unwrap(),
        &admins,
    );
    assert_eq!(none.unwrap().tenant_admins, Some(Vec::new()));
}

#[test]
fn a_tenant_that_is_declared_as_it_is_changes_nothing() {
    let tenant = tenant();
    let object = mapping::tenant(&tenant).unwrap();
    let as_is = Value::Object(object.settings.to_document());
    assert_eq!(patch(&object, &as_is), Map::new());
    let now = "2026-11-25T00:00:00Z".parse().unwrap();
    let spec = json!({"quota": {"credits": "40.5"}, "storageRegions": ["us-east-1"],
        "workloads": [{"name": "Microsoft365", "users": 41}]});
    let patch = patch(&object, &spec);
    assert!(document::check(&patch, &TENANT_FIELDS).is_ok());
    let changed = tenants::changed(&tenant, &patch, Some(&plan()), &regions(), now).unwrap();
    assert_eq!(
        serde_json::to_value(changed).unwrap(),
        json!({"quota": 40.5,
            "storageRegions": [{"name": "eu-west-2", "storageProvider": 1}, {"name": "us-east-1", "storageProvider": 1}],
            "features": [{"name": "M365", "isEnabled": true,
                "attrs": [{"name": "userCount", "value": 41}, {"name": "preservedUserCount", "value": 5}]}]})
    );
    let nothing = tenants::changed(&tenant, &Map::new(), None, &[], now).unwrap();
    assert_eq!(nothing, ChangedTenant::default());
}

#[test]
fn a_licence_runs_as_long_as_the_product_allows() {
    let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
    let extend = |until: &str| {
        let patch = json!({"licenceExpiresAt": until});
        tenants::changed(&tenant(), patch.as_object().unwrap(), None, &[], now)
    };
    assert!(extend("2029-11-25T12:00:00Z").is_ok());
    let refused = extend("2029-11-25T12:00:01Z").unwrap_err();
    assert!(refused.detail.contains("3 years"), "{refused:?}");
}

#[test]
fn words_mean_the_same_both_ways() {
    for id in [words::ENTERPRISE_WORKLOADS, words::SAAS_APPS_AND_ENDPOINTS] {
        assert_eq!(words::product_id(&words::product(id)), Some(id));
    }
    for word in words::workload_words().split(", ") {
        let workload = words::workload_named(word).unwrap();
        let same = words::workload_of(workload.feature).unwrap();
        assert_eq!(same.word, word);
    }
    for word in ["Evaluation", "Commercial"] {
        assert_eq!(words::tenant_type(words::tenant_type_id(word)), Some(word));
    }
    assert_eq!(words::tenant_type_id("Sandbox"), None);
}

#[test]
fn dates_go_out_to_the_second_in_utc() {
    let date = |text: &'static str| date(&Instant::new(text));
    assert_eq!(
        date("2026-12-31T23:59:59.987+02:00"),
        "2026-12-31T21:59:59Z"
    );
    let never = "9999-12-31T23:59:59.9999999Z";
    assert_eq!(date(never), never);
}

#[test]
fn what_is_written_in_several_ways_is_read_alike() {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Lenient {
        #[serde(deserialize_with = "lenient::text")]
        text: Option<String>,
        #[serde(deserialize_with = "lenient::whole")]
        whole: Option<i64>,
        #[serde(deserialize_with = "lenient::number")]
        number: Option<f64>,
        #[serde(deserialize_with = "lenient::instant")]
        instant: Option<Timestamp>,
    }
    for (value, text, whole) in [
        (json!(" 3 "), Some("3"), Some(3)),
        (json!(3), Some("3"), Some(3)),
        (json!(3.0), Some("3.0"), Some(3)),
        (json!(null), None, None),
        (json!(""), None, None),
        (json!({"deep": 1}), None, None),
    ] {
        let read: Lenient = read(json!({"text": value, "whole": value, "number": value}));
        assert_eq!((read.text.as_deref(), read.whole), (text, whole), "{value}");
        assert_eq!(read.number, whole.map(|_| 3.0));
    }
    for (value, instant) in [
        (
            json!("2022-01-11T00:00:00.000Z"),
            Some("2022-01-11T00:00:00Z"),
        ),
        (json!("2022-01-11"), Some("2022-01-11T00:00:00Z")),
        (json!(1_709_208_497), Some("2024-02-29T12:08:17Z")),
        (json!("0001-01-01T00:00:00Z"), None),
        (json!("soon"), None),
        (json!(null), None),
    ] {
        let read: Lenient = read(json!({"instant": value}));
        assert_eq!(
            read.instant.map(|at| at.to_string()).as_deref(),
            instant,
            "{value}"
        );
    }
}

#[test]
fn a_list_ends_or_is_an_error() {
    let mut cursors = crate::wire::Cursors::default();
    let token = |text: &str| Some(text.to_owned());
    assert_eq!(cursors.next(token("a")), Ok(token("a")));
    assert_eq!(cursors.next(token("b")), Ok(token("b")));
    assert_eq!(
        cursors.next(token("a")),
        Err("the list's pages form a cycle")
    );
    assert_eq!(
        (cursors.next(None), cursors.next(token(""))),
        (Ok(None), Ok(None))
    );
}

#[test]
fn a_document_says_clears_or_passes_over() {
    let document = json!({"name": "x", "profile": null, "quota": {"credits": null, "endsAt": "2026-12-31T00:00:00Z"}});
    let document = document.as_object().unwrap();
    assert_eq!(document::text(document, "name"), Some("x"));
    assert!(document::clears(document, "profile.address.text"));
    assert!(
        document::clears(document, "quota.credits")
            && !document::clears(document, "quota.effectiveAt")
    );
    assert!(
        document::instant(document, "quota.endsAt")
            .unwrap()
            .is_some()
    );
    assert_eq!(document::instant(document, "quota.effectiveAt"), Ok(None));
    assert!(document::instant(document, "profile.address").is_err());
    let fields = ["name", "profile.phone", "quota.credits", "quota.endsAt"];
    assert!(document::check(document, &fields).is_ok());
    let strange = |document: Value| {
        document::check(document.as_object().unwrap(), &fields)
            .unwrap_err()
            .field
    };
    assert_eq!(
        strange(json!({"profile": {"fax": "1"}})).as_deref(),
        Some("profile.fax")
    );
    assert_eq!(
        strange(json!({"bandwidth": null})).as_deref(),
        Some("bandwidth")
    );
}

//! One odd value in one of several items: the list is read, the others are as they were, and the odd one is read or told.

use holdfast_api::Kind;
use holdfast_core::estate::{ItemKind, Object, ObjectId, Scope, Snapshot};
use holdfast_platforms::{Platform, PlatformError};
use serde_json::{Value, json};

use crate::{
    estate::{CUSTOMER, TENANT, customer, document, except, plan, tenant, with_tenant},
    server::{Fake, Reply},
};

const ODDITIES: [&str; 15] = [
    "null",
    "-5",
    "1e300",
    "1e999",
    "true",
    "\"\"",
    "\"plenty\"",
    "\"9999-12-31T23:59:59Z\"",
    "\"2026-13-45T99:00:00Z\"",
    r#""\ud800""#,
    "[]",
    "[null]",
    "{}",
    "253402300799",
    "99999999999999",
];

const HOLE: &str = "@hole@";

fn with_odd(item: &Value, member: &str, odd: &str) -> String {
    let mut item = item.clone();
    item[member] = HOLE.into();
    item.to_string().replace(&format!("\"{HOLE}\""), odd)
}

async fn observed(path: &'static str, member: &str, items: &[String]) -> Snapshot {
    let body = format!(
        r#"{{"{member}": [{}], "nextPageToken": ""}}"#,
        items.join(",")
    );
    let script = except(path, move |_| {
        Reply::raw(200, "application/json", body.clone())
    });
    let fake = Fake::start(script).await;
    let observed = fake.druva().observe(Scope::default()).await;
    observed.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn of<'a>(observation: &'a Snapshot, kind: Kind, id: &str) -> Option<&'a Object> {
    let id = ObjectId::new(id);
    observation
        .objects
        .iter()
        .find(|object| object.kind == kind && object.id == id)
}

#[tokio::test]
async fn an_odd_value_in_one_item_takes_no_other_with_it() {
    for (kind, path, member, good) in [
        (Kind::Customer, "/v3/customers", "customers", customer()),
        (Kind::Tenant, "/v3/tenants", "tenants", tenant()),
        (
            Kind::ServicePlan,
            "/v3/servicePlans",
            "servicePlans",
            plan(),
        ),
    ] {
        let alone = observed(path, member, &[good.to_string()]).await;
        let id = |number: usize| match kind {
            Kind::ServicePlan => json!(1000 + number),
            _ => json!(format!("odd-{number}")),
        };
        let mut items = vec![good.to_string()];
        for name in good.as_object().unwrap().keys() {
            for odd in ODDITIES {
                let mut other = good.clone();
                other["id"] = id(items.len());
                items.push(with_odd(&other, name, odd));
            }
        }
        let (odd_ids, all) = (ODDITIES.len(), items.len());
        items.extend(["null", "7", "[]", "{}"].map(str::to_owned));
        let observation = observed(path, member, &items).await;
        let good_id = good["id"]
            .as_str()
            .map_or_else(|| good["id"].to_string(), str::to_owned);
        let (first, before) = (of(&observation, kind, &good_id), of(&alone, kind, &good_id));
        let mut first = first.expect("the good one is there").clone();
        first.facts = before.unwrap().facts.clone();
        assert_eq!(Some(&first), before);
        let read = observation
            .objects
            .iter()
            .filter(|object| object.kind == kind)
            .count();
        let lost = observation
            .unreadable
            .counts
            .get(&kind.into())
            .copied()
            .unwrap_or_default();
        assert_eq!(read as u64 + lost, all as u64 + 4, "{kind}");
        assert!(lost <= 4 + odd_ids as u64, "{kind}: {lost}");
    }
}

#[tokio::test]
async fn what_would_be_written_over_unread_is_told() {
    for (kind, path, member, good, name, odd) in [
        (
            Kind::Tenant,
            "/v3/tenants",
            "tenants",
            tenant(),
            "licenseExpiryDate",
            "\"soon\"",
        ),
        (
            Kind::Tenant,
            "/v3/tenants",
            "tenants",
            tenant(),
            "quota",
            "-5",
        ),
        (
            Kind::Tenant,
            "/v3/tenants",
            "tenants",
            tenant(),
            "servicePlanID",
            "\"gold\"",
        ),
        (
            Kind::Tenant,
            "/v3/tenants",
            "tenants",
            tenant(),
            "customerID",
            "7",
        ),
        (
            Kind::Tenant,
            "/v3/tenants",
            "tenants",
            tenant(),
            "storageRegions",
            "7",
        ),
        (
            Kind::Customer,
            "/v3/customers",
            "customers",
            customer(),
            "tenantAdmins",
            "[\"x\"]",
        ),
        (
            Kind::Customer,
            "/v3/customers",
            "customers",
            customer(),
            "phone",
            "{}",
        ),
    ] {
        let observation = observed(path, member, &[with_odd(&good, name, odd)]).await;
        let object = of(&observation, kind, good["id"].as_str().unwrap()).expect("it is there");
        let why = object
            .unreadable
            .clone()
            .unwrap_or_else(|| panic!("{name} {odd} is taken for readable"));
        assert!(
            why.contains(name) || why.contains("quota.credits"),
            "{name} {odd}: {why}"
        );
    }
    let never = with_odd(
        &tenant(),
        "licenseExpiryDate",
        "\"9999-12-31T23:59:59.9999999Z\"",
    );
    let observation = observed("/v3/tenants", "tenants", &[never]).await;
    let tenant = of(&observation, Kind::Tenant, TENANT).expect("it is there");
    assert_eq!(tenant.unreadable, None);
    assert_eq!(
        tenant.settings.text("licenceExpiresAt"),
        Some("9999-12-31T23:59:59.9999999Z")
    );
}

#[tokio::test]
async fn an_odd_quota_makes_its_customer_unreadable_and_an_odd_region_is_left_out() {
    const LIST: &str = "/quota/v1/customers/configurations";
    let odd = json!({"customerGlobalId": CUSTOMER, "quotaConfig": 7}).to_string();
    let observation = observed(LIST, "quotaConfigList", &[odd, "{}".into()]).await;
    let customer = of(&observation, Kind::Customer, CUSTOMER).expect("it is there");
    assert_eq!(customer.unreadable.as_deref(), Some("quotaConfig is 7"));
    let regions = |_: &crate::server::Seen| {
        Reply::ok(
            &json!({"storageRegions": [{"productID": "x"}, {"productID": 1, "regions": [{"name": "eu-west-2"}]}]}),
        )
    };
    let fake = Fake::start(except("/v2/storage-regions", regions)).await;
    let observation = fake.druva().observe(Scope::default()).await.unwrap();
    assert_eq!(observation.locations.len(), 1);
    assert_eq!(observation.unreadable.counts[&ItemKind::StorageLocation], 1);
}

#[tokio::test]
async fn nothing_is_written_over_a_tenant_that_can_not_be_read() {
    let odd = |tenant: &mut Value| tenant["licenseExpiryDate"] = json!("soon");
    let fake = Fake::start(with_tenant(TENANT, odd)).await;
    let druva = fake.druva();
    druva.observe(Scope::default()).await.unwrap();
    let id = ObjectId::new(TENANT);
    let read = druva.read(Kind::Tenant, &id).await.unwrap().unwrap();
    assert!(read.unreadable.unwrap().contains("licenseExpiryDate"));
    let patch = document(json!({"quota": {"credits": 7}}));
    let written = druva.update(Kind::Tenant, &id, None, None, patch).await;
    assert!(
        matches!(&written, Err(PlatformError::Unavailable(_))),
        "{written:?}"
    );
    assert!(fake.writes().is_empty());
}

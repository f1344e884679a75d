//! Reading the whole account: all of it, or an error.

use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_api::Kind;
use holdfast_core::estate::{Capability, Creation, Object, Protection, Scope, Snapshot};
use holdfast_platforms::Driver as _;
use holdfast_platforms::{Platform, PlatformError};
use serde_json::{Value, json};

use crate::{
    estate::{
        CUSTOMER, MSP, SAAS_TENANT, TENANT, customer, except, healthy, other_customer, tenant,
    },
    server::{Fake, Reply, Seen},
};

fn object<'a>(observation: &'a Snapshot, kind: Kind, id: &str) -> &'a Object {
    let mut objects = observation.objects.iter();
    objects
        .find(|object| object.kind == kind && object.id.as_str() == id)
        .unwrap()
}

fn settings(object: &Object) -> Value {
    Value::Object(object.settings.to_document())
}

async fn observe(
    script: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> Result<Snapshot, PlatformError> {
    Fake::start(script)
        .await
        .druva()
        .observe(Scope::default())
        .await
}

#[tokio::test]
async fn the_whole_account_is_read_in_our_terms() {
    let fake = Fake::start(healthy).await;
    let observation = fake.druva().observe(Scope::default()).await.unwrap();
    let mut lines = fake.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            "GET /quota/v1/customers/configurations?pageSize=100",
            "GET /v2/admins?pageSize=500",
            "GET /v2/storage-regions",
            "GET /v3/customers?pageSize=100",
            "GET /v3/servicePlans",
            "GET /v3/tenants?pageSize=100&includeFeatures=true",
        ]
    );
    let capabilities = &observation.capabilities;
    assert_eq!(capabilities.account.id, MSP);
    let never = holdfast_platforms::druva::DruvaDriver.never();
    assert!(
        never
            .iter()
            .all(|capability| !capabilities.can(*capability))
    );
    assert_eq!(capabilities.creation(Kind::Customer), Creation::UniqueName);
    assert_eq!(capabilities.creation(Kind::Tenant), Creation::OneOfParent);
    assert!(
        capabilities.can(Capability::SuspendTenant)
            && !capabilities.can(Capability::DeleteCustomer)
    );
    assert!(
        !capabilities.takes(Kind::Reseller, "name")
            && capabilities.takes(Kind::Tenant, "quota.credits")
    );

    let customer = object(&observation, Kind::Customer, CUSTOMER);
    assert_eq!(
        (customer.name.as_str(), &customer.facts.busy),
        ("Fabrikam GmbH", &None)
    );
    assert_eq!(
        (customer.facts.tenants, customer.protection),
        (2, Protection::None)
    );
    assert_eq!(
        settings(customer),
        json!({
            "name": "Fabrikam GmbH", "accountName": "fabrikam-001",
            "profile": {"phone": "+497310000", "address": {"text": "Hauptstr. 1, Ulm"}},
            "administrators": [{"email": "ops@msp.example", "name": "Ada Ops"}, {"email": "id-43@unlisted.invalid"}],
        })
    );
    let tenant = object(&observation, Kind::Tenant, TENANT);
    assert_eq!(tenant.facts.edition.as_deref(), Some("Enterprise"));
    assert_eq!(tenant.facts.phase.as_deref(), Some("Active"));
    assert_eq!(
        settings(tenant),
        json!({
            "customerId": CUSTOMER, "planId": "7", "product": "HybridWorkloads", "type": "Commercial", "active": true,
            "storageRegions": ["eu-west-2"], "workloads": [{"name": "EnterpriseWorkloads"}],
            "quota": {"credits": 12.5, "effectiveAt": "2026-01-01T00:00:00Z", "endsAt": "2026-12-31T00:00:00Z"},
            "licenceExpiresAt": "2027-12-31T00:00:00Z",
        })
    );
    let suspended = object(&observation, Kind::Tenant, SAAS_TENANT);
    assert_eq!(
        (suspended.active(), suspended.facts.busy.as_deref()),
        (false, None)
    );
    assert_eq!(
        settings(suspended)["workloads"],
        json!([{"name": "Microsoft365", "users": 40, "preservedUsers": 5}])
    );
    let plan = object(&observation, Kind::ServicePlan, "7");
    assert_eq!(plan.facts.tenants, 2);
    assert_eq!(
        settings(plan)["products"],
        json!([
            {"product": "HybridWorkloads", "edition": "Enterprise", "workloads": ["EnterpriseWorkloads"]},
            {"product": "SaaSAppsAndEndpoints", "edition": "Business", "workloads": ["Microsoft365"]},
        ])
    );
    let both = observation
        .locations
        .iter()
        .find(|location| location.id == "eu-west-2")
        .unwrap();
    assert_eq!(both.products, ["HybridWorkloads", "SaaSAppsAndEndpoints"]);
    assert_eq!(observation.locations.len(), 3);
    let administrators: Vec<&str> = observation
        .administrators
        .iter()
        .map(|admin| &*admin.id)
        .collect();
    assert_eq!(
        administrators,
        ["42"],
        "tenant administrators don't administer the account"
    );
}

/// Two customers on two pages.
fn paged(second: fn() -> Reply) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    except("/v3/customers", move |seen| match seen.query.as_str() {
        "pageSize=100" => Reply::ok(&json!({"customers": [customer()], "nextPageToken": "p/2="})),
        "pageToken=p%2F2%3D" => second(),
        _ => Reply::error(400, "pageToken and another parameter"),
    })
}

#[tokio::test]
async fn later_pages_are_asked_for_by_token_alone() {
    let whole = observe(paged(|| {
        Reply::ok(&json!({"customers": [other_customer()]}))
    }))
    .await
    .unwrap();
    assert_eq!(
        whole
            .objects
            .iter()
            .filter(|object| object.kind == Kind::Customer)
            .count(),
        2
    );
    let none = observe(paged(|| {
        Reply::ok(&json!({"customers": null, "nextPageToken": null}))
    }))
    .await
    .unwrap();
    assert_eq!(
        none.objects
            .iter()
            .filter(|object| object.kind == Kind::Customer)
            .count(),
        1
    );
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_an_error() {
    let failing = observe(paged(|| Reply::error(500, "no"))).await;
    assert!(
        matches!(failing, Err(PlatformError::Unreachable(_))),
        "{failing:?}"
    );
    let seconds: [fn() -> Reply; 5] = [
        || Reply::ok(&json!({"customers": [other_customer()], "nextPageToken": "p/2="})),
        || Reply::ok(&json!({"customers": [customer()], "nextPageToken": ""})),
        || Reply::ok(&json!({"nextPageToken": ""})),
        || Reply::html(404),
        || Reply::error(404, "gone"),
    ];
    for second in seconds {
        let swept = observe(paged(second)).await;
        assert!(matches!(swept, Err(PlatformError::Garbled(_))), "{swept:?}");
    }
}

#[tokio::test]
async fn a_throttled_page_is_asked_for_again_after_the_wait() {
    let tries = AtomicUsize::new(0);
    let fake = Fake::start(except("/v3/tenants", move |seen| {
        if tries.fetch_add(1, Ordering::SeqCst) == 0 {
            return Reply::json(429, &json!({})).with("retry-after", "1");
        }
        healthy(seen)
    }))
    .await;
    fake.druva().observe(Scope::default()).await.unwrap();
    let tenants = fake
        .lines()
        .into_iter()
        .filter(|line| line.contains("/tenants"));
    assert_eq!(tenants.count(), 2);
}

#[tokio::test]
async fn the_account_is_asked_for_once() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    for _ in 0..3 {
        assert_eq!(druva.identify().await.unwrap().account.id, MSP);
    }
    let events: Vec<String> = fake
        .all()
        .iter()
        .map(Seen::line)
        .filter(|line| line.contains("events"))
        .collect();
    assert_eq!(events, ["GET /v2/events?pageSize=1"]);
}

#[tokio::test]
async fn an_account_without_events_is_not_known_yet() {
    let none = json!({"events": [], "nextPageToken": "tail"});
    let fake = Fake::start(except("/v2/events", move |_| Reply::ok(&none))).await;
    let druva = fake.druva();
    let unknown = druva.identify().await;
    assert!(
        matches!(&unknown, Err(PlatformError::Unavailable(text)) if text.contains("no events")),
        "{unknown:?}"
    );
    let strange = json!({"events": [{"globalID": "78ccbc1c"}], "nextPageToken": ""});
    let fake = Fake::start(except("/v2/events", move |_| Reply::ok(&strange))).await;
    let unknown = fake.druva().identify().await;
    assert!(
        matches!(unknown, Err(PlatformError::Garbled(_))),
        "{unknown:?}"
    );
}

/// The account with one tenant, changed.
async fn observed_tenant(change: impl Fn(&mut Value)) -> (Object, Object) {
    let mut changed = tenant();
    change(&mut changed);
    let id = changed["id"].as_str().unwrap().to_owned();
    let page = json!({"tenants": [changed], "nextPageToken": ""});
    let observation = observe(except("/v3/tenants", move |_| Reply::ok(&page)))
        .await
        .unwrap();
    let customer = object(&observation, Kind::Customer, CUSTOMER).clone();
    (object(&observation, Kind::Tenant, &id).clone(), customer)
}

#[tokio::test]
async fn a_tenant_that_is_worked_on_says_so() {
    for (status, phase, words) in [
        (0, "Creating", "being created"),
        (3, "Deleting", "removed on 2026-12-01T00:00:00Z"),
        (4, "Migrating", "being migrated"),
        (5, "Updating", "being updated"),
        (9, "Unknown", "state 9"),
    ] {
        let (tenant, _) = observed_tenant(|tenant| {
            tenant["status"] = json!(status);
            tenant["deleteDate"] = json!("2026-12-01T00:00:00Z");
        })
        .await;
        assert_eq!(tenant.facts.phase.as_deref(), Some(phase));
        assert!(
            tenant.facts.busy.as_deref().unwrap().contains(words),
            "{:?}",
            tenant.facts.busy
        );
    }
}

#[tokio::test]
async fn what_is_not_known_is_left_alone_and_breaks_nothing() {
    let strange: [fn(&mut Value); 3] = [
        |tenant| tenant["tenantType"] = json!(9),
        |tenant| tenant["productID"] = json!(9),
        |tenant| tenant["servicePlanID"] = json!(-1),
    ];
    for change in strange {
        let (tenant, _) = observed_tenant(change).await;
        assert_eq!(tenant.protection, Protection::Foreign);
    }
    let (tenant, _) = observed_tenant(|tenant| {
        tenant["edition"] = json!("platinum");
        tenant["features"] = json!([{"name": "Kubernetes", "attrs": [{"name": "nodes", "value": {"deep": 1}}]}, {"name": "M365"}]);
        tenant["storageRegions"] = json!([{"name": "mars-1", "storageProvider": 9}]);
        tenant["quota"] = json!(1.234_567);
        tenant["quotaEndDate"] = json!("0001-01-01T00:00:00Z");
        tenant["new"] = json!({"member": []});
    })
    .await;
    assert_eq!(tenant.protection, Protection::None);
    assert_eq!(
        (
            settings(&tenant)["workloads"].clone(),
            settings(&tenant)["quota"].clone()
        ),
        (
            json!([{"name": "Microsoft365"}]),
            json!({"credits": 1.235, "effectiveAt": "2026-01-01T00:00:00Z"})
        )
    );
}

#[tokio::test]
async fn a_sandbox_is_known_by_its_tenant() {
    let (tenant, customer) = observed_tenant(|tenant| tenant["tenantType"] = json!(1)).await;
    assert_eq!(
        (tenant.protection, customer.protection),
        (Protection::Sandbox, Protection::Sandbox)
    );
}

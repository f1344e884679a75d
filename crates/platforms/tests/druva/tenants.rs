//! Tenants: what is sent, and what is found out before anything is.

use holdfast_api::Kind;
use holdfast_core::estate::{ObjectId, Scope};
use holdfast_platforms::Suspension as _;
use holdfast_platforms::{Platform, ProblemKind};
use serde_json::{Value, json};

use crate::{
    estate::{
        CUSTOMER, SAAS_TENANT, TENANT, create, done, healthy, pending, problem, update,
        with_customer, with_tenant,
    },
    server::{Fake, Seen},
};

fn new_tenant() -> Value {
    json!({"customerId": CUSTOMER, "planId": "7", "product": "SaaSAppsAndEndpoints", "type": "Commercial",
        "storageRegions": ["EU-WEST-2"], "licenceExpiresAt": "2027-12-31T00:00:00.25Z",
        "workloads": [{"name": "Microsoft365", "users": 40}],
        "quota": {"credits": 25, "effectiveAt": "2027-01-01T00:00:00Z", "endsAt": "2027-12-31T00:00:00Z"}})
}

fn with(change: impl Fn(&mut Value)) -> Value {
    let mut tenant = new_tenant();
    change(&mut tenant);
    tenant
}

#[tokio::test]
async fn a_tenant_is_made_with_all_that_its_plan_forces() {
    let fake = Fake::start(healthy).await;
    pending(create(&fake.druva(), Kind::Tenant, new_tenant()).await);
    assert_eq!(
        fake.lines(),
        [
            "GET /v3/servicePlans/7".to_owned(),
            "GET /v2/storage-regions".to_owned(),
            format!("GET /v3/customers/{CUSTOMER}?includeFeatures=true"),
            format!("POST /v3/customers/{CUSTOMER}/tenants"),
        ]
    );
    assert_eq!(
        fake.written(),
        json!({"productID": 2, "servicePlanID": 7, "tenantType": 3, "licenseExpiryDate": "2027-12-31T00:00:00Z",
            "storageRegions": [{"name": "eu-west-2", "storageProvider": 1}],
            "features": [{"name": "M365", "attrs": [{"name": "userCount", "value": 40}, {"name": "preservedUserCount", "value": 0}]}],
            "quota": 25.0, "quotaStartDate": "2027-01-01T00:00:00Z", "quotaEndDate": "2027-12-31T00:00:00Z"})
    );
}

#[tokio::test]
async fn after_a_sweep_a_new_tenant_takes_one_look_and_one_write() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    druva.observe(Scope::default()).await.unwrap();
    let before = fake.lines().len();
    let plain = json!({"customerId": CUSTOMER, "planId": "7", "product": "HybridWorkloads", "type": "Evaluation",
        "storageRegions": ["westeurope"], "licenceExpiresAt": "2030-12-31T00:00:00Z"});
    pending(create(&druva, Kind::Tenant, plain).await);
    assert_eq!(fake.lines().len() - before, 2);
    let body = fake.written();
    assert_eq!(
        body["features"],
        json!([{"name": "Enterprise Workloads", "attrs": []}])
    );
    assert_eq!(
        body["storageRegions"],
        json!([{"name": "westeurope", "storageProvider": 2}])
    );
    assert!(body.get("quota").is_none() && body.get("quotaEndDate").is_none());
}

#[tokio::test]
async fn what_a_new_tenant_needs_is_asked_for_before_anything_is_sent() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    let clear = |member: &'static str| {
        with(move |tenant| {
            tenant.as_object_mut().unwrap().remove(member);
        })
    };
    for (document, field) in [
        (clear("customerId"), "customerId"),
        (clear("planId"), "planId"),
        (clear("product"), "product"),
        (clear("type"), "type"),
        (clear("storageRegions"), "storageRegions"),
        (clear("licenceExpiresAt"), "licenceExpiresAt"),
        (clear("workloads"), "workloads"),
        (with(|tenant| tenant["planId"] = json!("99")), "planId"),
        (with(|tenant| tenant["planId"] = json!("-1")), "planId"),
        (with(|tenant| tenant["type"] = json!("Sandbox")), "type"),
        (
            with(|tenant| tenant["storageRegions"] = json!(["mars-1"])),
            "storageRegions",
        ),
        (
            with(|tenant| tenant["licenceExpiresAt"] = json!("2031-01-01T00:00:00Z")),
            "licenceExpiresAt",
        ),
        (
            with(|tenant| tenant["workloads"] = json!([{"name": "Endpoints", "users": 1}])),
            "workloads",
        ),
        (
            with(|tenant| tenant["workloads"] = json!([{"name": "Microsoft365"}])),
            "workloads",
        ),
        (
            with(|tenant| tenant["workloads"] = json!([{"name": "Minidiscs", "users": 1}])),
            "workloads",
        ),
    ] {
        let refused = problem(create(&druva, Kind::Tenant, document).await);
        assert_eq!(
            (refused.kind, refused.field.as_deref()),
            (ProblemKind::Invalid, Some(field)),
            "{refused:?}"
        );
    }
    assert_eq!(fake.writes().len(), 0);
    let long = with(|tenant| {
        tenant["product"] = json!("HybridWorkloads");
        tenant["licenceExpiresAt"] = json!("2033-01-01T00:00:00Z");
        tenant.as_object_mut().unwrap().remove("workloads");
    });
    pending(create(&druva, Kind::Tenant, long).await);
}

#[tokio::test]
async fn no_tenant_is_made_where_the_customer_is_worked_on_or_the_vendors() {
    let fake = Fake::start(with_customer(|customer| customer["status"] = json!(2))).await;
    let refused = problem(create(&fake.druva(), Kind::Tenant, new_tenant()).await);
    assert_eq!((refused.kind, fake.writes().len()), (ProblemKind::Busy, 0));
    let vendors = json!([{"name": "licenseManagementAllowed", "value": "0"}]);
    let fake = Fake::start(with_customer(move |customer| {
        customer["attributes"] = vendors.clone();
    }))
    .await;
    let refused = problem(create(&fake.druva(), Kind::Tenant, new_tenant()).await);
    assert_eq!(
        (refused.kind, fake.writes().len()),
        (ProblemKind::Unsupported, 0)
    );
}

async fn patched(id: &str, patch: Value) -> Value {
    let fake = Fake::start(healthy).await;
    pending(update(&fake.druva(), Kind::Tenant, id, patch).await);
    assert_eq!(
        fake.writes()[0].line(),
        format!("PATCH /v3/customers/{CUSTOMER}/tenants/{id}")
    );
    fake.written()
}

#[tokio::test]
async fn only_what_changes_is_sent() {
    assert_eq!(
        patched(TENANT, json!({"quota": {"credits": 40}})).await,
        json!({"quota": 40.0})
    );
    assert_eq!(
        patched(TENANT, json!({"licenceExpiresAt": "2028-01-31T00:00:00Z", "quota": {"endsAt": "2027-12-31T12:00:00+02:00"}})).await,
        json!({"licenseExpiryDate": "2028-01-31T00:00:00Z", "quotaEndDate": "2027-12-31T10:00:00Z"})
    );
    assert_eq!(
        patched(SAAS_TENANT, json!({"type": "Commercial"})).await,
        json!({"tenantType": 3})
    );
}

#[tokio::test]
async fn regions_are_added_to_those_that_are_there() {
    assert_eq!(
        patched(TENANT, json!({"storageRegions": ["westeurope"]})).await,
        json!({"storageRegions": [{"name": "eu-west-2", "storageProvider": 1}, {"name": "westeurope", "storageProvider": 2}]})
    );
}

#[tokio::test]
async fn seats_are_sent_with_every_attribute_and_feature() {
    let patch = json!({"workloads": [{"name": "Microsoft365", "users": 60, "preservedUsers": 5}]});
    let attribute = |name: &str, value: i64| json!({"name": name, "value": value});
    let seats = |users: i64| {
        json!({"name": "M365", "isEnabled": true, "attrs": [
            attribute("userCount", users), attribute("preservedUserCount", 5), attribute("educationLicenseState", 1)]})
    };
    let extra =
        json!({"name": "M365 Accelerated Ransomware Recovery", "isEnabled": true, "attrs": []});
    assert_eq!(
        patched(SAAS_TENANT, patch).await,
        json!({"features": [seats(60), extra]})
    );

    // A plan that has more.
    let wider = json!({"planId": "8", "workloads": [{"name": "Microsoft365"}, {"name": "Endpoints", "users": 7}]});
    let endpoints = json!({"name": "Endpoints", "isEnabled": true, "attrs": [attribute("userCount", 7), attribute("preservedUserCount", 0)]});
    assert_eq!(
        patched(SAAS_TENANT, wider).await,
        json!({"servicePlanID": 8, "features": [seats(40), extra, endpoints]})
    );
}

#[tokio::test]
async fn a_workload_beyond_the_plan_can_go_and_one_of_it_cannot() {
    let with_google = |tenant: &mut Value| {
        let google =
            json!({"name": "Google Workspace", "attrs": [{"name": "userCount", "value": "3"}]});
        tenant["features"].as_array_mut().unwrap().push(google);
    };
    let fake = Fake::start(with_tenant(SAAS_TENANT, with_google)).await;
    let druva = fake.druva();
    let patch = json!({"workloads": [{"name": "Microsoft365", "users": 40}]});
    pending(update(&druva, Kind::Tenant, SAAS_TENANT, patch).await);
    assert_eq!(
        fake.written()["features"][2],
        json!({"name": "Google Workspace", "isEnabled": false, "attrs": [{"name": "userCount", "value": 3}]})
    );
    let fake = Fake::start(healthy).await;
    let patch = json!({"workloads": [{"name": "Endpoints", "users": 40}]});
    let refused = problem(update(&fake.druva(), Kind::Tenant, SAAS_TENANT, patch).await);
    assert!(refused.detail.contains("Microsoft365"), "{refused:?}");
    let refused = problem(
        update(
            &fake.druva(),
            Kind::Tenant,
            SAAS_TENANT,
            json!({"planId": "8"}),
        )
        .await,
    );
    assert!(
        refused.detail.contains("how many users Endpoints"),
        "{refused:?}"
    );
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn what_a_tenant_cannot_lose_or_change_is_refused() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    for (patch, kind, field) in [
        (
            json!({"customerId": "another"}),
            ProblemKind::Invalid,
            "customerId",
        ),
        (
            json!({"product": "SaaSAppsAndEndpoints"}),
            ProblemKind::Invalid,
            "product",
        ),
        (json!({"type": "Sandbox"}), ProblemKind::Invalid, "type"),
        (json!({"type": null}), ProblemKind::Invalid, "type"),
        (json!({"planId": null}), ProblemKind::Invalid, "planId"),
        (
            json!({"quota": null}),
            ProblemKind::Invalid,
            "quota.credits",
        ),
        (
            json!({"quota": {"endsAt": null}}),
            ProblemKind::Invalid,
            "quota.endsAt",
        ),
        (
            json!({"licenceExpiresAt": null}),
            ProblemKind::Invalid,
            "licenceExpiresAt",
        ),
        (
            json!({"storageRegions": ["us-east-1"]}),
            ProblemKind::Invalid,
            "storageRegions",
        ),
        (json!({"active": false}), ProblemKind::Unsupported, "active"),
        (
            json!({"reference": "x"}),
            ProblemKind::Unsupported,
            "reference",
        ),
    ] {
        let refused = problem(update(&druva, Kind::Tenant, TENANT, patch).await);
        assert_eq!(
            (refused.kind, refused.field.as_deref()),
            (kind, Some(field)),
            "{refused:?}"
        );
    }
    let same = json!({"customerId": CUSTOMER, "planId": "7", "type": "Commercial", "storageRegions": ["eu-west-2"]});
    done(update(&druva, Kind::Tenant, TENANT, same).await);
    assert_eq!(fake.writes().len(), 0);
}

#[tokio::test]
async fn a_tenant_that_is_worked_on_is_not_written() {
    for status in [0, 3, 4, 5, 9] {
        let fake = Fake::start(with_tenant(TENANT, move |tenant| {
            tenant["status"] = json!(status);
        }))
        .await;
        let druva = fake.druva();
        let refused = problem(
            update(
                &druva,
                Kind::Tenant,
                TENANT,
                json!({"quota": {"credits": 1}}),
            )
            .await,
        );
        assert_eq!(refused.kind, ProblemKind::Busy, "{status}");
        let refused = problem(
            druva
                .set_active(Kind::Tenant, &ObjectId::new(TENANT), false)
                .await,
        );
        assert_eq!(refused.kind, ProblemKind::Busy, "{status}");
        assert_eq!(fake.writes().len(), 0);
    }
}

#[tokio::test]
async fn a_tenant_is_suspended_and_resumed_once() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    let (active, suspended) = (ObjectId::new(TENANT), ObjectId::new(SAAS_TENANT));
    done(druva.set_active(Kind::Tenant, &active, true).await);
    done(druva.set_active(Kind::Tenant, &suspended, false).await);
    assert_eq!(
        fake.writes().len(),
        0,
        "how a repeated call is answered isn't told"
    );
    pending(druva.set_active(Kind::Tenant, &active, false).await);
    pending(druva.set_active(Kind::Tenant, &suspended, true).await);
    let lines: Vec<String> = fake.writes().iter().map(Seen::line).collect();
    assert_eq!(
        lines,
        [
            format!("POST /v2/customers/{CUSTOMER}/tenants/{TENANT}/suspend"),
            format!("POST /v2/customers/{CUSTOMER}/tenants/{SAAS_TENANT}/unsuspend"),
        ]
    );
    assert!(fake.writes().iter().all(|seen| seen.body.is_null()));
}

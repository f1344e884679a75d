//! Single objects, and what stands where a new one would.

use holdfast_platforms::Beside as _;
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_api::Kind;
use holdfast_core::estate::{ObjectId, Scope};
use holdfast_platforms::{Platform, PlatformError};
use serde_json::json;

use crate::{
    estate::{
        CUSTOMER, SAAS_TENANT, TENANT, customer_id, document, except, healthy, other_customer,
        problem, saas_tenant, tenant,
    },
    server::{Fake, Reply, Seen},
};

#[tokio::test]
async fn only_the_apis_own_404_says_that_something_is_gone() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    assert_eq!(
        druva.read(Kind::Customer, &ObjectId::new("gone")).await,
        Ok(None)
    );
    assert_eq!(
        druva.read(Kind::Tenant, &ObjectId::new("gone")).await,
        Ok(None)
    );
    assert_eq!(
        druva.read(Kind::Reseller, &ObjectId::new("1")).await,
        Ok(None)
    );
    for id in ["", ".", ".."] {
        problem(druva.read(Kind::Customer, &ObjectId::new(id)).await);
    }
    let fake = Fake::start(except(format!("/v3/customers/{CUSTOMER}"), |_| {
        Reply::html(404)
    }))
    .await;
    let read = fake.druva().read(Kind::Customer, &customer_id()).await;
    assert!(matches!(read, Err(PlatformError::Garbled(_))), "{read:?}");
    let fake = Fake::start(except(format!("/v3/customers/{CUSTOMER}"), |_| {
        Reply::ok(&other_customer())
    }))
    .await;
    let read = fake.druva().read(Kind::Customer, &customer_id()).await;
    assert!(matches!(read, Err(PlatformError::Garbled(_))), "{read:?}");
}

#[tokio::test]
async fn a_tenants_customer_is_looked_up_once() {
    let fake = Fake::start(healthy).await;
    let druva = fake.druva();
    for _ in 0..2 {
        let tenant = druva
            .read(Kind::Tenant, &ObjectId::new(TENANT))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(tenant.settings.text("customerId"), Some(CUSTOMER));
    }
    let one = format!("GET /v3/customers/{CUSTOMER}/tenants/{TENANT}?includeFeatures=true");
    assert_eq!(
        fake.lines(),
        [
            "GET /v3/tenants?pageSize=100&includeFeatures=true".to_owned(),
            one.clone(),
            one
        ]
    );
}

#[tokio::test]
async fn what_stands_beside_a_creation_is_read_afresh() {
    let fake = Fake::start(|seen| {
        if seen.query.contains("customerIds") {
            let mut strangers = saas_tenant();
            strangers["customerID"] = json!("another");
            strangers["id"] = json!("strangers");
            return Reply::ok(
                &json!({"tenants": [tenant(), saas_tenant(), strangers], "nextPageToken": ""}),
            );
        }
        healthy(seen)
    })
    .await;
    let druva = fake.druva();
    let wanted = document(json!({"customerId": CUSTOMER, "product": "SaaSAppsAndEndpoints"}));
    let tenants = druva.beside(Kind::Tenant, &wanted).await.unwrap();
    let ids: Vec<&str> = tenants.iter().map(|tenant| tenant.id.as_str()).collect();
    assert_eq!(ids, [SAAS_TENANT]);
    assert_eq!(
        fake.lines(),
        [format!(
            "GET /v3/tenants?customerIds={CUSTOMER}&pageSize=100&includeFeatures=true"
        )]
    );
    for (names, found) in [
        (json!({"name": "Fabrikam GmbH"}), 1),
        (json!({"name": "x", "accountName": "fabrikam-001"}), 1),
        (json!({"name": "Fabrikam"}), 0),
    ] {
        let beside = druva
            .beside(Kind::Customer, &document(names))
            .await
            .unwrap();
        assert_eq!(beside.len(), found);
    }
    assert_eq!(
        druva.beside(Kind::ServicePlan, &document(json!({}))).await,
        Ok(Vec::new())
    );
}

#[tokio::test]
async fn a_tenant_that_vanished_is_gone() {
    let gone = |seen: &Seen| {
        if seen.path.ends_with(TENANT) {
            return Reply::error(404, "no such tenant");
        }
        healthy(seen)
    };
    let fake = Fake::start(gone).await;
    assert_eq!(
        fake.druva()
            .read(Kind::Tenant, &ObjectId::new(TENANT))
            .await,
        Ok(None)
    );
}

#[tokio::test]
async fn whether_a_tenant_is_gone_is_asked_where_it_was() {
    let swept = AtomicBool::new(false);
    let fake = Fake::start(move |seen| {
        if seen.path.ends_with(TENANT) {
            return Reply::error(404, "no such tenant");
        }
        if seen.path == "/msp/v3/tenants" && swept.swap(true, Ordering::SeqCst) {
            return Reply::ok(&json!({"tenants": [], "nextPageToken": ""}));
        }
        healthy(seen)
    })
    .await;
    let druva = fake.druva();
    for _ in 0..2 {
        druva.observe(Scope::default()).await.unwrap();
    }
    let before = fake.lines().len();
    let read = druva.read(Kind::Tenant, &ObjectId::new(TENANT)).await;
    assert_eq!((read, fake.lines().len() - before), (Ok(None), 1));
    let strangers = ["a", "b", "c", "d"].map(ObjectId::new);
    let reads = strangers.iter().map(|id| druva.read(Kind::Tenant, id));
    let reads = futures::future::join_all(reads).await;
    assert!(reads.iter().all(|read| *read == Ok(None)), "{reads:?}");
    let lists = fake.lines().len() - before - 1;
    assert_eq!(
        lists, 2,
        "one for the first, one for all who asked meanwhile"
    );
}

//! What is only read: plans, admins, regions, events; and quotas for each consumption parameter.

use holdfast_simulator::DruvaOptions;
use holdfast_testkit::druva_contract::Contract;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Platform, but};

// R-D20
#[tokio::test]
async fn plans_are_read_with_what_they_force_on() {
    let platform = Platform::start().await;
    for number in 0..3 {
        let only =
            json!([{"product": "HybridWorkloads", "edition": "Elite", "workloads": ["NAS"]}]);
        platform.console_plan(&format!("plan-{number}"), only).await;
    }
    let plans = platform
        .all("/msp/v3/servicePlans?pageSize=2", "servicePlans")
        .await;
    assert_eq!(plans.len(), 4);
    assert_eq!(
        (&plans[0]["name"], &plans[0]["status"]),
        (&json!("Default plan"), &json!(1))
    );
    assert_eq!(
        plans[3]["products"],
        json!([{"productID": 1, "edition": "elite", "features": [{"name": "Enterprise Workloads", "isEnabled": true, "attrs": []}]}])
    );
    let id = &plans[0]["id"];
    assert_eq!(
        platform
            .get(&format!("/msp/v3/servicePlans/{id}"))
            .await
            .expect(200),
        plans[0]
    );
    platform.get("/msp/v3/servicePlans/4711").await.expect(404);
}

#[tokio::test]
async fn admins_are_filtered_and_paged() {
    let platform = Platform::start().await;
    let all = platform.all("/msp/v2/admins?pageSize=1", "admins").await;
    assert_eq!(all.len(), 2);
    let found = platform
        .get("/msp/v2/admins?email=ops@msp.example&role=2,3")
        .await
        .expect(200);
    assert_eq!(found["admins"], json!([all[0]]));
    let id = &all[1]["id"];
    assert_eq!(
        platform
            .get(&format!("/msp/v2/admins?id={id}"))
            .await
            .expect(200)["admins"],
        json!([all[1]])
    );
    assert_eq!(
        platform.get("/msp/v2/admins?role=4").await.expect(200)["admins"],
        json!([])
    );
}

#[tokio::test]
async fn regions_are_listed_for_each_product() {
    let platform = Platform::start().await;
    let regions = platform.get("/msp/v2/storage-regions").await.expect(200);
    let of_first = regions["storageRegions"][0]["regions"]
        .as_array()
        .expect("regions");
    assert!(of_first.contains(&json!({"name": "eu-central-1", "storageProvider": 1})));
    assert!(of_first.contains(&json!({"name": "westeurope", "storageProvider": 2})));
    assert!(!regions.to_string().contains("\"de-1\""));
}

#[tokio::test]
async fn events_carry_the_account_and_go_on_for_ever() {
    let platform = Platform::start().await;
    let first = platform.get("/msp/v2/events?pageSize=1").await.expect(200);
    assert_eq!(first["events"][0]["globalID"], platform.druva.account());
    assert!(platform.druva.account().starts_with("MSP:"));
    let token = |answer: &Value| {
        answer["nextPageToken"]
            .as_str()
            .expect("a token")
            .to_owned()
    };
    let mut next = token(&first);
    loop {
        let page = platform
            .get(&format!("/msp/v2/events?pageToken={next}"))
            .await
            .expect(200);
        next = token(&page);
        if page["events"].as_array().is_some_and(Vec::is_empty) {
            break;
        }
    }
    platform.customer("Acme").await;
    let new = platform
        .get(&format!("/msp/v2/events?pageToken={next}"))
        .await
        .expect(200);
    assert_eq!(new["events"][0]["type"], "CustomerCreated");
    let created = platform
        .get("/msp/v2/events?type=CustomerCreated&pageSize=1&category=AUDIT")
        .await
        .expect(200);
    assert_eq!(created["events"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn events_of_a_customer_have_its_name() {
    let platform = Platform::start().await;
    let id = platform.customer("Acme").await;
    let path = format!("/msp/v3/customers/{id}/events");
    let events = platform.get(&path).await.expect(200);
    let first = &events["events"][0];
    assert_eq!(
        (&first["customerName"], &first["type"]),
        (&json!("Acme"), &json!("CustomerCreated"))
    );
    let next = events["nextPageToken"].as_str().expect("a token");
    let tail = platform
        .get(&format!("{path}?pageToken={next}"))
        .await
        .expect(200);
    assert_eq!(tail["events"], json!([]));
}

#[tokio::test]
async fn every_operation_of_the_contract_is_served() {
    let platform = Platform::start().await;
    for (name, method, template) in Contract::load().operations() {
        let path = template
            .replace("{productId}", "1")
            .replace("{servicePlanID}", "1");
        let method: Method = method.parse().expect("a method");
        let answer = platform.wrong(method, &path, Some(json!({}))).await;
        // Nothing of what the path names is there; a route that isn't there is told otherwise.
        assert_ne!(answer.status.as_u16(), 405, "{name}");
        assert!(answer.body.get("type").is_none(), "{name}: {}", answer.body);
    }
}

fn quotas() -> Value {
    json!({"config": [
        {"productModuleId": 1, "consumptionParameter": "Frontend Source Storage", "quota": 12.5, "unit": "TB",
         "incrementSettings": {"incrementBy": 1.0, "frequency": 2, "incrementTill": "2026-12-31T00:00:00Z"}},
        {"productModuleId": 1, "consumptionParameter": "Total Active Devices or Backup sets", "quota": 20.0, "unit": "Count"},
    ]})
}

// R-D33
#[tokio::test]
async fn quotas_of_a_product_are_replaced_as_a_whole() {
    let platform = Platform::start().await;
    let id = platform.customer("Acme").await;
    let path = format!("/msp/quota/v1/customers/{id}/products/1/configurations");
    let put = |body: Value| platform.call(Method::PUT, &path, Some(body));
    put(quotas()).await.expect(200);
    let list = format!("/msp/quota/v1/customers/configurations?customerIds={id}&pageSize=1");
    let kept = platform.get(&list).await.expect(200);
    let entry = &kept["quotaConfigList"][0];
    assert_eq!(entry["customerGlobalId"], id.as_str());
    assert_eq!(
        (
            &entry["quotaConfig"][0]["quotaLimit"],
            &entry["quotaConfig"][1]["productId"]
        ),
        (&json!(12.5), &json!(1))
    );
    for body in [
        but(quotas(), "/config/0/quota", json!(0.001)),
        but(quotas(), "/config/1/quota", json!(1.5)),
        but(
            quotas(),
            "/config/0/consumptionParameter",
            json!("Total Active Users"),
        ),
        but(quotas(), "/config/0/productModuleId", json!(2)),
    ] {
        put(body).await.expect(400);
    }
    put(json!({"config": []})).await.expect(200);
    assert_eq!(
        platform.get(&list).await.expect(200)["quotaConfigList"],
        json!([])
    );
    let nobody = "/msp/quota/v1/customers/nobody-1/products/1/configurations";
    platform
        .call(Method::PUT, nobody, Some(quotas()))
        .await
        .expect(404);
}

#[tokio::test]
async fn the_warning_threshold_is_set_and_cleared() {
    let platform = Platform::start().await;
    let path = "/msp/quota/v1/warningThreshold";
    assert_eq!(
        platform.get(path).await.expect(200)["thresholdPercentage"],
        Value::Null
    );
    for percent in [json!(80), Value::Null] {
        let body = json!({"thresholdPercentage": percent});
        platform
            .call(Method::PUT, path, Some(body))
            .await
            .expect(200);
        assert_eq!(
            platform.get(path).await.expect(200)["thresholdPercentage"],
            percent
        );
    }
    platform
        .wrong(Method::PUT, path, Some(json!({"thresholdPercentage": 49})))
        .await
        .expect(400);
}

#[tokio::test]
async fn not_every_account_may_configure_quotas() {
    let platform = Platform::start_with(|options| DruvaOptions {
        quota_configurations: false,
        ..options
    })
    .await;
    platform
        .get("/msp/quota/v1/warningThreshold")
        .await
        .expect(403);
    platform
        .get("/msp/quota/v1/customers/configurations")
        .await
        .expect(403);
    let id = platform.customer("Acme").await;
    let path = format!("/msp/quota/v1/customers/{id}/products/1/configurations");
    platform
        .call(Method::PUT, &path, Some(quotas()))
        .await
        .expect(403);
}

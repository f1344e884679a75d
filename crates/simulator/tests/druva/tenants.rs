//! Tenants on Druva's wire.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Platform, but, customer, saas, workloads};

struct Made {
    platform: Platform,
    plan: i64,
    customer: String,
}

async fn made() -> Made {
    let platform = Platform::start().await;
    let plan = platform.plan().await;
    let customer = platform.customer("Acme").await;
    Made {
        platform,
        plan,
        customer,
    }
}

impl Made {
    fn path(&self, tenant: &str) -> String {
        format!("/msp/v3/customers/{}/tenants/{tenant}", self.customer)
    }

    async fn read(&self, tenant: &str) -> Value {
        let path = format!("{}?includeFeatures=true", self.path(tenant));
        self.platform.get(&path).await.expect(200)
    }

    async fn patch(&self, tenant: &str, body: Value) -> crate::support::Answer {
        self.platform
            .call(Method::PATCH, &self.path(tenant), Some(body))
            .await
    }

    async fn customer_status(&self) -> Value {
        let path = format!("/msp/v3/customers/{}", self.customer);
        self.platform.get(&path).await.expect(200)["status"].clone()
    }

    /// Statuses of creations that differ from good ones.
    async fn refused(&self, bodies: Vec<Value>) {
        let path = format!("/msp/v3/customers/{}/tenants", self.customer);
        for body in bodies {
            let answer = self
                .platform
                .wrong(Method::POST, &path, Some(body.clone()))
                .await;
            assert!(
                [400, 422].contains(&answer.status.as_u16()),
                "{body} {}",
                answer.body
            );
        }
    }
}

// R-D30
#[tokio::test]
async fn a_tenant_is_created_by_a_task() {
    let made = made().await;
    let path = format!("/msp/v3/customers/{}/tenants", made.customer);
    let answer = made.platform.post(&path, saas(made.plan)).await;
    assert_eq!(made.customer_status().await, 2);
    let listed = made
        .platform
        .get(&format!("/msp/v3/tenants?customerIds={}", made.customer))
        .await
        .expect(200);
    assert_eq!(listed["tenants"][0]["status"], 0);
    assert!(listed["tenants"][0].get("features").is_none());
    let id = made.platform.entity(answer).await;
    assert_eq!(id.len(), 36);
    assert_eq!(made.customer_status().await, 1);
    let tenant = made.read(&id).await;
    assert_eq!(tenant["status"], 1);
    assert_eq!(tenant["customerID"], made.customer.as_str());
    assert_eq!(
        (&tenant["productID"], &tenant["tenantType"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(tenant["edition"], "enterprise");
    assert_eq!(tenant["licenseExpiryDate"], "2028-12-31T00:00:00Z");
    assert_eq!(
        tenant["storageRegions"],
        json!([{"name": "eu-west-2", "storageProvider": 1}])
    );
    let microsoft = &tenant["features"][0];
    assert_eq!(microsoft["name"], "M365");
    assert_eq!(
        microsoft["attrs"][0],
        json!({"name": "userCount", "value": 40})
    );

    let again = made.platform.post(&path, saas(made.plan)).await;
    assert_ne!(made.platform.failure(again).await, 2304);
    assert_eq!(
        made.platform
            .all("/msp/v3/tenants?pageSize=2", "tenants")
            .await
            .len(),
        3
    );
}

// R-D31
#[tokio::test]
async fn a_tenant_is_suspended_and_activated() {
    let made = made().await;
    let id = made
        .platform
        .tenant(&made.customer, workloads(made.plan))
        .await;
    let path = format!("/msp/v2/customers/{}/tenants/{id}", made.customer);
    for (verb, status) in [
        ("suspend", 2),
        ("suspend", 2),
        ("unsuspend", 1),
        ("unsuspend", 1),
    ] {
        let answer = made
            .platform
            .call(Method::POST, &format!("{path}/{verb}"), None)
            .await;
        assert_eq!(made.read(&id).await["status"], 5);
        // While it changes, nothing else is taken.
        made.platform
            .call(Method::POST, &format!("{path}/suspend"), None)
            .await
            .expect(400);
        made.patch(&id, json!({"quota": 1.0})).await.expect(400);
        made.platform.entity(answer).await;
        assert_eq!(made.read(&id).await["status"], status);
    }
}

// R-D31, R-D33
#[tokio::test]
async fn a_change_takes_effect_when_its_task_ends() {
    let made = made().await;
    let id = made.platform.tenant(&made.customer, saas(made.plan)).await;
    let change = json!({
        "quota": 40.5, "quotaEndDate": "2027-06-30T00:00:00Z", "tenantType": 3,
        "storageRegions": [{"name": "eu-west-2", "storageProvider": 1}, {"name": "westeurope", "storageProvider": 2}],
        "features": [
            {"name": "Endpoints", "isEnabled": true, "attrs": [{"name": "userCount", "value": 11}, {"name": "preservedUserCount", "value": 0}]},
            {"name": "M365 Accelerated Ransomware Recovery", "isEnabled": true, "attrs": []},
        ],
    });
    let answer = made.patch(&id, change).await;
    let before = made.read(&id).await;
    assert_eq!(
        (&before["status"], &before["quota"]),
        (&json!(5), &json!(0.0))
    );
    made.platform.entity(answer).await;
    let after = made.read(&id).await;
    assert_eq!(
        (&after["status"], &after["quota"]),
        (&json!(1), &json!(40.5))
    );
    assert_eq!(after["tenantType"], 3);
    assert_eq!(after["storageRegions"].as_array().map(Vec::len), Some(2));
    let users = |name: &str| {
        let features = after["features"].as_array().expect("features");
        let feature = features
            .iter()
            .find(|feature| feature["name"] == name)
            .expect("the feature");
        feature["attrs"][0]["value"].clone()
    };
    assert_eq!((users("Endpoints"), users("M365")), (json!(11), json!(40)));
    assert_eq!(users("M365 Accelerated Ransomware Recovery"), Value::Null);
    // Commercial stays so; a region stays; what the plan forces on stays on; the product is fixed.
    for body in [
        json!({"tenantType": 2}),
        json!({"tenantType": 1}),
        json!({"storageRegions": [{"name": "eu-west-2", "storageProvider": 1}]}),
        json!({"features": [{"name": "M365", "isEnabled": false, "attrs": []}]}),
        json!({"features": [{"name": "M365", "isEnabled": true, "attrs": []}]}),
        json!({"licenseExpiryDate": "2030-01-01T00:00:00Z"}),
        json!({"servicePlanID": 4711}),
    ] {
        let answer = made.patch(&id, body.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body}");
    }
    let product = made
        .platform
        .wrong(
            Method::PATCH,
            &made.path(&id),
            Some(json!({"productID": 1})),
        )
        .await;
    product.expect(400);
}

// R-D30, R-D32
#[tokio::test]
async fn what_breaks_a_rule_is_refused_at_once() {
    let made = made().await;
    let (cloud, work) = (saas(made.plan), workloads(made.plan));
    made.refused(vec![
        but(work.clone(), "/tenantType", json!(1)),
        but(work.clone(), "/tenantType", json!(9)),
        but(work.clone(), "/productID", json!(3)),
        but(work.clone(), "/servicePlanID", json!(4711)),
        but(work.clone(), "/licenseExpiryDate", json!("2035-01-01T00:00:00Z")),
        but(work.clone(), "/licenseExpiryDate", json!("2028-12-31")),
        but(work.clone(), "/storageRegions", json!([])),
        but(work.clone(), "/storageRegions", json!([{"name": "westeurope", "storageProvider": 2}])),
        but(work.clone(), "/storageRegions", json!([{"name": "eu-west-2", "storageProvider": 2}])),
        but(work.clone(), "/storageRegions", json!([{"name": "mars-1", "storageProvider": 1}])),
        but(work.clone(), "/features", json!([])),
        but(work.clone(), "/features", json!([{"name": "M365", "attrs": []}])),
        but(work.clone(), "/features", json!([{"name": "Long Term Retention", "attrs": []}])),
        but(cloud.clone(), "/licenseExpiryDate", json!("2030-01-01T00:00:00Z")),
        but(cloud.clone(), "/features/0/attrs", json!([{"name": "userCount", "value": 1}])),
        but(cloud.clone(), "/features/3", json!({"name": "Okta", "attrs": []})),
        but(cloud, "/features", json!([{"name": "M365", "attrs": [{"name": "userCount", "value": 1}, {"name": "preservedUserCount", "value": 1}]}])),
        but(work, "/features", json!([{"name": "Enterprise Workloads", "attrs": []}, {"name": "Premium Security", "attrs": []}])),
    ])
    .await;
    let path = "/msp/v3/customers/nobody-1/tenants";
    made.platform
        .post(path, workloads(made.plan))
        .await
        .expect(400);
    assert_eq!(
        made.platform.all("/msp/v3/tenants", "tenants").await.len(),
        2
    );
}

#[tokio::test]
async fn the_edition_business_has_less() {
    let made = made().await;
    let products = json!([
        {"product": "HybridWorkloads", "edition": "Business", "workloads": ["FileServers"]},
        {"product": "SaaSAppsAndEndpoints", "edition": "Business", "workloads": ["Microsoft365", "Endpoints"]},
    ]);
    let plan = made.platform.console_plan("bronze", products).await;
    let shown = made
        .platform
        .get(&format!("/msp/v3/servicePlans/{plan}"))
        .await
        .expect(200);
    let features = shown["products"][1]["features"]
        .as_array()
        .expect("features");
    let endpoints = features
        .iter()
        .find(|feature| feature["name"] == "Endpoints")
        .expect("the feature");
    assert_eq!(endpoints["isEnabled"], false);
    assert_eq!(shown["products"][1]["edition"], "business");
    let two = json!([{"name": "eu-west-1", "storageProvider": 1}, {"name": "eu-west-2", "storageProvider": 1}]);
    made.refused(vec![
        but(workloads(plan), "/storageRegions", two),
        saas(plan),
    ])
    .await;
    let only = json!([{"name": "M365", "attrs": [{"name": "userCount", "value": 1}, {"name": "preservedUserCount", "value": 1}]}]);
    made.platform
        .tenant(&made.customer, but(saas(plan), "/features", only))
        .await;
}

#[tokio::test]
async fn premium_security_needs_what_it_builds_on() {
    let platform = Platform::start().await;
    let plan = platform.plan().await;
    let body = but(
        customer("Safe"),
        "/features",
        json!([{"name": "Security Posture and Observability"}]),
    );
    let id = platform
        .entity(platform.post("/msp/v3/customers", body).await)
        .await;
    let features = json!([
        {"name": "Enterprise Workloads", "attrs": []},
        {"name": "Enterprise Workloads Accelerated Ransomware Recovery", "attrs": []},
        {"name": "Premium Security", "attrs": []},
    ]);
    platform
        .tenant(&id, but(workloads(plan), "/features", features))
        .await;
}

#[tokio::test]
async fn another_plan_needs_the_attributes_of_what_it_forces_on() {
    let made = made().await;
    let only = |workloads: Value| json!([{"product": "SaaSAppsAndEndpoints", "edition": "Elite", "workloads": workloads}]);
    let small = made
        .platform
        .console_plan("small", only(json!(["Endpoints"])))
        .await;
    let other = made
        .platform
        .console_plan("other", only(json!(["Microsoft365"])))
        .await;
    let counted = |name: &str| json!({"name": name, "isEnabled": true, "attrs": [{"name": "userCount", "value": 3}, {"name": "preservedUserCount", "value": 0}]});
    let mut endpoints = counted("Endpoints");
    endpoints
        .as_object_mut()
        .expect("an object")
        .remove("isEnabled");
    let id = made
        .platform
        .tenant(
            &made.customer,
            but(saas(small), "/features", json!([endpoints])),
        )
        .await;
    made.patch(&id, json!({"servicePlanID": other}))
        .await
        .expect(400);
    let moved = made
        .patch(
            &id,
            json!({"servicePlanID": other, "features": [counted("M365")]}),
        )
        .await;
    made.platform.entity(moved).await;
    let tenant = made.read(&id).await;
    assert_eq!(tenant["servicePlanID"], other);
    assert_eq!(tenant["edition"], "elite");
    assert_eq!(tenant["features"].as_array().map(Vec::len), Some(1));
}

// R-D11 to R-D13
#[tokio::test]
async fn the_sandbox_is_known_by_its_type_and_stays() {
    let made = made().await;
    let tenants = made.platform.all("/msp/v3/tenants", "tenants").await;
    let sandbox = &tenants[0];
    assert_eq!(sandbox["tenantType"], 1);
    let (customer, id) = (
        sandbox["customerID"].as_str().expect("an id"),
        sandbox["id"].as_str().expect("an id"),
    );
    for verb in ["suspend", "unsuspend"] {
        let path = format!("/msp/v2/customers/{customer}/tenants/{id}/{verb}");
        made.platform
            .call(Method::POST, &path, None)
            .await
            .expect(400);
    }
    let path = format!("/msp/v3/customers/{customer}/tenants/{id}");
    made.platform
        .call(Method::PATCH, &path, Some(json!({"tenantType": 3})))
        .await
        .expect(400);
    let seats = json!({"name": "M365", "isEnabled": true, "attrs": [{"name": "userCount", "value": 7}, {"name": "preservedUserCount", "value": 1}]});
    let saas = tenants[1]["id"].as_str().expect("an id");
    let other = format!("/msp/v3/customers/{customer}/tenants/{saas}");
    for (path, change) in [
        (&path, json!({"quota": 5.0})),
        (&other, json!({"features": [seats]})),
    ] {
        let answer = made.platform.call(Method::PATCH, path, Some(change)).await;
        made.platform.entity(answer).await;
    }
    let shown = made
        .platform
        .get(&format!("{other}?includeFeatures=true"))
        .await
        .expect(200);
    let features = shown["features"].as_array().expect("features");
    assert!(
        features.contains(&json!({"name": "M365", "attrs": seats["attrs"]})),
        "{shown}"
    );
    let body = json!({"customerName": "Mine", "address": "a", "phone": "1", "attributes": []});
    made.platform
        .call(
            Method::PUT,
            &format!("/msp/v3/customers/{customer}"),
            Some(body),
        )
        .await
        .expect(400);
}

// R-D31: only a person at the console deletes, and what is marked stays for a week.
#[tokio::test]
async fn a_tenant_that_the_console_deletes_stays_for_a_week() {
    let mut made = made().await;
    let id = made
        .platform
        .tenant(&made.customer, workloads(made.plan))
        .await;
    let act = |verb: &str| format!("/console/tenants/{id}/{verb}");
    made.platform
        .console(Method::POST, &act("delete"), None)
        .await;
    let marked = made.read(&id).await;
    assert_eq!(marked["status"], 3);
    assert_eq!(marked["deleteDate"], "2026-11-29T12:00:00Z");
    made.patch(&id, json!({"quota": 1.0})).await.expect(400);
    made.platform
        .console(Method::POST, &act("cancel-deletion"), None)
        .await;
    let kept = made.read(&id).await;
    assert_eq!((&kept["status"], kept.get("deleteDate")), (&json!(1), None));
    made.platform
        .console(Method::POST, &act("delete"), None)
        .await;
    made.platform.clock.advance(SignedDuration::from_hours(169));
    made.platform.renew().await;
    made.platform.get(&made.path(&id)).await.expect(404);
}

#[tokio::test]
async fn a_tenant_that_migrates_says_so() {
    let made = made().await;
    let id = made
        .platform
        .tenant(&made.customer, workloads(made.plan))
        .await;
    made.platform
        .console(
            Method::POST,
            &format!("/console/tenants/{id}/migrate"),
            None,
        )
        .await;
    assert_eq!(made.read(&id).await["status"], 4);
    made.patch(&id, json!({"quota": 1.0})).await.expect(400);
}

//! Customers on Druva's wire.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Platform, but, customer};

// R-D1, R-D3
#[tokio::test]
async fn a_customer_is_a_task_first_and_ready_afterwards() {
    let platform = Platform::start().await;
    let body = but(
        customer("Acme Dental"),
        "/features",
        json!([{"name": "Security Posture and Observability"}]),
    );
    let answer = platform.post("/msp/v3/customers", body).await;
    let task = answer.body["task"]["id"]
        .as_str()
        .expect("a task")
        .to_owned();
    let queued = platform.task(&task).await;
    assert_eq!(
        (&queued["status"], &queued["name"]),
        (&json!(1), &json!("customerCreate"))
    );
    let pending = only(&platform, "Acme Dental").await;
    assert_eq!(pending["status"], 0);

    let id = platform.entity(answer).await;
    assert_eq!(pending["id"], id.as_str());
    let number = id.rsplit('-').next().expect("a number");
    assert!(
        number.parse::<i64>().is_ok() && id.len() == 37 + number.len(),
        "{id}"
    );
    let made = platform
        .get(&format!("/msp/v3/customers/{id}?includeFeatures=true"))
        .await
        .expect(200);
    assert_eq!(made["status"], 1);
    assert_eq!(made["accountName"], "Acme Dental");
    assert_eq!(made["address"], "1 High St, Leeds");
    assert_eq!(made["createdOn"], "2026-11-22T12:00:00Z");
    assert_eq!(
        made["features"],
        json!([{"name": "Security Posture and Observability"}])
    );
    assert_eq!(
        made["attributes"][1],
        json!({"name": "dataAccessAllowed", "value": "1"})
    );
}

async fn only(platform: &Platform, name: &str) -> Value {
    let all = platform.all("/msp/v3/customers", "customers").await;
    let mut named = all
        .into_iter()
        .filter(|customer| customer["customerName"] == name);
    let found = named.next().expect("the customer");
    assert!(named.next().is_none(), "{name} is there twice");
    found
}

#[tokio::test]
async fn a_name_that_is_taken_fails_in_the_task() {
    let platform = Platform::start().await;
    platform.customer("Acme").await;
    let again = platform.post("/msp/v3/customers", customer("Acme")).await;
    assert_eq!(platform.failure(again).await, 2304);
    only(&platform, "Acme").await;

    let other = platform.customer("Other").await;
    let rename = json!({"customerName": "Acme", "address": "a", "phone": "1", "attributes": []});
    let renamed = platform
        .call(
            Method::PUT,
            &format!("/msp/v3/customers/{other}"),
            Some(rename),
        )
        .await;
    assert_eq!(platform.failure(renamed).await, 2304);
    only(&platform, "Other").await;
}

#[tokio::test]
async fn what_cannot_be_a_customer_is_refused_at_once() {
    let platform = Platform::start().await;
    let post = |body: Value| platform.wrong(Method::POST, "/msp/v3/customers", Some(body));
    for body in [
        but(customer("a"), "/accountName", json!("")),
        but(customer("a"), "/customerName", Value::Null),
        but(customer("a"), "/address", json!("")),
        but(
            customer("a"),
            "/phone",
            json!("+4411300000000000000000000000000"),
        ),
        but(customer("a"), "/tenantAdmins", json!([99999])),
        but(
            customer("a"),
            "/attributes",
            json!([{"name": "colour", "value": "1"}]),
        ),
        but(
            customer("a"),
            "/attributes",
            json!([{"name": "dataAccessAllowed", "value": "0"}]),
        ),
        but(customer("a"), "/features", json!([{"name": "M365"}])),
        json!([1]),
    ] {
        let answer = post(body.clone()).await;
        assert_eq!(answer.status.as_u16(), 400, "{body} {}", answer.body);
        assert_eq!(answer.body["code"], "400");
    }
    assert_eq!(
        platform.all("/msp/v3/customers", "customers").await.len(),
        1
    );
}

// R-D5, R-D41: the list of admins is the desired set, and everything is replaced.
#[tokio::test]
async fn an_update_replaces_everything() {
    let platform = Platform::start().await;
    let admins = platform
        .get("/msp/v2/admins?pageSize=500")
        .await
        .expect(200);
    let ids: Vec<i64> = admins["admins"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|admin| admin["id"].as_i64())
        .collect();
    assert!(ids.len() >= 2);
    let body = but(customer("Acme"), "/tenantAdmins", json!(ids));
    let id = platform
        .entity(platform.post("/msp/v3/customers", body).await)
        .await;
    let path = format!("/msp/v3/customers/{id}");
    assert_eq!(
        platform.get(&path).await.expect(200)["tenantAdmins"],
        json!(ids)
    );

    let update = json!({"accountName": "", "customerName": "Acme Ltd", "address": "2 Low St", "phone": "+44",
        "tenantAdmins": [ids[1]], "attributes": [{"name": "dataAccessAllowed", "value": "1"}]});
    let answer = platform
        .call(Method::PUT, &path, Some(update.clone()))
        .await;
    assert_eq!(
        platform.get(&path).await.expect(200)["customerName"],
        "Acme"
    );
    platform.entity(answer).await;
    let updated = platform.get(&path).await.expect(200);
    assert_eq!(updated["customerName"], "Acme Ltd");
    assert_eq!(updated["accountName"], "Acme");
    assert_eq!(updated["tenantAdmins"], json!([ids[1]]));
    assert_eq!(updated["address"], "2 Low St");

    let answer = platform
        .call(
            Method::PUT,
            &path,
            Some(but(update.clone(), "/tenantAdmins", json!([]))),
        )
        .await;
    platform.entity(answer).await;
    assert_eq!(
        platform.get(&path).await.expect(200)["tenantAdmins"],
        json!([])
    );
    for body in [
        but(update.clone(), "/accountName", json!("Other")),
        but(update.clone(), "/attributes", Value::Null),
        but(
            update.clone(),
            "/attributes",
            json!([{"name": "dataAccessAllowed", "value": "0"}]),
        ),
        but(update, "/phone", json!("")),
    ] {
        let answer = platform.wrong(Method::PUT, &path, Some(body.clone())).await;
        assert_eq!(answer.status.as_u16(), 400, "{body}");
    }
}

#[tokio::test]
async fn only_customers_that_druva_provisions_may_lack_an_address() {
    let platform = Platform::start().await;
    let attributes = json!([{"name": "licenseManagementAllowed", "value": "0"}]);
    let body = but(customer("Acme"), "/attributes", attributes.clone());
    let id = platform
        .entity(platform.post("/msp/v3/customers", body).await)
        .await;
    let update =
        json!({"customerName": "Acme", "address": "", "phone": "", "attributes": attributes});
    let answer = platform
        .call(
            Method::PUT,
            &format!("/msp/v3/customers/{id}"),
            Some(update),
        )
        .await;
    platform.entity(answer).await;
}

#[tokio::test]
async fn lists_go_by_opaque_cursors_that_stand_alone() {
    let platform = Platform::start().await;
    for number in 0..7 {
        platform.customer(&format!("Customer {number}")).await;
    }
    let all = platform
        .all(
            "/msp/v3/customers?pageSize=3&includeFeatures=true",
            "customers",
        )
        .await;
    let names: Vec<&str> = all
        .iter()
        .filter_map(|customer| customer["customerName"].as_str())
        .collect();
    assert_eq!(names.len(), 8, "{names:?}");
    assert_eq!(&names[..2], ["Sandbox", "Customer 0"]);
    // What the first page asked for holds for all.
    assert!(all.iter().all(|customer| customer["features"].is_array()));
    let one = platform.get("/msp/v3/customers?pageSize=1").await;
    assert_eq!(one.expect(200)["customers"][0]["customerName"], "Sandbox");
    let first = platform
        .get("/msp/v3/customers?pageSize=3")
        .await
        .expect(200);
    let token = first["nextPageToken"].as_str().expect("a token");
    for more in ["pageSize=3", "includeFeatures=true"] {
        platform
            .get(&format!("/msp/v3/customers?pageToken={token}&{more}"))
            .await
            .expect(400);
    }
    platform
        .get(&format!("/msp/v3/tenants?pageToken={token}"))
        .await
        .expect(400);
    platform
        .get("/msp/v3/customers?pageToken=nonsense")
        .await
        .expect(400);
    platform
        .get("/msp/v3/customers?pageSize=101")
        .await
        .expect(400);
    platform.get("/msp/v3/customers/nobody-1").await.expect(404);
}

#[tokio::test]
async fn ids_outlive_a_restart() {
    let platform = Platform::start().await;
    let id = platform.customer("Acme").await;
    let platform = platform.restart().await;
    let customer = platform
        .get(&format!("/msp/v3/customers/{id}"))
        .await
        .expect(200);
    assert_eq!(customer["customerName"], "Acme");
}

// R-D2
#[tokio::test]
async fn what_druva_calls_a_customer_may_differ_from_its_name() {
    let platform = Platform::start().await;
    let body = but(customer("Acme Dental"), "/accountName", json!("acct-4711"));
    let id = platform
        .entity(platform.post("/msp/v3/customers", body).await)
        .await;
    let shown = platform
        .get(&format!("/msp/v3/customers/{id}"))
        .await
        .expect(200);
    assert_eq!(shown["accountName"], "acct-4711");
    assert_eq!(shown["customerName"], "Acme Dental");
}

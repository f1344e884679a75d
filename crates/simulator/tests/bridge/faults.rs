//! Each kind of fault, as a client sees it.

use std::time::{Duration, Instant};

use holdfast_simulator::{Action, Fault, Lie, Moment, Place, When};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Platform, id};

fn fault(method: &str, route: &str, times: u64, then: Action) -> Fault {
    let when = When {
        method: Some(method.into()),
        route: Some(route.into()),
        skip: 0,
        times: Some(times),
    };
    Fault {
        name: "fault".into(),
        when,
        then,
    }
}

/// An answer that needn't fit the contract.
async fn raw(platform: &Platform, path: &str) -> Response {
    platform
        .request(Method::GET, path)
        .send()
        .await
        .expect("an answer")
}

async fn body(response: Response) -> Value {
    serde_json::from_str(&response.text().await.expect("text")).expect("JSON")
}

async fn put(platform: &Platform, reference: &str, name: &str) -> Result<Response, reqwest::Error> {
    let request = platform.request(Method::PUT, &format!("/v1/customers/by-ref/{reference}"));
    request
        .header("If-None-Match", "*")
        .json(&json!({"name": name}))
        .send()
        .await
}

#[tokio::test]
async fn a_status_with_any_body_and_retry_after() {
    // F11, F12, F13
    let platform = Platform::start().await;
    let html = Action::Status {
        code: 200,
        content_type: Some("text/html".into()),
        body: Some("<html>".into()),
        retry_after: None,
    };
    platform
        .faults()
        .add(fault("GET", "/v1/customers", 1, html));
    let answer = raw(&platform, "/v1/customers").await;
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["content-type"].to_str().ok()
        ),
        (200, Some("text/html"))
    );
    assert_eq!(answer.text().await.expect("text"), "<html>");
    let throttled = Action::Status {
        code: 429,
        content_type: None,
        body: None,
        retry_after: Some("86400".into()),
    };
    platform
        .faults()
        .add(fault("GET", "/v1/customers", 1, throttled));
    let answer = platform.get("/v1/customers").await;
    assert_eq!(answer.headers["retry-after"].to_str().ok(), Some("86400"));
    answer.refused(429, "throttled", None);
    platform.get("/v1/customers").await.expect(200);
    assert_eq!(platform.faults().hits("fault"), 2);
}

#[tokio::test]
async fn a_dropped_connection_before_and_after_the_commit() {
    // F2
    let platform = Platform::start().await;
    platform.faults().add(fault(
        "PUT",
        "/v1/customers",
        1,
        Action::Drop(Moment::Before),
    ));
    assert!(put(&platform, "hf-1", "A").await.is_err());
    platform
        .get("/v1/customers/by-ref/hf-1")
        .await
        .refused(404, "not-found", None);
    platform.faults().add(fault(
        "PUT",
        "/v1/customers",
        1,
        Action::Drop(Moment::After),
    ));
    assert!(put(&platform, "hf-1", "A").await.is_err());
    platform.get("/v1/customers/by-ref/hf-1").await.expect(200);
    let trail = platform.trail().await;
    assert_eq!(trail.len(), 1);
}

#[tokio::test]
async fn a_late_commit() {
    // F4
    let platform = Platform::start().await;
    platform.faults().add(fault(
        "PUT",
        "/v1/customers",
        1,
        Action::Late(Duration::from_secs(2)),
    ));
    assert_eq!(
        put(&platform, "hf-1", "A")
            .await
            .expect("an answer")
            .status()
            .as_u16(),
        504
    );
    platform
        .get("/v1/customers/by-ref/hf-1")
        .await
        .refused(404, "not-found", None);
    let path = "/v1/customers/by-ref/hf-1";
    let appears = async {
        while platform.get(path).await.status.as_u16() != 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), appears)
        .await
        .expect("the commit, late");
}

#[tokio::test]
async fn a_delay_and_a_truncated_body() {
    // F13, F25
    let platform = Platform::start().await;
    platform.faults().add(fault(
        "GET",
        "/v1/customers",
        1,
        Action::Delay(Duration::from_millis(200)),
    ));
    platform
        .faults()
        .add(fault("GET", "/v1/customers", 1, Action::Truncate(20)));
    let started = Instant::now();
    let text = raw(&platform, "/v1/customers")
        .await
        .text()
        .await
        .expect("text");
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert_eq!(text.len(), 20);
    assert!(serde_json::from_str::<Value>(&text).is_err());
}

#[tokio::test]
async fn lists_that_lie() {
    // F14
    let platform = Platform::start().await;
    let lie = |lie| {
        platform.faults().clear();
        platform
            .faults()
            .add(fault("GET", "/v1/locations", 99, Action::List(lie)));
    };
    lie(Lie::Empty);
    assert_eq!(
        body(raw(&platform, "/v1/locations").await).await,
        json!({"items": [], "next": null, "complete": true})
    );
    lie(Lie::Half);
    let half = body(raw(&platform, "/v1/locations").await).await;
    assert_eq!(
        (half["items"].as_array().map(Vec::len), &half["complete"]),
        (Some(10), &json!(true))
    );
    lie(Lie::Incomplete);
    let incomplete = body(raw(&platform, "/v1/locations").await).await;
    assert_eq!(
        (&incomplete["next"], &incomplete["complete"]),
        (&Value::Null, &json!(false))
    );
    lie(Lie::SecondPageFails);
    let first = body(raw(&platform, "/v1/locations?limit=5").await).await;
    let second = raw(
        &platform,
        &format!(
            "/v1/locations?limit=5&cursor={}",
            first["next"].as_str().expect("a cursor")
        ),
    )
    .await;
    assert_eq!(second.status().as_u16(), 500);
    lie(Lie::Loop);
    let first = body(raw(&platform, "/v1/locations?limit=5").await).await;
    let second = body(
        raw(
            &platform,
            &format!(
                "/v1/locations?limit=5&cursor={}",
                first["next"].as_str().expect("a cursor")
            ),
        )
        .await,
    )
    .await;
    assert_eq!(second["next"], first["next"]);
}

#[tokio::test]
async fn fresh_objects_that_are_hidden() {
    // F5
    let platform = Platform::start().await;
    platform.clock.advance(jiff::SignedDuration::from_mins(1));
    let customer = platform
        .create("customers", "hf-1", json!({"name": "A"}))
        .await;
    let path = format!("/v1/customers/{}", id(&customer));
    let hide = |from| {
        platform.faults().clear();
        platform.faults().add(fault(
            "GET",
            "/v1/customers",
            99,
            Action::Hide {
                period: Duration::from_secs(5),
                from,
            },
        ));
    };
    hide(None);
    assert_eq!(platform.all("customers", 100).await.len(), 2);
    platform.get(&path).await.refused(404, "not-found", None);
    hide(Some(Place::Lists));
    assert_eq!(platform.all("customers", 100).await.len(), 2);
    platform.get(&path).await.expect(200);
    hide(Some(Place::Gets));
    assert_eq!(platform.all("customers", 100).await.len(), 3);
    platform.clock.advance(jiff::SignedDuration::from_secs(6));
    hide(None);
    assert_eq!(platform.all("customers", 100).await.len(), 3);
    platform.get(&path).await.expect(200);
}

#[tokio::test]
async fn a_platform_that_changes_what_it_is_told() {
    // F18
    let platform = Platform::start().await;
    let customer = platform
        .create("customers", "hf-1", json!({"name": "A"}))
        .await;
    platform.faults().add(fault(
        "GET",
        "/v1/customers",
        99,
        Action::Merge(json!({"name": "ECHO"})),
    ));
    assert_eq!(
        platform
            .get(&format!("/v1/customers/{}", id(&customer)))
            .await
            .expect(200)["name"],
        "ECHO"
    );
    assert!(
        platform
            .all("customers", 100)
            .await
            .iter()
            .all(|customer| customer["name"] == "ECHO")
    );
}

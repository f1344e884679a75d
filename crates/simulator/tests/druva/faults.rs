//! Faults to order on Druva's wire.

use std::time::Duration;

use holdfast_simulator::{Action, Fate, Lie, Moment, When};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Platform, customer, workloads};

fn status(code: u16, body: Option<&str>) -> Action {
    Action::Status {
        code,
        content_type: body.map(|_| "text/html".to_owned()),
        body: body.map(str::to_owned),
        retry_after: None,
    }
}

#[tokio::test]
async fn statuses_come_in_druvas_form() {
    let platform = Platform::start().await;
    for code in [401, 403, 429, 503] {
        platform.once("GET", status(code, None));
        let body = platform.get("/msp/v3/customers").await.expect(code);
        assert_eq!(body["code"], code.to_string());
    }
    platform.once("GET", status(200, Some("<html>Please log in</html>")));
    let (status, body) = platform.raw("/msp/v3/customers").await.expect("an answer");
    assert_eq!(
        (status.as_u16(), body.as_str()),
        (200, "<html>Please log in</html>")
    );
}

#[tokio::test]
async fn a_lost_answer_may_have_taken_effect() {
    let platform = Platform::start().await;
    for (name, moment, there) in [
        ("before", Moment::Before, false),
        ("after", Moment::After, true),
    ] {
        platform.once("POST", Action::Drop(moment));
        let request = reqwest::Client::new()
            .post(format!("{}/msp/v3/customers", platform.druva.url()))
            .bearer_auth(&platform.token)
            .json(&customer(name));
        request.send().await.expect_err("no answer");
        platform.clock.advance(SignedDuration::from_secs(1));
        let all = platform.all("/msp/v3/customers", "customers").await;
        assert_eq!(
            all.iter().any(|customer| customer["customerName"] == name),
            there
        );
    }
}

#[tokio::test]
async fn lists_lie() {
    let platform = Platform::start().await;
    for number in 0..3 {
        platform.customer(&format!("Customer {number}")).await;
    }
    let lie = |lie: Lie| {
        platform.druva.faults().clear();
        platform.fault("lie", When::default(), Action::List(lie));
    };
    lie(Lie::Empty);
    assert_eq!(
        platform.get("/msp/v3/customers").await.expect(200)["customers"],
        json!([])
    );
    lie(Lie::Half);
    assert_eq!(
        platform.get("/msp/v3/customers").await.expect(200)["customers"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    for path in [
        "/msp/v3/customers",
        "/msp/v3/tenants",
        "/msp/v3/servicePlans",
    ] {
        lie(Lie::SecondPageFails);
        let first = platform.get(path).await.expect(200);
        let next = format!(
            "{path}?pageToken={}",
            first["nextPageToken"].as_str().expect("a token")
        );
        platform.get(&next).await.expect(500);
        lie(Lie::Loop);
        let first = platform.get(path).await.expect(200);
        let next = first["nextPageToken"].as_str().expect("a token");
        let second = platform
            .get(&format!("{path}?pageToken={next}"))
            .await
            .expect(200);
        assert_eq!(second["nextPageToken"], next);
    }
    let path = "/msp/reporting/v3/reports/mspGlobalUsage";
    let first = platform.post(path, json!({})).await.expect(200);
    let again = json!({"pageToken": first["nextPageToken"]});
    assert_eq!(
        platform.post(path, again).await.expect(200)["nextPageToken"],
        first["nextPageToken"]
    );
}

#[tokio::test]
async fn unknown_values_can_be_merged_in() {
    let platform = Platform::start().await;
    let when = When {
        route: Some("/msp/v3/tenants".to_owned()),
        ..When::default()
    };
    platform.fault(
        "enum",
        when,
        Action::Merge(json!({"status": 77, "edition": "platinum"})),
    );
    let tenants = platform.all("/msp/v3/tenants", "tenants").await;
    assert!(
        tenants
            .iter()
            .all(|tenant| tenant["status"] == 77 && tenant["edition"] == "platinum")
    );
}

#[tokio::test]
async fn what_is_fresh_can_be_hidden() {
    let platform = Platform::start().await;
    let hide = Action::Hide {
        period: Duration::from_secs(5),
        from: None,
    };
    platform.clock.advance(SignedDuration::from_secs(60));
    let id = platform.customer("Acme").await;
    platform.fault("hide", When::default(), hide);
    assert_eq!(
        platform.all("/msp/v3/customers", "customers").await.len(),
        1
    );
    platform
        .get(&format!("/msp/v3/customers/{id}"))
        .await
        .expect(404);
    platform.clock.advance(SignedDuration::from_secs(6));
    assert_eq!(
        platform.all("/msp/v3/customers", "customers").await.len(),
        2
    );
}

async fn create(platform: &Platform, name: &str, fate: Fate) -> String {
    platform.once("POST", Action::Task(fate));
    let answer = platform
        .post("/msp/v3/customers", customer(name))
        .await
        .expect(200);
    answer["task"]["id"].as_str().expect("a task").to_owned()
}

async fn named(platform: &Platform, name: &str) -> Option<Value> {
    let all = platform.all("/msp/v3/customers", "customers").await;
    all.into_iter()
        .find(|customer| customer["customerName"] == name)
}

#[tokio::test]
async fn a_task_can_be_lost_fail_or_take_long() {
    let platform = Platform::start().await;
    let lost = create(&platform, "lost", Fate::Lost(Moment::Before)).await;
    let silent = create(&platform, "silent", Fate::Lost(Moment::After)).await;
    let failed = create(&platform, "failed", Fate::Fails(4711)).await;
    let slow = create(&platform, "slow", Fate::Takes(Duration::from_secs(600))).await;
    platform.clock.advance(SignedDuration::from_mins(5));
    for task in [&lost, &silent, &slow] {
        assert_ne!(platform.task(task).await["status"], 4);
    }
    let output = &platform.task(&failed).await["output"];
    assert_eq!(
        (&output["failed"], &output["errorResp"]["code"]),
        (&json!(1), &json!(4711))
    );
    assert_eq!(named(&platform, "failed").await, None);
    for (name, status) in [("lost", 0), ("silent", 1), ("slow", 0)] {
        assert_eq!(
            named(&platform, name).await.expect("there")["status"],
            status,
            "{name}"
        );
    }
    platform.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(platform.task(&slow).await["status"], 4);
}

#[tokio::test]
async fn a_change_that_fails_leaves_everything_as_it_was() {
    let platform = Platform::start().await;
    let plan = platform.plan().await;
    let id = platform.customer("Acme").await;
    let tenant = platform.tenant(&id, workloads(plan)).await;
    let path = format!("/msp/v3/customers/{id}/tenants/{tenant}");
    let before = platform.get(&path).await.expect(200);
    platform.once("PATCH", Action::Task(Fate::Fails(17)));
    let answer = platform
        .call(Method::PATCH, &path, Some(json!({"quota": 99.0})))
        .await;
    assert_eq!(platform.failure(answer).await, 17);
    assert_eq!(platform.get(&path).await.expect(200), before);
    platform.once("POST", Action::Task(Fate::Fails(18)));
    let suspend = format!("/msp/v2/customers/{id}/tenants/{tenant}/suspend");
    let answer = platform.call(Method::POST, &suspend, None).await;
    assert_eq!(platform.failure(answer).await, 18);
    assert_eq!(platform.get(&path).await.expect(200), before);
}

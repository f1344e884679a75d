//! Tokens, the console beside the wire, and the trail.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use holdfast_simulator::{DruvaCredentials, DruvaOptions};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use crate::support::{Platform, customer};

#[tokio::test]
async fn a_token_lasts_a_quarter_of_an_hour() {
    let mut platform = Platform::start().await;
    let answer = platform
        .exchange(&platform.druva.credentials())
        .await
        .expect(200);
    assert_eq!(
        (&answer["expires_in"], &answer["token_type"]),
        (&json!(900), &json!("bearer"))
    );
    platform.clock.advance(SignedDuration::from_secs(899));
    platform.get("/msp/v3/customers").await.expect(200);
    platform.clock.advance(SignedDuration::from_secs(1));
    platform.get("/msp/v3/customers").await.expect(401);
    platform.renew().await;
    platform.get("/msp/v3/customers").await.expect(200);
    platform.token = "nonsense".to_owned();
    platform.get("/msp/v3/customers").await.expect(401);
}

#[tokio::test]
async fn the_lifetime_of_tokens_can_be_chosen() {
    let platform = Platform::start_with(|options| DruvaOptions {
        token_lifetime: Duration::from_secs(5),
        ..options
    })
    .await;
    platform.get("/msp/v2/storage-regions").await.expect(200);
    platform.clock.advance(SignedDuration::from_secs(5));
    platform.get("/msp/v2/storage-regions").await.expect(401);
}

#[tokio::test]
async fn a_secret_is_rotated_while_the_platform_runs() {
    let mut platform = Platform::start().await;
    let old = platform.druva.credentials();
    platform.druva.rotate_secret();
    platform.get("/msp/v3/customers").await.expect(401);
    platform.exchange(&old).await.expect(401);
    platform.renew().await;
    platform.get("/msp/v3/customers").await.expect(200);
    platform.druva.revoke_tokens();
    platform.get("/msp/v3/customers").await.expect(401);
}

#[tokio::test]
async fn credentials_are_kept_beside_the_data_for_its_owner_only() {
    let platform = Platform::start().await;
    let file = platform.directory.path().join("estate.sqlite.credentials");
    let mode = std::fs::metadata(&file).expect("kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kept = std::fs::read_to_string(&file).expect("read");
    let (id, key) = kept.split_once(':').expect("both parts");
    let again = platform.restart().await;
    let credentials = DruvaCredentials {
        client_id: id.to_owned(),
        secret_key: key.into(),
    };
    again.exchange(&credentials).await.expect(200);
}

#[tokio::test]
async fn the_bridge_routes_are_the_console_only() {
    let platform = Platform::start().await;
    let (status, _) = platform
        .at_the_console(Method::GET, "/v1/customers", None, "operator")
        .await;
    assert_eq!(status.as_u16(), 403);
    let made = platform
        .console(Method::PUT, "/v1/customers/by-ref/x", Some(json!({"name": "Console Ltd", "profile": {"address": {"street": "High St 1", "city": "Leeds"}}})))
        .await;
    let all = platform.all("/msp/v3/customers", "customers").await;
    let shown = all
        .iter()
        .find(|customer| customer["customerName"] == "Console Ltd")
        .expect("shown");
    assert_eq!(
        (&shown["address"], &shown["status"]),
        (&json!("High St 1, Leeds"), &json!(1))
    );

    // An address that is sent as it was shown keeps its parts.
    let update = json!({"customerName": "Console Ltd", "address": "High St 1, Leeds", "phone": "+44", "attributes": []});
    let id = shown["id"].as_str().expect("an id");
    let answer = platform
        .call(
            Method::PUT,
            &format!("/msp/v3/customers/{id}"),
            Some(update),
        )
        .await;
    platform.entity(answer).await;
    let path = format!("/v1/customers/{}", made["id"].as_str().expect("an id"));
    let kept = platform.console(Method::GET, &path, None).await;
    assert_eq!(
        kept["profile"],
        json!({"phone": "+44", "address": {"street": "High St 1", "city": "Leeds"}})
    );

    platform.console(Method::DELETE, &path, None).await;
    platform
        .get(&format!("/msp/v3/customers/{id}"))
        .await
        .expect(404);
}

// R-N13
#[tokio::test]
async fn every_write_leaves_a_line_in_the_trail() {
    let platform = Platform::start().await;
    let id = platform.customer("Acme").await;
    platform
        .wrong(Method::POST, "/msp/v3/customers", Some(json!({})))
        .await
        .expect(400);
    let suspend = format!("/msp/v2/customers/{id}/tenants/none/suspend");
    platform
        .call(Method::POST, &suspend, None)
        .await
        .expect(400);
    let trail = platform.console(Method::GET, "/v1/audit", None).await;
    let lines: Vec<_> = trail["items"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| {
            (
                line["method"].as_str().unwrap_or(""),
                line["path"].as_str().unwrap_or(""),
                line["outcome"].as_str().unwrap_or(""),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("POST", "/msp/v3/customers", "accepted"),
            ("POST", "/msp/v3/customers", "refused"),
            ("POST", suspend.as_str(), "refused"),
        ]
    );
    let fields = trail["items"][0]["fields"].to_string();
    assert!(
        fields.contains("customerName") && !fields.contains("Acme"),
        "{fields}"
    );
    let stats = platform.console(Method::GET, "/v1/stats", None).await;
    assert_eq!(stats["requests"]["POST /msp/v3/customers"], 2);
    assert_eq!(stats["requests"]["POST /msp/auth/v1/token"], 1);
}

#[tokio::test]
async fn what_druva_does_not_offer_is_not_there() {
    let platform = Platform::start().await;
    let id = platform.customer("Acme").await;
    for (method, path) in [
        (Method::DELETE, format!("/msp/v3/customers/{id}")),
        (Method::POST, "/msp/v3/servicePlans".to_owned()),
        (Method::POST, "/msp/v2/admins".to_owned()),
    ] {
        let url = format!("{}{path}", platform.druva.url());
        let request = reqwest::Client::new()
            .request(method, url)
            .bearer_auth(&platform.token);
        let answer = request
            .json(&customer("a"))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 405, "{path}");
    }
}

#[tokio::test]
async fn tasks_can_take_no_time() {
    let platform = Platform::start_with(|options| DruvaOptions {
        task_delay: Duration::ZERO,
        ..options
    })
    .await;
    let answer = platform
        .post("/msp/v3/customers", customer("Acme"))
        .await
        .expect(200);
    let task = platform
        .task(answer["task"]["id"].as_str().expect("an id"))
        .await;
    assert_eq!(
        (&task["status"], &task["output"]["failed"]),
        (&json!(4), &json!(0))
    );
    platform.get("/msp/v2/tasks/none").await.expect(400);
}

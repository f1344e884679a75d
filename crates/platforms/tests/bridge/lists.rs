//! Faults in what is read: F11, F13, F14, F16.

use holdfast_platforms::{ByClaim as _, Deletion as _, Reports as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, ObjectId, Scope};
use holdfast_platforms::{Platform, PlatformError};
use serde_json::json;

use crate::server::{Fake, Reply, healthy, item};

fn claim() -> Claim {
    Claim::new("hf-1")
}

fn id() -> ObjectId {
    ObjectId::new("1")
}

fn is_garbled<T>(answer: &Result<T, PlatformError>) -> bool {
    matches!(answer, Err(PlatformError::Garbled(_)))
}

#[tokio::test]
async fn a_throttled_page_is_asked_again_not_the_whole_sweep() {
    // F11, F14
    let pages = AtomicUsize::new(0);
    let fake = Fake::start(move |seen| match seen.target.as_str() {
        "/v1/customers?limit=2" => Reply::json(
            200,
            json!({"items": [item("1", "hf-1")], "next": "b", "complete": false}),
        ),
        "/v1/customers?limit=2&cursor=b" if pages.fetch_add(1, Ordering::SeqCst) == 0 => {
            Reply::problem(429, "throttled").with("retry-after", "-7")
        }
        "/v1/customers?limit=2&cursor=b" => Reply::page(json!([item("2", "hf-2")])),
        _ => healthy(seen),
    })
    .await;
    let observed = fake.bridge().observe(Scope::default()).await.unwrap();
    assert_eq!(observed.objects.len(), 5);
    let first_pages = fake
        .lines()
        .iter()
        .filter(|line| *line == "GET /v1/customers?limit=2")
        .count();
    assert_eq!(first_pages, 1);
}

#[tokio::test]
async fn a_sweep_is_all_or_nothing() {
    // F14
    type Second = fn() -> Reply;
    let seconds: [(&str, Second); 7] = [
        ("page 2 fails", || Reply::raw(500, "text/html", "")),
        ("page 2 is refused", || Reply::problem(403, "protected")),
        ("page 2 breaks off", || {
            Reply::page(json!([item("2", "hf-2")])).broken()
        }),
        ("the cursor loops", || {
            Reply::json(
                200,
                json!({"items": [item("2", "hf-2")], "next": "b", "complete": false}),
            )
        }),
        ("an item comes twice", || {
            Reply::page(json!([item("1", "hf-1")]))
        }),
        ("no end mark", || {
            Reply::json(200, json!({"items": [], "next": null, "complete": false}))
        }),
        ("no mark at all", || Reply::json(200, json!({"items": []}))),
    ];
    for (what, second) in seconds {
        let fake = Fake::start(move |seen| match seen.target.as_str() {
            "/v1/customers?limit=2" => Reply::json(
                200,
                json!({"items": [item("1", "hf-1")], "next": "b", "complete": false}),
            ),
            "/v1/customers?limit=2&cursor=b" => second(),
            _ => healthy(seen),
        })
        .await;
        let answer = fake.bridge().observe(Scope::default()).await;
        assert!(answer.is_err(), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn rubbish_is_never_an_empty_list_nor_absence() {
    // F13
    for (content_type, body) in [
        ("text/html", "<html><form action=login></html>"),
        ("application/json", "<html></html>"),
        ("application/json", r#"{"items":[{"id":"1","na"#),
        ("application/json", r#"{"error":"no session"}"#),
        (
            "application/json",
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1}}"#,
        ),
        (
            "application/json; charset=utf-16",
            r#"{"items":[],"next":null,"complete":true}"#,
        ),
        ("application/json", "null"),
        ("application/json", ""),
    ] {
        for status in [200, 404] {
            let fake = Fake::start(move |_| Reply::raw(status, content_type, body)).await;
            assert!(
                is_garbled(&fake.bridge().identify().await),
                "{status} {body}"
            );
            assert!(
                is_garbled(&fake.bridge().read(Kind::Customer, &id()).await),
                "{status} {body}"
            );
            assert!(
                is_garbled(&fake.bridge().find(Kind::Customer, &claim()).await),
                "{status} {body}"
            );
            assert!(
                is_garbled(&fake.bridge().usage(90).await),
                "{status} {body}"
            );
            assert!(
                is_garbled(&fake.bridge().delete(Kind::Customer, &id(), "c").await),
                "{status} {body}"
            );
            let fake = Fake::start(move |seen| match seen.target.as_str() {
                "/v1/tenants?limit=2" => Reply::raw(status, content_type, body),
                _ => healthy(seen),
            })
            .await;
            assert!(
                is_garbled(&fake.bridge().observe(Scope::default()).await),
                "{status} {body}"
            );
        }
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    // F13
    let fake = Fake::start(|_| Reply::raw(200, "application/json", " ".repeat(33 << 20))).await;
    assert!(is_garbled(&fake.bridge().identify().await));
}

#[tokio::test]
async fn a_credential_that_is_revoked_deletes_nothing() {
    // F16
    for (status, content_type) in [
        (401, "application/json"),
        (401, "text/html"),
        (403, "text/html"),
    ] {
        let fake = Fake::start(move |seen| match seen.target.split('?').next().unwrap() {
            "/v1/tenants" | "/v1/customers/1" | "/v1/customers/by-ref/hf-1" => {
                Reply::raw(status, content_type, "{}")
            }
            _ => healthy(seen),
        })
        .await;
        let bridge = fake.bridge();
        let refused = |error| matches!(error, PlatformError::Unauthorised(_));
        assert!(
            refused(bridge.observe(Scope::default()).await.unwrap_err()),
            "{status}"
        );
        assert!(
            refused(bridge.read(Kind::Customer, &id()).await.unwrap_err()),
            "{status}"
        );
        assert!(
            refused(bridge.find(Kind::Customer, &claim()).await.unwrap_err()),
            "{status}"
        );
    }
}

//! What the adapter makes of good answers.

use holdfast_platforms::{
    ByClaim as _, Deletion as _, Operations as _, Reports as _, Suspension as _,
};
use std::sync::atomic::{AtomicBool, Ordering};

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, ObjectId, Scope};
use holdfast_platforms::{OperationState, Platform, PlatformError, ProblemKind, Written};
use serde_json::{Map, json};

use crate::server::{Fake, Reply, TOKEN, capabilities, healthy, item};

fn refusal<T: std::fmt::Debug>(answer: Result<T, PlatformError>) -> ProblemKind {
    match answer {
        Err(PlatformError::Refused(problem)) => problem.kind,
        other => panic!("not a refusal: {other:?}"),
    }
}

#[tokio::test]
async fn a_sweep_reads_every_list_to_its_end() {
    let fake = Fake::start(|seen| match seen.target.as_str() {
        "/v1/customers?limit=2" => {
            Reply::json(200, json!({"items": [item("1", "hf-1"), item("2", "hf-2")], "next": "a/b+c&d", "complete": false}))
        }
        "/v1/customers?limit=2&cursor=a%2Fb%2Bc%26d" => Reply::page(json!([item("3", "hf-3")])),
        "/v1/clients?limit=2" => Reply::page(json!([{"id": "pc-17", "name": "pc-17", "customerId": "1"}])),
        _ => healthy(seen),
    })
    .await;
    let observed = fake
        .bridge()
        .observe(Scope { clients: true })
        .await
        .unwrap();
    let customers = observed
        .objects
        .iter()
        .filter(|object| object.kind == Kind::Customer)
        .count();
    assert_eq!((observed.objects.len(), customers), (6, 3));
    assert_eq!(
        (
            observed.locations.len(),
            observed.administrators.len(),
            observed.clients.len()
        ),
        (1, 1, 1)
    );
    assert_eq!(observed.licences.map(|licences| licences.free), Some(120));
    // Cost: one call a page, and nothing else.
    assert_eq!(fake.lines().len(), 10);
    assert!(
        fake.seen()
            .iter()
            .all(|seen| seen.header("authorization") == Some(&format!("Bearer {TOKEN}")))
    );
    let quiet = Fake::start(healthy).await;
    quiet.bridge().observe(Scope::default()).await.unwrap();
    assert!(!quiet.lines().iter().any(|line| line.contains("clients")));
}

#[tokio::test]
async fn absence_is_the_platforms_own_word() {
    // F14, F17
    let fake = Fake::start(|seen| match seen.target.as_str() {
        "/v1/capabilities" => healthy(seen),
        _ => Reply::problem(404, "not-found"),
    })
    .await;
    let (bridge, id) = (fake.bridge(), ObjectId::new("1"));
    assert_eq!(bridge.read(Kind::Tenant, &id).await, Ok(None));
    assert_eq!(
        bridge.find(Kind::Tenant, &Claim::new("hf-1")).await,
        Ok(Vec::new())
    );
    assert_eq!(
        refusal(bridge.delete(Kind::Tenant, &id, "c").await),
        ProblemKind::NotFound
    );
    let list = bridge.observe(Scope::default()).await;
    assert!(matches!(list, Err(PlatformError::Garbled(_))));
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_not_absence() {
    // F14, F17: an endpoint that was mistyped, an estate that isn't open, another account behind the same name.
    let nowhere = Fake::start(|_| Reply::problem(404, "not-found")).await;
    let answer = nowhere
        .bridge()
        .read(Kind::Tenant, &ObjectId::new("1"))
        .await;
    assert!(matches!(answer, Err(PlatformError::Garbled(text)) if text.contains("path")));
    let swapped = AtomicBool::new(false);
    let fake = Fake::start(move |seen| match seen.target.as_str() {
        "/v1/capabilities" if swapped.swap(true, Ordering::SeqCst) => {
            let mut other = capabilities();
            other["account"]["id"] = json!("a0");
            Reply::json(200, other)
        }
        "/v1/capabilities" => healthy(seen),
        _ => Reply::problem(404, "not-found"),
    })
    .await;
    let bridge = fake.bridge();
    assert_eq!(bridge.identify().await.unwrap().account.id, "9f");
    let answer = bridge.read(Kind::Tenant, &ObjectId::new("1")).await;
    assert!(
        matches!(answer, Err(PlatformError::Garbled(text)) if text.contains("another account"))
    );
}

#[tokio::test]
async fn an_answer_about_another_object_is_not_believed() {
    // F14: a filter that is ignored.
    let fake = Fake::start(|_| Reply::json(200, item("1", "hf-1"))).await;
    let (bridge, other, claim) = (fake.bridge(), ObjectId::new("2"), Claim::new("hf-2"));
    let garbled = |error| matches!(error, PlatformError::Garbled(_));
    assert!(garbled(
        bridge.read(Kind::Customer, &other).await.unwrap_err()
    ));
    assert!(garbled(
        bridge.find(Kind::Customer, &claim).await.unwrap_err()
    ));
    assert!(garbled(
        bridge
            .create(Kind::Customer, &claim, Map::new())
            .await
            .unwrap_err()
    ));
    assert!(garbled(
        bridge
            .update(Kind::Customer, &other, None, None, Map::new())
            .await
            .unwrap_err()
    ));
    assert!(garbled(
        bridge
            .set_active(Kind::Customer, &other, true)
            .await
            .unwrap_err()
    ));
}

#[tokio::test]
async fn reports_are_read_whole() {
    let report = |target: &str| {
        let days = |days: &str| target.contains(&format!("days={days}"));
        match (
            target.starts_with("/v1/usage?"),
            target.starts_with("/v1/health?"),
        ) {
            (true, _) if target.contains("cursor=n") => "usage, page 2",
            (true, _) if days("90") => "usage",
            (_, true) if days("7") => "health without an age",
            _ => "other",
        }
    };
    let fake = Fake::start(move |seen| match report(&seen.target) {
        "usage" => Reply::json(
            200,
            json!({"items": [{"customerId": "1", "storageBytes": 5, "credits": 1.5}], "next": "n", "complete": false, "asOf": "2026-11-22T10:00:00Z"}),
        ),
        "usage, page 2" => Reply::json(
            200,
            json!({"items": [{"customerId": "2"}], "next": null, "complete": true, "asOf": "2026-11-22T09:00:00Z"}),
        ),
        "health without an age" => Reply::json(200, json!({"items": [], "next": null, "complete": true})),
        _ => healthy(seen),
    })
    .await;
    let bridge = fake.bridge();
    let usage = bridge.usage(90).await.unwrap();
    assert_eq!(usage.rows.len(), 2);
    assert_eq!(
        usage.as_of.to_string(),
        "2026-11-22T09:00:00Z",
        "as old as its oldest page"
    );
    assert_eq!(bridge.health(30).await.unwrap().rows.len(), 1);
    assert!(
        matches!(bridge.health(7).await, Err(PlatformError::Garbled(_))),
        "figures of unknown age are none"
    );
}

#[tokio::test]
async fn what_is_accepted_is_followed_by_its_operation() {
    let fake = Fake::start(|seen| match seen.target.as_str() {
        "/v1/operations/queued" => Reply::json(200, json!({"id": "queued", "state": "queued"})),
        "/v1/operations/human" => Reply::json(200, json!({"id": "human", "state": "waiting-for-human"})),
        "/v1/operations/done" => Reply::json(200, json!({"id": "done", "state": "done", "result": {"id": "1"}})),
        "/v1/operations/failed" => Reply::json(
            200,
            json!({"id": "failed", "state": "failed", "problem": {"type": "urn:holdfast:problem:conflict", "detail": "taken"}}),
        ),
        "/v1/operations/odd" => Reply::json(200, json!({"id": "odd", "state": "paused"})),
        _ => Reply::json(202, json!({"operation": "queued"})),
    })
    .await;
    let bridge = fake.bridge();
    let created = bridge
        .create(Kind::Customer, &Claim::new("hf-1"), Map::new())
        .await;
    assert_eq!(created, Ok(Written::Pending("queued".to_owned())));
    assert_eq!(
        bridge.operation("queued").await,
        Ok(OperationState::Running)
    );
    assert_eq!(
        bridge.operation("human").await,
        Ok(OperationState::WaitingForHuman)
    );
    assert_eq!(
        bridge.operation("done").await,
        Ok(OperationState::Done(None))
    );
    let failed = bridge.operation("failed").await.unwrap();
    assert!(
        matches!(failed, OperationState::Failed(problem) if problem.kind == ProblemKind::Conflict)
    );
    assert!(matches!(
        bridge.operation("odd").await,
        Err(PlatformError::Garbled(_))
    ));
}

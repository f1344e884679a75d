//! What the adapter sends, and what it keeps to itself.

use holdfast_platforms::{Clients as _, Deletion as _, Mail as _, Suspension as _};
use std::sync::Arc;

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, ObjectId};
use holdfast_platforms::{Platform, PlatformError, ProblemKind, Written, bridge::Bridge};
use serde_json::{Map, Value, json};

use crate::server::{
    Fake, Outcomes, Reply, TOKEN, bridge, everything_logged, healthy, item, options,
};

fn document(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, PlatformError>) -> ProblemKind {
    match answer {
        Err(PlatformError::Refused(problem)) => problem.kind,
        other => panic!("not a refusal: {other:?}"),
    }
}

#[tokio::test]
async fn writes_carry_their_conditions() {
    let fake = Fake::start(|seen| {
        if seen.line().starts_with("PATCH /v1/clients") {
            return Reply::json(
                200,
                json!({"id": "pc-17", "name": "pc-17", "customerId": "9"}),
            );
        }
        Reply::json(200, item("4/2 é", "hf-1"))
    })
    .await;
    let bridge = fake.bridge();
    let (id, claim) = (ObjectId::new("4/2 é"), Claim::new("hf-1"));
    let settings = || document(json!({"name": "Fabrikam"}));
    let created = bridge
        .create(Kind::Customer, &claim, settings())
        .await
        .unwrap();
    assert!(matches!(created, Written::Done(object) if object.id == id));
    bridge
        .update(Kind::Tenant, &id, Some("\"v7\""), None, settings())
        .await
        .unwrap();
    bridge
        .update(Kind::ServicePlan, &id, None, None, settings())
        .await
        .unwrap();
    bridge.set_active(Kind::Reseller, &id, false).await.unwrap();
    bridge.set_active(Kind::Reseller, &id, true).await.unwrap();
    bridge.send_welcome_mail(&id).await.unwrap();
    bridge
        .move_client(&ObjectId::new("pc-17"), Some("3"), &ObjectId::new("9"))
        .await
        .unwrap();
    assert_eq!(
        fake.lines(),
        [
            "PUT /v1/customers/by-ref/hf-1",
            "PATCH /v1/tenants/4%2F2%20%C3%A9",
            "PATCH /v1/plans/4%2F2%20%C3%A9",
            "POST /v1/resellers/4%2F2%20%C3%A9:deactivate",
            "POST /v1/resellers/4%2F2%20%C3%A9:activate",
            "POST /v1/customers/4%2F2%20%C3%A9:send-welcome-mail",
            "PATCH /v1/clients/pc-17",
        ]
    );
    let seen = fake.seen();
    assert_eq!(seen[0].header("if-none-match"), Some("*"));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(seen[0].body, r#"{"name":"Fabrikam"}"#);
    assert_eq!(seen[1].header("if-match"), Some("\"v7\""));
    assert_eq!(
        seen[1].header("content-type"),
        Some("application/merge-patch+json")
    );
    assert_eq!(seen[2].header("if-match"), None);
    assert_eq!(
        (seen[6].header("if-match"), seen[6].body.as_str()),
        (Some("3"), r#"{"customerId":"9"}"#)
    );
}

#[tokio::test]
async fn a_failed_precondition_means_two_things() {
    let fake = Fake::start(|_| Reply::problem(412, "precondition-failed")).await;
    let (bridge, id) = (fake.bridge(), ObjectId::new("1"));
    assert_eq!(
        refusal(
            bridge
                .create(Kind::Customer, &Claim::new("hf-1"), Map::new())
                .await
        ),
        ProblemKind::AlreadyExists
    );
    assert_eq!(
        refusal(
            bridge
                .update(Kind::Customer, &id, Some("1"), None, Map::new())
                .await
        ),
        ProblemKind::PreconditionFailed
    );
}

#[tokio::test]
async fn ids_that_would_name_the_list_never_leave() {
    let fake = Fake::start(|_| Reply::json(204, json!(null))).await;
    let bridge = fake.bridge();
    for id in ["", ".", ".."] {
        assert_eq!(
            refusal(bridge.delete(Kind::Customer, &ObjectId::new(id), "c").await),
            ProblemKind::Invalid
        );
        assert_eq!(
            refusal(bridge.read(Kind::Customer, &ObjectId::new(id)).await),
            ProblemKind::Invalid
        );
    }
    assert_eq!(fake.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_deletion_is_rehearsed_and_then_confirmed() {
    let fake = Fake::start(|seen| match seen.target.as_str() {
        "/v1/customers/1?mode=purge&dryRun=true" => Reply::json(200, json!({"confirm": "c&1", "clients": 3, "bytes": 9, "refused": []})),
        "/v1/customers/1?mode=purge&confirm=c%261" => Reply::json(204, json!(null)),
        "/v1/customers/2?mode=purge&dryRun=true" => Reply::json(
            200,
            json!({"clients": 3, "bytes": 9, "refused": [{"type": "urn:holdfast:problem:has-dependents", "detail": "3 clients"}]}),
        ),
        "/v1/customers/3?mode=purge&dryRun=true" => Reply::json(200, json!({})),
        _ => Reply::problem(409, "confirmation-required"),
    })
    .await;
    let bridge = fake.bridge();
    let rehearsal = bridge
        .rehearse_deletion(Kind::Customer, &ObjectId::new("1"))
        .await
        .unwrap();
    assert_eq!(
        (
            rehearsal.confirmation.as_str(),
            rehearsal.clients,
            rehearsal.bytes
        ),
        ("c&1", 3, 9)
    );
    assert_eq!(
        bridge
            .delete(Kind::Customer, &ObjectId::new("1"), &rehearsal.confirmation)
            .await,
        Ok(())
    );
    let stale = bridge
        .delete(Kind::Customer, &ObjectId::new("1"), "old")
        .await;
    assert_eq!(refusal(stale), ProblemKind::ConfirmationRequired);
    let refused = bridge
        .rehearse_deletion(Kind::Customer, &ObjectId::new("2"))
        .await;
    assert_eq!(refusal(refused), ProblemKind::HasDependents);
    assert!(matches!(
        bridge
            .rehearse_deletion(Kind::Customer, &ObjectId::new("3"))
            .await,
        Err(PlatformError::Garbled(_))
    ));
}

#[tokio::test]
async fn without_the_lease_nothing_is_sent() {
    // F20
    let fake = Fake::start(healthy).await;
    let bridge = bridge(
        &fake.url,
        &Arc::default(),
        Err("the Lease was lost".to_owned()),
    );
    let (id, claim) = (ObjectId::new("1"), Claim::new("hf-1"));
    let lost = || PlatformError::NotWriter("the Lease was lost".to_owned());
    assert_eq!(
        bridge.create(Kind::Customer, &claim, Map::new()).await,
        Err(lost())
    );
    assert_eq!(
        bridge
            .update(Kind::Customer, &id, None, None, Map::new())
            .await,
        Err(lost())
    );
    assert_eq!(
        bridge.set_active(Kind::Customer, &id, false).await,
        Err(lost())
    );
    assert_eq!(
        bridge.move_client(&id, None, &id).await.map(drop),
        Err(lost())
    );
    assert_eq!(bridge.send_welcome_mail(&id).await, Err(lost()));
    assert_eq!(
        bridge.rehearse_deletion(Kind::Customer, &id).await,
        Err(lost())
    );
    assert_eq!(bridge.delete(Kind::Customer, &id, "c").await, Err(lost()));
    assert_eq!(fake.lines(), Vec::<String>::new());
    assert!(
        bridge.identify().await.is_ok(),
        "reading is everyone's right"
    );
}

#[tokio::test]
async fn no_secret_reaches_logs_errors_or_metrics() {
    // I5
    let fake = Fake::start(|seen| {
        Reply::raw(
            422,
            "application/problem+json",
            json!({"type": "urn:holdfast:problem:invalid", "detail": seen.body}).to_string(),
        )
    })
    .await;
    let observer = Arc::new(Outcomes::default());
    let bridge = Bridge::new(options(
        &fake.url,
        &Arc::default(),
        Ok(()),
        Arc::clone(&observer),
    ))
    .unwrap();
    let settings = || {
        document(
            json!({"name": "Fabrikam", "webAccess": {"username": "f", "password": "hunter2-secret"}}),
        )
    };
    let error = bridge
        .create(Kind::Customer, &Claim::new("hf-1"), settings())
        .await
        .unwrap_err();
    let again = bridge
        .update(
            Kind::Customer,
            &ObjectId::new("1"),
            Some("7"),
            None,
            settings(),
        )
        .await
        .unwrap_err();
    let logged = everything_logged();
    assert!(
        logged.contains("PUT /v1/customers/by-ref/{externalRef}"),
        "the log is really looked at"
    );
    for text in [logged, format!("{error} {error:?} {again} {again:?}")] {
        assert!(
            !text.contains("hunter2-secret") && !text.contains(TOKEN),
            "{text}"
        );
    }
    assert_eq!(
        *observer.0.lock().unwrap(),
        [
            ("PUT /v1/customers/by-ref/{externalRef}", "refused"),
            ("PATCH /v1/customers/{id}", "refused")
        ]
    );
}

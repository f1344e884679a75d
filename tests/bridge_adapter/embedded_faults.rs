//! Faults that the embedded platform makes to order.

use holdfast_platforms::{ByClaim as _, Deletion as _};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, Scope};
use holdfast_platforms::{Platform, PlatformError, ProblemKind};
use holdfast_simulator::{Action, Lie, Moment};
use serde_json::json;

use crate::stage::{Stage, bridge, done, patch, problem};

#[tokio::test]
async fn an_estate_that_is_not_open_has_lost_nothing() {
    // F14, F16, F17
    let stage = Stage::set().await;
    let [_, _, customer, _] = stage.furnish().await;
    let mut access = stage.host.estate("backup", "msp").await.unwrap();
    access.url = access.url.replace("/msp", "/psm");
    let answer = bridge(&access).read(Kind::Customer, &customer.id).await;
    assert!(
        matches!(answer, Err(PlatformError::Garbled(_))),
        "{answer:?}"
    );
    let mut access = stage.host.estate("backup", "msp").await.unwrap();
    access.token = "revoked".into();
    let answer = bridge(&access).read(Kind::Customer, &customer.id).await;
    assert!(
        matches!(answer, Err(PlatformError::Unauthorised(_))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_stays_single() {
    // F2, F4, I1
    let stage = Stage::set().await;
    let settings = || patch(json!({"name": "Contoso", "country": "DE", "active": true}));
    let create = || stage.create("hf-c", settings());
    stage.fault("PUT", "/v1/customers", Action::Drop(Moment::After));
    assert!(matches!(create().await, Err(PlatformError::Unreachable(_))));
    stage.host.faults().clear();
    let found = stage.bridge.find(Kind::Customer, &Claim::new("hf-c")).await;
    assert_eq!(found.unwrap().len(), 1);
    assert_eq!(problem(create().await).kind, ProblemKind::AlreadyExists);
    stage.fault(
        "PUT",
        "/v1/customers",
        Action::Late(Duration::from_millis(300)),
    );
    let late = || stage.create("hf-d", patch(json!({"name": "Dot", "country": "DE"})));
    assert!(matches!(late().await, Err(PlatformError::Unreachable(_))));
    stage.host.faults().clear();
    assert_eq!(
        stage.bridge.find(Kind::Customer, &Claim::new("hf-d")).await,
        Ok(Vec::new()),
        "not yet"
    );
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(problem(late().await).kind, ProblemKind::AlreadyExists);
}

#[tokio::test]
async fn no_broken_list_passes_for_a_whole_one() {
    // F13, F14
    let faults = [
        Action::List(Lie::Incomplete),
        Action::List(Lie::SecondPageFails),
        Action::List(Lie::Loop),
        Action::Truncate(40),
        Action::Drop(Moment::Before),
        Action::Status {
            code: 200,
            content_type: Some("text/html".to_owned()),
            body: Some("<html>".to_owned()),
            retry_after: None,
        },
    ];
    for fault in faults {
        for route in ["/v1/customers", "/v1/tenants", "/v1/locations", "/v1/pool"] {
            if route == "/v1/pool" && matches!(fault, Action::List(_)) {
                continue;
            }
            let stage = Stage::set().await;
            stage.fault("GET", route, fault.clone());
            let answer = stage.bridge.observe(Scope::default()).await;
            assert!(answer.is_err(), "{route} {fault:?}");
        }
    }
}

// F15: a list of several pages, while others are made and removed between two of them.
#[tokio::test(flavor = "multi_thread")]
async fn f15_a_list_that_changes_while_it_is_read_neither_loses_nor_doubles_anything() {
    const STEADY: usize = 1_100;
    let stage = Arc::new(Stage::set().await);
    let settings = |name: &str| patch(json!({"name": name, "country": "DE", "active": true}));
    let mut steady = BTreeSet::new();
    for number in 0..STEADY {
        let made = stage
            .create(
                &format!("hf-steady-{number}"),
                settings(&format!("S{number}")),
            )
            .await;
        steady.insert(done(made).id);
    }
    let others = stage.clone();
    let busy = tokio::spawn(async move {
        for number in 0.. {
            let made = others
                .create(
                    &format!("hf-passing-{number}"),
                    settings(&format!("P{number}")),
                )
                .await;
            let id = done(made).id;
            let rehearsed = others.bridge.rehearse_deletion(Kind::Customer, &id).await;
            let confirmation = rehearsed.unwrap().confirmation;
            let deleted = others.bridge.delete(Kind::Customer, &id, &confirmation);
            deleted.await.unwrap();
        }
    });
    for _ in 0..10 {
        let snapshot = stage.bridge.observe(Scope::default()).await.unwrap();
        let mut seen = BTreeSet::new();
        for object in &snapshot.objects {
            let twice = object.kind == Kind::Customer && !seen.insert(object.id.clone());
            assert!(!twice, "{} is there twice", object.id);
        }
        let lost: Vec<_> = steady.difference(&seen).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }
    busy.abort();
}

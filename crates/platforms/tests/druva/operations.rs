//! Tasks: finished doesn't mean succeeded, and what isn't understood isn't finished.

use holdfast_api::Kind;
use holdfast_core::estate::ObjectId;
use holdfast_platforms::Operations as _;
use holdfast_platforms::{OperationState, Platform, PlatformError, ProblemKind};
use serde_json::{Value, json};

use crate::{
    estate::{CUSTOMER, TENANT, create, except, healthy, pending, problem},
    server::{Fake, Reply},
};

async fn state(task: Value) -> Result<OperationState, PlatformError> {
    let fake = Fake::start(except("/v2/tasks/1", move |_| Reply::ok(&task))).await;
    let state = fake.druva().operation("1").await;
    assert_eq!(fake.lines(), ["GET /v2/tasks/1"], "one request a look");
    state
}

#[tokio::test]
async fn a_task_runs_until_it_says_that_it_is_finished() {
    for status in [
        json!(1),
        json!(2),
        json!(3),
        json!(0),
        json!(9),
        json!(null),
    ] {
        let running = state(json!({"id": "1", "status": status, "output": {"failed": -1}})).await;
        assert_eq!(running, Ok(OperationState::Running), "{status}");
    }
    let internal = state(json!({"id": "1", "status": 4, "output": {"failed": -1}})).await;
    assert_eq!(
        internal,
        Ok(OperationState::Running),
        "says nothing to others"
    );
}

#[tokio::test]
async fn a_finished_task_says_what_it_made() {
    let made = json!({"failed": 0, "successResp": {"entityId": CUSTOMER}});
    let done = state(json!({"id": "1", "status": 4, "output": made})).await;
    assert_eq!(
        done,
        Ok(OperationState::Done(Some(ObjectId::new(CUSTOMER))))
    );
    let done = state(json!({"id": "1", "status": 4, "output": {"failed": 0}})).await;
    assert_eq!(done, Ok(OperationState::Done(None)));
    for output in [json!(null), json!({})] {
        let unsaid = state(json!({"id": "1", "status": 4, "output": output})).await;
        assert!(
            matches!(unsaid, Err(PlatformError::Garbled(_))),
            "{unsaid:?}"
        );
    }
}

#[tokio::test]
async fn a_failed_task_says_why() {
    let failed =
        |error: Value| json!({"id": "1", "status": 4, "output": {"failed": 1, "errorResp": error}});
    let taken = state(failed(
        json!({"code": 2304, "message": "Customer name already exists"}),
    ))
    .await;
    let Ok(OperationState::Failed(taken)) = taken else {
        panic!("{taken:?}")
    };
    assert_eq!(
        (taken.kind, taken.field.as_deref()),
        (ProblemKind::Conflict, Some("name"))
    );
    assert!(taken.detail.contains("maybe not yours"), "{taken:?}");
    let other = state(failed(
        json!({"code": 9999, "message": "the region is full"}),
    ))
    .await;
    let Ok(OperationState::Failed(other)) = other else {
        panic!("{other:?}")
    };
    assert_eq!(other.kind, ProblemKind::Other);
    assert!(
        other.detail.contains("the region is full (code 9999)"),
        "{other:?}"
    );
    let silent = state(json!({"id": "1", "status": 4, "output": {"failed": 1}})).await;
    assert!(
        matches!(silent, Ok(OperationState::Failed(_))),
        "{silent:?}"
    );
}

#[tokio::test]
async fn a_task_that_is_lost_is_not_taken_for_an_outcome() {
    for status in [400, 404] {
        let fake = Fake::start(except("/v2/tasks/1", move |_| {
            Reply::error(status, "unknown task")
        }))
        .await;
        let lost = problem(fake.druva().operation("1").await);
        assert_eq!(lost.kind, ProblemKind::NotFound);
        assert!(lost.detail.contains("unknown"), "{lost:?}");
    }
    let fake = Fake::start(healthy).await;
    problem(fake.druva().operation("..").await);
    assert_eq!(fake.all().len(), 0);
}

#[tokio::test]
async fn a_new_tenant_is_read_without_listing_all() {
    let made = json!({"id": "t", "status": 4, "output": {"failed": 0, "successResp": {"entityId": TENANT}}});
    let fake = Fake::start(except(
        "/v2/tasks/5f0c0000-0000-4000-8000-000000000001",
        move |_| Reply::ok(&made),
    ))
    .await;
    let druva = fake.druva();
    let tenant = json!({"customerId": CUSTOMER, "planId": "7", "product": "HybridWorkloads", "type": "Evaluation",
        "storageRegions": ["eu-west-2"], "licenceExpiresAt": "2027-12-31T00:00:00Z"});
    let task = pending(create(&druva, Kind::Tenant, tenant).await);
    let Ok(OperationState::Done(Some(id))) = druva.operation(&task).await else {
        panic!("not done")
    };
    assert!(druva.read(Kind::Tenant, &id).await.unwrap().is_some());
    assert!(
        fake.lines()
            .iter()
            .all(|line| !line.starts_with("GET /v3/tenants")),
        "{:?}",
        fake.lines()
    );
}

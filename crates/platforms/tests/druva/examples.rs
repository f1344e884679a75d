//! Every answer that the contract shows, read by the adapter.

use holdfast_platforms::{Operations as _, Reports as _};
use holdfast_testkit::druva_contract::Contract;
use std::collections::HashMap;

use holdfast_api::Kind;
use holdfast_core::estate::{ObjectId, Scope};
use holdfast_platforms::{OperationState, Platform};
use serde_json::Value;

use crate::server::{Fake, Reply, Seen};

/// The contract's own good answers, by method and path template.
struct Examples(HashMap<String, Value>);

impl Examples {
    fn load() -> Self {
        let contract = Contract::load();
        let names: HashMap<String, String> = contract
            .operations()
            .into_iter()
            .map(|(name, method, path)| (name, format!("{method} {path}")))
            .collect();
        let good = contract
            .examples()
            .into_iter()
            .filter(|(_, status, _)| *status == 200);
        Self(
            good.map(|(name, _, body)| (names[&name].clone(), body))
                .collect(),
        )
    }

    /// The answer to a request; every list ends after its first page.
    fn answer(&self, seen: &Seen) -> Reply {
        if seen.path == "/msp/auth/v1/token" {
            return Reply::token("tok-1", 900);
        }
        let asked: Vec<&str> = seen.path.split('/').collect();
        let fits = |line: &str| {
            let (method, template) = line.split_once(' ').unwrap();
            let parts: Vec<&str> = template.split('/').collect();
            let same = |(part, asked): (&&str, &&str)| part == asked || part.starts_with('{');
            method == seen.method.as_str()
                && parts.len() == asked.len()
                && parts.iter().zip(&asked).all(same)
        };
        let mut fitting: Vec<&String> = self.0.keys().filter(|line| fits(line)).collect();
        fitting.sort_by_key(|line| line.matches('{').count());
        let mut body = self.0[fitting[0]].clone();
        if let Some(token) = body.get_mut("nextPageToken") {
            *token = "".into();
        }
        Reply::ok(&body)
    }

    fn of(&self, line: &str) -> &Value {
        &self.0[line]
    }
}

#[tokio::test]
async fn the_contracts_own_answers_are_understood() {
    let examples = Examples::load();
    let customer = examples.of("GET /msp/v3/customers")["customers"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let tenant = examples.of("GET /msp/v3/tenants")["tenants"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let made = examples.of("GET /msp/v2/tasks/{taskID}")["output"]["successResp"]["entityId"]
        .as_str()
        .unwrap()
        .to_owned();
    let fake = Fake::start(move |seen| examples.answer(seen)).await;
    let druva = fake.druva();
    let observation = druva.observe(Scope::default()).await.unwrap();
    for kind in [Kind::ServicePlan, Kind::Customer, Kind::Tenant] {
        let mut objects = observation.objects.iter();
        assert!(objects.any(|object| object.kind == kind), "{kind:?}");
    }
    for (kind, id) in [
        (Kind::Customer, &customer),
        (Kind::Tenant, &tenant),
        (Kind::ServicePlan, &"1".to_owned()),
    ] {
        let read = druva.read(kind, &ObjectId::new(id)).await.unwrap();
        assert_eq!(read.unwrap().id.as_str(), id);
    }
    let task = druva
        .operation("c8b54819-486a-497a-b86e-5b93f2422711")
        .await;
    assert_eq!(task, Ok(OperationState::Done(Some(ObjectId::new(&made)))));
    let usage = druva.usage(90).await.unwrap();
    assert_eq!(usage.rows.len(), 2, "a tenant's and its customer's");
    let health = druva.health(30).await.unwrap();
    assert_eq!(health.rows.len(), 1);
    assert_eq!(
        (
            health.rows[0].jobs.unwrap().total,
            health.rows[0].restores.unwrap().total,
            health.rows[0].alerts.unwrap().warning
        ),
        (1, 1, 1)
    );
}

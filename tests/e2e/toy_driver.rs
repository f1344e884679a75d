//! What a driver takes: one of about a hundred lines, in a registry of the test's, that keeps customers in memory.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use holdfast::operator::{RunOptions, run};
use holdfast_api::{Capability, Kind};
use holdfast_core::estate::{
    Account, Capabilities, Claim, Facts, Object, ObjectId, Protection, Scope, Settings, Snapshot,
    Unread,
};
use holdfast_platforms::{
    ByClaim, Driver, Opening, Platform, PlatformError, Problem, Registry, Written, http::SetupError,
};
use holdfast_testkit::{
    Cluster,
    bridge::{bridge_platform, secret},
    operator::{Stage, customer, free_port},
};
use serde_json::{Map, Value};

use crate::HOLDFAST;

/// Customers in memory.
#[derive(Default)]
struct Toy(Mutex<BTreeMap<ObjectId, Object>>);

struct ToyDriver(Arc<Toy>);

impl Driver for ToyDriver {
    fn word(&self) -> &'static str {
        "bridge"
    }

    fn title(&self) -> &'static str {
        "a toy"
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        &["token"]
    }

    fn budget(&self) -> Option<(u32, u32)> {
        None
    }

    fn never(&self) -> &'static [Capability] {
        &[]
    }

    fn open(&self, _: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError> {
        Ok(self.0.clone())
    }
}

#[async_trait]
impl Platform for Toy {
    async fn identify(&self) -> Result<Capabilities, PlatformError> {
        Ok(Capabilities {
            verbs: BTreeSet::from([Capability::CreateCustomer, Capability::UpdateCustomer]),
            fields: [
                (Kind::Reseller, BTreeSet::new()),
                (Kind::ServicePlan, BTreeSet::new()),
                (Kind::Tenant, BTreeSet::new()),
                (
                    Kind::Customer,
                    ["name", "profile.phone"].map(str::to_owned).into(),
                ),
            ]
            .into(),
            ..Capabilities::by_reference(Account {
                id: "toy".into(),
                name: "Toy".into(),
            })
        })
    }

    async fn observe(&self, _: Scope) -> Result<Snapshot, PlatformError> {
        Ok(Snapshot {
            capabilities: self.identify().await?,
            objects: self.0.lock().unwrap().values().cloned().collect(),
            locations: Vec::new(),
            administrators: Vec::new(),
            licences: None,
            clients: Vec::new(),
            unreadable: Unread::default(),
        })
    }

    async fn read(&self, _: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError> {
        let mut found = self.0.lock().unwrap().get(id).cloned();
        // An answer about another object, again and again.
        if let Some(object) = found.as_mut().filter(|object| object.facts.provisional) {
            (object.id, object.claim) = (ObjectId::new("another"), None);
        }
        Ok(found)
    }

    async fn create(
        &self,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let name = document["name"].as_str().unwrap().to_owned();
        assert_ne!(name, "poison", "a fault of the driver");
        let object = Object {
            kind,
            id: ObjectId::new(claim.as_str()),
            name: name.clone(),
            claim: Some(claim.clone()),
            etag: None,
            protection: Protection::None,
            created_at: None,
            unreadable: None,
            settings: Settings::from_document(kind, &Value::Object(document)).unwrap(),
            facts: Facts {
                provisional: name == "endless",
                ..Facts::default()
            },
        };
        let mut objects = self.0.lock().unwrap();
        objects.insert(object.id.clone(), object.clone());
        Ok(Written::Done(Box::new(object)))
    }

    async fn update(
        &self,
        kind: Kind,
        id: &ObjectId,
        _: Option<&str>,
        _: Option<&Claim>,
        patch: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let mut objects = self.0.lock().unwrap();
        let object = objects.get_mut(id).ok_or(Problem::unsupported("gone"))?;
        let mut document = Value::Object(object.settings.to_document());
        json_patch::merge(&mut document, &Value::Object(patch));
        object.settings = Settings::from_document(kind, &document).unwrap();
        Ok(Written::Done(Box::new(object.clone())))
    }

    fn by_claim(&self) -> Option<&dyn ByClaim> {
        Some(self)
    }
}

#[async_trait]
impl ByClaim for Toy {
    async fn find(&self, _: Kind, claim: &Claim) -> Result<Vec<Object>, PlatformError> {
        let objects = self.0.lock().unwrap();
        let found = objects
            .values()
            .filter(|object| object.claim.as_ref() == Some(claim));
        Ok(found.cloned().collect())
    }
}

/// An operator in this process, on a platform that the toy driver serves.
fn operate(stage: &Stage, toy: &Arc<Toy>, listen: u16) -> tokio::task::JoinHandle<()> {
    let options = RunOptions {
        drivers: Registry::default().with(Arc::new(ToyDriver(toy.clone()))),
        data_dir: Some(stage.data.path().join("operator")),
        pod_name: None,
        listen: ([127, 0, 0, 1], listen).into(),
        platform_listen: ([127, 0, 0, 1], free_port()).into(),
        namespaces: vec![stage.namespace().to_owned()],
        lease_namespace: stage.namespace().to_owned(),
        invoices_namespace: None,
        customer_metrics: true,
    };
    stage.apply(
        &[
            secret("toy", "any"),
            bridge_platform("toy", "https://toy.example/", ""),
        ]
        .join("---\n"),
    );
    tokio::spawn(async move { run(options, std::future::pending()).await.unwrap() })
}

// R-N1: a platform is a driver and a line in the registry; the operator knows nothing else of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_driver_of_a_hundred_lines_makes_a_platform_ready() {
    let stage = Stage::without_operator(HOLDFAST, Cluster::start("toy").await);
    let toy = Arc::new(Toy::default());
    let operator = operate(&stage, &toy, free_port());
    stage.apply(&customer("fabrikam", "toy", ", profile: {phone: \"1\"}"));
    stage
        .await_ready(&["backupplatform/toy", "customer/fabrikam"])
        .await;
    let phone = || {
        let objects = toy.0.lock().unwrap();
        let object = objects.values().next().expect("a customer");
        object.settings.text("profile.phone").map(str::to_owned)
    };
    assert_eq!(phone().as_deref(), Some("1"));
    stage.apply(&customer("fabrikam", "toy", ", profile: {phone: \"2\"}"));
    stage.await_ready(&["customer/fabrikam"]).await;
    assert_eq!(phone().as_deref(), Some("2"));
    operator.abort();
}

// I4: a pass that can't end says so, with what it was doing, and is tried again ever more seldom.
#[tokio::test(flavor = "multi_thread")]
async fn a_pass_without_end_is_said_on_its_object_and_backs_off() {
    let stage = Stage::without_operator(HOLDFAST, Cluster::start("endless").await);
    let (toy, listen) = (Arc::new(Toy::default()), free_port());
    let operator = operate(&stage, &toy, listen);
    stage.apply(&customer("endless", "toy", "").replace("Customer endless", "endless"));
    stage
        .await_condition("customer/endless", "Ready", "False/InternalError")
        .await;
    let message = stage.message("customer/endless", "Ready");
    assert!(
        message.contains("after 24 steps, the last of them Read"),
        "{message}"
    );
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    let count = unfinished(listen, "steps").await;
    assert!((2..=6).contains(&count), "backs off: {count}");
    operator.abort();
}

/// Passes over customers that didn't finish, for a reason.
async fn unfinished(listen: u16, reason: &str) -> u32 {
    let page = reqwest::get(format!("http://127.0.0.1:{listen}/metrics")).await;
    let metrics = page.unwrap().text().await.unwrap();
    let counted =
        format!("holdfast_unfinished_passes_total{{kind=\"Customer\",reason=\"{reason}\"}}");
    let line = metrics.lines().find(|line| line.starts_with(&counted));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

// F24, R-N9: a fault in one pass is caught, counted and said on its object; all others go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_pass_is_said_on_that_object_and_stops_no_other() {
    let stage = Stage::without_operator(HOLDFAST, Cluster::start("panic").await);
    let (toy, listen) = (Arc::new(Toy::default()), free_port());
    let operator = operate(&stage, &toy, listen);
    stage.apply(&customer("poison", "toy", "").replace("Customer poison", "poison"));
    stage
        .await_condition("customer/poison", "Ready", "False/InternalError")
        .await;
    let message = stage.message("customer/poison", "Ready");
    assert!(message.contains("a fault of Holdfast"), "{message}");
    assert!(!message.contains("a fault of the driver"), "{message}");
    stage.apply(&customer("fabrikam", "toy", ""));
    stage.await_ready(&["customer/fabrikam"]).await;

    let count = unfinished(listen, "panic").await;
    assert!((1..=6).contains(&count), "backs off: {count}");
    let health = reqwest::get(format!("http://127.0.0.1:{listen}/healthz")).await;
    assert_eq!(health.unwrap().status(), 200);

    // Mended, it goes on by itself.
    stage.apply(&customer("poison", "toy", ""));
    stage.await_ready(&["customer/poison"]).await;
    operator.abort();
}

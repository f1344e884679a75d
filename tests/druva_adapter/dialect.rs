//! The adapter against the embedded platform behind Druva's wire: every request is judged, and every answer is real.

use holdfast_platforms::{Beside as _, Operations as _, Reports as _, Suspension as _};
use std::{collections::BTreeMap, time::Duration};

use holdfast_api::Kind;
use holdfast_core::estate::{Object, ObjectId, Protection, Scope, Snapshot};
use holdfast_platforms::{
    OperationState, Platform, PlatformError, Problem, ProblemKind, Written, druva::Druva,
};
use holdfast_simulator::{Action, DruvaOptions, DruvaPlatform, Fate, Fault, Moment, When};
use reqwest::{Client, Url};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    estate::{create, document, pending, problem, update},
    server::{self, Fake},
};

/// An account of its own, and an adapter whose requests are judged on the way.
pub struct Stage {
    pub platform: DruvaPlatform,
    pub relay: Fake,
    pub druva: Druva,
    _directory: TempDir,
}

/// One that knows nothing yet.
fn adapter(platform: &DruvaPlatform, relay: &Fake) -> Druva {
    adapter_at(platform, &relay.url)
}

/// The same by another way.
pub fn adapter_at(platform: &DruvaPlatform, url: &Url) -> Druva {
    let credentials = platform.credentials();
    let druva = Druva::new(holdfast_platforms::druva::DruvaOptions {
        client_id: credentials.client_id.into(),
        secret_key: credentials.secret_key,
        ..server::options(url, Ok(()))
    });
    druva.unwrap()
}

impl Stage {
    pub async fn set() -> Self {
        Self::set_with(|_| ()).await
    }

    pub async fn set_with(change: impl FnOnce(&mut DruvaOptions)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = DruvaOptions::new(directory.path().join("estate.sqlite"));
        change(&mut options);
        let platform = DruvaPlatform::start(options).await.unwrap();
        let relay = Fake::before(&platform.url()).await;
        Self {
            druva: adapter(&platform, &relay),
            platform,
            relay,
            _directory: directory,
        }
    }

    /// What befalls the next creation of a customer.
    fn befall(&self, then: Action) {
        let when = When {
            method: Some("POST".to_owned()),
            route: Some("/msp/v3/customers".to_owned()),
            times: Some(1),
            ..When::default()
        };
        let name = String::new();
        self.platform.faults().add(Fault { name, when, then });
    }

    pub async fn observe(&self) -> Snapshot {
        self.druva.observe(Scope::default()).await.unwrap()
    }

    async fn finish(&self, task: &str) -> Result<Option<ObjectId>, Problem> {
        for _ in 0..100 {
            match self.druva.operation(task).await.unwrap() {
                OperationState::Done(made) => return Ok(made),
                OperationState::Failed(problem) => return Err(problem),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        panic!("task {task} doesn't end")
    }

    async fn make(&self, kind: Kind, document: Value) -> Object {
        let task = pending(create(&self.druva, kind, document).await);
        let id = self.finish(&task).await.unwrap().unwrap();
        self.read(kind, &id).await
    }

    pub async fn read(&self, kind: Kind, id: &ObjectId) -> Object {
        self.druva.read(kind, id).await.unwrap().unwrap()
    }

    async fn change(&self, kind: Kind, id: &ObjectId, patch: Value) -> Object {
        let task = pending(update(&self.druva, kind, id.as_str(), patch).await);
        self.finish(&task).await.unwrap();
        self.read(kind, id).await
    }

    pub async fn customer(&self, name: &str) -> Object {
        let profile = json!({"phone": "+44113", "address": {"text": "1 High St, Leeds"}});
        self.make(Kind::Customer, json!({"name": name, "profile": profile}))
            .await
    }

    /// The first plan, and each of its workloads with seats, but for servers.
    async fn plan(&self) -> (ObjectId, Value) {
        let observation = self.observe().await;
        let mut plans = observation
            .objects
            .into_iter()
            .filter(|object| object.kind == Kind::ServicePlan);
        let plan = plans.next().unwrap();
        let products = plan.settings.get("products").unwrap().as_array().unwrap();
        let saas = products
            .iter()
            .find(|product| product["product"] == "SaaSAppsAndEndpoints")
            .unwrap();
        let words = saas["workloads"].as_array().unwrap().iter();
        let workloads = words.map(|word| json!({"name": word, "users": 10, "preservedUsers": 1}));
        (plan.id, workloads.collect())
    }

    /// Makes something at the console; its id.
    async fn enter(&self, kind: &str, name: &str, item: Value) -> Value {
        let url = format!("{}/v1/{kind}/by-ref/console-{name}", self.platform.url());
        let asked = Client::new()
            .put(url)
            .bearer_auth(self.platform.console_token().expose_secret())
            .header("X-Actor", "console")
            .json(&item);
        let answer = asked.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        let made: Value = answer.json().await.unwrap();
        made["id"].clone()
    }

    /// What a person at the console does to a tenant.
    async fn console(&self, tenant: &ObjectId, action: &str) {
        let url = format!("{}/console/tenants/{tenant}/{action}", self.platform.url());
        let token = self.platform.console_token().expose_secret();
        let asked = Client::new()
            .post(url)
            .bearer_auth(token)
            .header("X-Actor", "console");
        assert!(asked.send().await.unwrap().status().is_success());
    }
}

fn text<'a>(object: &'a Object, path: &str) -> &'a str {
    object.settings.text(path).unwrap()
}

#[tokio::test]
async fn a_customer_lives_on_the_vendors_wire() {
    let stage = Stage::set().await;
    let contoso = stage.customer("Contoso").await;
    assert_eq!(
        (contoso.name.as_str(), text(&contoso, "accountName")),
        ("Contoso", "Contoso")
    );
    assert_eq!(contoso.facts.busy, None);
    let changed = stage
        .change(
            Kind::Customer,
            &contoso.id,
            json!({"profile": {"phone": "+44114"}}),
        )
        .await;
    assert_eq!(text(&changed, "profile.phone"), "+44114");
    assert_eq!(text(&changed, "profile.address.text"), "1 High St, Leeds");
    let same = update(
        &stage.druva,
        Kind::Customer,
        contoso.id.as_str(),
        json!({"name": "Contoso"}),
    )
    .await;
    assert!(matches!(same, Ok(Written::Done(_))), "{same:?}");

    let beside = stage
        .druva
        .beside(Kind::Customer, &document(json!({"name": "Contoso"})))
        .await
        .unwrap();
    assert_eq!(
        beside.iter().map(|object| &object.id).collect::<Vec<_>>(),
        [&contoso.id]
    );
    let again = json!({"name": "Contoso", "profile": {"phone": "+1", "address": {"text": "x"}}});
    let task = pending(create(&stage.druva, Kind::Customer, again).await);
    let taken = stage.finish(&task).await.unwrap_err();
    assert_eq!(taken.kind, ProblemKind::Conflict);
    let gone = stage
        .druva
        .read(Kind::Customer, &ObjectId::new("gone"))
        .await;
    assert_eq!(gone, Ok(None));
}

#[tokio::test]
async fn a_tenant_lives_on_the_vendors_wire() {
    let stage = Stage::set().await;
    let (plan, workloads) = stage.plan().await;
    let customer = stage.customer("Contoso").await;
    let wanted = json!({"customerId": customer.id, "planId": plan, "product": "SaaSAppsAndEndpoints", "type": "Evaluation",
        "storageRegions": ["eu-west-2"], "licenceExpiresAt": "2028-12-31T00:00:00Z", "workloads": workloads,
        "quota": {"credits": 12.5, "endsAt": "2027-12-31T00:00:00Z"}});
    let tenant = stage.make(Kind::Tenant, wanted.clone()).await;
    assert_eq!(text(&tenant, "planId"), plan.as_str());
    assert_eq!(
        (text(&tenant, "type"), tenant.active()),
        ("Evaluation", true)
    );
    assert_eq!(tenant.settings.thousandths("quota.credits"), Some(12_500));
    let listed = stage
        .relay
        .lines()
        .iter()
        .filter(|line| line.starts_with("GET /v3/tenants?pageSize"))
        .count();
    assert_eq!(listed, 1, "by the sweep alone");
    let beside = stage
        .druva
        .beside(Kind::Tenant, &document(wanted))
        .await
        .unwrap();
    assert_eq!(beside.len(), 1);

    let more =
        json!({"type": "Commercial", "quota": {"credits": 40}, "storageRegions": ["us-east-1"]});
    let changed = stage.change(Kind::Tenant, &tenant.id, more).await;
    assert_eq!(text(&changed, "type"), "Commercial");
    assert_eq!(
        changed
            .settings
            .get("storageRegions")
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let mut seats = changed.settings.get("workloads").unwrap().clone();
    assert!(
        seats
            .as_array()
            .unwrap()
            .iter()
            .any(|entry| entry["name"] == "Microsoft365" && entry["users"] == 10),
        "{seats}"
    );
    seats[0]["users"] = json!(11);
    let changed = stage
        .change(Kind::Tenant, &tenant.id, json!({"workloads": seats}))
        .await;
    assert_eq!(changed.settings.get("workloads").unwrap()[0]["users"], 11);

    let task = pending(
        stage
            .druva
            .set_active(Kind::Tenant, &tenant.id, false)
            .await,
    );
    let busy = problem(stage.druva.set_active(Kind::Tenant, &tenant.id, true).await);
    assert_eq!(
        busy.kind,
        ProblemKind::Busy,
        "nothing is sent while it is worked on"
    );
    stage.finish(&task).await.unwrap();
    let suspended = stage.read(Kind::Tenant, &tenant.id).await;
    assert_eq!(
        (suspended.active(), suspended.facts.phase.as_deref()),
        (false, Some("Suspended"))
    );
    let task = pending(stage.druva.set_active(Kind::Tenant, &tenant.id, true).await);
    stage.finish(&task).await.unwrap();
    assert!(stage.read(Kind::Tenant, &tenant.id).await.active());
}

#[tokio::test]
async fn what_a_person_does_at_the_console_is_seen_and_left_alone() {
    let stage = Stage::set().await;
    let (plan, _) = stage.plan().await;
    let customer = stage.customer("Contoso").await;
    let tenant = json!({"customerId": customer.id, "planId": plan, "product": "HybridWorkloads", "type": "Commercial",
        "storageRegions": ["eu-west-2"], "licenceExpiresAt": "2028-12-31T00:00:00Z"});
    let tenant = stage.make(Kind::Tenant, tenant).await;
    let writes = stage.relay.writes().len();
    for (action, phase) in [
        ("delete", "Deleting"),
        ("cancel-deletion", "Active"),
        ("migrate", "Migrating"),
    ] {
        stage.console(&tenant.id, action).await;
        let seen = stage.read(Kind::Tenant, &tenant.id).await;
        assert_eq!(seen.facts.phase.as_deref(), Some(phase));
        assert_eq!(seen.facts.busy.is_some(), phase != "Active");
        if phase != "Active" {
            let refused = problem(
                update(
                    &stage.druva,
                    Kind::Tenant,
                    tenant.id.as_str(),
                    json!({"quota": {"credits": 1}}),
                )
                .await,
            );
            assert_eq!(refused.kind, ProblemKind::Busy);
        }
    }
    assert_eq!(stage.relay.writes().len(), writes);
}

#[tokio::test]
async fn a_living_account_is_observed_without_a_write() {
    let stage = Stage::set().await;
    let observation = stage.observe().await;
    assert_eq!(
        format!("MSP:{}", observation.capabilities.account.id),
        stage.platform.account()
    );
    let sandbox = observation
        .objects
        .iter()
        .filter(|object| object.protection == Protection::Sandbox);
    let kinds: Vec<Kind> = sandbox.map(|object| object.kind).collect();
    assert!(
        kinds.contains(&Kind::Customer) && kinds.contains(&Kind::Tenant),
        "{kinds:?}"
    );
    assert!(!observation.administrators.is_empty() && !observation.locations.is_empty());
    stage.druva.usage(90).await.unwrap();
    stage.druva.health(30).await.unwrap();
    for object in &observation.objects {
        let again = stage.read(object.kind, &object.id).await;
        assert_eq!(again, *object, "read alone as in the sweep");
    }
    assert_eq!(stage.relay.writes().len(), 0);
}

fn contoso() -> Value {
    json!({"name": "Contoso", "profile": {"phone": "+44113", "address": {"text": "1 High St, Leeds"}}})
}

#[tokio::test]
async fn a_creation_without_an_answer_is_found_beside_the_next() {
    let stage = Stage::set().await;
    stage.befall(Action::Drop(Moment::After));
    let lost = create(&stage.druva, Kind::Customer, contoso()).await;
    assert!(
        matches!(lost, Err(PlatformError::Unreachable(_))),
        "{lost:?}"
    );
    let wanted = document(contoso());
    let beside = stage.druva.beside(Kind::Customer, &wanted).await;
    assert_eq!(beside.unwrap().len(), 1);
    assert_eq!(stage.relay.writes().len(), 1, "never repeated by itself");
}

#[tokio::test]
async fn a_task_fails_in_the_vendors_words_or_never_ends() {
    let stage = Stage::set().await;
    stage.befall(Action::Task(Fate::Fails(9999)));
    let task = pending(create(&stage.druva, Kind::Customer, contoso()).await);
    let failed = stage.finish(&task).await.unwrap_err();
    assert_eq!(failed.kind, ProblemKind::Other);
    assert!(failed.detail.contains("9999"), "{failed:?}");
    stage.befall(Action::Task(Fate::Lost(Moment::Before)));
    let task = pending(create(&stage.druva, Kind::Customer, contoso()).await);
    tokio::time::sleep(Duration::from_millis(600)).await;
    let state = stage.druva.operation(&task).await;
    assert_eq!(state, Ok(OperationState::Running));
}

#[tokio::test]
async fn tokens_run_out_and_nobody_notices() {
    let short = |options: &mut DruvaOptions| options.token_lifetime = Duration::from_secs(2);
    let stage = Stage::set_with(short).await;
    for _ in 0..4 {
        stage.observe().await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert!(stage.relay.tokens() >= 2);
}

#[tokio::test]
async fn a_sweep_costs_a_request_for_each_hundred_and_a_few_more() {
    let stage = Stage::set().await;
    let (plan, _) = stage.plan().await;
    for number in 0..100 {
        let name = format!("customer-{number}");
        let customer = stage.enter("customers", &name, json!({"name": name})).await;
        for product in ["HybridWorkloads", "SaaSAppsAndEndpoints"] {
            let tenant = json!({"customerId": customer, "planId": plan, "product": product});
            stage
                .enter("tenants", &format!("{name}-{product}"), tenant)
                .await;
        }
    }
    let druva = adapter(&stage.platform, &stage.relay);
    for first in [true, false] {
        let before = stage.relay.all().len();
        let observation = druva.observe(Scope::default()).await.unwrap();
        let pages = |kind: Kind| {
            let objects = observation.objects.iter();
            objects
                .filter(|object| object.kind == kind)
                .count()
                .div_ceil(100)
        };
        assert_eq!((pages(Kind::Customer), pages(Kind::Tenant)), (2, 3));
        let seen = stage.relay.all().split_off(before);
        let mut asked = BTreeMap::new();
        for seen in &seen {
            *asked.entry(seen.path.as_str()).or_default() += 1;
        }
        let mut wanted = BTreeMap::from([
            ("/msp/v3/customers", pages(Kind::Customer)),
            ("/msp/v3/tenants", pages(Kind::Tenant)),
            ("/msp/v3/servicePlans", 1),
            ("/msp/v2/admins", 1),
            ("/msp/v2/storage-regions", 1),
            // A page of customers with quotas: nobody has one.
            ("/msp/quota/v1/customers/configurations", 1),
        ]);
        if first {
            wanted.extend([("/msp/auth/v1/token", 1), ("/msp/v2/events", 1)]);
        }
        assert_eq!(asked, wanted);
    }
}

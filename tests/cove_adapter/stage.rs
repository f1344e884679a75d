//! A Management Service of its own, and an adapter whose requests are judged on the way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use holdfast_api::Kind;
use holdfast_core::estate::{Claim, Object, ObjectId, Scope, Snapshot};
use holdfast_platforms::{
    Budgets, ByClaim as _, Platform, PlatformError, Problem, RequestObserver, WriterGuard, Written,
    cove::{Cove, CoveOptions},
    http::HttpOptions,
};
use holdfast_simulator::{CoveOptions as Options, CovePlatform, Fault, When};
use holdfast_testkit::{
    cove::MUTATING,
    cove_contract::Contract,
    tap::{Heard, Tap},
};
use reqwest::Client;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The partner at the top.
pub const ROOT: i64 = 70_010;

pub struct Quiet;

impl RequestObserver for Quiet {
    fn finished(&self, _: &'static str, _: &'static str, _: std::time::Duration) {}
}

impl WriterGuard for Quiet {
    fn may_write(&self) -> Result<(), String> {
        Ok(())
    }
}

pub struct Stage {
    pub platform: CovePlatform,
    pub tap: Tap,
    pub cove: Cove,
    pub budgets: Arc<Budgets>,
    /// Answers are made up by the test, and only requests are judged.
    pub spoilt: AtomicBool,
    /// An adapter was opened whose moves may lose values of custom columns.
    dropping: AtomicBool,
    _directory: TempDir,
}

impl Stage {
    pub async fn set() -> Self {
        Self::set_with(|_| ()).await
    }

    pub async fn set_with(change: impl FnOnce(&mut Options)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = Options::new(directory.path().join("estate.sqlite"));
        change(&mut options);
        let platform = CovePlatform::start(options).await.unwrap();
        let tap = Tap::before(platform.url().strip_suffix("/jsonapi").unwrap()).await;
        let budgets = Arc::default();
        Self {
            cove: adapter(&platform, &tap, &budgets, None, false),
            platform,
            tap,
            budgets,
            spoilt: AtomicBool::new(false),
            dropping: AtomicBool::new(false),
            _directory: directory,
        }
    }

    /// Another process's adapter: it knows nothing yet.
    pub fn anew(&self) -> Cove {
        adapter(&self.platform, &self.tap, &Arc::default(), None, false)
    }

    /// One whose moves may lose values of custom columns.
    pub fn dropping(&self) -> Cove {
        self.dropping.store(true, Ordering::Relaxed);
        adapter(&self.platform, &self.tap, &Arc::default(), None, true)
    }

    pub fn below(&self, partner: &str) -> Cove {
        adapter(
            &self.platform,
            &self.tap,
            &Arc::default(),
            Some(partner),
            false,
        )
    }

    pub async fn observe(&self) -> Snapshot {
        self.cove.observe(Scope::default()).await.unwrap()
    }

    pub async fn with_clients(&self) -> Snapshot {
        self.cove.observe(Scope { clients: true }).await.unwrap()
    }

    /// Creates a customer and gives it its name and mark, as the planner does.
    pub async fn customer(&self, name: &str, parent: Option<&ObjectId>) -> Object {
        let made = self.begin(name, parent).await;
        self.finish(&made, name).await
    }

    /// The first of the two requests.
    pub async fn begin(&self, name: &str, parent: Option<&ObjectId>) -> Object {
        let mut document =
            json!({"name": name, "storageLocation": "6", "country": "DE", "stage": "Trial"});
        if let Some(parent) = parent {
            document["resellerId"] = parent.as_str().into();
        }
        let claim = claim(name);
        let created = self.cove.create(Kind::Customer, &claim, map(document));
        done(created.await)
    }

    /// The second.
    pub async fn finish(&self, made: &Object, name: &str) -> Object {
        let patch = map(json!({"name": name}));
        let mark = claim(name);
        let updated = self
            .cove
            .update(made.kind, &made.id, None, Some(&mark), patch);
        done(updated.await)
    }

    pub async fn reseller(&self, name: &str, level: &str, parent: Option<&ObjectId>) -> Object {
        let mut document = json!({"name": name, "level": level, "storageLocation": "6"});
        if let Some(parent) = parent {
            document["parentId"] = parent.as_str().into();
        }
        let claim = claim(name);
        let created = self.cove.create(Kind::Reseller, &claim, map(document));
        let made = done(created.await);
        self.finish(&made, name).await
    }

    pub async fn change(&self, object: &Object, patch: Value) -> Result<Object, PlatformError> {
        let updated = self
            .cove
            .update(object.kind, &object.id, None, None, map(patch));
        match updated.await? {
            Written::Done(object) => Ok(*object),
            Written::Pending(task) => panic!("{task}"),
        }
    }

    pub async fn find(&self, name: &str) -> Vec<Object> {
        self.cove.find(Kind::Customer, &claim(name)).await.unwrap()
    }

    /// Enters something at Cove's console; the ids.
    pub async fn enter(&self, what: &str, rows: Value) -> Vec<i64> {
        let base = self.platform.url();
        let url = base.replace("/jsonapi", &format!("/console/{what}"));
        let asked = Client::new()
            .post(url)
            .bearer_auth(self.platform.console_token().expose_secret())
            .json(&rows);
        let answer = asked.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json().await.unwrap()
    }

    /// What the service answers somebody else who calls a method.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let user = self.platform.credentials();
        let login = json!({"partner": user.partner, "username": user.username, "password": user.password.expose_secret()});
        let login = self
            .post(&json!({"jsonrpc": "2.0", "id": "1", "method": "Login", "params": login}))
            .await;
        let call = json!({"jsonrpc": "2.0", "id": "2", "method": method, "params": params, "visa": login["visa"]});
        self.post(&call).await
    }

    /// What it answers to a body.
    pub async fn post(&self, body: &Value) -> Value {
        let asked = Client::new().post(self.platform.url()).json(body);
        asked.send().await.unwrap().json().await.unwrap()
    }

    /// A partner as the platform has it.
    pub async fn held(&self, id: &ObjectId) -> Value {
        let url = self.platform.url().replace("/jsonapi", "/console/state");
        let asked = Client::new()
            .get(url)
            .bearer_auth(self.platform.console_token().expose_secret());
        let state: Value = asked.send().await.unwrap().json().await.unwrap();
        let partners = state["partners"].as_array().unwrap();
        let mut partners = partners.iter();
        let found = partners.find(|partner| partner["Id"].as_i64() == id.as_str().parse().ok());
        found.cloned().unwrap_or_default()
    }

    /// What happens to the next request of a method.
    pub fn befall(&self, method: &str, then: holdfast_simulator::Action) {
        let when = When {
            route: Some(format!("/jsonapi/{method}")),
            times: Some(1),
            ..When::default()
        };
        let name = String::new();
        self.platform.faults().add(Fault { name, when, then });
    }

    /// Methods that were called, in order.
    pub fn called(&self) -> Vec<String> {
        let heard = self.tap.heard();
        let method = |heard: &Heard| heard.body["method"].as_str().unwrap_or_default().to_owned();
        heard.iter().map(method).collect()
    }

    pub fn count(&self, method: &str) -> usize {
        self.called()
            .iter()
            .filter(|called| *called == method)
            .count()
    }

    /// Mutating requests so far.
    pub fn writes(&self) -> Vec<Value> {
        let heard = self.tap.heard();
        let writes = heard
            .iter()
            .filter(|heard| MUTATING.contains(&heard.body["method"].as_str().unwrap_or_default()));
        writes.map(|heard| heard.body.clone()).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let mut heard = self.tap.heard();
            if self.spoilt.load(Ordering::Relaxed) {
                for heard in &mut heard {
                    heard.answer = Value::Null;
                }
            }
            let force = "forceRemoveCustomColumnValuesInOldScope";
            let mut forced = heard
                .iter()
                .filter(|heard| heard.body["params"][force] == true);
            assert!(self.dropping.load(Ordering::Relaxed) || forced.next().is_none());
            let strange = Contract::load().judge(&heard);
            assert!(strange.is_empty(), "{strange:#?}");
        }
    }
}

fn adapter(
    platform: &CovePlatform,
    tap: &Tap,
    budgets: &Arc<Budgets>,
    root_partner: Option<&str>,
    drops_columns: bool,
) -> Cove {
    let user = platform.credentials();
    Cove::new(CoveOptions {
        endpoint: format!("{}/jsonapi", tap.url).parse().unwrap(),
        partner: user.partner.into(),
        username: user.username.into(),
        password: user.password,
        root_partner: root_partner.map(str::to_owned),
        drops_columns,
        rate_limit: None,
        budgets: Arc::clone(budgets),
        http: HttpOptions {
            ca_bundle_pem: None,
            observer: Arc::new(Quiet),
            writer: Arc::new(Quiet),
        },
    })
    .unwrap()
}

/// The claim of a name: 26 letters, as a real one has.
pub fn claim(name: &str) -> Claim {
    let letters = name.bytes().map(|byte| char::from(b'a' + byte % 26));
    let text: String = letters.chain(std::iter::repeat('z')).take(26).collect();
    Claim::new(&format!("hf-{text}"))
}

pub fn map(document: Value) -> Map<String, Value> {
    document.as_object().cloned().unwrap()
}

pub fn done(written: Result<Written, PlatformError>) -> Object {
    match written.unwrap() {
        Written::Done(object) => *object,
        Written::Pending(task) => panic!("{task}"),
    }
}

pub fn problem<T: std::fmt::Debug>(outcome: Result<T, PlatformError>) -> Problem {
    match outcome.unwrap_err() {
        PlatformError::Refused(problem) => problem,
        error => panic!("{error:?}"),
    }
}

pub fn by_id<'a>(snapshot: &'a Snapshot, id: &ObjectId) -> &'a Object {
    snapshot
        .objects
        .iter()
        .find(|object| object.id == *id)
        .unwrap()
}

pub fn number(id: &ObjectId) -> i64 {
    id.as_str().parse().unwrap()
}

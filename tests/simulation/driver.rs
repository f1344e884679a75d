//! The adversarial platform behind the port. Only here its documents become our objects.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use holdfast_api::{Capability, Kind};
use holdfast_core::estate::{
    Account, Capabilities, Claim, Creation, Facts, Object, ObjectId, Protection, Scope, Settings,
    Snapshot, StorageLocation, Unread,
};
use holdfast_platforms::{
    Beside, ByClaim, Deletion, Driver, Opening, Platform, PlatformError, Problem, ProblemKind,
    Rehearsal, Suspension, WriterGuard, Written, http::SetupError,
};
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::{
    platform::{Course, Estate, Item, What},
    processes::When,
};

/// How long a request to a platform may take; part of the Lease protocol.
const DEADLINE: Duration = Duration::from_secs(5);

/// Opens connections of one operator.
pub struct EstateDriver {
    pub estate: Estate,
    pub actor: String,
}

impl Driver for EstateDriver {
    fn word(&self) -> &'static str {
        "bridge"
    }

    fn title(&self) -> &'static str {
        "an adversary"
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

    fn open(&self, opening: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError> {
        Ok(Arc::new(Connection {
            estate: self.estate.clone(),
            actor: self.actor.clone(),
            writer: opening.http.writer,
        }))
    }
}

struct Connection {
    estate: Estate,
    actor: String,
    writer: Arc<dyn WriterGuard>,
}

/// A mutating request under way; over also when the request is dropped.
struct Writing<'a>(&'a Connection);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.estate.end_write(&self.0.actor);
    }
}

fn lost(operation: &str) -> PlatformError {
    PlatformError::Unreachable(format!("{operation}: timed out"))
}

fn problem(kind: ProblemKind, detail: &str) -> PlatformError {
    Problem {
        kind,
        field: None,
        detail: detail.to_owned(),
        remedy: None,
        conflicting_id: None,
    }
    .into()
}

impl Connection {
    /// An operator that is cut off never gets an answer, and one that is isolated gets it later.
    async fn reachable(&self) {
        self.estate.processes.reachable(&self.actor).await;
    }

    /// Judged unless the request isn't sent at all.
    async fn ask(
        &self,
        what: What,
        mark: Option<&str>,
        id: Option<&str>,
        values: &Map<String, Value>,
    ) {
        self.reachable().await;
        if self.writer.may_write().is_ok() {
            self.estate.asked(&self.actor, what, mark, id, values);
        }
    }

    /// One request: what it does is carried out, or not, as its course says.
    async fn send<T: Send + 'static>(
        &self,
        operation: &'static str,
        mutates: bool,
        act: impl FnOnce(&Estate, &str) -> Result<T, PlatformError> + Send + 'static,
    ) -> Result<T, PlatformError> {
        self.reachable().await;
        let writing = if mutates {
            self.writer.may_write().map_err(PlatformError::NotWriter)?;
            self.estate.begin_write(&self.actor);
            Some(Writing(self))
        } else {
            None
        };
        let processes = &self.estate.processes;
        let fate = mutates.then(|| processes.count(&self.actor)).flatten();
        if fate == Some(When::Before) {
            drop(writing);
            return std::future::pending().await;
        }
        let answer = timeout(DEADLINE, self.course(operation, mutates, act)).await;
        drop(writing);
        if fate == Some(When::After) {
            processes.cut(&self.actor);
        }
        self.reachable().await;
        answer.unwrap_or_else(|_| Err(lost(operation)))
    }

    async fn course<T: Send + 'static>(
        &self,
        operation: &'static str,
        mutates: bool,
        act: impl FnOnce(&Estate, &str) -> Result<T, PlatformError> + Send + 'static,
    ) -> Result<T, PlatformError> {
        let (estate, actor) = (self.estate.clone(), self.actor.clone());
        match self.estate.arrive(mutates).await {
            Course::Fine => act(&estate, &actor),
            Course::Refused => Err(PlatformError::Unavailable("503".into())),
            Course::Throttled => Err(PlatformError::Throttled {
                retry_after: Duration::from_secs(2),
            }),
            Course::Garbled if !mutates => Err(PlatformError::Garbled("<html>".into())),
            Course::Lost | Course::Garbled => {
                let _ = act(&estate, &actor);
                Err(lost(operation))
            }
            Course::Late(delay) => {
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let _ = act(&estate, &actor);
                });
                Err(lost(operation))
            }
        }
    }
}

/// The name under which an object is created that gets its mark by a second request.
fn provisional(name: &str, claim: &str) -> String {
    format!("{name} [{claim}]")
}

/// The claim in such a name.
fn claim_in(name: &str) -> Option<&str> {
    let (_, claim) = name.strip_suffix(']')?.rsplit_once(" [")?;
    claim.starts_with("hf-").then_some(claim)
}

fn object(estate: &Estate, item: &Item) -> Object {
    let mut document = item.document.clone();
    document.insert("active".into(), item.active.into());
    let name = document
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let later = estate.nature.creation == Creation::ListAndMark;
    let named = claim_in(&name).filter(|_| later && item.mark.is_none());
    let claim = item.mark.as_deref().or(named).map(Claim::new);
    let (settings, _) = Settings::salvage(item.kind, &Value::Object(document));
    Object {
        kind: item.kind,
        id: ObjectId::new(&item.id),
        name: name.clone(),
        claim,
        etag: Some(item.version.to_string()),
        protection: Protection::None,
        created_at: None,
        unreadable: None,
        settings,
        facts: Facts {
            provisional: named.is_some(),
            ..Facts::default()
        },
    }
}

fn done(estate: &Estate, item: Option<Item>) -> Result<Written, PlatformError> {
    let item = item.ok_or_else(|| problem(ProblemKind::NotFound, "there is no such object"))?;
    Ok(Written::Done(Box::new(object(estate, &item))))
}

#[async_trait]
impl Platform for Connection {
    async fn identify(&self) -> Result<Capabilities, PlatformError> {
        let nature = self.estate.nature.clone();
        self.send("GET account", false, move |_, _| Ok(capabilities(&nature)))
            .await
    }

    async fn observe(&self, _: Scope) -> Result<Snapshot, PlatformError> {
        let capabilities = self.identify().await?;
        let listed = self.send("GET list", false, |estate, _| {
            let rows = estate.listed();
            let rows = rows.ok_or_else(|| PlatformError::Garbled("page 2 is missing".into()))?;
            Ok(rows.iter().map(|item| object(estate, item)).collect())
        });
        Ok(Snapshot {
            objects: listed.await?,
            capabilities,
            locations: vec![StorageLocation {
                id: "de-1".into(),
                name: "Frankfurt".into(),
                countries: vec!["DE".into()],
                products: Vec::new(),
            }],
            administrators: Vec::new(),
            licences: None,
            clients: Vec::new(),
            unreadable: Unread::default(),
        })
    }

    async fn read(&self, _: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError> {
        let id = id.clone();
        self.send("GET object", false, move |estate, _| {
            let items = estate.items();
            let found = items.iter().find(|item| item.id == id.as_str());
            Ok(found.map(|item| object(estate, item)))
        })
        .await
    }

    async fn create(
        &self,
        kind: Kind,
        claim: &Claim,
        mut document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let claim = claim.clone();
        if self.estate.nature.creation == Creation::ListAndMark {
            let name = document
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let name = provisional(name, claim.as_str());
            document.insert("name".into(), name.into());
        }
        self.ask(What::Create, Some(claim.as_str()), None, &document)
            .await;
        self.send("POST object", true, move |estate, actor| {
            match estate.create(actor, kind, Some(claim.as_str()), &document) {
                Ok(item) => done(estate, Some(item)),
                Err(_) if estate.nature.creation == Creation::ByReference => {
                    Err(problem(ProblemKind::AlreadyExists, "it exists already"))
                }
                Err(taken) => Err(Problem {
                    kind: ProblemKind::Conflict,
                    field: Some("name".into()),
                    detail: "the name is taken".into(),
                    remedy: None,
                    conflicting_id: Some(taken.id),
                }
                .into()),
            }
        })
        .await
    }

    async fn update(
        &self,
        _: Kind,
        id: &ObjectId,
        etag: Option<&str>,
        mark: Option<&Claim>,
        patch: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let (id, etag, mark) = (id.clone(), etag.map(str::to_owned), mark.cloned());
        self.ask(What::Update, None, Some(id.as_str()), &patch)
            .await;
        self.send("PATCH object", true, move |estate, actor| {
            let items = estate.items();
            let found = items.iter().find(|item| item.id == id.as_str());
            let found = found.ok_or_else(|| problem(ProblemKind::NotFound, "it is gone"))?;
            if etag.is_some_and(|etag| etag != found.version.to_string()) {
                return Err(problem(ProblemKind::PreconditionFailed, "it has changed"));
            }
            let mark = mark.as_ref().map(Claim::as_str);
            done(
                estate,
                estate.change(actor, id.as_str(), What::Update, mark, &patch),
            )
        })
        .await
    }

    fn by_claim(&self) -> Option<&dyn ByClaim> {
        self.estate
            .nature
            .creation
            .is_marked()
            .then_some(self as &dyn ByClaim)
    }

    fn list_beside(&self) -> Option<&dyn Beside> {
        let creation = self.estate.nature.creation;
        let lists = !creation.is_marked() || creation == Creation::ListAndMark;
        lists.then_some(self as &dyn Beside)
    }

    fn suspension(&self) -> Option<&dyn Suspension> {
        self.estate
            .nature
            .suspends
            .then_some(self as &dyn Suspension)
    }

    fn deletion(&self) -> Option<&dyn Deletion> {
        Some(self)
    }
}

#[async_trait]
impl ByClaim for Connection {
    async fn find(&self, kind: Kind, claim: &Claim) -> Result<Vec<Object>, PlatformError> {
        let claim = claim.clone();
        self.send("GET by claim", false, move |estate, _| {
            let items = estate.items();
            let objects = items.iter().filter(|item| item.kind == kind);
            let objects = objects.map(|item| object(estate, item));
            Ok(objects
                .filter(|object| object.claim.as_ref() == Some(&claim))
                .collect())
        })
        .await
    }
}

#[async_trait]
impl Beside for Connection {
    async fn beside(
        &self,
        kind: Kind,
        document: &Map<String, Value>,
    ) -> Result<Vec<Object>, PlatformError> {
        let name = document.get("name").cloned();
        self.send("GET beside", false, move |estate, _| {
            let whole = estate.nature.creation == Creation::ListAndMark;
            let items = estate.items();
            let beside = items.iter().filter(|item| {
                item.kind == kind && (whole || item.document.get("name") == name.as_ref())
            });
            Ok(beside.map(|item| object(estate, item)).collect())
        })
        .await
    }
}

#[async_trait]
impl Suspension for Connection {
    async fn set_active(
        &self,
        _: Kind,
        id: &ObjectId,
        active: bool,
    ) -> Result<Written, PlatformError> {
        let id = id.clone();
        let what = if active {
            What::Activate
        } else {
            What::Suspend
        };
        self.ask(what, None, Some(id.as_str()), &Map::new()).await;
        self.send("POST switch", true, move |estate, actor| {
            done(
                estate,
                estate.change(actor, id.as_str(), what, None, &Map::new()),
            )
        })
        .await
    }
}

#[async_trait]
impl Deletion for Connection {
    async fn rehearse_deletion(&self, _: Kind, id: &ObjectId) -> Result<Rehearsal, PlatformError> {
        let id = id.clone();
        self.send("POST rehearsal", false, move |estate, _| {
            let items = estate.items();
            let found = items.iter().find(|item| item.id == id.as_str());
            let found = found.ok_or_else(|| problem(ProblemKind::NotFound, "it is gone"))?;
            Ok(Rehearsal {
                confirmation: found.version.to_string(),
                clients: 0,
                bytes: 0,
            })
        })
        .await
    }

    async fn delete(
        &self,
        _: Kind,
        id: &ObjectId,
        confirmation: &str,
    ) -> Result<(), PlatformError> {
        let (id, confirmation) = (id.clone(), confirmation.to_owned());
        self.ask(What::Delete, None, Some(id.as_str()), &Map::new())
            .await;
        self.send("DELETE object", true, move |estate, actor| {
            let items = estate.items();
            let found = items.iter().find(|item| item.id == id.as_str());
            let found = found.ok_or_else(|| problem(ProblemKind::NotFound, "it is gone"))?;
            if found.version.to_string() != confirmation {
                return Err(problem(ProblemKind::ConfirmationRequired, "it has changed"));
            }
            estate.change(actor, id.as_str(), What::Delete, None, &Map::new());
            Ok(())
        })
        .await
    }
}

fn capabilities(nature: &crate::platform::Nature) -> Capabilities {
    let mut verbs = BTreeSet::from([
        Capability::CreateCustomer,
        Capability::UpdateCustomer,
        Capability::DeleteCustomer,
    ]);
    if nature.suspends {
        verbs.insert(Capability::SuspendCustomer);
    }
    let customer = ["name", "country", "profile.phone", "profile.website"];
    let none = || BTreeSet::new();
    Capabilities {
        verbs,
        fields: BTreeMap::from([
            (Kind::Reseller, none()),
            (Kind::ServicePlan, none()),
            (Kind::Tenant, none()),
            (Kind::Customer, customer.map(str::to_owned).into()),
        ]),
        creation: nature.creation.everywhere(),
        ..Capabilities::by_reference(Account {
            id: "adversary".into(),
            name: "Adversary".into(),
        })
    }
}

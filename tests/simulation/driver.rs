//! The adversarial platform behind the port. Only here its documents become our objects.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use holdfast_api::{Capability, Kind};
use holdfast_core::estate::{
    Capabilities, Claim, Creation, Object, ObjectId, Scope, Snapshot, StorageLocation, Unread,
};
use holdfast_platforms::{
    Beside, ByClaim, Deletion, Driver, Opening, Platform, PlatformError, Problem, ProblemKind,
    Rehearsal, Suspension, WriterGuard, Written, http::SetupError,
};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout};

use crate::{
    answers::{capabilities, done, object, objects, problem, provisional},
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

/// The refusal of a name that another object has.
fn name_taken(by: String) -> PlatformError {
    Problem {
        kind: ProblemKind::Conflict,
        field: Some("name".into()),
        detail: "the name is taken".into(),
        remedy: None,
        conflicting_id: Some(by),
    }
    .into()
}

impl Connection {
    /// An operator that is cut off never gets an answer, and one that is isolated gets it later.
    async fn reachable(&self) {
        self.estate.processes.reachable(&self.actor).await;
    }

    /// Waits for the request's turn. Judged unless it isn't sent at all.
    async fn ask(
        &self,
        what: What,
        mark: Option<&str>,
        id: Option<&str>,
        values: &Map<String, Value>,
    ) {
        self.estate.turn().await;
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

#[async_trait]
impl Platform for Connection {
    async fn identify(&self) -> Result<Capabilities, PlatformError> {
        let nature = self.estate.nature.clone();
        self.send("GET account", false, move |_, _| Ok(capabilities(&nature)))
            .await
    }

    async fn observe(&self, _: Scope) -> Result<Snapshot, PlatformError> {
        let capabilities = self.identify().await?;
        let listed = self.send("GET list", false, |estate, actor| {
            let rows = estate.listed(actor);
            let rows = rows.ok_or_else(|| PlatformError::Garbled("page 2 is missing".into()))?;
            Ok(objects(estate, rows.iter(), &rows))
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

    async fn read(&self, kind: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError> {
        let id = id.clone();
        self.send("GET object", false, move |estate, _| {
            let items = estate.items();
            let found = items.iter().find(|item| item.is(kind, id.as_str()));
            Ok(found.map(|item| object(estate, item, &items)))
        })
        .await
    }

    async fn create(
        &self,
        kind: Kind,
        claim: &Claim,
        mut document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let (claim, asked_at) = (claim.clone(), Instant::now());
        let creation = self.estate.nature.creation(kind);
        if creation == Creation::ListAndMark {
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
            match estate.create(actor, kind, claim.as_str(), &document, asked_at) {
                Ok(item) => done(estate, Some(item)),
                Err(_) if creation == Creation::ByReference => {
                    Err(problem(ProblemKind::AlreadyExists, "it exists already"))
                }
                Err(taken) => Err(name_taken(taken)),
            }
        })
        .await
    }

    async fn update(
        &self,
        kind: Kind,
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
            let found = items.iter().find(|item| item.is(kind, id.as_str()));
            let found = found.ok_or_else(|| problem(ProblemKind::NotFound, "it is gone"))?;
            if etag.is_some_and(|etag| etag != found.version.to_string()) {
                return Err(problem(ProblemKind::PreconditionFailed, "it has changed"));
            }
            if let Some(taken) = estate.namesake(kind, id.as_str(), &patch) {
                return Err(name_taken(taken));
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
        let marks = self.estate.nature.creation.is_marked();
        marks.then_some(self as &dyn ByClaim)
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
            let mut found = objects(
                estate,
                items.iter().filter(|item| item.kind == kind),
                &items,
            );
            found.retain(|object| object.claim.as_ref() == Some(&claim));
            Ok(found)
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
        let document = document.clone();
        self.send("GET beside", false, move |estate, _| {
            let creation = estate.nature.creation(kind);
            let items = estate.items();
            let same = |item: &Item, field| item.document.get(field) == document.get(field);
            let beside = items.iter().filter(|item| {
                item.kind == kind
                    && match creation {
                        Creation::ListAndMark => true,
                        Creation::OneOfParent => same(item, "customerId") && same(item, "product"),
                        _ => same(item, "name"),
                    }
            });
            Ok(objects(estate, beside, &items))
        })
        .await
    }
}

#[async_trait]
impl Suspension for Connection {
    async fn set_active(
        &self,
        kind: Kind,
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
            let items = estate.items();
            let found = items.iter().find(|item| item.is(kind, id.as_str()));
            let found = found.ok_or_else(|| problem(ProblemKind::NotFound, "it is gone"))?;
            done(
                estate,
                estate.change(actor, &found.id, what, None, &Map::new()),
            )
        })
        .await
    }
}

#[async_trait]
impl Deletion for Connection {
    async fn rehearse_deletion(
        &self,
        kind: Kind,
        id: &ObjectId,
    ) -> Result<Rehearsal, PlatformError> {
        let id = id.clone();
        self.send("POST rehearsal", false, move |estate, _| {
            let items = estate.items();
            let found = items.iter().find(|item| item.is(kind, id.as_str()));
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
        kind: Kind,
        id: &ObjectId,
        confirmation: &str,
    ) -> Result<(), PlatformError> {
        let (id, confirmation) = (id.clone(), confirmation.to_owned());
        self.ask(What::Delete, None, Some(id.as_str()), &Map::new())
            .await;
        self.send("DELETE object", true, move |estate, actor| {
            let items = estate.items();
            let found = items.iter().find(|item| item.is(kind, id.as_str()));
            let found = found.ok_or_else(|| problem(ProblemKind::NotFound, "it is gone"))?;
            if found.version.to_string() != confirmation {
                return Err(problem(ProblemKind::ConfirmationRequired, "it has changed"));
            }
            if estate.has_below(id.as_str()) {
                return Err(problem(ProblemKind::HasDependents, "something is below it"));
            }
            estate.change(actor, id.as_str(), What::Delete, None, &Map::new());
            Ok(())
        })
        .await
    }
}

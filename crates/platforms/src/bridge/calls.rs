//! The port's methods as requests of the contract.

use async_trait::async_trait;
use futures::try_join;
use reqwest::{
    Method, StatusCode,
    header::{IF_MATCH, IF_NONE_MATCH},
};
use serde_json::{Map, Value, json};

use super::{
    Asked, Bridge, Change,
    account::reading,
    expected,
    problem::{failure, refusal, secrets},
    wire::{Operation, Pool, RehearsalBody, collection},
    written,
};
use crate::wire::{garbled, read};
use crate::{
    api::Kind,
    estate::{
        Capabilities, Capability, Claim, Client, HealthReport, ItemKind, Licences, Object,
        ObjectId, Scope, Snapshot, Unread, Unreadable, UsageReport, spelt_for_the_wire,
    },
    {
        ByClaim, Clients, Deletion, Lane, Mail, OperationState, Operations, Platform,
        PlatformError, Problem, ProblemKind, Rehearsal, Reports, Suspension, Written,
        rows::{Lost, Raw, whole},
    },
};

/// Method and path template by kind, as metrics and errors show them.
macro_rules! operation {
    ($kind:expr, $method:literal, $rest:literal) => {
        match $kind {
            Kind::Reseller => concat!($method, " /v1/resellers", $rest),
            Kind::ServicePlan => concat!($method, " /v1/plans", $rest),
            Kind::Customer => concat!($method, " /v1/customers", $rest),
            Kind::Tenant => concat!($method, " /v1/tenants", $rest),
        }
    };
}

impl Bridge {
    /// One item; `None` where the platform says outright that there is no such object, and is still the known account. A
    /// server may give the same answer for a wrong base path, where every object would seem to be gone.
    async fn lookup(
        &self,
        operation: &'static str,
        segments: &[&str],
    ) -> Result<Option<Raw>, PlatformError> {
        let answer = self.look(reading(operation, Lane::Edit), self.url(segments)?);
        match answer.await {
            Ok(item) => Ok(Some(item)),
            Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {
                self.recognise(operation).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn all_clients(
        &self,
        wanted: bool,
        page_size: u32,
    ) -> Result<(Vec<Client>, Unread), PlatformError> {
        if wanted {
            self.list("GET /v1/clients", "clients", page_size).await
        } else {
            Ok((Vec::new(), Unread::default()))
        }
    }

    /// The pool of licences, where the platform has one. One that can't be read is noted.
    async fn pool(&self, readable: bool) -> Result<(Option<Licences>, Unread), PlatformError> {
        let mut unread = Unread::default();
        if !readable {
            return Ok((None, unread));
        }
        let call = reading("GET /v1/pool", Lane::Sweep);
        let raw: Raw = self.get(call, self.url(&["pool"])?).await?;
        let pool = whole::<Pool>(&raw, &["licences"]);
        let licences = pool.map_err(|Lost { why, .. }| {
            let (kind, id) = (ItemKind::LicencePool, None);
            unread.note(Unreadable { kind, id, why });
        });
        Ok((licences.ok().map(|pool| pool.licences), unread))
    }

    async fn post(
        &self,
        operation: &'static str,
        kind: Kind,
        id: &ObjectId,
        verb: &str,
    ) -> Result<Written, PlatformError> {
        let url = self.url(&[collection(kind), &format!("{id}:{verb}")])?;
        self.change(operation, Change::new(Method::POST, url), |answer| {
            written(operation, kind, &answer, Asked::Id(id))
        })
        .await
    }
}

#[async_trait]
impl Platform for Bridge {
    fn probe_now(&self) {
        self.http.probe_now();
    }

    async fn identify(&self) -> Result<Capabilities, PlatformError> {
        Ok(self.introduce(Lane::Edit).await?.0)
    }

    async fn observe(&self, scope: Scope) -> Result<Snapshot, PlatformError> {
        let (capabilities, page_size) = self.introduce(Lane::Sweep).await?;
        let objects = |kind| self.objects(operation!(kind, "GET", ""), kind, page_size);
        let (resellers, plans, customers, tenants) = try_join!(
            objects(Kind::Reseller),
            objects(Kind::ServicePlan),
            objects(Kind::Customer),
            objects(Kind::Tenant),
        )?;
        let (locations, administrators, licences, clients) = try_join!(
            self.list("GET /v1/locations", "locations", page_size),
            self.list("GET /v1/administrators", "administrators", page_size),
            self.pool(capabilities.can(Capability::ReadLicences)),
            self.all_clients(scope.clients, page_size),
        )?;
        let mut unreadable = Unread::default();
        let mut objects = Vec::new();
        for (some, unread) in [resellers, plans, customers, tenants] {
            objects.extend(some);
            unreadable.add(unread);
        }
        for unread in [locations.1, administrators.1, licences.1, clients.1] {
            unreadable.add(unread);
        }
        Ok(Snapshot {
            capabilities,
            objects,
            locations: locations.0,
            administrators: administrators.0,
            licences: licences.0,
            clients: clients.0,
            unreadable,
        })
    }

    async fn read(&self, kind: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError> {
        let operation = operation!(kind, "GET", "/{id}");
        let item = self
            .lookup(operation, &[collection(kind), id.as_str()])
            .await?;
        item.map(|item| expected(operation, kind, &item, Asked::Id(id)))
            .transpose()
    }

    async fn create(
        &self,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let operation = operation!(kind, "PUT", "/by-ref/{externalRef}");
        self.recognise_lately(operation).await?;
        let url = self.url(&[collection(kind), "by-ref", claim.as_str()])?;
        let change = Change {
            condition: Some((IF_NONE_MATCH, "*".to_owned())),
            document: Some(spelt_for_the_wire(document)),
            ..Change::new(Method::PUT, url)
        };
        let created = self.change(operation, change, |answer| {
            written(operation, kind, &answer, Asked::Claim(claim))
        });
        created.await.map_err(|error| match error {
            PlatformError::Refused(problem) if problem.kind == ProblemKind::PreconditionFailed => {
                let kind = ProblemKind::AlreadyExists;
                Problem { kind, ..problem }.into()
            }
            error => error,
        })
    }

    async fn update(
        &self,
        kind: Kind,
        id: &ObjectId,
        etag: Option<&str>,
        mark: Option<&Claim>,
        mut patch: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let operation = operation!(kind, "PATCH", "/{id}");
        if let Some(mark) = mark {
            patch.insert("externalRef".into(), mark.as_str().into());
        }
        let change = Change {
            condition: etag.map(|etag| (IF_MATCH, etag.to_owned())),
            content_type: "application/merge-patch+json",
            document: Some(spelt_for_the_wire(patch)),
            ..Change::new(Method::PATCH, self.url(&[collection(kind), id.as_str()])?)
        };
        self.change(operation, change, |answer| {
            written(operation, kind, &answer, Asked::Id(id))
        })
        .await
    }

    fn by_claim(&self) -> Option<&dyn ByClaim> {
        Some(self)
    }

    fn suspension(&self) -> Option<&dyn Suspension> {
        Some(self)
    }

    fn deletion(&self) -> Option<&dyn Deletion> {
        Some(self)
    }

    fn clients(&self) -> Option<&dyn Clients> {
        Some(self)
    }

    fn mail(&self) -> Option<&dyn Mail> {
        Some(self)
    }

    fn operations(&self) -> Option<&dyn Operations> {
        Some(self)
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }
}

#[async_trait]
impl ByClaim for Bridge {
    async fn find(&self, kind: Kind, claim: &Claim) -> Result<Vec<Object>, PlatformError> {
        let operation = operation!(kind, "GET", "/by-ref/{externalRef}");
        let item = self
            .lookup(operation, &[collection(kind), "by-ref", claim.as_str()])
            .await?;
        let found = item.map(|item| expected(operation, kind, &item, Asked::Claim(claim)));
        Ok(found.transpose()?.into_iter().collect())
    }
}

#[async_trait]
impl Suspension for Bridge {
    async fn set_active(
        &self,
        kind: Kind,
        id: &ObjectId,
        active: bool,
    ) -> Result<Written, PlatformError> {
        if active {
            self.post(
                operation!(kind, "POST", "/{id}:activate"),
                kind,
                id,
                "activate",
            )
            .await
        } else {
            self.post(
                operation!(kind, "POST", "/{id}:deactivate"),
                kind,
                id,
                "deactivate",
            )
            .await
        }
    }
}

#[async_trait]
impl Clients for Bridge {
    async fn move_client(
        &self,
        client: &ObjectId,
        etag: Option<&str>,
        customer: &ObjectId,
    ) -> Result<Client, PlatformError> {
        let operation = "PATCH /v1/clients/{id}";
        let change = Change {
            condition: etag.map(|etag| (IF_MATCH, etag.to_owned())),
            content_type: "application/merge-patch+json",
            document: Some(Map::from_iter([("customerId".to_owned(), json!(customer))])),
            ..Change::new(Method::PATCH, self.url(&["clients", client.as_str()])?)
        };
        self.change(operation, change, |answer| {
            if answer.status == StatusCode::ACCEPTED {
                return Ok(Client {
                    id: client.clone(),
                    customer_id: customer.clone(),
                    etag: None,
                });
            }
            let moved: Client = read(operation, &answer)?;
            let there = moved.id == *client && moved.customer_id == *customer;
            if there {
                Ok(moved)
            } else {
                Err(garbled(operation, "the client isn't where it was moved to"))
            }
        })
        .await
    }
}

#[async_trait]
impl Mail for Bridge {
    async fn send_welcome_mail(&self, customer: &ObjectId) -> Result<Written, PlatformError> {
        let operation = "POST /v1/customers/{id}:send-welcome-mail";
        self.post(operation, Kind::Customer, customer, "send-welcome-mail")
            .await
    }
}

#[async_trait]
impl Deletion for Bridge {
    async fn rehearse_deletion(
        &self,
        kind: Kind,
        id: &ObjectId,
    ) -> Result<Rehearsal, PlatformError> {
        let operation = operation!(kind, "DELETE", "/{id}?dryRun=true");
        let mut url = self.url(&[collection(kind), id.as_str()])?;
        url.query_pairs_mut()
            .append_pair("mode", "purge")
            .append_pair("dryRun", "true");
        let secrets = secrets(&self.token, None);
        // Under the guard for writes although it changes nothing: every proxy on the path sees a DELETE.
        self.change(operation, Change::new(Method::DELETE, url), |answer| {
            let body: RehearsalBody = read(operation, &answer)?;
            if let Some(problem) = body.refused.first() {
                return Err(refusal(&secrets, StatusCode::CONFLICT, problem).into());
            }
            let confirmation = body.confirm.filter(|token| !token.is_empty());
            Ok(Rehearsal {
                confirmation: confirmation.ok_or_else(|| {
                    garbled(
                        operation,
                        "the deletion dry run returned neither a refusal nor a confirmation token",
                    )
                })?,
                clients: body.clients,
                bytes: body.bytes,
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
        let operation = operation!(kind, "DELETE", "/{id}");
        let mut url = self.url(&[collection(kind), id.as_str()])?;
        url.query_pairs_mut()
            .append_pair("mode", "purge")
            .append_pair("confirm", confirmation);
        self.change(
            operation,
            Change::new(Method::DELETE, url),
            |answer| match answer.status {
                StatusCode::NO_CONTENT | StatusCode::ACCEPTED => Ok(()),
                _ => Err(garbled(operation, "neither deleted nor refused")),
            },
        )
        .await
    }
}

#[async_trait]
impl Operations for Bridge {
    async fn operation(&self, operation: &str) -> Result<OperationState, PlatformError> {
        let name = "GET /v1/operations/{id}";
        let body: Operation = self
            .look(
                reading(name, Lane::Edit),
                self.url(&["operations", operation])?,
            )
            .await?;
        match (body.state.as_str(), body.problem) {
            ("queued" | "running", _) => Ok(OperationState::Running),
            ("waiting-for-human", _) => Ok(OperationState::WaitingForHuman),
            ("done", _) => {
                self.accepted().remove(operation);
                Ok(OperationState::Done(None))
            }
            ("failed", Some(problem)) => {
                let sent = self.accepted().get(operation).cloned();
                Ok(OperationState::Failed(failure(sent.as_ref(), &problem)))
            }
            _ => Err(garbled(
                name,
                "the operation is in a state that the contract doesn't know",
            )),
        }
    }
}

#[async_trait]
impl Reports for Bridge {
    async fn usage(&self, days: u16) -> Result<UsageReport, PlatformError> {
        self.report("GET /v1/usage", "usage", days).await
    }

    async fn health(&self, days: u16) -> Result<HealthReport, PlatformError> {
        self.report("GET /v1/health", "health", days).await
    }
}

//! The port's methods.

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::Rgw;
use crate::{
    Beside, ByClaim, Deletion, Lane, Platform, PlatformError, Problem, ProblemKind, Rehearsal,
    Reports, Suspension, Written,
    api::Kind,
    document::text,
    estate::{
        Capabilities, Capability, Claim, HealthReport, Object, ObjectId, Scope, Snapshot, Unread,
        UsageReport,
    },
    wire::invalid,
};

/// The error for kinds that the gateway doesn't have.
fn beyond(kind: Kind) -> PlatformError {
    let detail = format!("a Ceph Object Gateway has no {}", kind.as_str());
    Problem::unsupported(&detail).into()
}

fn is_known(kind: Kind) -> bool {
    matches!(kind, Kind::Customer | Kind::Tenant)
}

#[async_trait]
impl Platform for Rgw {
    fn probe_now(&self) {
        self.http.probe_now();
    }

    async fn identify(&self) -> Result<Capabilities, PlatformError> {
        self.introduce(Lane::Edit).await
    }

    async fn observe(&self, _: Scope) -> Result<Snapshot, PlatformError> {
        let capabilities = self.introduce(Lane::Sweep).await?;
        let objects = self.users(capabilities.can(Capability::ReadUsage)).await?;
        Ok(Snapshot {
            capabilities,
            objects,
            locations: self.locations(),
            administrators: Vec::new(),
            licences: None,
            clients: self.known.clients(),
            unreadable: Unread::default(),
        })
    }

    async fn read(&self, kind: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError> {
        if !is_known(kind) {
            return Ok(None);
        }
        let user = self.user(id, Lane::Edit).await?;
        if kind == Kind::Tenant {
            return Ok(user.map(|user| self.facet(&user)));
        }
        // A deletion is judged by what is read now, not by the last sweep.
        if user.is_some() && self.known.has_buckets(id) {
            self.buckets_of(id, Lane::Edit).await?;
        }
        Ok(user.map(|user| self.object(&user)))
    }

    async fn create(
        &self,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        match kind {
            Kind::Customer => self.create_user(claim, &document).await,
            kind => Err(beyond(kind)),
        }
    }

    async fn update(
        &self,
        kind: Kind,
        id: &ObjectId,
        _: Option<&str>,
        mark: Option<&Claim>,
        patch: Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        match kind {
            Kind::Customer => {}
            Kind::Tenant => return self.update_storage(id, &patch).await,
            kind => return Err(beyond(kind)),
        }
        // A user that was adopted by id keeps its uid, and has no room for a mark.
        if let Some(claim) = mark {
            self.known.note_claim(id, claim);
        }
        self.update_user(id, &patch).await
    }

    fn by_claim(&self) -> Option<&dyn ByClaim> {
        Some(self)
    }

    fn list_beside(&self) -> Option<&dyn Beside> {
        Some(self)
    }

    fn suspension(&self) -> Option<&dyn Suspension> {
        Some(self)
    }

    fn deletion(&self) -> Option<&dyn Deletion> {
        Some(self)
    }

    fn reports(&self) -> Option<&dyn Reports> {
        Some(self)
    }
}

#[async_trait]
impl ByClaim for Rgw {
    async fn find(&self, kind: Kind, claim: &Claim) -> Result<Vec<Object>, PlatformError> {
        if kind != Kind::Customer {
            return Ok(Vec::new());
        }
        let user = self
            .user(&ObjectId::new(claim.as_str()), Lane::Edit)
            .await?;
        Ok(user.iter().map(|user| self.object(user)).collect())
    }
}

#[async_trait]
impl Beside for Rgw {
    /// The storage of a tenant's customer, which is there as soon as its user is.
    async fn beside(
        &self,
        kind: Kind,
        document: &Map<String, Value>,
    ) -> Result<Vec<Object>, PlatformError> {
        let Some(customer) = text(document, "customerId").filter(|_| kind == Kind::Tenant) else {
            return Ok(Vec::new());
        };
        let user = self.user(&ObjectId::new(customer), Lane::Edit).await?;
        Ok(user.iter().map(|user| self.facet(user)).collect())
    }
}

#[async_trait]
impl Suspension for Rgw {
    async fn set_active(
        &self,
        kind: Kind,
        id: &ObjectId,
        active: bool,
    ) -> Result<Written, PlatformError> {
        match kind {
            Kind::Customer => self.set_suspended(id, !active).await,
            kind => Err(beyond(kind)),
        }
    }
}

#[async_trait]
impl Deletion for Rgw {
    /// A user with buckets can't be deleted: nothing that is stored ever goes.
    async fn rehearse_deletion(
        &self,
        kind: Kind,
        id: &ObjectId,
    ) -> Result<Rehearsal, PlatformError> {
        if kind != Kind::Customer {
            return Err(beyond(kind));
        }
        let buckets = self.buckets_of(id, Lane::Edit).await?;
        if let Some(first) = buckets.first() {
            let detail = format!("the user has {} buckets, {first} among them", buckets.len());
            return Err(Problem {
                kind: ProblemKind::HasDependents,
                remedy: Some(
                    "Remove the buckets with the customer's own program, or set deletionPolicy: Retain"
                        .to_owned(),
                ),
                ..invalid(None, detail)
            }
            .into());
        }
        Ok(Rehearsal {
            confirmation: id.as_str().to_owned(),
            clients: 0,
            bytes: 0,
        })
    }

    async fn delete(
        &self,
        kind: Kind,
        id: &ObjectId,
        confirmation: &str,
    ) -> Result<(), PlatformError> {
        if kind != Kind::Customer || confirmation != id.as_str() {
            return Err(beyond(kind));
        }
        self.delete_user(id).await
    }
}

#[async_trait]
impl Reports for Rgw {
    async fn usage(&self, _: u16) -> Result<UsageReport, PlatformError> {
        self.stored().await
    }

    async fn health(&self, _: u16) -> Result<HealthReport, PlatformError> {
        self.writes().await
    }
}

//! What may be asked of a platform. An operation that only some platforms support is a trait of its own, which the others
//! don't implement.

use async_trait::async_trait;
use holdfast_api::Kind;
use holdfast_core::{
    estate::{
        Capabilities, Claim, Client, HealthReport, Object, ObjectId, Scope, Snapshot, UsageReport,
    },
    reply::{OperationState, PlatformError, Rehearsal, Written},
};
use serde_json::{Map, Value};

/// One backup platform under one credential. Every method sends at most one mutating request and never repeats one.
#[async_trait]
pub trait Platform: Send + Sync {
    /// The account of the credential, and what it can do.
    async fn identify(&self) -> Result<Capabilities, PlatformError>;

    /// Everything the platform holds; an error when any page of it is missing.
    async fn observe(&self, scope: Scope) -> Result<Snapshot, PlatformError>;

    /// One object by id; `None` only when the platform says outright that there is no such object.
    async fn read(&self, kind: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError>;

    /// Creates an object that carries the claim, where the platform stores one. Where creation is repeatable, a second call
    /// answers [`ProblemKind::AlreadyExists`](holdfast_core::reply::ProblemKind::AlreadyExists).
    async fn create(
        &self,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) -> Result<Written, PlatformError>;

    /// Changes what the patch names, if the object still has the version `etag`; and writes our claim to it, where one is
    /// given.
    async fn update(
        &self,
        kind: Kind,
        id: &ObjectId,
        etag: Option<&str>,
        mark: Option<&Claim>,
        patch: Map<String, Value>,
    ) -> Result<Written, PlatformError>;

    /// A person asks: the next request is sent, even if the platform is left alone for now because requests failed. A wait that
    /// the platform asked for holds all the same.
    fn probe_now(&self) {}

    /// Where objects carry our claims: look-up by claim.
    fn by_claim(&self) -> Option<&dyn ByClaim> {
        None
    }

    /// Where objects can't carry claims: a read of the place of a creation.
    fn list_beside(&self) -> Option<&dyn Beside> {
        None
    }

    /// Where objects can be suspended.
    fn suspension(&self) -> Option<&dyn Suspension> {
        None
    }

    /// Where objects can be deleted.
    fn deletion(&self) -> Option<&dyn Deletion> {
        None
    }

    /// Where clients can be moved.
    fn clients(&self) -> Option<&dyn Clients> {
        None
    }

    /// Where the platform mails account details.
    fn mail(&self) -> Option<&dyn Mail> {
        None
    }

    /// Where the platform finishes writes later.
    fn operations(&self) -> Option<&dyn Operations> {
        None
    }

    /// Where the platform reports consumption and health.
    fn reports(&self) -> Option<&dyn Reports> {
        None
    }
}

/// Objects are found by the claim that they carry.
#[async_trait]
pub trait ByClaim: Send + Sync {
    /// Every object that carries our claim, which should be one; none only when the platform says outright that none does.
    async fn find(&self, kind: Kind, claim: &Claim) -> Result<Vec<Object>, PlatformError>;
}

/// Objects without claims are identified by their place and their names.
#[async_trait]
pub trait Beside: Send + Sync {
    /// What stands where a creation of this document would put its object, read afresh: the tenants of its customer, or the
    /// customers of its names. Asked before a creation.
    async fn beside(
        &self,
        kind: Kind,
        document: &Map<String, Value>,
    ) -> Result<Vec<Object>, PlatformError>;
}

/// Objects can be switched off and on.
#[async_trait]
pub trait Suspension: Send + Sync {
    /// Switches an object on or off. Repeating it changes nothing.
    async fn set_active(
        &self,
        kind: Kind,
        id: &ObjectId,
        active: bool,
    ) -> Result<Written, PlatformError>;
}

/// Objects can be deleted.
#[async_trait]
pub trait Deletion: Send + Sync {
    /// Returns what a deletion would remove, and what forbids it.
    async fn rehearse_deletion(
        &self,
        kind: Kind,
        id: &ObjectId,
    ) -> Result<Rehearsal, PlatformError>;

    /// Deletes what the confirmation was given for.
    async fn delete(
        &self,
        kind: Kind,
        id: &ObjectId,
        confirmation: &str,
    ) -> Result<(), PlatformError>;
}

/// Clients can be moved between customers.
#[async_trait]
pub trait Clients: Send + Sync {
    /// Moves a client to a customer, if it still has the version `etag`; returns the client as it is then.
    async fn move_client(
        &self,
        client: &ObjectId,
        etag: Option<&str>,
        customer: &ObjectId,
    ) -> Result<Client, PlatformError>;
}

/// The platform sends mail.
#[async_trait]
pub trait Mail: Send + Sync {
    /// Mails the account details to the customer, unless that was done before.
    async fn send_welcome_mail(&self, customer: &ObjectId) -> Result<Written, PlatformError>;
}

/// Writes that the platform accepts and finishes later.
#[async_trait]
pub trait Operations: Send + Sync {
    /// The state of an accepted operation. [`ProblemKind::NotFound`](holdfast_core::reply::ProblemKind::NotFound) where the
    /// platform doesn't know it (any more): then its outcome is open.
    async fn operation(&self, operation: &str) -> Result<OperationState, PlatformError>;
}

/// Bulk reports.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Consumption of every customer and tenant over the last `days` days.
    async fn usage(&self, days: u16) -> Result<UsageReport, PlatformError>;

    /// Health of every tenant over the last `days` days.
    async fn health(&self, days: u16) -> Result<HealthReport, PlatformError>;
}

//! The port to a backup platform: what the operator may ask of one, and how it can fail. No decisions in here.

use async_trait::async_trait;
use serde_json::{Map, Value};

mod breaker;
pub mod bridge;
mod budget;
pub mod druva;
mod hooks;
pub mod http;
mod retry_after;
mod rows;

pub use breaker::{Breaker, Passage};
pub use budget::{Budget, BudgetShare, Budgets, Fingerprint, RateLimit};
pub use hooks::{RequestObserver, WriterGuard};

pub use holdfast_core::reply::{
    OperationState, PlatformError, Problem, ProblemKind, Rehearsal, Written,
};

use holdfast_api as api;
use holdfast_api::Kind;
use holdfast_core::{
    estate,
    estate::{
        Capabilities, Claim, Client, HealthReport, Object, ObjectId, Observation, Scope,
        UsageReport,
    },
};

/// Which lane a request travels in: people's edits overtake sweeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What somebody waits for.
    Edit,
    /// Bulk reading.
    Sweep,
}

/// One backup platform under one credential. Every method sends at most one mutating request and never repeats one.
#[async_trait]
pub trait Platform: Send + Sync {
    /// Who we are there, and what can be done.
    async fn identify(&self) -> Result<Capabilities, PlatformError>;

    /// Everything the platform holds; an error when any page of it is missing.
    async fn observe(&self, scope: Scope) -> Result<Observation, PlatformError>;

    /// One object by id; `None` only when the platform says outright that there is no such object.
    async fn read(&self, kind: Kind, id: &ObjectId) -> Result<Option<Object>, PlatformError>;

    /// One object by our claim; `None` only when the platform says outright that none carries it.
    async fn find(&self, kind: Kind, claim: &Claim) -> Result<Option<Object>, PlatformError>;

    /// What stands where a creation of this document would put its object, read afresh: the tenants of its customer, or the
    /// customers of its names. Asked before a creation on a platform that can't carry claims; `find` is asked on all others.
    async fn beside(
        &self,
        kind: Kind,
        document: &Map<String, Value>,
    ) -> Result<Vec<Object>, PlatformError>;

    /// Makes an object that carries the claim. Safe to repeat: a second call answers [`ProblemKind::AlreadyExists`].
    async fn create(
        &self,
        kind: Kind,
        claim: &Claim,
        document: Map<String, Value>,
    ) -> Result<Written, PlatformError>;

    /// Changes what the patch names, if the object is still the version that `etag` says; and leaves our mark on it, where
    /// one is given.
    async fn update(
        &self,
        kind: Kind,
        id: &ObjectId,
        etag: Option<&str>,
        mark: Option<&Claim>,
        patch: Map<String, Value>,
    ) -> Result<Written, PlatformError>;

    /// Switches an object on or off. Repeating it changes nothing.
    async fn set_active(
        &self,
        kind: Kind,
        id: &ObjectId,
        active: bool,
    ) -> Result<Written, PlatformError>;

    /// Moves a client to a customer; the client as it is then.
    async fn move_client(
        &self,
        client: &ObjectId,
        etag: Option<&str>,
        customer: &ObjectId,
    ) -> Result<Client, PlatformError>;

    /// Mails the account details to the customer, unless that was done before.
    async fn send_welcome_mail(&self, customer: &ObjectId) -> Result<Written, PlatformError>;

    /// Says what a deletion would take away, and what forbids it.
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

    /// How far an accepted operation is. [`ProblemKind::NotFound`] where the platform doesn't know it (any more): then what
    /// became of it is open.
    async fn operation(&self, operation: &str) -> Result<OperationState, PlatformError>;

    /// Consumption of every customer and tenant over the last `days` days.
    async fn usage(&self, days: u16) -> Result<UsageReport, PlatformError>;

    /// Health of every tenant over the last `days` days.
    async fn health(&self, days: u16) -> Result<HealthReport, PlatformError>;
}

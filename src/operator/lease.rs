//! One writer per account: a Lease in the operator's own namespace.
//!
//! The evaluator is pure: (lease, identity, now) → acquire, renew or yield. The code around it writes with the resource
//! version it read, so that a race becomes a conflict. A writer asks [`Tenure::hold`] right before each request: the request
//! must be able to end before the Lease does. A new holder waits out the old one's Lease and then one request deadline, so
//! that the two can't write at the same time:
//!
//! ```text
//!  old: renew ─────────────── 15 s ──────────────┤ sends nothing from 5 s before here
//!  new:                                          ├ acquire ── 5 s ──┤ first write
//! ```

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, Error,
    api::{ObjectMeta, PostParams},
};
use sha2::{Digest, Sha256};
use tokio::{sync::watch, time::Instant};

use super::permits::Permits;
use crate::survey::Origin;

/// How long a Lease holds without being renewed.
const LEASE: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(5);
/// Within this time a request to the platform has ended, with or without success.
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);

/// What to do about a Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseAction {
    /// It is free, or its holder let it expire: acquire it.
    Acquire,
    /// It is ours: renew it.
    Renew,
    /// Another process holds it.
    Yield,
}

/// Evaluates a Lease as read.
pub fn evaluate(spec: Option<&LeaseSpec>, identity: &str, now: Timestamp) -> LeaseAction {
    let Some(spec) = spec else {
        return LeaseAction::Acquire;
    };
    match spec.holder_identity.as_deref() {
        None | Some("") => LeaseAction::Acquire,
        Some(holder) if holder == identity => LeaseAction::Renew,
        Some(_) => {
            let seconds = i64::from(spec.lease_duration_seconds.unwrap_or_default());
            let expired = spec
                .renew_time
                .as_ref()
                .is_none_or(|renewed| now.as_second() - renewed.0.as_second() > seconds);
            if expired {
                LeaseAction::Acquire
            } else {
                LeaseAction::Yield
            }
        }
    }
}

/// Annotation of a Lease: the permits for deletions that were taken within the hour.
const PERMITS_ANNOTATION: &str = "holdfast.dev/deletion-permits";
/// How often a Lease is read again when another process has written it at the same time.
const ATTEMPTS: usize = 3;

/// Name of an account's Lease: it reveals nothing about the account to a reader that doesn't know it.
pub fn lease_name(origin: &Origin, account: &str) -> String {
    let Origin { driver, endpoint } = origin;
    let digest = Sha256::digest(format!("{driver}\n{endpoint}\n{account}"));
    format!("holdfast-{}", data_encoding::HEXLOWER.encode(&digest[..10]))
}

/// From when and until when this process may write.
#[derive(Debug, Clone, Copy)]
struct Term {
    from: Instant,
    until: Instant,
}

/// This process's hold on one account.
#[derive(Debug, Default)]
pub struct Tenure {
    term: RwLock<Option<Term>>,
    leads: watch::Sender<bool>,
}

impl Tenure {
    /// Why no request may be sent now, if so.
    pub fn hold(&self) -> Option<String> {
        let now = Instant::now();
        match *self.term.read().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(term) if now < term.from => Some("this process has just become the leader of the account and waits until the last request of the previous leader has ended.".into()),
            Some(term) if now + REQUEST_DEADLINE < term.until => None,
            Some(_) => Some("this process's Lease on the account has expired.".into()),
            None => Some("this process isn't the leader of this account: another process holds the Lease, or the Lease can't be written. The operator's log has the reason.".into()),
        }
    }

    /// When writing becomes possible, if it isn't yet.
    pub fn opens_at(&self) -> Option<Instant> {
        let term = *self
            .term
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        term.map(|term| term.from)
            .filter(|from| Instant::now() < *from)
    }

    /// Whether this process holds the Lease, and each change of it.
    pub fn leads(&self) -> watch::Receiver<bool> {
        self.leads.subscribe()
    }

    fn lose(&self) {
        *self
            .term
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }

    fn prolong(&self, asked_at: Instant, first_write: Option<Instant>) {
        let mut term = self
            .term
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let from = first_write
            .or_else(|| term.map(|term| term.from))
            .unwrap_or(asked_at + REQUEST_DEADLINE);
        *term = Some(Term {
            from,
            until: asked_at + LEASE,
        });
    }
}

/// Keeps a Lease for as long as it runs. Ends only by being dropped.
pub struct Keeper {
    /// Client of the cluster.
    pub client: Client,
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease.
    pub name: String,
    /// The identity of this process: stable as long as no second process can have the same.
    pub identity: String,
    /// The channel for the outcome.
    pub tenure: Arc<Tenure>,
    /// The permits that are recorded on the Lease.
    pub permits: Arc<Permits>,
}

impl Keeper {
    /// Acquires and renews, for ever. A permit that is taken is written at once.
    pub async fn run(self) {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut held = false;
        loop {
            match tokio::time::timeout(RENEWAL, self.settle(&api, held)).await {
                Ok(Ok(true)) => {
                    held = true;
                    self.tenure
                        .leads
                        .send_if_modified(|leads| !std::mem::replace(leads, true));
                }
                Ok(Ok(false)) => {
                    self.tenure.lose();
                    if std::mem::take(&mut held) {
                        tracing::warn!(
                            lease = self.name,
                            "another process is the leader; this process writes nothing"
                        );
                    }
                    self.tenure.leads.send_if_modified(std::mem::take);
                }
                Ok(Err(error)) => {
                    tracing::warn!(lease = self.name, %error, "the Lease can't be renewed; this process stops writing when it expires");
                }
                Err(_) => tracing::warn!(
                    lease = self.name,
                    "renewing the Lease takes too long; this process stops writing when it expires"
                ),
            }
            tokio::select! {
                () = tokio::time::sleep(RENEWAL) => {}
                () = self.permits.unwritten.notified(), if held => {}
            }
        }
    }

    /// Retries where another process has written at the same time: only the Lease itself says which process holds it.
    async fn settle(&self, api: &Api<Lease>, held: bool) -> Result<bool, Error> {
        for _ in 0..ATTEMPTS {
            match self.attempt(api, held).await {
                Err(Error::Api(status)) if status.code == 409 => {}
                outcome => return outcome,
            }
        }
        self.attempt(api, held).await
    }

    /// One read, and one write where it is due. True when this process holds it.
    async fn attempt(&self, api: &Api<Lease>, held: bool) -> Result<bool, Error> {
        let (now, asked_at) = (Timestamp::now(), Instant::now());
        let current = api.get_opt(&self.name).await?;
        let spec = current.as_ref().and_then(|lease| lease.spec.as_ref());
        let action = evaluate(spec, &self.identity, now);
        if action == LeaseAction::Yield {
            return Ok(false);
        }
        let vacant = spec
            .and_then(|spec| spec.holder_identity.as_deref())
            .is_none_or(str::is_empty);
        // Another process may have held it since the last read, and recorded permits.
        let taken_over = action == LeaseAction::Acquire && current.is_some();
        if !held || taken_over {
            let annotations = current
                .as_ref()
                .and_then(|lease| lease.metadata.annotations.as_ref());
            let record = annotations.and_then(|annotations| annotations.get(PERMITS_ANNOTATION));
            self.permits.resume(record.map_or("", String::as_str), now);
        }
        let (record, taken) = self.permits.record(now);
        let lease = self.renewed(current, action, record, now);
        if lease.metadata.resource_version.is_none() {
            api.create(&PostParams::default(), &lease).await?;
        } else {
            api.replace(&self.name, &PostParams::default(), &lease)
                .await?;
        }
        let first_write = (action == LeaseAction::Acquire).then(|| {
            let wait = if vacant {
                Duration::ZERO
            } else {
                REQUEST_DEADLINE
            };
            Instant::now() + wait
        });
        self.tenure.prolong(asked_at, first_write);
        self.permits.note_written(taken);
        Ok(true)
    }

    /// The Lease as it is to be written.
    fn renewed(
        &self,
        current: Option<Lease>,
        action: LeaseAction,
        record: String,
        now: Timestamp,
    ) -> Lease {
        let fresh = current.is_none();
        let mut lease = current.unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace.clone()),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        let annotations = lease.metadata.annotations.get_or_insert_default();
        if record.is_empty() {
            annotations.remove(PERMITS_ANNOTATION);
        } else {
            annotations.insert(PERMITS_ANNOTATION.to_owned(), record);
        }
        let spec = lease.spec.get_or_insert_default();
        let transitions = spec.lease_transitions.unwrap_or_default();
        if action == LeaseAction::Acquire {
            spec.acquire_time = Some(MicroTime(now));
            spec.lease_transitions = Some(transitions + i32::from(!fresh));
        }
        spec.holder_identity = Some(self.identity.clone());
        spec.lease_duration_seconds = Some(i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX));
        spec.renew_time = Some(MicroTime(now));
        lease
    }

    /// Releases the Lease, so that the next writer needn't wait until it expires.
    pub async fn vacate(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
    ) -> Result<(), Error> {
        let api: Api<Lease> = Api::namespaced(client, namespace);
        let Some(mut lease) = api.get_opt(name).await? else {
            return Ok(());
        };
        let Some(spec) = lease
            .spec
            .as_mut()
            .filter(|spec| spec.holder_identity.as_deref() == Some(identity))
        else {
            return Ok(());
        };
        spec.holder_identity = None;
        api.replace(name, &PostParams::default(), &lease)
            .await
            .map(|_| ())
    }
}

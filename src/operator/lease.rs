//! One writer per account: a Lease in the operator's own namespace.
//!
//! The evaluator is pure: (lease, identity, now) → acquire, renew or yield. The shell around it writes with the resource
//! version it read, so that a race becomes a conflict. A writer asks [`Tenure::may_write`] right before each request: the
//! request must be able to end before the Lease does. A new holder waits out the old one's Lease and then one request
//! deadline, so that the two can't write at the same time:
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
use tokio::time::Instant;

use crate::platform::WriterGuard;

/// How long a Lease holds without being renewed.
const LEASE: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(5);
/// Within this time a request to the platform has ended, one way or the other.
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);

/// What to do about a Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is free, or its holder let it expire: take it.
    Acquire,
    /// It is ours: prolong it.
    Renew,
    /// Somebody else holds it.
    Yield,
}

/// Judges a Lease as read.
pub fn evaluate(spec: Option<&LeaseSpec>, identity: &str, now: Timestamp) -> Verdict {
    let Some(spec) = spec else {
        return Verdict::Acquire;
    };
    match spec.holder_identity.as_deref() {
        None | Some("") => Verdict::Acquire,
        Some(holder) if holder == identity => Verdict::Renew,
        Some(_) => {
            let seconds = i64::from(spec.lease_duration_seconds.unwrap_or_default());
            let expired = spec
                .renew_time
                .as_ref()
                .is_none_or(|renewed| now.as_second() - renewed.0.as_second() > seconds);
            if expired {
                Verdict::Acquire
            } else {
                Verdict::Yield
            }
        }
    }
}

/// Name of an account's Lease: says nothing about the account to who can't know it anyway.
pub fn lease_name(driver: &str, endpoint: &str, account: &str) -> String {
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
}

impl Tenure {
    /// Why nothing may be sent now, if so.
    pub fn hold(&self) -> Option<String> {
        let now = Instant::now();
        match *self.term.read().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(term) if now < term.from => Some("this process has just taken over the account, and waits out the last request of the one before.".into()),
            Some(term) if now + REQUEST_DEADLINE < term.until => None,
            Some(_) => Some("this process's Lease on the account has run out.".into()),
            None => Some("this process doesn't hold the Lease on this account: another one does, or it can't be written, of which the operator's log has the reason.".into()),
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

    fn set(&self, term: Option<Term>) {
        *self
            .term
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = term;
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

impl WriterGuard for Tenure {
    fn may_write(&self) -> Result<(), String> {
        self.hold().map_or(Ok(()), Err)
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
    /// Who we are: stable for as long as no second process can have the same.
    pub identity: String,
    /// Where the outcome is told.
    pub tenure: Arc<Tenure>,
    /// Called when being the writer begins or ends.
    pub changed: Box<dyn Fn(bool) + Send + Sync>,
}

impl Keeper {
    /// Acquires and renews, for ever.
    pub async fn run(self) {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut held = false;
        loop {
            let asked_at = Instant::now();
            match tokio::time::timeout(RENEWAL, self.attempt(&api, asked_at)).await {
                Ok(Ok(true)) if !held => {
                    held = true;
                    (self.changed)(true);
                }
                Ok(Ok(false)) => {
                    self.tenure.set(None);
                    if held {
                        tracing::warn!(
                            lease = self.name,
                            "another process holds the Lease: writing nothing"
                        );
                        held = false;
                        (self.changed)(false);
                    }
                }
                Ok(Ok(true)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(lease = self.name, %error, "the Lease can't be renewed; writing stops when it runs out");
                }
                Err(_) => tracing::warn!(
                    lease = self.name,
                    "renewing the Lease takes too long; writing stops when it runs out"
                ),
            }
            tokio::time::sleep(RENEWAL).await;
        }
    }

    /// One look, and one write where it is due. True when we hold it.
    async fn attempt(&self, api: &Api<Lease>, asked_at: Instant) -> Result<bool, Error> {
        let now = Timestamp::now();
        let current = api.get_opt(&self.name).await?;
        let verdict = evaluate(
            current.as_ref().and_then(|lease| lease.spec.as_ref()),
            &self.identity,
            now,
        );
        if verdict == Verdict::Yield {
            return Ok(false);
        }
        let fresh = current.is_none();
        let vacant = current
            .as_ref()
            .and_then(|lease| lease.spec.as_ref())
            .is_none_or(|spec| {
                spec.holder_identity
                    .as_deref()
                    .unwrap_or_default()
                    .is_empty()
            });
        let mut lease = current.unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace.clone()),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        let spec = lease.spec.get_or_insert_default();
        let transitions = spec.lease_transitions.unwrap_or_default();
        if verdict == Verdict::Acquire {
            spec.acquire_time = Some(MicroTime(now));
            spec.lease_transitions = Some(transitions + i32::from(!fresh));
        }
        spec.holder_identity = Some(self.identity.clone());
        spec.lease_duration_seconds = Some(i32::try_from(LEASE.as_secs()).unwrap_or(i32::MAX));
        spec.renew_time = Some(MicroTime(now));
        let written = if fresh {
            api.create(&PostParams::default(), &lease).await
        } else {
            api.replace(&self.name, &PostParams::default(), &lease)
                .await
        };
        match written {
            Ok(_) => {
                let first_write = (verdict == Verdict::Acquire).then(|| {
                    if vacant {
                        Instant::now()
                    } else {
                        Instant::now() + REQUEST_DEADLINE
                    }
                });
                self.tenure.prolong(asked_at, first_write);
                Ok(true)
            }
            Err(Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the Lease back, so that the next writer needn't wait for it to run out.
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

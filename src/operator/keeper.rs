//! Keeping one Lease: it is watched, acquired when it is free, and renewed. Each write is on the version that was read, so that
//! a race becomes a conflict.

use std::{
    collections::HashSet,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, Error,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
    core::Status,
    runtime::{WatchStreamExt, watcher::watch_object},
};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    clock,
    lease::{LEASE, LeaseAction, REQUEST_DEADLINE, Sighting, Tenure, stamped},
    permits::Permits,
    takeovers::{TAKEOVERS_ANNOTATION, recall, record},
};

/// How often a Lease is renewed, and how long one attempt may take.
const RENEWAL: Duration = Duration::from_secs(5);
/// The pause after a failed attempt.
const RETRY: Duration = Duration::from_secs(2);
/// How often a Lease is read again when another process has written it at the same time.
const ATTEMPTS: usize = 3;
/// Annotation of a Lease: the permits for deletions that were taken within the hour.
const PERMITS_ANNOTATION: &str = "holdfast.dev/deletion-permits";

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
    /// Whether a missing Lease was never there: nothing was written to the account before.
    pub new: bool,
    /// The channel for the outcome.
    pub tenure: Arc<Tenure>,
    /// The permits that are recorded on the Lease.
    pub permits: Arc<Permits>,
    /// The Leases that this process has held: what it finds there under its identity is its own, and of no process before it.
    pub ever_held: Arc<Mutex<HashSet<String>>>,
}

/// What is known of the Lease.
struct Known {
    lease: Option<Lease>,
    since: Instant,
    existed: bool,
    /// Whether this process wrote it last.
    held: bool,
    /// The holder that the log names.
    told: Option<String>,
}

impl Known {
    fn new(lease: Option<Lease>) -> Self {
        let existed = lease.is_some();
        Self {
            lease,
            since: Instant::now(),
            existed,
            held: false,
            told: None,
        }
    }

    /// Notes what was read. The clock of its expiry starts again when it differs.
    fn note(&mut self, lease: Option<Lease>) {
        let version = |lease: &Option<Lease>| {
            let lease = lease.as_ref()?;
            lease.metadata.resource_version.clone()
        };
        if version(&self.lease) != version(&lease) {
            self.since = Instant::now();
        }
        self.existed |= lease.is_some();
        self.lease = lease;
    }

    /// What the Lease says under this name, or nothing.
    fn annotation(&self, name: &str) -> &str {
        let annotations = self.lease.as_ref().map(|lease| &lease.metadata.annotations);
        let value = annotations.and_then(|annotations| annotations.as_ref()?.get(name));
        value.map_or("", String::as_str)
    }

    fn spec(&self) -> Option<&LeaseSpec> {
        self.lease.as_ref()?.spec.as_ref()
    }

    /// What was seen of a Lease that is `new`, or was held before.
    fn sighting(&self, new: bool) -> Sighting<'_> {
        let was_there = self.existed || !new;
        Sighting {
            spec: self.spec(),
            unchanged: self.since.elapsed(),
            // The holder itself writes it again at once.
            vanished: self.lease.is_none() && was_there && !self.held,
        }
    }
}

impl Keeper {
    /// Acquires and renews, for ever. A permit that is taken is written at once.
    pub async fn run(self) {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut changes = pin!(watch_object(api.clone(), &self.name).default_backoff());
        let mut known: Option<Known> = None;
        let mut due = Instant::now() + RENEWAL;
        loop {
            let held = known.as_ref().is_some_and(|known| known.held);
            tokio::select! {
                Some(change) = changes.next() => match change {
                    Ok(lease) => match &mut known {
                        // The echo of our own write, or of an older one.
                        Some(known) if known.held && is_known(known, lease.as_ref()) => continue,
                        Some(known) => known.note(lease),
                        None => known = Some(Known::new(lease)),
                    },
                    Err(error) if known.is_none() => {
                        tracing::warn!(lease = self.name, namespace = self.namespace, %error, "the Lease can't be read; without it this process writes nothing");
                        self.tenure.lose();
                        continue;
                    }
                    Err(error) => {
                        tracing::debug!(lease = self.name, %error, "the watch of the Lease was interrupted");
                        continue;
                    }
                },
                () = sleep_until(due) => {}
                () = self.permits.unwritten.notified(), if held => {}
            }
            // Nothing is decided before the Lease was read.
            due = Instant::now() + RENEWAL;
            if let Some(known) = &mut known {
                due = self.keep(&api, known).await;
                self.tenure.tell();
            }
        }
    }

    /// One attempt, where one is due. Returns when the next is.
    async fn keep(&self, api: &Api<Lease>, known: &mut Known) -> Instant {
        match timeout(RENEWAL, self.settle(api, known)).await {
            Ok(Ok(None)) => {
                self.tell_leading(known);
                Instant::now() + RENEWAL
            }
            Ok(Ok(Some(left))) => {
                self.tenure.lose();
                self.tell_yielding(known);
                Instant::now() + left
            }
            Ok(Err(error)) => {
                tracing::warn!(lease = self.name, %error, "the Lease can't be written; without it this process writes nothing else");
                Instant::now() + RETRY
            }
            Err(_) => {
                tracing::warn!(
                    lease = self.name,
                    "writing the Lease takes too long; without it this process writes nothing else"
                );
                Instant::now()
            }
        }
    }

    fn tell_leading(&self, known: &mut Known) {
        if known.told.as_deref() != Some(&self.identity) {
            tracing::info!(lease = self.name, "this process is the leader");
            known.told = Some(self.identity.clone());
        }
    }

    fn tell_yielding(&self, known: &mut Known) {
        known.held = false;
        let holder = known.sighting(self.new).holder().map(ToOwned::to_owned);
        if known.told.is_none() || known.told != holder {
            tracing::info!(
                lease = self.name,
                holder = holder.as_deref().unwrap_or("none"),
                "another process is the leader; this process stands by and writes nothing"
            );
            known.told = holder.or_else(|| Some(String::new()));
        }
    }

    /// Retries where another process has written at the same time: only the Lease itself says which process holds it. `None`
    /// when this process holds it, else how long it has to wait.
    async fn settle(&self, api: &Api<Lease>, known: &mut Known) -> Result<Option<Duration>, Error> {
        let mut attempts = 0;
        loop {
            let action = known.sighting(self.new).evaluate(&self.identity);
            if let LeaseAction::Yield(left) = action {
                return Ok(Some(left));
            }
            attempts += 1;
            match self.write(api, known, action).await {
                Err(Error::Api(status))
                    if [404, 409].contains(&status.code) && attempts < ATTEMPTS =>
                {
                    known.note(api.get_opt(&self.name).await?);
                }
                // Nobody can have the Lease any more, and what goes with the namespace still has to be released.
                Err(Error::Api(status)) if known.held && is_terminating(&status) => {
                    self.tenure.prolong(Instant::now(), None);
                    return Ok(None);
                }
                outcome => return outcome.map(|()| None),
            }
        }
    }

    async fn write(
        &self,
        api: &Api<Lease>,
        known: &mut Known,
        action: LeaseAction,
    ) -> Result<(), Error> {
        let (timeline, asked_at) = (clock::timeline(), Instant::now());
        // Another process may have held it since the last read, and recorded something; also one of this identity, before a restart.
        if !known.held || (action == LeaseAction::Acquire && known.lease.is_some()) {
            self.permits
                .resume(known.annotation(PERMITS_ANNOTATION), &timeline);
            let mut takeovers = recall(known.annotation(TAKEOVERS_ANNOTATION), &timeline);
            takeovers.extend(
                self.may_have_been_left(known, action)
                    .then(|| timeline.now()),
            );
            self.tenure.take_over(takeovers);
        }
        let (permits, taken) = self.permits.record(&timeline);
        let records = [
            (PERMITS_ANNOTATION, permits),
            (
                TAKEOVERS_ANNOTATION,
                record(&self.tenure.taken_over(), &timeline),
            ),
        ];
        let lease = self.renewed(known.lease.clone(), action, records, timeline.now());
        let written = if lease.metadata.resource_version.is_none() {
            api.create(&PostParams::default(), &lease).await?
        } else {
            let params = PostParams::default();
            api.replace(&self.name, &params, &lease).await?
        };
        let first_write = self.wait_of(known, action);
        let first_write = first_write.map(|wait| Instant::now() + wait);
        self.tenure.prolong(asked_at, first_write);
        self.permits.note_written(taken);
        stamped(&written).into_iter().for_each(clock::compare);
        known.note(Some(written));
        known.held = true;
        self.ever_held().insert(self.name.clone());
        Ok(())
    }

    /// How long a process that acquires the Lease waits before its first write; `None` for a renewal.
    fn wait_of(&self, known: &Known, action: LeaseAction) -> Option<Duration> {
        if action == LeaseAction::Renew {
            return None;
        }
        match &known.lease {
            // The holder restores it.
            None if known.held => None,
            None if self.new => Some(Duration::ZERO),
            Some(_) if known.sighting(self.new).holder().is_none() => Some(Duration::ZERO),
            _ => Some(REQUEST_DEADLINE),
        }
    }

    /// Whether a process that held the Lease before may have ended without giving it back.
    fn may_have_been_left(&self, known: &Known, action: LeaseAction) -> bool {
        match &known.lease {
            _ if action == LeaseAction::Renew => !self.ever_held().contains(&self.name),
            None => !self.new,
            Some(_) => known.sighting(self.new).holder().is_some(),
        }
    }

    fn ever_held(&self) -> MutexGuard<'_, HashSet<String>> {
        let held = self.ever_held.lock();
        held.unwrap_or_else(PoisonError::into_inner)
    }

    /// The Lease as it is to be written.
    fn renewed(
        &self,
        current: Option<Lease>,
        action: LeaseAction,
        records: [(&str, String); 2],
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
        for (name, record) in records {
            if record.is_empty() {
                annotations.remove(name);
            } else {
                annotations.insert(name.to_owned(), record);
            }
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
}

/// Whether the namespace of the Lease is being deleted.
fn is_terminating(status: &Status) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403
        && causes
            .into_iter()
            .any(|cause| cause.reason == "NamespaceTerminating")
}

/// Whether a change of a held Lease is no news: this very version, or an earlier one.
fn is_known(known: &Known, lease: Option<&Lease>) -> bool {
    let version = |lease: Option<&Lease>| {
        let version = lease?.metadata.resource_version.as_deref()?;
        version.parse::<u128>().ok()
    };
    match (version(known.lease.as_ref()), version(lease)) {
        (Some(ours), Some(seen)) => seen <= ours,
        _ => false,
    }
}

/// Gives a Lease back, so that the next writer needn't wait until it expires. One that permits no writes is deleted.
///
/// # Errors
/// The API server's.
pub async fn give_back(
    api: &Api<Lease>,
    name: &str,
    identity: &str,
    delete: bool,
) -> Result<(), Error> {
    for _ in 1..ATTEMPTS {
        match give_back_once(api, name, identity, delete).await {
            // A renewal was still under way.
            Err(Error::Api(status)) if status.code == 409 => {}
            outcome => return outcome,
        }
    }
    give_back_once(api, name, identity, delete).await
}

async fn give_back_once(
    api: &Api<Lease>,
    name: &str,
    identity: &str,
    delete: bool,
) -> Result<(), Error> {
    let Some(mut lease) = api.get_opt(name).await? else {
        return Ok(());
    };
    let ours = |spec: &&mut LeaseSpec| spec.holder_identity.as_deref() == Some(identity);
    let Some(spec) = lease.spec.as_mut().filter(ours) else {
        return Ok(());
    };
    if delete {
        let params = DeleteParams::default().preconditions(Preconditions {
            resource_version: lease.metadata.resource_version,
            uid: lease.metadata.uid,
        });
        return api.delete(name, &params).await.map(drop);
    }
    spec.holder_identity = None;
    let params = PostParams::default();
    api.replace(name, &params, &lease).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    // F20: of two that learn of an account at the same moment, the one that did not lead before may be the first to look.
    #[tokio::test(start_paused = true)]
    async fn a_lease_that_is_missing_is_vacant_only_where_none_was_held_before() {
        let action = |known: &Known, new| known.sighting(new).evaluate("me");
        let missing = Known::new(None);
        assert_eq!(action(&missing, true), LeaseAction::Acquire);
        assert_eq!(action(&missing, false), LeaseAction::Yield(LEASE));
        tokio::time::advance(LEASE).await;
        assert_eq!(action(&missing, false), LeaseAction::Acquire);
    }
}

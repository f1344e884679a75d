//! One writer per account: what a Lease says, and what this process may do because of it. Pure.
//!
//! A Lease of another process has expired when this process has watched it unchanged for its duration, on its own monotonic
//! clock: comparing its times with ours would make a clock that is ahead a thief. A writer asks [`Tenure::hold`] right before
//! each request: the request must be able to end before the Lease does. A new holder waits out the old one's Lease and then
//! one request deadline, so that the two can't write at the same time:
//!
//! ```text
//!  old: renew ─────────────── 15 s ──────────────┤ sends nothing from 5 s before here
//!  new:                                          ├ acquire ── 5 s ──┤ first write
//! ```

use std::{
    sync::{PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use sha2::{Digest, Sha256};
use tokio::{sync::watch, time::Instant};

use crate::survey::Origin;

/// How long a Lease holds without being renewed.
pub const LEASE: Duration = Duration::from_secs(15);
/// Within this time a request to the platform has ended, with or without success.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(5);
/// The Lease of everything that resolves to no `BackupPlatform`.
pub const UNASSIGNED: &str = "holdfast-unassigned";
/// How the names of Leases of single `BackupPlatform`s begin.
const PLATFORM: &str = "holdfast-platform-";

/// Name of an account's Lease: it reveals nothing about the account to a reader that doesn't know it.
pub fn account_lease(origin: &Origin, account: &str) -> String {
    let Origin { driver, endpoint } = origin;
    let digest = Sha256::digest(format!("{driver}\n{endpoint}\n{account}"));
    format!("holdfast-{}", data_encoding::HEXLOWER.encode(&digest[..10]))
}

/// Name of the Lease of a `BackupPlatform` with an account that isn't known yet. It permits reads and status only.
pub fn platform_lease(uid: &str) -> String {
    format!("{PLATFORM}{uid}")
}

/// Whether a Lease is an account's, which has one name wherever its account is known.
pub fn is_of_account(lease: &str) -> bool {
    !lease.starts_with(UNASSIGNED) && !lease.starts_with(PLATFORM)
}

/// When the API server last stamped a Lease.
pub fn stamped(lease: &Lease) -> Option<Timestamp> {
    let stamps = lease.metadata.managed_fields.iter().flatten();
    stamps
        .filter_map(|entry| Some(entry.time.as_ref()?.0))
        .max()
}

/// What to do about a Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseAction {
    /// It is free, or its holder let it expire: acquire it.
    Acquire,
    /// It is ours: renew it.
    Renew,
    /// Another process holds it, or may: for how much longer at least, if it isn't renewed.
    Yield(Duration),
}

/// A Lease as it was last seen, and what was seen of it before.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// What it says; nothing where there is none.
    pub spec: Option<&'a LeaseSpec>,
    /// How long it has been watched unchanged.
    pub unchanged: Duration,
    /// Whether there was one before: another process may still believe in it.
    pub vanished: bool,
}

impl Sighting<'_> {
    /// The process that holds it, or did.
    pub fn holder(&self) -> Option<&str> {
        let holder = self.spec.and_then(|spec| spec.holder_identity.as_deref());
        holder.filter(|holder| !holder.is_empty())
    }

    /// What a process of this identity has to do.
    pub fn evaluate(&self, identity: &str) -> LeaseAction {
        let recorded = self.spec.and_then(|spec| spec.lease_duration_seconds);
        let recorded = recorded.and_then(|seconds| u64::try_from(seconds).ok());
        let duration = recorded.map_or(LEASE, Duration::from_secs).max(LEASE);
        match self.holder() {
            Some(holder) if holder == identity => return LeaseAction::Renew,
            None if !self.vanished => return LeaseAction::Acquire,
            _ => {}
        }
        match duration.checked_sub(self.unchanged) {
            Some(left) if !left.is_zero() => LeaseAction::Yield(left),
            _ => LeaseAction::Acquire,
        }
    }
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
    /// Whether it leads; nothing before that is known.
    leads: watch::Sender<Option<bool>>,
    /// When this process or one before took over from one that had ended without giving the Lease back.
    taken_over: RwLock<Vec<Timestamp>>,
}

impl Tenure {
    fn term(&self) -> Option<Term> {
        *self.term.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why no request that changes anything may be sent now, if so.
    pub fn hold(&self) -> Option<String> {
        let now = Instant::now();
        match self.term() {
            Some(term) if now < term.from => Some("this process has just become the leader of the account and waits until the last request of the previous leader has ended.".into()),
            Some(term) if now + REQUEST_DEADLINE < term.until => None,
            Some(_) => Some("this process's Lease on the account has expired.".into()),
            None => Some("this process isn't the leader of this account: another process holds the Lease, or the Lease can't be written. The operator's log has the reason.".into()),
        }
    }

    /// Whether this process is the leader: it alone reconciles and writes status.
    pub fn leads(&self) -> bool {
        let term = self.term();
        term.is_some_and(|term| Instant::now() + REQUEST_DEADLINE < term.until)
    }

    /// When writing becomes possible, if it isn't yet.
    pub fn opens_at(&self) -> Option<Instant> {
        let from = self.term().map(|term| term.from);
        from.filter(|from| Instant::now() < *from)
    }

    /// Whether this process leads, and each change of it.
    pub fn changes(&self) -> watch::Receiver<Option<bool>> {
        self.leads.subscribe()
    }

    /// When this process or one before took over from one that had ended without giving the Lease back.
    pub fn taken_over(&self) -> Vec<Timestamp> {
        let taken_over = self.taken_over.read();
        taken_over.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This process takes the Lease; there were such takeovers at these times.
    pub fn take_over(&self, times: Vec<Timestamp>) {
        let taken_over = self.taken_over.write();
        *taken_over.unwrap_or_else(PoisonError::into_inner) = times;
    }

    /// Another process leads.
    pub fn lose(&self) {
        *self.term.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.tell();
    }

    /// The Lease was written by a request that was sent at `asked_at`. The first write may be at `first_write`, or as before.
    pub fn prolong(&self, asked_at: Instant, first_write: Option<Instant>) {
        // A term that ran out in between: what was left alone meanwhile has to hear that it is this process's again.
        self.tell();
        let mut term = self.term.write().unwrap_or_else(PoisonError::into_inner);
        let from = first_write
            .or_else(|| term.map(|term| term.from))
            .unwrap_or(asked_at + REQUEST_DEADLINE);
        let until = asked_at + LEASE;
        *term = Some(Term { from, until });
        drop(term);
        self.tell();
    }

    /// Tells those that follow whether this process leads now.
    pub fn tell(&self) {
        let now = Some(self.leads());
        self.leads
            .send_if_modified(|leads| std::mem::replace(leads, now) != now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(holder: &str, seconds: Option<i32>) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.into()),
            lease_duration_seconds: seconds,
            ..LeaseSpec::default()
        }
    }

    fn action(spec: Option<&LeaseSpec>, unchanged: u64, vanished: bool) -> LeaseAction {
        let unchanged = Duration::from_secs(unchanged);
        let sighting = Sighting {
            spec,
            unchanged,
            vanished,
        };
        sighting.evaluate("me")
    }

    // F20, F21: no clock but our own counts.
    #[test]
    fn a_lease_expires_when_it_was_watched_unchanged_for_its_duration() {
        let yields = |seconds| LeaseAction::Yield(Duration::from_secs(seconds));
        let other = spec("other", Some(15));
        assert_eq!(action(Some(&other), 0, false), yields(15));
        assert_eq!(action(Some(&other), 14, false), yields(1));
        assert_eq!(action(Some(&other), 15, false), LeaseAction::Acquire);
        let long = spec("other", Some(60));
        assert_eq!(action(Some(&long), 59, false), yields(1));
        for odd in [None, Some(0), Some(-5), Some(1)] {
            assert_eq!(action(Some(&spec("other", odd)), 1, false), yields(14));
        }
    }

    // F20
    #[test]
    fn what_is_ours_is_renewed_and_what_was_given_back_is_acquired_at_once() {
        assert_eq!(
            action(Some(&spec("me", Some(15))), 99, false),
            LeaseAction::Renew
        );
        assert_eq!(
            action(Some(&spec("", Some(15))), 0, false),
            LeaseAction::Acquire
        );
        assert_eq!(action(None, 0, false), LeaseAction::Acquire);
    }

    // F20: its holder may still believe in it.
    #[test]
    fn a_lease_that_vanished_is_not_vacant_until_its_duration_has_passed() {
        let left = LeaseAction::Yield(Duration::from_secs(5));
        assert_eq!(action(None, 10, true), left);
        assert_eq!(action(None, 15, true), LeaseAction::Acquire);
    }

    // F20
    #[tokio::test(start_paused = true)]
    async fn a_term_ends_one_request_before_the_lease_does() {
        let tenure = Tenure::default();
        assert!(tenure.hold().is_some() && !tenure.leads());
        let now = Instant::now();
        tenure.prolong(now, Some(now));
        assert_eq!(tenure.hold(), None);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(tenure.leads());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!tenure.leads());
        assert!(tenure.hold().expect("a reason").contains("expired"));
    }

    // F20, F10: what was asked for in the gap was left alone, and has to be looked at again.
    #[tokio::test(start_paused = true)]
    async fn a_term_that_ran_out_and_was_renewed_is_told() {
        let tenure = Tenure::default();
        tenure.prolong(Instant::now(), Some(Instant::now()));
        let mut changes = tenure.changes();
        tokio::time::advance(Duration::from_secs(5)).await;
        tenure.prolong(Instant::now(), None);
        assert!(!changes.has_changed().expect("a tenure"));
        tokio::time::advance(Duration::from_secs(11)).await;
        tenure.prolong(Instant::now(), None);
        assert!(changes.has_changed().expect("a tenure"));
        assert_eq!(*changes.borrow_and_update(), Some(true));
    }

    // F20
    #[tokio::test(start_paused = true)]
    async fn a_new_leader_reads_at_once_and_writes_when_the_last_request_of_the_old_one_has_ended()
    {
        let tenure = Tenure::default();
        let now = Instant::now();
        tenure.prolong(now, Some(now + REQUEST_DEADLINE));
        assert!(tenure.leads());
        assert!(tenure.hold().is_some());
        tenure.prolong(now + Duration::from_secs(4), None);
        tokio::time::advance(REQUEST_DEADLINE).await;
        assert_eq!(tenure.hold(), None);
    }
}

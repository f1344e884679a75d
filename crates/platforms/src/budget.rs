//! One token bucket for each credential, with two lanes: edits overtake sweeps. A wait that the platform asked for holds for
//! all.
//!
//! The bucket is a single instant (the generic cell rate algorithm): when the next request would be due if requests came
//! evenly. A request may be sent as long as that instant is at most `burst - 1` intervals ahead, so any window of length `w`
//! sees at most `burst + w / interval` requests. Nothing polls; a waiting request sleeps until the instant computed for it.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Lane, PlatformError};

/// How long an edit waits for one token before its caller is told to retry later.
const EDIT_PATIENCE: Duration = Duration::from_secs(5);
/// How long a page of a sweep waits for one token before the sweep is abandoned.
const SWEEP_PATIENCE: Duration = Duration::from_secs(60);
/// How long the pace stays below the full rate after an outage.
const RAMP: Duration = Duration::from_secs(30);
/// How much longer the intervals are at the start of the ramp: four times the usual.
const RAMP_STRETCH: u32 = 3;

/// `spec.rateLimit` of a platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Steady rate, requests per second.
    pub requests_per_second: NonZeroU32,
    /// Requests that may be sent at once after a quiet time.
    pub burst: NonZeroU32,
}

/// Identifies a credential without revealing anything about it. Deliberately not printable.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of everything that makes a credential: driver, host, user, secret.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hash.finalize().into())
    }
}

/// Every budget of the process. A budget is kept as long as the process runs, so that building an adapter anew doesn't forget
/// a wait that the platform asked for.
#[derive(Default)]
pub struct Budgets(Mutex<HashMap<Fingerprint, Arc<Budget>>>);

impl Budgets {
    /// The budget of a credential. Platforms that share a credential share it; the strictest limit of a live share holds for
    /// all.
    pub fn for_credential(&self, credential: Fingerprint, limit: Option<RateLimit>) -> BudgetShare {
        let mut budgets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let budget = Arc::clone(budgets.entry(credential).or_default());
        let limit = Arc::new(limit);
        budget.state().limits.push(Arc::downgrade(&limit));
        BudgetShare {
            budget,
            _limit: limit,
        }
    }
}

/// One platform's share of a credential's budget. Its limit counts as long as this lives.
pub struct BudgetShare {
    budget: Arc<Budget>,
    _limit: Arc<Option<RateLimit>>,
}

impl std::ops::Deref for BudgetShare {
    type Target = Budget;

    fn deref(&self) -> &Budget {
        &self.budget
    }
}

/// The budget of one credential.
pub struct Budget {
    state: Mutex<State>,
    /// Edits that wait; sweeps yield while there is one.
    edits: watch::Sender<usize>,
    edit_turn: tokio::sync::Mutex<()>,
    sweep_turn: tokio::sync::Mutex<()>,
    /// Held by the one that logs in with this credential, while others wait for it.
    login_turn: tokio::sync::Mutex<()>,
    /// Why nothing is sent on this credential any more, if so.
    given_up: OnceLock<PlatformError>,
}

impl Default for Budget {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            state: Mutex::new(State {
                limits: Vec::new(),
                due: now,
                paused_until: now,
                ramp_until: now,
            }),
            edits: watch::Sender::new(0),
            edit_turn: tokio::sync::Mutex::new(()),
            sweep_turn: tokio::sync::Mutex::new(()),
            login_turn: tokio::sync::Mutex::new(()),
            given_up: OnceLock::new(),
        }
    }
}

impl Budget {
    /// Waits for a token in a lane. Cancelling the wait costs none.
    ///
    /// # Errors
    /// [`PlatformError::Throttled`] when the wait would be longer than the lane's patience: no worker is blocked for the
    /// quarter of an hour that a platform may ask for.
    pub async fn acquire(&self, lane: Lane) -> Result<(), PlatformError> {
        let (turn, patience) = match lane {
            Lane::Edit => (&self.edit_turn, EDIT_PATIENCE),
            Lane::Sweep => (&self.sweep_turn, SWEEP_PATIENCE),
        };
        let _waiting = (lane == Lane::Edit).then(|| WaitingEdit::enter(&self.edits));
        let _turn = turn.lock().await;
        loop {
            if lane == Lane::Sweep {
                let mut edits = self.edits.subscribe();
                // Fails only when the sender is gone, and `self` owns it.
                let _ = edits.wait_for(|waiting| *waiting == 0).await;
            }
            let now = Instant::now();
            let Err(at) = self.state().take(now) else {
                return Ok(());
            };
            if at - now > patience {
                return Err(PlatformError::Throttled {
                    retry_after: at - now,
                });
            }
            sleep_until(at).await;
        }
    }

    /// Waits until nobody else logs in with this credential: a wrong one is sent by one of them, and the others hear of it.
    pub async fn login_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.login_turn.lock().await
    }

    /// Sends nothing on this credential any more, as long as the process runs.
    pub fn give_up(&self, because: &PlatformError) {
        // Only the first reason counts.
        let _ = self.given_up.set(because.clone());
    }

    /// Why nothing is sent on this credential any more, if so.
    pub fn given_up(&self) -> Option<PlatformError> {
        self.given_up.get().cloned()
    }

    /// Sends nothing on this credential for a while, because the platform asked for it. Afterwards requests follow at the
    /// steady rate, not as the burst that would cause the next refusal.
    pub fn pause(&self, wait: Duration) {
        let mut state = self.state();
        let until = Instant::now() + wait;
        state.paused_until = state.paused_until.max(until);
        state.drain(until);
    }

    /// Resumes gently after an outage: no burst, and the pace rises to the full rate within half a minute.
    pub fn ramp_up(&self) {
        let mut state = self.state();
        let now = Instant::now();
        state.ramp_until = now + RAMP;
        state.drain(now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an edit as waiting for as long as it lives.
struct WaitingEdit<'a>(&'a watch::Sender<usize>);

impl<'a> WaitingEdit<'a> {
    fn enter(edits: &'a watch::Sender<usize>) -> Self {
        edits.send_modify(|waiting| *waiting += 1);
        Self(edits)
    }
}

impl Drop for WaitingEdit<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

struct State {
    limits: Vec<Weak<Option<RateLimit>>>,
    /// When the next request would be due if all came evenly.
    due: Instant,
    paused_until: Instant,
    ramp_until: Instant,
}

impl State {
    /// Takes a token, or returns when there will be one.
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let (interval, tolerance) = self.pace();
        let early = self.due.checked_sub(tolerance).unwrap_or(now);
        let at = early.max(self.paused_until);
        if at > now {
            return Err(at);
        }
        let ramp = self.ramp_until.saturating_duration_since(now);
        let stretch = ramp.as_secs_f64() / RAMP.as_secs_f64() * f64::from(RAMP_STRETCH);
        self.due = self.due.max(now) + interval + interval.mul_f64(stretch);
        Ok(())
    }

    /// Empties the bucket: from `from` on there is one token, and then one an interval.
    fn drain(&mut self, from: Instant) {
        let (_, tolerance) = self.pace();
        self.due = self.due.max(from + tolerance);
    }

    /// Interval and tolerance under the strictest limit of the platforms that share the credential; both zero when none has a
    /// limit.
    fn pace(&mut self) -> (Duration, Duration) {
        self.limits.retain(|limit| limit.strong_count() > 0);
        let limits = || {
            let living = self.limits.iter().filter_map(Weak::upgrade);
            living.filter_map(|limit| *limit)
        };
        let rate = limits().map(|limit| limit.requests_per_second).min();
        let burst = limits().map(|limit| limit.burst).min();
        match (rate, burst) {
            (Some(rate), Some(burst)) => {
                let interval = Duration::from_secs(1) / rate.get();
                (interval, interval * (burst.get() - 1))
            }
            _ => (Duration::ZERO, Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests;

//! A circuit breaker for each platform: after some failures in a row no request is sent for a while, then one request at a
//! time probes.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::PlatformError;

/// Failures in a row that open the breaker.
const FAILURES: u32 = 5;
/// The first backoff. It doubles with every probe that fails.
const FIRST_REST: Duration = Duration::from_secs(10);
/// The longest backoff.
const LONGEST_REST: Duration = Duration::from_secs(120);

/// Decides whether a platform is worth asking. Only failures of the platform as a whole count: a refusal is an answer, and a
/// wait that the platform asked for is handled by the budget.
pub struct Breaker(Mutex<State>);

enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
        rest: Duration,
        cause: PlatformError,
    },
    Probing {
        rest: Duration,
        cause: PlatformError,
    },
}

impl Default for Breaker {
    fn default() -> Self {
        Self(Mutex::new(State::Closed { failures: 0 }))
    }
}

impl Breaker {
    /// Why no request may be sent now, if so. Never [`PlatformError::Unreachable`]: a request that wasn't sent has no unknown
    /// outcome.
    pub fn refusal(&self) -> Option<PlatformError> {
        match &*self.state() {
            State::Closed { .. } => None,
            State::Open { until, cause, .. } => (Instant::now() < *until).then(|| refusal(cause)),
            State::Probing { cause, .. } => Some(refusal(cause)),
        }
    }

    /// Lets one request through, or says why not.
    ///
    /// # Errors
    /// As [`Breaker::refusal`].
    pub fn enter(&self) -> Result<BreakerPermit<'_>, PlatformError> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        let mut state = self.state();
        let probe = match &*state {
            State::Open { rest, cause, .. } => Some((*rest, cause.clone())),
            State::Closed { .. } | State::Probing { .. } => None,
        };
        let probes = probe.is_some();
        if let Some((rest, cause)) = probe {
            *state = State::Probing { rest, cause };
        }
        Ok(BreakerPermit {
            breaker: self,
            probes,
        })
    }

    /// A failure that shows in no single answer, the nth in a row: as many as open the breaker otherwise open it too, and each
    /// further one for twice as long.
    pub fn fail(&self, in_a_row: u32, cause: &PlatformError) {
        let Some(more) = in_a_row.checked_sub(FAILURES) else {
            return;
        };
        let rest = FIRST_REST
            .saturating_mul(2_u32.saturating_pow(more))
            .min(LONGEST_REST);
        let mut state = self.state();
        if matches!(*state, State::Closed { .. }) {
            *state = open(rest, cause);
        }
    }

    /// A person asks: the next request probes now, whatever is left of the backoff.
    pub fn probe_now(&self) {
        if let State::Open { until, .. } = &mut *self.state() {
            *until = Instant::now();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the words of the failure itself: a condition that repeats them stays unchanged through the whole outage.
fn refusal(cause: &PlatformError) -> PlatformError {
    match cause {
        PlatformError::Unauthorised(_) => cause.clone(),
        _ => PlatformError::Unavailable(cause.to_string()),
    }
}

/// One request on its way. Dropping it unsettled leaves the next request to probe.
#[must_use = "a passage must be settled with the request's outcome"]
pub struct BreakerPermit<'a> {
    breaker: &'a Breaker,
    probes: bool,
}

impl BreakerPermit<'_> {
    /// Records how the request went; true when this ends an outage.
    pub fn settle(mut self, failure: Option<&PlatformError>) -> bool {
        let failure = failure.filter(|failure| counts(failure));
        let probed = std::mem::take(&mut self.probes);
        let mut state = self.breaker.state();
        match (&mut *state, failure) {
            (State::Probing { rest, .. }, Some(cause)) if probed => {
                let rest = (*rest * 2).min(LONGEST_REST);
                *state = open(rest, cause);
            }
            (State::Probing { .. }, None) if probed => {
                *state = State::Closed { failures: 0 };
                return true;
            }
            (State::Closed { failures }, Some(cause)) => {
                *failures += 1;
                if *failures >= FAILURES {
                    *state = open(FIRST_REST, cause);
                }
            }
            (State::Closed { failures }, None) => *failures = 0,
            // A request that was sent before the breaker opened comes too late to decide anything.
            (State::Open { .. } | State::Probing { .. }, _) => {}
        }
        false
    }
}

impl Drop for BreakerPermit<'_> {
    fn drop(&mut self) {
        if !self.probes {
            return;
        }
        let mut state = self.breaker.state();
        if let State::Probing { rest, cause } = &*state {
            *state = State::Open {
                until: Instant::now(),
                rest: *rest,
                cause: cause.clone(),
            };
        }
    }
}

fn open(rest: Duration, cause: &PlatformError) -> State {
    State::Open {
        until: Instant::now() + rest,
        rest,
        cause: cause.clone(),
    }
}

fn counts(error: &PlatformError) -> bool {
    match error {
        PlatformError::Unauthorised(_)
        | PlatformError::Unreachable(_)
        | PlatformError::Unavailable(_)
        | PlatformError::Garbled(_) => true,
        PlatformError::Refused(_)
        | PlatformError::Throttled { .. }
        | PlatformError::NotWriter(_) => false,
    }
}

#[cfg(test)]
mod tests;

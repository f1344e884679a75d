//! The time of day for the operator. A simulation sets it; then it follows tokio's clock, which stands still between events.

use std::cell::Cell;

use jiff::Timestamp;
use tokio::time::Instant;

thread_local! {
    static SIMULATED: Cell<Option<(Instant, Timestamp)>> = const { Cell::new(None) };
}

/// Now.
pub fn now() -> Timestamp {
    match SIMULATED.get() {
        None => Timestamp::now(),
        Some((from, timestamp)) => timestamp + from.elapsed(),
    }
}

/// From now on it is this time on this thread, and time passes with tokio's clock.
pub fn simulate(now: Timestamp) {
    SIMULATED.set(Some((Instant::now(), now)));
}

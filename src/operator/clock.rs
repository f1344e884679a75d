//! The time of day for the operator. A simulation sets it; then it follows tokio's clock, which stands still between events.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

/// How long it matters: the longest wait for what was sent, for the object of a creation that was not answered.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);
/// What the time of day may gain on the monotonic clock without having been set.
const DRIFT: Duration = Duration::from_secs(1);

/// When the clock was set forward, and by how much.
#[derive(Debug, Default)]
struct Watched {
    last: Option<(Instant, Timestamp)>,
    jumps: VecDeque<(Instant, Duration)>,
}

impl Watched {
    const fn new() -> Self {
        Self {
            last: None,
            jumps: VecDeque::new(),
        }
    }

    fn note(&mut self, at: Instant, now: Timestamp) {
        let last = self.last.replace((at, now));
        let gained = last.and_then(|(then, told)| {
            let passed = Duration::try_from(now.duration_since(told)).ok()?;
            passed.checked_sub(at.duration_since(then))
        });
        if let Some(gained) = gained.filter(|gained| *gained > DRIFT) {
            self.jumps.push_back((at, gained));
        }
        while self
            .jumps
            .front()
            .is_some_and(|(then, _)| at.duration_since(*then) > LONGEST_WAIT)
        {
            self.jumps.pop_front();
        }
    }

    fn set_forward(&self) -> Duration {
        self.jumps.iter().map(|(_, gained)| *gained).sum()
    }
}

static WATCHED: Mutex<Watched> = Mutex::new(Watched::new());

thread_local! {
    static SIMULATED: Cell<Option<(Instant, Timestamp)>> = const { Cell::new(None) };
    static SIMULATED_WATCHED: RefCell<Watched> = const { RefCell::new(Watched::new()) };
}

/// Now.
pub fn now() -> Timestamp {
    match SIMULATED.get() {
        None => Timestamp::now(),
        Some((from, timestamp)) => timestamp + from.elapsed(),
    }
}

/// By how much the clock was set forward within the last half hour, as far as that was noticed: no longer is waited for
/// what was sent. A pass that asks for it notices.
pub fn set_forward() -> Duration {
    let (at, now) = (Instant::now(), now());
    let look = |watched: &mut Watched| {
        watched.note(at, now);
        watched.set_forward()
    };
    if SIMULATED.get().is_some() {
        return SIMULATED_WATCHED.with_borrow_mut(look);
    }
    look(&mut WATCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// From now on it is this time on this thread, and time passes with tokio's clock.
pub fn simulate(now: Timestamp) {
    SIMULATED.set(Some((Instant::now(), now)));
}

/// A simulation begins on this thread, at this time.
pub fn begin_simulation(now: Timestamp) {
    simulate(now);
    SIMULATED_WATCHED.set(Watched::default());
}

#[cfg(test)]
mod tests {
    use super::*;

    // F21
    #[tokio::test(start_paused = true)]
    async fn what_the_clock_was_set_forward_by_counts_for_half_an_hour() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
        begin_simulation(start);
        assert_eq!(set_forward(), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(set_forward(), Duration::ZERO, "time passes");
        simulate(now() + Duration::from_secs(1440));
        assert_eq!(set_forward(), Duration::from_secs(1440));
        simulate(now() - Duration::from_secs(3600));
        tokio::time::advance(LONGEST_WAIT).await;
        assert_eq!(
            set_forward(),
            Duration::from_secs(1440),
            "set back is no matter"
        );
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(set_forward(), Duration::ZERO);
    }
}

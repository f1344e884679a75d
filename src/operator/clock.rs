//! The time of day for the operator. A simulation sets it; then it follows tokio's clock, which stands still between events.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::timeline::{Stretch, Timeline};

/// What the time of day may differ from the monotonic clock between two looks without having been set.
const DRIFT: SignedDuration = SignedDuration::from_secs(1);
/// What it may be ahead of the API server's, whose times are rounded and take their way.
const SLACK: SignedDuration = SignedDuration::from_mins(1);
/// How many settings of the clock are remembered.
const MOST: usize = 1000;

/// What was seen of the time of day: when it was set, and to what.
#[derive(Debug, Default)]
struct Watched {
    last: Option<(Instant, Timestamp)>,
    /// Where the present stretch began, once the clock was set.
    from: Option<Timestamp>,
    /// The stretches before it, and when each ended.
    past: VecDeque<(Timestamp, Timestamp, Instant)>,
}

impl Watched {
    const fn new() -> Self {
        Self {
            last: None,
            from: None,
            past: VecDeque::new(),
        }
    }

    /// How far the time of day is ahead of the API server's, if that is news and more than `SLACK`: then it is as if it had been
    /// set forward when the process began, since what was noted before goes by other clocks.
    fn compare(
        &mut self,
        at: Instant,
        now: Timestamp,
        server: Timestamp,
    ) -> Option<SignedDuration> {
        self.look(at, now);
        let ahead = now.duration_since(server);
        if ahead <= SLACK || self.from.is_some() {
            return None;
        }
        self.past.push_back((Timestamp::MIN, server, at));
        self.from = Some(now);
        Some(ahead)
    }

    fn look(&mut self, at: Instant, now: Timestamp) -> Timeline {
        let ago = |then| signed(at.saturating_duration_since(then));
        if let Some((then, told)) = self.last.replace((at, now))
            && (now.duration_since(told) - ago(then)).abs() > DRIFT
        {
            let from = self.from.replace(now).unwrap_or(Timestamp::MIN);
            self.past.push_back((from, told, then));
            if self.past.len() > MOST {
                self.past.pop_front();
            }
        }
        let past = self.past.iter().map(|(from, until, ended)| Stretch {
            from: *from,
            until: *until,
            ended: ago(*ended),
        });
        Timeline::new(past.collect(), self.from.unwrap_or(Timestamp::MIN), now)
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
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

/// Now, and how long ago other times were. Who asks notices whether the clock was set since the last time.
pub fn timeline() -> Timeline {
    if SIMULATED.get().is_some() {
        return SIMULATED_WATCHED.with_borrow_mut(|watched| watched.look(Instant::now(), now()));
    }
    let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
    // Both are read under the lock: an older look after a newer one would seem to set the clock.
    watched.look(Instant::now(), now())
}

/// Compares the time of day with one that the API server has just stamped.
pub fn compare(server: Timestamp) {
    let ahead = if SIMULATED.get().is_some() {
        SIMULATED_WATCHED.with_borrow_mut(|watched| watched.compare(Instant::now(), now(), server))
    } else {
        let mut watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner);
        watched.compare(Instant::now(), now(), server)
    };
    if let Some(ahead) = ahead {
        let seconds = ahead.as_secs();
        tracing::warn!(
            seconds,
            "this machine's clock is ahead of the API server's; deletions wait by the API server's"
        );
    }
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
    async fn a_clock_that_is_set_makes_nothing_older() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let pass = async |seconds| tokio::time::advance(Duration::from_secs(seconds)).await;
        let seconds = SignedDuration::from_secs;
        begin_simulation(start);
        assert_eq!(timeline(), Timeline::from(start));
        pass(60).await;
        assert_eq!(timeline().age(start), seconds(60), "time passes");
        simulate(now() + Duration::from_secs(86_400));
        assert_eq!(timeline().age(start), seconds(60));
        pass(600).await;
        let since = now() - seconds(300);
        assert_eq!(timeline().age(start), seconds(660));
        assert_eq!(timeline().age(since), seconds(300));
        simulate(now() - Duration::from_secs(86_400));
        assert_eq!(timeline().age(since), seconds(0), "it is to come");
        pass(60).await;
        assert_eq!(timeline().age(start), seconds(720));
    }

    // F21, R-N7: a machine that starts two hours ahead ends no wait early.
    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_ahead_from_the_start_makes_nothing_older() {
        let server: Timestamp = "2026-01-01T12:00:00Z".parse().expect("an instant");
        let minutes = SignedDuration::from_mins;
        let deleted = server - minutes(5);
        for ahead in [minutes(120), minutes(2)] {
            begin_simulation(server + ahead);
            compare(server);
            assert_eq!(timeline().age(deleted), minutes(5));
            tokio::time::advance(Duration::from_secs(600)).await;
            compare(server + minutes(10));
            assert_eq!(timeline().age(deleted), minutes(15));
            assert_eq!(timeline().age(now() - minutes(3)), minutes(3), "its own");
        }
        for near in [SignedDuration::from_secs(30), minutes(-5)] {
            begin_simulation(server + near);
            compare(server);
            assert_eq!(timeline(), Timeline::from(now()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_without_end_fills_no_memory() {
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
        begin_simulation(start);
        for _ in 0..2 * MOST {
            timeline();
            simulate(now() + Duration::from_secs(10));
        }
        let age = timeline().age(start);
        assert!(
            age < SignedDuration::from_secs(10),
            "no time has passed: {age}"
        );
        SIMULATED_WATCHED.with_borrow(|watched| assert_eq!(watched.past.len(), MOST));
    }
}

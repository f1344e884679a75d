//! How many deletions went out to a platform within the last hour.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::planner::Turn;

const HOUR: Duration = Duration::from_secs(3600);

/// The deletions of the last hour, oldest first.
#[derive(Debug, Default)]
pub struct Deletions(Mutex<VecDeque<Timestamp>>);

impl Deletions {
    fn recent(&self, now: Timestamp) -> MutexGuard<'_, VecDeque<Timestamp>> {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while times.front().is_some_and(|first| *first + HOUR <= now) {
            times.pop_front();
        }
        times
    }

    /// Takes one of the `most` deletions that may go out within an hour, if one is left.
    pub fn take(&self, most: u32, now: Timestamp) -> Turn {
        let mut times = self.recent(now);
        if times.len() < most as usize {
            times.push_back(now);
            return Turn::Granted;
        }
        // So many have to grow old before there is room for one.
        let surplus = times.len() - most as usize;
        let frees = times.get(surplus).filter(|_| most > 0);
        Turn::Refused(frees.map(|first| *first + HOUR))
    }

    /// How many there were, and when the last was: what survives a restart.
    pub fn summary(&self, now: Timestamp) -> Option<(u32, Timestamp)> {
        let times = self.recent(now);
        let last = *times.back()?;
        Some((u32::try_from(times.len()).unwrap_or(u32::MAX), last))
    }

    /// After a restart: all of them count from the last, so that none is forgotten too early.
    pub fn resume(&self, count: u32, last: Timestamp) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.is_empty() {
            times.extend(std::iter::repeat_n(last, count as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    // R-N7
    #[test]
    fn no_more_go_out_within_any_hour() {
        let deletions = Deletions::default();
        assert_eq!(deletions.take(2, at(0)), Turn::Granted);
        assert_eq!(deletions.take(2, at(600)), Turn::Granted);
        assert_eq!(deletions.take(2, at(601)), Turn::Refused(Some(at(3600))));
        assert_eq!(deletions.take(2, at(3600)), Turn::Granted);
        assert_eq!(deletions.take(2, at(3601)), Turn::Refused(Some(at(4200))));
        assert_eq!(deletions.take(0, at(3601)), Turn::Refused(None));
        assert_eq!(deletions.take(1, at(3601)), Turn::Refused(Some(at(7200))));
    }

    // R-N7, R-N9
    #[test]
    fn a_restart_forgets_none() {
        let deletions = Deletions::default();
        deletions.take(2, at(0));
        deletions.take(2, at(600));
        let (count, last) = deletions.summary(at(700)).expect("two");
        let restarted = Deletions::default();
        restarted.resume(count, last);
        assert_eq!(restarted.take(2, at(3700)), Turn::Refused(Some(at(4200))));
        assert_eq!(restarted.take(2, at(4200)), Turn::Granted);
        assert_eq!(deletions.summary(at(9000)), None);
    }
}

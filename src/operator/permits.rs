//! How many deletions have begun on one account within the last hour: each takes a permit, and `safety.maxDeletionsPerHour`
//! says how many there are.
//!
//! Permits are recorded on the account's Lease before they are used, so that neither a restart nor a change of the leader
//! loses one. Many are recorded in one write.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};

use crate::{planner::DeletionPermit, timeline::Timeline};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// A record of permits counts them by the minute, so that it stays small whatever the limit is.
const MINUTE: i64 = 60;
/// The highest limit that a spec can state.
const MOST: usize = 10_000;

/// The permits of the last hour.
#[derive(Debug, Default)]
pub struct Permits {
    /// When they were taken, oldest first.
    times: Mutex<VecDeque<Timestamp>>,
    /// How many were ever taken here, and how many of them are recorded.
    taken: watch::Sender<u64>,
    written: watch::Sender<u64>,
    /// Requests a write of the record.
    pub unwritten: Notify,
}

impl Permits {
    fn recent(&self, timeline: &Timeline) -> MutexGuard<'_, VecDeque<Timestamp>> {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        while times
            .front()
            .is_some_and(|first| timeline.age(*first) >= HOUR)
        {
            times.pop_front();
        }
        times
    }

    /// Takes one of the `most` permits that there are within an hour, if one is left. It counts once it is recorded.
    pub fn take(&self, most: u32, timeline: &Timeline) -> DeletionPermit {
        let now = timeline.now();
        let mut times = self.recent(timeline);
        if times.len() < most as usize {
            times.push_back(now);
            self.taken.send_modify(|taken| *taken += 1);
            return DeletionPermit::Granted(now);
        }
        // That many must expire before one is available.
        let surplus = times.len() - most as usize;
        let frees = times.get(surplus).filter(|_| most > 0);
        DeletionPermit::Refused(frees.map(|first| *first + HOUR))
    }

    /// Returns a permit that wasn't used.
    pub fn give_back(&self, taken_at: Timestamp) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(position) = times.iter().rposition(|time| *time == taken_at) {
            times.remove(position);
        }
    }

    /// Resolves when all permits taken until now are recorded.
    pub async fn written_down(&self) {
        let wanted = *self.taken.borrow();
        self.unwritten.notify_one();
        let mut written = self.written.subscribe();
        // The sender lives as long as `self`.
        let _ = written.wait_for(|written| *written >= wanted).await;
    }

    /// The record to write, and the last permit that it contains.
    pub fn record(&self, timeline: &Timeline) -> (String, u64) {
        let taken = *self.taken.borrow();
        let mut minutes: BTreeMap<i64, u32> = BTreeMap::new();
        for time in self.recent(timeline).iter() {
            // Rounded up: none is forgotten too early.
            let minute = time.as_second().div_euclid(MINUTE) + 1;
            *minutes.entry(minute).or_default() += 1;
        }
        let counts = minutes
            .iter()
            .map(|(minute, count)| format!("{minute}:{count}"));
        (counts.collect::<Vec<_>>().join(","), taken)
    }

    /// Notes that a record is written.
    pub fn note_written(&self, taken: u64) {
        self.written.send_replace(taken);
    }

    /// After a restart or a change of the leader: the record replaces what is known here. Whoever may write Leases may have
    /// written it: a time to come counts as now, and no more permits are kept than any limit allows.
    pub fn resume(&self, record: &str, timeline: &Timeline) {
        let counted = |part: &str| {
            let (minute, count) = part.split_once(':')?;
            let at = Timestamp::from_second(minute.parse::<i64>().ok()?.checked_mul(MINUTE)?);
            Some((at.ok()?.min(timeline.now()), count.parse::<u32>().ok()?))
        };
        let mut counts: Vec<_> = record.split(',').filter_map(counted).collect();
        counts.sort_unstable();
        let newest_first = counts.into_iter().rev();
        let mut times: VecDeque<Timestamp> = newest_first
            .flat_map(|(at, count)| std::iter::repeat_n(at, count as usize))
            .take(MOST)
            .collect();
        times.make_contiguous().reverse();
        *self.times.lock().unwrap_or_else(PoisonError::into_inner) = times;
        drop(self.recent(timeline));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::Stretch;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    fn time(second: i64) -> Timeline {
        at(second).into()
    }

    fn granted(second: i64) -> DeletionPermit {
        DeletionPermit::Granted(at(second))
    }

    fn refused(second: i64) -> DeletionPermit {
        DeletionPermit::Refused(Some(at(second)))
    }

    // R-N7
    #[test]
    fn no_more_begin_within_any_hour() {
        let permits = Permits::default();
        assert_eq!(permits.take(2, &time(0)), granted(0));
        assert_eq!(permits.take(2, &time(600)), granted(600));
        assert_eq!(permits.take(2, &time(601)), refused(3600));
        assert_eq!(permits.take(2, &time(3600)), granted(3600));
        assert_eq!(permits.take(2, &time(3601)), refused(4200));
        assert_eq!(permits.take(0, &time(3601)), DeletionPermit::Refused(None));
        assert_eq!(permits.take(1, &time(3601)), refused(7200));
    }

    // R-N7
    #[test]
    fn one_that_was_not_used_is_there_for_another() {
        let permits = Permits::default();
        permits.take(1, &time(0));
        permits.give_back(at(0));
        assert_eq!(permits.take(1, &time(1)), granted(1));
        permits.give_back(at(0));
        assert_eq!(permits.take(1, &time(2)), refused(3601));
    }

    // R-N7, R-N9: each counts a minute longer at most, and none is forgotten.
    #[test]
    fn a_restart_forgets_none() {
        let permits = Permits::default();
        permits.take(3, &time(0));
        permits.take(3, &time(600));
        permits.take(3, &time(601));
        let (record, taken) = permits.record(&time(700));
        assert_eq!((record.as_str(), taken), ("1:1,11:2", 3));
        let restarted = Permits::default();
        restarted.resume(&record, &time(700));
        assert_eq!(restarted.take(3, &time(3659)), refused(3660));
        assert_eq!(restarted.take(3, &time(3660)), granted(3660));
        assert_eq!(restarted.take(3, &time(3661)), refused(4260));
        restarted.resume("", &time(3700));
        assert_eq!(restarted.take(1, &time(3700)), granted(3700));
        restarted.resume("nonsense,7:x,:,1:", &time(3700));
        assert_eq!(restarted.record(&time(3700)).0, "");
    }

    // R-N9
    #[tokio::test]
    async fn a_permit_is_written_down_before_it_is_used() {
        let permits = Permits::default();
        permits.take(9, &time(0));
        let waiting = permits.written_down();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        permits.note_written(permits.record(&time(1)).1);
        assert!(futures::poll!(&mut waiting).is_ready());
    }

    // R-N9, F21
    #[test]
    fn a_clock_that_is_set_forward_frees_no_permit() {
        let permits = Permits::default();
        permits.take(1, &time(0));
        let set = |now| {
            let before = Stretch {
                from: Timestamp::MIN,
                until: at(60),
                ended: SignedDuration::from_secs(now - 90_000),
            };
            Timeline::new(vec![before], at(90_000), at(now))
        };
        assert_eq!(permits.take(1, &set(90_000)), refused(3600));
        assert_eq!(permits.take(1, &set(93_539)), refused(3600));
        assert_eq!(permits.take(1, &set(93_540)), granted(93_540));
    }

    // F24: the record is an annotation, which others may write too.
    #[test]
    fn a_record_with_odd_values_neither_fills_the_memory_nor_reaches_into_the_future() {
        let permits = Permits::default();
        let now = time(600_000);
        permits.resume(
            "9999:4294967295,4223370000:3,x,:,5:-1,4223371680000:1",
            &now,
        );
        assert_eq!(permits.recent(&now).len(), MOST);
        assert_eq!(permits.take(10, &now), refused(599_940 + 3600));
        assert_eq!(permits.take(3, &now), refused(600_000 + 3600));
        permits.resume("9223372036854775807:1,-377705116:1", &now);
        assert_eq!(permits.take(1, &now), granted(600_000));
    }
}

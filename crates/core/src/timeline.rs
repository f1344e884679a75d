//! How long ago something was, where the time of day was set meanwhile.

use jiff::{SignedDuration, Timestamp};

/// How far an instant that was noted lies from the time at which that was.
const ROUNDED: SignedDuration = SignedDuration::from_secs(2);

/// The time of day as a process has seen it: stretches in which it passed as the monotonic clock did, oldest first. What
/// came before the process counts as the beginning of the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    past: Vec<Stretch>,
    /// When the clock was last set; `MIN` where it never was.
    from: Timestamp,
    now: Timestamp,
}

/// The time between two settings of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The time of day at its beginning; `MIN` for the first.
    pub from: Timestamp,
    /// The time of day at its end.
    pub until: Timestamp,
    /// How long ago it ended.
    pub ended: SignedDuration,
}

impl From<Timestamp> for Timeline {
    /// Nobody has set the clock, as far as is known.
    fn from(now: Timestamp) -> Self {
        Self::new(Vec::new(), Timestamp::MIN, now)
    }
}

impl Timeline {
    /// The clock was last set when these stretches had passed; it was `from` then, and is `now`.
    pub fn new(past: Vec<Stretch>, from: Timestamp, now: Timestamp) -> Self {
        Self { past, from, now }
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How long ago this was, at least: never longer than the time of day says, and where the clock was set forward since, only
    /// the time that passed.
    pub fn age(&self, at: Timestamp) -> SignedDuration {
        let told = self.now.duration_since(at);
        self.passed_since(at).min(told).max(SignedDuration::ZERO)
    }

    fn passed_since(&self, at: Timestamp) -> SignedDuration {
        let mut next = Stretch {
            from: self.from,
            until: self.now,
            ended: SignedDuration::ZERO,
        };
        for stretch in std::iter::once(next).chain(self.past.iter().rev().copied()) {
            if stretch.from <= at && at <= stretch.until {
                return stretch.ended + stretch.until.duration_since(at);
            }
            if stretch.until < at && at < next.from {
                // This clock skipped it: it is another's time, or was noted here, rounded, when the clock had just been set.
                let here = next.from.duration_since(at) <= ROUNDED;
                return if here {
                    next.begun()
                } else {
                    stretch.ended - at.duration_since(stretch.until)
                };
            }
            next = stretch;
        }
        // Before all that is remembered.
        next.begun()
    }
}

impl Stretch {
    /// How long ago it began.
    fn begun(self) -> SignedDuration {
        self.ended + self.until.duration_since(self.from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-01-{time}:00Z").parse().expect("an instant")
    }

    fn stretch(from: Timestamp, until: &str, ended: i64) -> Stretch {
        Stretch {
            from,
            until: at(until),
            ended: SignedDuration::from_mins(ended),
        }
    }

    #[track_caller]
    fn is_old(timeline: &Timeline, time: &str, minutes: i64) {
        let age = timeline.age(at(time));
        assert_eq!(age, SignedDuration::from_mins(minutes), "{time}");
    }

    #[test]
    fn where_nobody_set_the_clock_it_tells_how_old_things_are() {
        let timeline = Timeline::from(at("01T12:00"));
        is_old(&timeline, "01T11:58", 2);
        is_old(&timeline, "01T12:00", 0);
        is_old(&timeline, "01T12:01", 0);
    }

    // F21
    #[test]
    fn what_a_clock_that_is_set_forward_skips_makes_nothing_older() {
        let past = vec![stretch(Timestamp::MIN, "01T12:00", 10)];
        let set = at("02T12:00");
        let timeline = Timeline::new(past, set, at("02T12:10"));
        is_old(&timeline, "01T11:50", 20);
        is_old(&timeline, "01T12:00", 10);
        is_old(&timeline, "02T12:04", 6);
        // Another clock, which is right, told this six minutes ago.
        is_old(&timeline, "01T12:04", 6);
        is_old(&timeline, "01T18:00", 0);
        let rounded = timeline.age(set - SignedDuration::from_millis(400));
        assert_eq!(rounded, SignedDuration::from_mins(10));
    }

    // F21: an intent is noted by the whole second, and a hasty repetition is a second object.
    #[test]
    fn what_was_noted_as_the_clock_was_set_back_is_no_older_than_that() {
        let past = vec![stretch(Timestamp::MIN, "01T12:00", 0)];
        let set = at("01T11:00");
        let half = SignedDuration::from_millis(400);
        let timeline = Timeline::new(past, set, set);
        assert_eq!(timeline.age(set - half), half);
        assert_eq!(timeline.age(set + half), SignedDuration::ZERO);
        is_old(&timeline, "01T11:30", 0);
    }

    // R-N7, F21: a machine starts with a clock that is a day ahead, and is corrected an hour later.
    #[test]
    fn what_right_clocks_told_is_no_older_once_a_wrong_one_is_corrected() {
        let past = vec![stretch(Timestamp::MIN, "02T12:00", 60)];
        let timeline = Timeline::new(past, at("01T12:00"), at("01T13:00"));
        is_old(&timeline, "01T11:30", 90);
        is_old(&timeline, "01T12:30", 30);
        is_old(&timeline, "02T11:30", 0);
    }

    // F21
    #[test]
    fn of_two_times_that_look_alike_the_last_one_counts() {
        let past = vec![
            stretch(Timestamp::MIN, "02T12:00", 30),
            stretch(at("02T10:00"), "02T10:10", 20),
        ];
        let timeline = Timeline::new(past, at("03T10:00"), at("03T10:20"));
        is_old(&timeline, "02T10:05", 25);
        is_old(&timeline, "02T11:00", 0);
        is_old(&timeline, "02T09:00", 210);
        is_old(&timeline, "03T10:15", 5);
    }

    // F21
    #[test]
    fn what_is_older_than_all_that_is_remembered_is_as_old_as_that() {
        let past = vec![stretch(at("01T12:00"), "01T13:00", 10)];
        let timeline = Timeline::new(past, at("02T12:00"), at("02T12:10"));
        is_old(&timeline, "01T11:00", 70);
    }
}

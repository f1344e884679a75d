//! How long ago something was, where the time of day was set meanwhile.

use jiff::{SignedDuration, Timestamp};

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

    /// How long ago it was this time of day, at least: the last time that it was, if several times. What was skipped counts
    /// from the setting of the clock, and what is to come as now.
    pub fn age(&self, at: Timestamp) -> SignedDuration {
        let present = Stretch {
            from: self.from,
            until: self.now,
            ended: SignedDuration::ZERO,
        };
        let mut next = present;
        for stretch in std::iter::once(present).chain(self.past.iter().rev().copied()) {
            if stretch.from <= at && at <= stretch.until {
                return stretch.ended + stretch.until.duration_since(at);
            }
            if stretch.until < at && at < next.from {
                return next.ended + next.until.duration_since(next.from);
            }
            next = stretch;
        }
        SignedDuration::ZERO
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
        let timeline = Timeline::new(past, at("02T12:00"), at("02T12:10"));
        is_old(&timeline, "01T11:50", 20);
        is_old(&timeline, "01T12:00", 10);
        is_old(&timeline, "01T18:00", 10);
        is_old(&timeline, "02T12:04", 6);
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
        is_old(&timeline, "02T11:00", 20);
        is_old(&timeline, "02T09:00", 210);
        is_old(&timeline, "02T13:00", 20);
        is_old(&timeline, "03T10:15", 5);
    }
}

//! Simulated clients: what they stored, consumed, backed up and restored, as pure functions of seed, client and day.
//!
//! Every client backs up once a day at midnight UTC, so figures move with the day and stand still within it. A client
//! looks back on 90 days when it appears.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::item::{Load, Pause};

/// Days since 1970-01-01, UTC.
pub(super) type Day = i64;

/// Days that a client looks back on when it appears.
const HISTORY: Day = 90;
const SECONDS_OF_DAY: i64 = 86_400;

/// The day of an instant.
pub(super) fn day(at: Timestamp) -> Day {
    at.as_second().div_euclid(SECONDS_OF_DAY)
}

/// The instant at which a day starts.
pub(super) fn midnight(day: Day) -> Timestamp {
    Timestamp::from_second(day * SECONDS_OF_DAY).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The calendar date of a day.
pub(super) fn date(day: Day) -> Date {
    midnight(day).to_zoned(TimeZone::UTC).date()
}

/// How a backup ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Successful,
    Failed,
    Missed,
}

impl Outcome {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Successful => "Successful",
            Self::Failed => "Failed",
            Self::Missed => "Missed",
        }
    }
}

/// One simulated client.
#[derive(Debug, Clone)]
pub(super) struct Client<'a> {
    /// Seed of the estate mixed with the client's identity.
    pub key: u64,
    /// What it backs up.
    pub load: &'a Load,
    /// The day on which it appeared.
    pub since: Day,
    /// When it, or something above it, was switched off.
    pub pauses: &'a [Pause],
}

/// A well-spread number from a text (FNV-1a, finished by `spread`).
pub(super) fn hash(text: &str) -> u64 {
    spread(text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    }))
}

/// Spreads a number over all 64 bits (the finaliser of `SplitMix64`).
pub(super) fn spread(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number in 0..10,000 that depends on all that is given.
fn draw(key: u64, topic: u64, at: Day) -> u64 {
    spread(key ^ spread(topic.wrapping_mul(0x51_7cc1) ^ at.cast_unsigned())) % 10_000
}

const TROUBLE: u64 = 1;
const JOB: u64 = 2;
const STREAK: u64 = 3;
const RESTORE: u64 = 4;
const RESTORED: u64 = 5;

impl Client<'_> {
    /// How the backup of a day ended; `None` when there was none.
    pub fn outcome(&self, day: Day) -> Option<Outcome> {
        if !self.ran(day) {
            return None;
        }
        // Most clients are reliable, a few aren't, and now and then one fails for days on end.
        let odds = match draw(self.key, TROUBLE, 0) {
            0..400 => 900,
            400..1500 => 250,
            _ => 60,
        };
        let fortnight = (day + (self.key % 14).cast_signed()).div_euclid(14);
        let streak = draw(self.key, STREAK, fortnight) < 120;
        let luck = draw(self.key, JOB, day);
        Some(match () {
            () if streak || luck < odds => Outcome::Failed,
            () if luck < odds + odds / 4 => Outcome::Missed,
            () => Outcome::Successful,
        })
    }

    /// Whether a restore was run on a day, and whether it succeeded.
    pub fn restore(&self, day: Day) -> Option<bool> {
        let ran = day >= self.since - HISTORY && draw(self.key, RESTORE, day) < 40;
        ran.then(|| draw(self.key, RESTORED, day) >= 300)
    }

    /// The day of the last restore that succeeded, however long ago.
    pub fn last_restore(&self, today: Day) -> Option<Day> {
        let days = self.since - HISTORY..=today;
        days.rev().find(|day| self.restore(*day) == Some(true))
    }

    /// Bytes stored at the end of a day: grows about a thousandth a day, and not while it is switched off.
    pub fn stored(&self, day: Day) -> u64 {
        if day < self.since - HISTORY {
            return 0;
        }
        let standstill = self
            .pauses
            .iter()
            .filter(|pause| pause.to.is_none())
            .map(|pause| self::day(pause.from))
            .min();
        let grown = (standstill.map_or(day, |from| from.min(day)) - (self.since - HISTORY))
            .max(0)
            .cast_unsigned();
        let stored = u128::from(self.load.storage) * u128::from(8_900 + 11 * grown) / 10_000;
        u64::try_from(stored).unwrap_or(u64::MAX)
    }

    /// Millionths of a credit consumed on a day.
    pub fn consumed(&self, day: Day) -> u64 {
        if self.ran(day) { self.load.credits } else { 0 }
    }

    /// Id of the job of a day.
    pub fn job(&self, day: Day) -> String {
        (self.key % 900_000 * 100_000 + day.unsigned_abs()).to_string()
    }

    fn ran(&self, day: Day) -> bool {
        let run = midnight(day);
        let paused = |pause: &Pause| pause.from <= run && pause.to.is_none_or(|to| run < to);
        day >= self.since - HISTORY && !self.pauses.iter().any(paused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TODAY: Day = 20_800;

    fn load() -> Load {
        Load {
            workload: "MSSQL".into(),
            storage: 100 << 30,
            credits: 100_000,
        }
    }

    fn client<'a>(key: u64, load: &'a Load, pauses: &'a [Pause]) -> Client<'a> {
        Client {
            key: spread(key),
            load,
            since: TODAY,
            pauses,
        }
    }

    #[test]
    fn most_jobs_succeed_and_some_clients_are_failing_now() {
        let load = load();
        let (mut total, mut successful, mut failing) = (0u32, 0u32, 0u32);
        for key in 0..2_000 {
            let client = client(key, &load, &[]);
            let outcomes: Vec<_> = (TODAY - 29..=TODAY)
                .filter_map(|day| client.outcome(day))
                .collect();
            total += u32::try_from(outcomes.len()).expect("few");
            successful += u32::try_from(
                outcomes
                    .iter()
                    .filter(|outcome| **outcome == Outcome::Successful)
                    .count(),
            )
            .expect("few");
            failing += u32::from(
                outcomes
                    .iter()
                    .rev()
                    .take(3)
                    .all(|outcome| *outcome == Outcome::Failed),
            );
        }
        assert_eq!(total, 60_000);
        let percent = f64::from(successful) * 100.0 / f64::from(total);
        assert!((96.5..99.0).contains(&percent), "{percent}");
        assert!((5..100).contains(&failing), "{failing}");
    }

    #[test]
    fn what_is_switched_off_stops_backing_up_and_growing() {
        // R-V8, R-D31
        let load = load();
        let off = [Pause {
            from: midnight(TODAY - 10),
            to: None,
        }];
        let (stopped, running) = (client(1, &load, &off), client(1, &load, &[]));
        assert_eq!(stopped.outcome(TODAY - 10), None);
        assert_eq!(stopped.outcome(TODAY), None);
        assert_eq!(stopped.outcome(TODAY - 11), running.outcome(TODAY - 11));
        assert_eq!(stopped.stored(TODAY), running.stored(TODAY - 10));
        assert_eq!(stopped.consumed(TODAY), 0);
    }

    #[test]
    fn a_pause_that_is_over_left_a_gap() {
        let load = load();
        let over = [Pause {
            from: midnight(TODAY - 10),
            to: Some(midnight(TODAY - 5)),
        }];
        let client = client(1, &load, &over);
        assert_eq!(
            (TODAY - 29..=TODAY)
                .filter(|day| client.outcome(*day).is_some())
                .count(),
            25
        );
    }

    proptest! {
        #[test]
        fn storage_only_grows_and_stays_in_proportion(key: u64, at in 0i64..200) {
            let load = load();
            let client = client(key, &load, &[]);
            prop_assert!(client.stored(TODAY - 90 + at) <= client.stored(TODAY - 89 + at));
            prop_assert!(client.stored(TODAY) < 100 << 30);
            prop_assert!(client.stored(TODAY) > 95 << 30);
        }

        #[test]
        fn the_past_never_changes(key: u64, back in 0i64..80) {
            let load = load();
            let (one, other) = (client(key, &load, &[]), client(key, &load, &[]));
            prop_assert_eq!(one.outcome(TODAY - back), other.outcome(TODAY - back));
            prop_assert_eq!(one.job(TODAY - back), other.job(TODAY - back));
        }
    }
}

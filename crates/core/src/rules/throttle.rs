//! When backup traffic is throttled, and at what rate.

use jiff::{
    Timestamp,
    civil::{Time, Weekday},
    tz::TimeZone,
};

use crate::api::shared::{BandwidthMode, BandwidthWindow, EffectiveBandwidth};

/// Whether traffic is throttled at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// It isn't.
    Free,
    /// It is: to so many bits per second, or to the platform's own rate where none is stated.
    To(Option<u64>),
}

/// Whether a setting throttles at an instant. Hours are those of the clock on the wall in the window's zone, or in `home`
/// where it names none: an hour that a switch of daylight saving skips is never there, and one that it repeats counts both
/// times. A weekend is Saturday and Sunday by the calendar, also for a window that began the day before. Serves R-V9.
///
/// # Errors
/// What can't be read: a time of day, or a zone that the time zone database doesn't have.
pub fn throttle(
    setting: &EffectiveBandwidth,
    at: Timestamp,
    home: &TimeZone,
) -> Result<Throttle, jiff::Error> {
    let applies = match (setting.mode, &setting.window) {
        (BandwidthMode::Always, _) => true,
        (BandwidthMode::Window, Some(window)) => covers(window, at, home)?,
        (BandwidthMode::Window, None) | (BandwidthMode::Inherit | BandwidthMode::Unlimited, _) => {
            false
        }
    };
    let rate = || {
        let rate = setting.max_rate.as_ref()?;
        rate.bits_per_second().ok()
    };
    Ok(if applies {
        Throttle::To(rate())
    } else {
        Throttle::Free
    })
}

fn covers(window: &BandwidthWindow, at: Timestamp, home: &TimeZone) -> Result<bool, jiff::Error> {
    let zone = match &window.time_zone {
        Some(name) => TimeZone::get(name)?,
        None => home.clone(),
    };
    let (from, to) = (time_of_day(&window.from)?, time_of_day(&window.to)?);
    let here = at.to_zoned(zone);
    let weekend = matches!(here.weekday(), Weekday::Saturday | Weekday::Sunday);
    if weekend && window.except_weekends == Some(true) {
        return Ok(false);
    }
    let time = here.time();
    Ok(if from < to {
        from <= time && time < to
    } else {
        from <= time || time < to
    })
}

fn time_of_day(text: &str) -> Result<Time, jiff::Error> {
    Time::strptime("%H:%M", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::quantity::Rate;

    fn window(
        from: &str,
        to: &str,
        zone: Option<&str>,
        except_weekends: bool,
    ) -> EffectiveBandwidth {
        EffectiveBandwidth {
            mode: BandwidthMode::Window,
            window: Some(BandwidthWindow {
                from: from.into(),
                to: to.into(),
                time_zone: zone.map(Into::into),
                except_weekends: Some(except_weekends),
            }),
            max_rate: Some(Rate::new("20M")),
            from: None,
        }
    }

    fn applies(setting: &EffectiveBandwidth, at: &str) -> bool {
        let at = at.parse().expect("an instant");
        let home = TimeZone::get("America/New_York").expect("a zone");
        throttle(setting, at, &home).expect("a readable window") == Throttle::To(Some(20_000_000))
    }

    // R-V9
    #[test]
    fn a_window_throttles_from_its_first_minute_to_before_its_last() {
        let berlin = window("08:00", "18:00", Some("Europe/Berlin"), true);
        let night = window("22:00", "06:00", Some("Europe/Berlin"), true);
        let table = [
            // Winter: one hour ahead of UTC. 2026-11-25 is a Wednesday.
            (&berlin, "2026-11-25T06:59:59Z", false),
            (&berlin, "2026-11-25T07:00:00Z", true),
            (&berlin, "2026-11-25T16:59:59Z", true),
            (&berlin, "2026-11-25T17:00:00Z", false),
            // Summer: two hours ahead.
            (&berlin, "2026-07-15T05:59:59Z", false),
            (&berlin, "2026-07-15T06:00:00Z", true),
            // Saturday and Sunday are free, Monday isn't.
            (&berlin, "2026-11-28T10:00:00Z", false),
            (&berlin, "2026-11-29T10:00:00Z", false),
            (&berlin, "2026-11-30T10:00:00Z", true),
            // Over midnight, with the weekend beginning at midnight on Friday and ending at midnight on Sunday.
            (&night, "2026-11-25T21:00:00Z", true),
            (&night, "2026-11-26T04:59:59Z", true),
            (&night, "2026-11-26T05:00:00Z", false),
            (&night, "2026-11-26T20:59:59Z", false),
            (&night, "2026-11-27T22:59:59Z", true),
            (&night, "2026-11-27T23:00:00Z", false),
            (&night, "2026-11-29T22:59:59Z", false),
            (&night, "2026-11-29T23:00:00Z", true),
        ];
        for (setting, at, expected) in table {
            assert_eq!(applies(setting, at), expected, "{at}");
        }
    }

    // R-V9
    #[test]
    fn the_clock_on_the_wall_counts_over_both_switches_of_daylight_saving() {
        // 2026-03-29: 02:00 becomes 03:00 in Berlin, at 01:00 UTC. What would begin at 02:30 begins at 03:00.
        let spring = window("02:30", "04:00", Some("Europe/Berlin"), false);
        // 2026-10-25: 03:00 becomes 02:00 in Berlin, at 01:00 UTC. 02:30 comes twice.
        let autumn = window("02:30", "04:00", Some("Europe/Berlin"), false);
        let office = window("08:00", "18:00", Some("Europe/Berlin"), false);
        let table = [
            (&spring, "2026-03-29T00:59:59Z", false),
            (&spring, "2026-03-29T01:00:00Z", true),
            (&spring, "2026-03-29T01:59:59Z", true),
            (&spring, "2026-03-29T02:00:00Z", false),
            (&autumn, "2026-10-25T00:29:59Z", false),
            (&autumn, "2026-10-25T00:30:00Z", true),
            (&autumn, "2026-10-25T01:00:00Z", false),
            (&autumn, "2026-10-25T01:30:00Z", true),
            (&autumn, "2026-10-25T03:00:00Z", false),
            // The same hour of the day, an hour apart in UTC, the day before and after each switch.
            (&office, "2026-03-28T07:00:00Z", true),
            (&office, "2026-03-28T06:59:59Z", false),
            (&office, "2026-03-30T06:00:00Z", true),
            (&office, "2026-10-24T06:00:00Z", true),
            (&office, "2026-10-26T06:59:59Z", false),
            (&office, "2026-10-26T07:00:00Z", true),
        ];
        for (setting, at, expected) in table {
            assert_eq!(applies(setting, at), expected, "{at}");
        }
    }

    // R-V9
    #[test]
    fn without_a_zone_the_platforms_own_counts_and_modes_need_no_clock() {
        let here = window("08:00", "18:00", None, false);
        assert!(applies(&here, "2026-11-25T13:00:00Z"));
        assert!(!applies(&here, "2026-11-25T12:59:59Z"));
        let at = |mode, max_rate| {
            let setting = EffectiveBandwidth {
                mode,
                window: None,
                max_rate,
                from: None,
            };
            throttle(&setting, Timestamp::UNIX_EPOCH, &TimeZone::UTC).expect("no window to read")
        };
        assert_eq!(at(BandwidthMode::Always, None), Throttle::To(None));
        assert_eq!(
            at(BandwidthMode::Always, Some(Rate::new("5M"))),
            Throttle::To(Some(5_000_000))
        );
        assert_eq!(at(BandwidthMode::Unlimited, None), Throttle::Free);
        assert_eq!(at(BandwidthMode::Inherit, None), Throttle::Free);
    }

    #[test]
    fn a_zone_that_nobody_knows_is_an_error() {
        let nowhere = window("08:00", "18:00", Some("Mars/Olympus"), false);
        let outcome = throttle(&nowhere, Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        assert!(outcome.is_err(), "{outcome:?}");
    }
}

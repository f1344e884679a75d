//! Months of a service level.

use jiff::ToSpan as _;
use proptest::prelude::*;

use super::*;

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "as a report says it, which may say nothing"
)]
fn kept(meeting: u64, held: u64) -> Option<Kept> {
    Some(Kept { meeting, held })
}

fn shown(months: &[Attainment]) -> Vec<(&str, u64, u64, u32, String)> {
    let until = |month: &Attainment| month.until.map(|day| day.to_string()).unwrap_or_default();
    let shown = months.iter().map(|month| {
        (
            &*month.month,
            month.meeting,
            month.total,
            month.days,
            until(month),
        )
    });
    shown.collect()
}

// R-N10: a day counts once, whatever the later reports of it say; the next adds to it.
#[test]
fn each_day_counts_once() {
    let (first, due) = attained(&[], None, kept(6, 7), day("2026-11-03"), None);
    assert!(due, "the first is written");
    assert_eq!(first[0].percent, Some(85));
    let (same, due) = attained(&first, kept(6, 7), kept(0, 7), day("2026-11-03"), None);
    assert_eq!((&same, due), (&first, false));
    let (next, due) = attained(&first, kept(6, 7), kept(7, 7), day("2026-11-04"), None);
    assert_eq!(shown(&next), [("2026-11", 13, 14, 2, "2026-11-04".into())]);
    assert!(!due, "a day more is no reason to write");
    let (back, _) = attained(&next, kept(7, 7), kept(0, 7), day("2026-11-01"), None);
    assert_eq!(back, next, "a report from before changes nothing");
}

// R-N10: what wasn't written, since nothing had changed, is counted as it stood, up to a week; a longer gap is unknown.
#[test]
fn days_in_between_are_as_the_last_report_before_them() {
    let (first, _) = attained(&[], None, kept(7, 7), day("2026-11-01"), None);
    let (week, due) = attained(&first, kept(7, 7), kept(6, 7), day("2026-11-08"), None);
    assert_eq!(shown(&week), [("2026-11", 55, 56, 8, "2026-11-08".into())]);
    assert!(due, "after a week it is written");
    let (gap, due) = attained(&first, kept(7, 7), kept(6, 7), day("2026-11-09"), None);
    assert_eq!(shown(&gap), [("2026-11", 13, 14, 2, "2026-11-09".into())]);
    assert!(due);
}

// R-N10: with the first report of another month the old one is completed and written; then it stays.
#[test]
fn a_month_that_is_over_is_completed_and_stays() {
    let (october, _) = attained(&[], None, kept(4, 7), day("2026-10-29"), None);
    let (both, due) = attained(&october, kept(4, 7), kept(7, 7), day("2026-11-01"), None);
    assert!(due);
    let wanted = [
        ("2026-10", 12, 21, 3, "2026-10-31".to_owned()),
        ("2026-11", 7, 7, 1, "2026-11-01".to_owned()),
    ];
    assert_eq!(shown(&both), wanted);
    let (later, _) = attained(&both, kept(7, 7), kept(0, 7), day("2026-11-05"), None);
    assert_eq!(later[0], both[0]);
}

// R-N10: where nothing is held to a service level nothing is counted, and what was counted stays.
#[test]
fn without_a_promise_nothing_is_counted() {
    assert_eq!(
        attained(&[], None, None, day("2026-11-01"), None),
        (vec![], false)
    );
    assert_eq!(
        attained(&[], None, kept(0, 0), day("2026-11-01"), None),
        (vec![], false)
    );
    let (first, _) = attained(&[], None, kept(7, 7), day("2026-11-01"), None);
    let (ended, due) = attained(&first, None, None, day("2026-12-20"), None);
    assert_eq!((ended, due), (first, false));
}

/// What a report every so many days leaves, from the first of November on; nothing changes, so that it is written only when it is due.
fn every(days: i64, until: &str, seen: bool) -> Vec<Attainment> {
    let (mut months, _) = attained(&[], None, kept(7, 7), day("2026-11-01"), None);
    let mut before = day("2026-11-01");
    let next = |day: &Date| day.checked_add(days.days()).ok();
    let reports = std::iter::successors(next(&before), next);
    for today in reports.take_while(|today| *today <= day(until)) {
        let said = seen.then_some(before);
        let (next, due) = attained(&months, kept(7, 7), kept(7, 7), today, said);
        if due {
            months = next;
        }
        before = today;
    }
    months
}

// R-N10: reports need not come on the very day after a week.
#[test]
fn days_that_were_seen_count_whatever_the_interval_of_reports() {
    for interval in [1, 2, 3, 5, 7] {
        let months = every(interval, "2026-11-22", true);
        let until = months[0].until.expect("a day");
        assert!(until >= day("2026-11-15"), "{interval}: {until}");
        assert_eq!(
            months[0].days,
            u32::from(until.day().unsigned_abs()),
            "{interval}"
        );
    }
    let unseen = every(2, "2026-11-09", false);
    assert_eq!(
        shown(&unseen),
        [("2026-11", 14, 14, 2, "2026-11-09".into())]
    );
}

// R-N10: a report that was seen a week ago or longer, or one that was itself a week or longer after the day that is written, says
// nothing of the days after it.
#[test]
fn what_was_seen_reaches_no_further_than_a_week() {
    let (first, _) = attained(&[], None, kept(7, 7), day("2026-11-01"), None);
    let days = |seen: &str, today: &str| {
        let (months, due) = attained(&first, kept(7, 7), kept(7, 7), day(today), Some(day(seen)));
        assert!(due);
        months[0].days
    };
    assert_eq!(days("2026-11-08", "2026-11-15"), 15);
    assert_eq!(days("2026-11-08", "2026-11-16"), 2);
    assert_eq!(days("2026-11-09", "2026-11-10"), 2);
    assert_eq!(days("2026-10-31", "2026-11-09"), 2);
}

proptest! {
    // R-N10: whatever is seen on whichever days, months are in order, at most thirteen, never better than whole, each within its
    // days, and those that are over never change again.
    #[test]
    fn months_are_bounded_and_those_over_are_frozen(reports in prop::collection::vec((0_i64..40, 0_u64..9, 0_u64..9), 1..60)) {
        let mut today = day("2026-01-31");
        let (mut months, mut last): (Vec<Attainment>, Option<Kept>) = (Vec::new(), None);
        for (later, meeting, more) in reports {
            today = today.checked_add(later.days()).expect("a day");
            let now = kept(meeting, meeting + more);
            let (next, _) = attained(&months, last, now, today, None);
            prop_assert!(next.len() <= MONTHS);
            prop_assert!(next.is_sorted_by(|one, other| one.month < other.month));
            for month in &next {
                let until = month.until.expect("a day");
                prop_assert_eq!(until.strftime("%Y-%m").to_string(), month.month.clone());
                prop_assert!(i64::from(month.days) <= i64::from(until.day()) && until <= today);
                prop_assert!(month.meeting <= month.total && month.total > 0);
            }
            let name = today.strftime("%Y-%m").to_string();
            let current = months.last().map(|month| month.month.clone());
            let over = months.iter().filter(|month| Some(&month.month) != current.as_ref() && month.month != name);
            for month in over {
                let kept = next.iter().find(|other| other.month == month.month);
                prop_assert!(kept.is_none_or(|kept| kept == month));
            }
            (months, last) = (next, now);
        }
    }
}

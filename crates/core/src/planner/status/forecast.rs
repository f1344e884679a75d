//! The day on which a quota runs out, by what is known month by month. Serves R-N6, R-N16.

use jiff::{ToSpan, civil::Date};

use crate::api::shared::MonthUsage;

/// Fewer points, or points closer together, are no trend.
const POINTS: usize = 3;
/// Days that the points span at least.
const SPAN: i32 = 28;
/// Days ahead after which nothing is foretold.
const HORIZON: f64 = 3650.0;
/// Months whose credits are added up, to compare with the 90 days of status.
const QUARTER: usize = 3;
/// These days.
const WINDOW: u128 = 90;

/// How a quota will fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// Less is known than a trend needs.
    TooLittle,
    /// At the present rate it isn't used up within ten years.
    NotInSight,
    /// It is used up on this day, at the present rate; today when it is already.
    On(Date),
}

impl Outlook {
    /// The day.
    pub fn day(self) -> Option<Date> {
        match self {
            Self::On(day) => Some(day),
            Self::TooLittle | Self::NotInSight => None,
        }
    }
}

/// What was used on some days, and what may be. The last point is now.
///
/// The rate is the median of the slopes between all pairs of points (Theil and Sen): a month that stands out doesn't change it.
pub fn outlook(points: &[(Date, u64)], limit: u64) -> Outlook {
    let Some((today, used)) = points.last().copied() else {
        return Outlook::TooLittle;
    };
    if used >= limit {
        return Outlook::On(today);
    }
    let span = points.first().map_or(0, |(first, _)| days(*first, today));
    if points.len() < POINTS || span < SPAN {
        return Outlook::TooLittle;
    }
    let rate = rate(points);
    let left = amount(limit - used) / rate;
    if rate <= 0.0 || left > HORIZON {
        return Outlook::NotInSight;
    }
    #[allow(clippy::cast_possible_truncation, reason = "at most the horizon")]
    let left = left.ceil() as i64;
    today
        .checked_add(left.days())
        .map_or(Outlook::NotInSight, Outlook::On)
}

/// Amount a day: the median of all slopes.
fn rate(points: &[(Date, u64)]) -> f64 {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (at, (from, before)) in points.iter().enumerate() {
        for (to, after) in &points[at + 1..] {
            let days = days(*from, *to);
            if days > 0 {
                slopes.push((amount(*after) - amount(*before)) / f64::from(days));
            }
        }
    }
    slopes.sort_by(f64::total_cmp);
    let middle = slopes.len() / 2;
    match slopes.len() {
        0 => 0.0,
        length if length % 2 == 1 => slopes[middle],
        _ => f64::midpoint(slopes[middle - 1], slopes[middle]),
    }
}

fn days(from: Date, to: Date) -> i32 {
    to.since(from).map_or(0, |span| span.get_days())
}

#[allow(
    clippy::cast_precision_loss,
    reason = "bytes and thousandths of credits stay below 2^53"
)]
fn amount(number: u64) -> f64 {
    number as f64
}

/// Storage at the ends of the months that are over, and now.
pub fn stored(months: &[MonthUsage], now: u64, today: Date) -> Vec<(Date, u64)> {
    let most = |month: &MonthUsage| month.storage_max.as_ref()?.bytes().ok();
    let over = over(months, today).filter_map(|(end, month)| Some((end, most(month)?)));
    over.chain([(today, now)]).collect()
}

/// Credits of each three months that follow each other, as so many as 90 days have of them, at the ends of those that are over; and
/// those of the 90 days up to now.
///
/// A report begins within a month, so the first month that is known may have only its last days, and one before a gap only its
/// first. Neither is in a sum.
pub fn consumed(months: &[MonthUsage], now: u64, today: Date) -> Vec<(Date, u64)> {
    let of = |month: &MonthUsage| month.credits.as_ref()?.amount().ok();
    let over: Vec<(Date, u64)> = over(months, today)
        .filter_map(|(end, month)| Some((end, of(month)?)))
        .collect();
    let follow = |months: &[(Date, u64)]| {
        let mut pairs = months.windows(2);
        pairs.all(|pair| days(pair[0].0, pair[1].0) <= 31)
    };
    let quarters = over.windows(QUARTER + 1).enumerate();
    let whole = quarters.filter(|(at, months)| {
        let last = at + QUARTER;
        let next = over.get(last..last + 2);
        follow(months) && next.is_none_or(follow)
    });
    let sums = whole.map(|(_, months)| {
        let (before, last) = (months[0].0, months[QUARTER].0);
        let sum: u128 = months[1..].iter().map(|month| u128::from(month.1)).sum();
        (last, scaled(sum, days(before, last)))
    });
    sums.chain([(today, now)]).collect()
}

/// What so many days have, as 90 days would have it, rounded.
fn scaled(sum: u128, days: i32) -> u64 {
    let days = u128::from(days.max(1).unsigned_abs());
    u64::try_from((sum * WINDOW + days / 2) / days).unwrap_or(u64::MAX)
}

/// The months that are over, with their last days.
fn over(months: &[MonthUsage], today: Date) -> impl Iterator<Item = (Date, &MonthUsage)> {
    months.iter().filter_map(move |month| {
        let first: Date = format!("{}-01", month.month).parse().ok()?;
        let end = first.last_of_month();
        (end < today).then_some((end, month))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::quantity::{Credits, Size};

    fn day(at: i64) -> Date {
        let first: Date = "2026-01-31".parse().expect("a day");
        first.checked_add(at.days()).expect("a day")
    }

    fn month(name: &str, bytes: u64, credits: i64) -> MonthUsage {
        MonthUsage {
            month: name.into(),
            storage_max: Some(Size::from_bytes(bytes)),
            credits: Some(Credits::from_milli(credits)),
        }
    }

    // R-N16
    #[test]
    fn too_little_is_no_trend() {
        assert_eq!(outlook(&[], 10), Outlook::TooLittle);
        assert_eq!(
            outlook(&[(day(0), 1), (day(90), 2)], 10),
            Outlook::TooLittle
        );
        assert_eq!(
            outlook(&[(day(0), 1), (day(1), 2), (day(27), 3)], 10),
            Outlook::TooLittle
        );
        assert_eq!(
            outlook(&[(day(0), 1), (day(1), 2), (day(28), 29)], 30),
            Outlook::On(day(29))
        );
        assert_eq!(
            outlook(&[(day(0), 10)], 10),
            Outlook::On(day(0)),
            "it is full whatever is known"
        );
    }

    // R-N16
    #[test]
    fn months_that_are_over_count_at_their_ends() {
        let months = [
            month("2026-07", 4, 5000),
            month("2026-08", 5, 100),
            month("2026-09", 6, 200),
            month("2026-10", 7, 620),
            month("2026-11", 99, 4),
            month("x", 1, 1),
        ];
        let today: Date = "2026-11-26".parse().expect("a day");
        assert_eq!(
            stored(&months, 8, today),
            [
                (date("2026-07-31"), 4),
                (date("2026-08-31"), 5),
                (date("2026-09-30"), 6),
                (date("2026-10-31"), 7),
                (today, 8)
            ]
        );
        assert_eq!(
            consumed(&months, 7, today),
            [(date("2026-10-31"), 900), (today, 7)]
        );
        let gap = [
            month("2026-05", 5, 1),
            month("2026-09", 6, 2),
            month("2026-10", 7, 3),
        ];
        assert_eq!(consumed(&gap, 7, today), [(today, 7)]);
    }

    fn date(text: &str) -> Date {
        text.parse().expect("a day")
    }

    /// A thousand thousandths a day from the first day of a report on, to a later day, by month.
    fn level(from: &str, today: &str) -> (Vec<MonthUsage>, Date) {
        let (from, today) = (date(from), date(today));
        let next = |day: &Date| day.tomorrow().ok();
        let each = std::iter::successors(Some(from), next).take_while(|day| *day <= today);
        let mut months: Vec<(String, i64)> = Vec::new();
        for day in each {
            let name = day.strftime("%Y-%m").to_string();
            match months.last_mut().filter(|(month, _)| *month == name) {
                Some((_, credits)) => *credits += 1000,
                None => months.push((name, 1000)),
            }
        }
        let months = months.into_iter();
        let months = months.map(|(name, credits)| month(&name, 0, credits));
        (months.collect(), today)
    }

    // R-N16: a report begins within a month, and quarters have 89 to 92 days.
    #[test]
    fn level_use_of_credits_never_runs_out() {
        for today in ["2026-12-05", "2027-01-01", "2027-03-15", "2027-05-31"] {
            let (months, today) = level("2026-08-30", today);
            let found = outlook(&consumed(&months, 90_000, today), 93_000);
            assert_eq!(found.day(), None, "{today}: {found:?}");
        }
        let (months, today) = level("2026-08-30", "2027-01-01");
        assert_eq!(
            consumed(&months, 90_000, today),
            [
                (date("2026-11-30"), 90_000),
                (date("2026-12-31"), 90_000),
                (today, 90_000)
            ]
        );
    }

    // R-N16: while nobody looked, a month may have been kept as it was within it, and another begun within a report.
    #[test]
    fn months_beside_a_gap_are_in_no_quarter() {
        let (early, _) = level("2026-01-01", "2026-06-10");
        let (late, today) = level("2026-08-20", "2027-01-01");
        let months = [early, late].concat();
        assert_eq!(
            consumed(&months, 90_000, today),
            [
                (date("2026-04-30"), 90_000),
                (date("2026-05-31"), 90_000),
                (date("2026-11-30"), 90_000),
                (date("2026-12-31"), 90_000),
                (today, 90_000)
            ]
        );
    }

    proptest! {
        // R-N16, R-N6: what grows by so much a day is full when what is left is used up.
        #[test]
        fn a_steady_rate_is_found(start in 0_u64..1 << 40, rate in 1_u64..1 << 30, points in 3_i64..14, left in 1_i64..3_000) {
            let points: Vec<(Date, u64)> = (0..points).map(|at| (day(at * 30), start + rate * u64::try_from(at * 30).expect("few"))).collect();
            let (today, used) = points[points.len() - 1];
            let limit = used + rate * u64::try_from(left).expect("few");
            prop_assert_eq!(outlook(&points, limit), Outlook::On(today.checked_add(left.days()).expect("a day")));
        }

        // R-N16: one month that stands out, of seven, doesn't turn a steady growth into another day by more than a fifth.
        #[test]
        fn one_outlier_changes_little(at in 0_usize..6, odd in 0_u64..1 << 40) {
            let mut points: Vec<(Date, u64)> = (0..7).map(|at: u64| (day(i64::try_from(at).expect("few") * 30), (100 + at) << 30)).collect();
            points[at].1 = odd;
            let Outlook::On(found) = outlook(&points, 116 << 30) else { panic!("in sight") };
            let left = days(day(180), found);
            prop_assert!((240..=360).contains(&left), "{left}");
        }

        // R-N16: never before today, never beyond the horizon, and a larger limit never runs out earlier.
        #[test]
        fn more_never_runs_out_earlier(used in prop::collection::vec(0_u64..1 << 50, 0..14), limit in 1_u64..1 << 50, more in 0_u64..1 << 50) {
            let points: Vec<(Date, u64)> = used.iter().zip(0..).map(|(used, at)| (day(at * 30), *used)).collect();
            let (one, other) = (outlook(&points, limit), outlook(&points, limit + more));
            if let (Some(one), Some((today, _))) = (one.day(), points.last()) {
                prop_assert!(one >= *today && f64::from(days(*today, one)) <= HORIZON);
            }
            match (one.day(), other.day()) {
                (Some(one), Some(other)) => prop_assert!(one <= other),
                (None, later) => prop_assert_eq!(later, None),
                (Some(_), None) => {}
            }
        }
    }
}

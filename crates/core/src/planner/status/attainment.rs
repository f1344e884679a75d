//! How a service level was kept, month by month. Serves R-N10.
//!
//! Each day counts once: the first report of it. Status is written when something else in it changes, at the end of a month, and
//! after a week at the latest; the days in between are as the last report before them said, since a change would have been written.

#[cfg(test)]
mod tests;

use jiff::civil::Date;

use super::consumption::percent;
use crate::api::shared::Attainment;

/// Months kept.
const MONTHS: usize = 13;
/// Days without a report of their own that count as the last one before them. After longer nothing is known of them.
const WEEK: i32 = 7;

/// Data sources that meet a service level, and those that are held to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub meeting: u64,
    pub held: u64,
}

/// The months with a report of `today`, and whether they have to be written although nothing else has changed. `before` is what the
/// last report before said.
pub fn attained(
    previous: &[Attainment],
    before: Option<Kept>,
    now: Option<Kept>,
    today: Date,
) -> (Vec<Attainment>, bool) {
    let mut months = previous.to_vec();
    let until = previous.last().and_then(|month| month.until);
    if until.is_some_and(|until| until >= today) {
        return (months, false);
    }
    if let Some(until) = until {
        let gap = days_between(until, today) - 1;
        let known = before.filter(|_| gap < WEEK);
        for day in known.iter().flat_map(|_| between(until, today)) {
            count(&mut months, day, known);
        }
    }
    count(&mut months, today, now);
    let superfluous = months.len().saturating_sub(MONTHS);
    months.drain(..superfluous);
    let due = months != previous && is_due(until, today);
    (months, due)
}

/// Whether a month has ended, or a week.
fn is_due(until: Option<Date>, today: Date) -> bool {
    until.is_none_or(|until| {
        until.first_of_month() != today.first_of_month() || days_between(until, today) >= WEEK
    })
}

/// The days after one and before another.
fn between(until: Date, today: Date) -> impl Iterator<Item = Date> {
    let next = |day: &Date| day.tomorrow().ok();
    let days = std::iter::successors(next(&until), next);
    days.take_while(move |day| *day < today)
}

fn days_between(from: Date, to: Date) -> i32 {
    to.since(from).map_or(0, |span| span.get_days())
}

/// One day more, where anything is known of it.
fn count(months: &mut Vec<Attainment>, day: Date, kept: Option<Kept>) {
    let Some(kept) = kept.filter(|kept| kept.held > 0) else {
        return;
    };
    let name = day.strftime("%Y-%m").to_string();
    if months.last().is_none_or(|month| month.month != name) {
        months.push(Attainment {
            month: name,
            ..Attainment::default()
        });
    }
    if let Some(month) = months.last_mut() {
        month.meeting = month.meeting.saturating_add(kept.meeting);
        month.total = month.total.saturating_add(kept.held);
        month.percent = percent(month.meeting, month.total);
        month.days += 1;
        month.until = Some(day);
    }
}

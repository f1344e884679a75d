//! How a service level was kept, month by month. Serves R-N10.
//!
//! Each day counts once: the first report of it. Status is written when something else in it changes, at the end of a month, and
//! with the first report after a week; the days in between are as the last report before them said, since a change would have been written.

#[cfg(test)]
mod tests;

use jiff::civil::Date;

use super::consumption::percent;
use crate::api::shared::Attainment;

/// Months kept.
const MONTHS: usize = 13;
/// Days after a report within which the next one has to come. After longer nothing is known of those in between.
const WEEK: i32 = 7;

/// Data sources that meet a service level, and those that are held to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub meeting: u64,
    pub held: u64,
}

/// The months with a report of `today`, and whether they have to be written although nothing else has changed. `before` is what the
/// last report before said, and `seen` the last day before today on which there was one, written or not.
pub fn attained(
    previous: &[Attainment],
    before: Option<Kept>,
    now: Option<Kept>,
    today: Date,
    seen: Option<Date>,
) -> (Vec<Attainment>, bool) {
    let mut months = previous.to_vec();
    let until = previous.last().and_then(|month| month.until);
    if until.is_some_and(|until| until >= today) {
        return (months, false);
    }
    if let Some(until) = until {
        let known = before.filter(|_| reaches(until, seen, today));
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

/// Whether what is written of one day still stood on those before another: a week later, or two where a report in between was seen.
/// A change in that one would have been written, and so would itself after more than a week.
fn reaches(until: Date, seen: Option<Date>, today: Date) -> bool {
    let within = |from: Date, to: Date| from <= to && days_between(from, to) <= WEEK;
    within(until, today) || seen.is_some_and(|seen| within(until, seen) && within(seen, today))
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

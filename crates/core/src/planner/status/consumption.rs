//! From the platform's consumption report to `status.usage`.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    forecast::{self, Outlook},
    limits::Quotas,
};
use crate::{
    api::{
        quantity::{Credits, Size, display_bytes},
        shared::{Forecast, MonthUsage, Usage},
    },
    estate,
};

/// Days that consumption is reported for. R-D15.
const USAGE_DAYS: u32 = 90;
/// Months kept.
const MONTHS: usize = 13;

/// Consumption as status shows it, by the row of a report and its date. The earlier figures stay when only their time has changed,
/// and until there are new figures: a restart loses nothing, and a report without a row says nothing.
pub fn usage(
    previous: Option<&Usage>,
    row: Option<&estate::Consumption>,
    as_of: Option<Timestamp>,
    quotas: Quotas,
) -> Option<Usage> {
    let Some((row, as_of)) = row.zip(as_of) else {
        return previous.cloned();
    };
    let next = figures(previous, row, as_of, quotas);
    let today = as_of.to_zoned(TimeZone::UTC).date();
    let same = previous.filter(|previous| timeless(previous) == timeless(&next));
    if let Some(same) = same.filter(|same| quotas.settled && holds_still(same, quotas, today)) {
        return Some(same.clone());
    }
    let next = foretold(previous, next, row, quotas, today);
    let unchanged = |same: &&Usage| {
        same.quota_exhausted_on == next.quota_exhausted_on && same.forecast == next.forecast
    };
    Some(same.filter(unchanged).cloned().unwrap_or(next))
}

/// A row with the months that status still has and the platform tells no longer: reports reach back some 90 days, and may begin
/// within a month. A platform that keeps no months is sampled instead.
pub fn remembering(row: &estate::Consumption, known: Option<&Usage>) -> estate::Consumption {
    let mut row = row.clone();
    let known = known.map_or(&[][..], |usage| &usage.months);
    let is_over = row.months.len() > 1;
    let Some(first) = row.months.first_mut() else {
        return row;
    };
    let known = known.iter().map(remembered);
    let (mut earlier, rest): (Vec<_>, Vec<_>) = known.partition(|known| known.month < first.month);
    let mut rest = rest.iter().filter(|_| is_over);
    if let Some(same) = rest.find(|known| known.month == first.month) {
        first.storage_max_bytes = first.storage_max_bytes.max(same.storage_max_bytes);
        first.credits = first.credits.max(same.credits);
    }
    earlier.append(&mut row.months);
    row.months = earlier;
    row
}

/// What status says of a customer that a report leaves out, as a row; nothing where its storage was never known. Its months only
/// where the platform keeps months: with those of one alone, the sum of several would have too little in them.
pub fn last_known(
    customer: &estate::ObjectId,
    known: &Usage,
    with_months: bool,
) -> Option<estate::Consumption> {
    let milli = known.credits.as_ref().map(Credits::milli);
    let credits = milli.and_then(Result::ok).map(|milli| Sum {
        milli,
        ..Sum::default()
    });
    let months = known.months.iter().filter(|_| with_months);
    Some(estate::Consumption {
        customer_id: customer.clone(),
        tenant_id: None,
        storage_bytes: known.storage.as_ref()?.bytes().ok()?,
        credits: credits.map(|sum| sum.credits()),
        months: months.map(remembered).collect(),
    })
}

fn remembered(month: &MonthUsage) -> estate::MonthlyConsumption {
    let bytes = month
        .storage_max
        .as_ref()
        .and_then(|size| size.bytes().ok());
    let milli = month
        .credits
        .as_ref()
        .and_then(|credits| credits.milli().ok());
    let credits = Sum {
        milli: milli.unwrap_or(0),
        ..Sum::default()
    };
    estate::MonthlyConsumption {
        month: month.month.clone(),
        storage_max_bytes: bytes.unwrap_or(0),
        credits: credits.credits(),
    }
}

/// A row in the words of status, without what follows from it.
fn figures(
    previous: Option<&Usage>,
    row: &estate::Consumption,
    as_of: Timestamp,
    quotas: Quotas,
) -> Usage {
    let mut months: Vec<MonthUsage> = row.months.iter().map(month).collect();
    if months.is_empty() {
        months = sampled(previous, row.storage_bytes, as_of);
    }
    let superfluous = months.len().saturating_sub(MONTHS);
    Usage {
        as_of: Some(as_of),
        // Of a platform without credits nothing is told about days: what is stored is stored now.
        days: row.credits.map(|_| USAGE_DAYS),
        storage: Some(Size::from_bytes(row.storage_bytes)),
        credits: row.credits.map(credits),
        storage_percent: quotas
            .storage
            .and_then(|limit| percent(row.storage_bytes, limit)),
        quota_exhausted_on: None,
        forecast: None,
        months: months.split_off(superfluous),
    }
}

/// Without the time, and without what is foretold, which moves with it.
fn timeless(usage: &Usage) -> Usage {
    Usage {
        as_of: None,
        quota_exhausted_on: None,
        forecast: None,
        ..usage.clone()
    }
}

/// Whether what was foretold from the same figures still stands: its day hasn't passed, and it tells of the limits that there are.
fn holds_still(said: &Usage, quotas: Quotas, today: Date) -> bool {
    let ahead = said.quota_exhausted_on.is_none_or(|day| day >= today);
    let limited = quotas.storage.is_some() || quotas.credits.is_some();
    ahead && said.forecast.is_some() == limited
}

/// R-N16: with what the months tell of the quotas, and the day on which the first of them is used up.
fn foretold(
    previous: Option<&Usage>,
    mut next: Usage,
    row: &estate::Consumption,
    quotas: Quotas,
    today: Date,
) -> Usage {
    let used = row.credits.and_then(|used| credits(used).amount().ok());
    let storage = quotas.storage.map(|limit| {
        let points = forecast::stored(&next.months, row.storage_bytes, today);
        forecast::outlook(&points, limit)
    });
    let credits = quotas.credits.zip(used).map(|(limit, used)| {
        let points = forecast::consumed(&next.months, used, today);
        forecast::outlook(&points, limit)
    });
    let outlooks: Vec<Outlook> = [storage, credits].into_iter().flatten().collect();
    next.quota_exhausted_on = outlooks.iter().filter_map(|outlook| outlook.day()).min();
    next.forecast = if next.quota_exhausted_on.is_some() {
        Some(Forecast::RunsOut)
    } else if outlooks.contains(&Outlook::TooLittle) {
        Some(Forecast::TooLittleKnown)
    } else {
        outlooks.first().map(|_| Forecast::NotInSight)
    };
    // What is full still was full on that day.
    let was = previous.and_then(|previous| previous.quota_exhausted_on);
    let since = was.filter(|since| *since <= today && next.quota_exhausted_on == Some(today));
    next.quota_exhausted_on = since.or(next.quota_exhausted_on);
    next
}

/// Several rows as one: what all customers below a reseller use. Months are added up by their names. None without any row.
pub fn summed<'a>(
    rows: impl IntoIterator<Item = &'a estate::Consumption>,
) -> Option<estate::Consumption> {
    let mut rows = rows.into_iter().peekable();
    rows.peek()?;
    let (mut total, mut has_credits) = (Sum::default(), false);
    let mut months: BTreeMap<&str, Sum> = BTreeMap::new();
    for row in rows {
        total.add(row.storage_bytes, row.credits.unwrap_or_default());
        has_credits |= row.credits.is_some();
        for month in &row.months {
            let sum = months.entry(&month.month).or_default();
            sum.add(month.storage_max_bytes, month.credits);
        }
    }
    let months = months
        .into_iter()
        .map(|(month, sum)| estate::MonthlyConsumption {
            month: month.to_owned(),
            storage_max_bytes: sum.bytes,
            credits: sum.credits(),
        });
    Some(estate::Consumption {
        customer_id: estate::ObjectId::new(""),
        tenant_id: None,
        storage_bytes: total.bytes,
        credits: has_credits.then(|| total.credits()),
        months: months.collect(),
    })
}

/// Bytes and thousandths of credits: whole numbers, of which the sum is the same in any order.
#[derive(Default)]
struct Sum {
    bytes: u64,
    milli: i64,
}

impl Sum {
    fn add(&mut self, bytes: u64, amount: f64) {
        self.bytes = self.bytes.saturating_add(bytes);
        let milli = credits(amount).milli().unwrap_or_default();
        self.milli = self.milli.saturating_add(milli);
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "thousandths of credits stay far below 2^53"
    )]
    fn credits(&self) -> f64 {
        self.milli as f64 / 1000.0
    }
}

/// The months of a platform that keeps none, as far as they were seen: what was stored most in the current one, the earlier
/// ones as they were.
fn sampled(previous: Option<&Usage>, stored: u64, as_of: Timestamp) -> Vec<MonthUsage> {
    let current = as_of.strftime("%Y-%m").to_string();
    let mut months = previous.map_or_else(Vec::new, |usage| usage.months.clone());
    let before = months.pop_if(|month| month.month == current);
    let before = before.and_then(|month| month.storage_max?.bytes().ok());
    months.push(MonthUsage {
        month: current,
        storage_max: Some(Size::from_bytes(before.unwrap_or(0).max(stored))),
        credits: None,
    });
    months
}

fn month(month: &estate::MonthlyConsumption) -> MonthUsage {
    MonthUsage {
        month: month.month.clone(),
        storage_max: Some(Size::from_bytes(month.storage_max_bytes)),
        credits: Some(credits(month.credits)),
    }
}

/// Credits to a thousandth.
#[allow(
    clippy::cast_possible_truncation,
    reason = "credits stay far below 2^53"
)]
pub fn credits(amount: f64) -> Credits {
    Credits::from_milli((amount * 1000.0).round() as i64)
}

/// Whole percent, rounded down, so that 100 means full.
pub fn percent(part: u64, whole: u64) -> Option<u32> {
    if whole == 0 {
        return None;
    }
    u32::try_from((u128::from(part) * 100 / u128::from(whole)).min(100_000)).ok()
}

/// Bytes for a column.
pub fn shown(bytes: u64) -> String {
    display_bytes(bytes)
}

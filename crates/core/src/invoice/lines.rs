//! The invoice lines of a month.

use std::collections::{BTreeMap, BTreeSet};

use super::month::{Billed, Counted, Month, days_of};
use crate::api::plan::BillingUnit;

/// How much a line can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The month is over and every day was seen.
    Final,
    /// Days are missing, or a part of the month was lost.
    Incomplete,
    /// The month isn't over.
    Open,
}

impl State {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Incomplete => "incomplete",
            Self::Open => "open",
        }
    }
}

/// One invoice line. Quantities are in thousandths of the unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `namespace/name` of the `BackupPlatform`.
    pub platform: String,
    /// `namespace/name` of the Customer.
    pub customer: String,
    /// The provider's own number.
    pub reference: Option<String>,
    /// The reseller directly in charge.
    pub reseller: Option<String>,
    /// The provider's article number.
    pub sku: String,
    /// What is counted.
    pub unit: BillingUnit,
    /// How much was used.
    pub quantity: u64,
    /// How much is included in the price.
    pub included: u64,
    /// What goes beyond that.
    pub to_bill: u64,
    /// Days with a figure.
    pub days: u8,
    /// Days of the month that weren't seen; of one that isn't over those up to the last that was.
    pub missing: Vec<u8>,
    /// How much it can be relied on.
    pub state: State,
}

/// The lines of a month: one a customer, reseller, SKU, unit and included quantity, in this order.
pub fn lines(month: &Month) -> Vec<Line> {
    let customers = month.customers.iter();
    customers
        .flat_map(|(name, billed)| of_customer(month, name, billed))
        .collect()
}

fn of_customer(month: &Month, name: &str, billed: &Billed) -> Vec<Line> {
    let seen: BTreeSet<u8> = month.seen.difference(&billed.unknown).copied().collect();
    let last = if month.frozen {
        days_of(&month.month)
    } else {
        seen.last().copied()
    };
    let missing: Vec<u8> = (1..=last.unwrap_or(0))
        .filter(|day| !seen.contains(day))
        .collect();
    let state = if !month.frozen {
        State::Open
    } else if month.lost || !missing.is_empty() {
        State::Incomplete
    } else {
        State::Final
    };
    let known = billed.counted.iter().any(|one| !one.days.is_empty());
    let shown = billed
        .counted
        .iter()
        .filter(|one| !known || !one.days.is_empty());
    let mut alike: BTreeMap<_, Vec<&Counted>> = BTreeMap::new();
    for counted in shown {
        let key = (
            &counted.reseller,
            &counted.sku,
            counted.unit,
            counted.included,
        );
        alike.entry(key).or_default().push(counted);
    }
    let line = |((reseller, sku, unit, included), counted): (
        (&Option<String>, &String, _, u32),
        Vec<&Counted>,
    )| {
        let days = by_day(&counted);
        // On a day without a figure of some tenant, those that have one are sure of theirs.
        let is_sure = |day: &u8| {
            let of_all = counted.iter().all(|counted| counted.days.contains_key(day));
            of_all || !billed.unknown.contains(day)
        };
        let sure: BTreeSet<u8> = month.seen.iter().copied().filter(is_sure).collect();
        let quantity = quantity(unit, &days, &sure);
        let included = u64::from(included) * 1000;
        Line {
            platform: month.platform.clone(),
            customer: name.to_owned(),
            reference: billed.reference.clone(),
            reseller: reseller.clone(),
            sku: sku.clone(),
            unit,
            quantity,
            included,
            to_bill: quantity.saturating_sub(included),
            days: u8::try_from(days.len()).unwrap_or(u8::MAX),
            missing: missing.clone(),
            state,
        }
    };
    alike.into_iter().map(line).collect()
}

/// Tenants that count alike are added up day by day.
fn by_day(counted: &[&Counted]) -> BTreeMap<u8, u64> {
    let mut days: BTreeMap<u8, u64> = BTreeMap::new();
    for (day, quantity) in counted.iter().flat_map(|counted| &counted.days) {
        let sum = days.entry(*day).or_default();
        *sum = sum.saturating_add(*quantity);
    }
    days
}

/// In thousandths of the unit. A mean is over all days that were seen and are sure: one on which the customer wasn't there, or
/// counted as something else, is a day with nothing.
fn quantity(unit: BillingUnit, days: &BTreeMap<u8, u64>, sure: &BTreeSet<u8>) -> u64 {
    match unit {
        BillingUnit::GiBMonth => {
            let of_sure = days.iter().filter(|(day, _)| sure.contains(day));
            mean(of_sure.map(|(_, bytes)| bytes), sure.len())
        }
        BillingUnit::Credit => days
            .values()
            .fold(0, |sum, milli| sum.saturating_add(*milli)),
        BillingUnit::Seat | BillingUnit::Client => {
            let most = days.values().max().copied().unwrap_or(0);
            most.saturating_mul(1000)
        }
    }
}

/// The mean of bytes in thousandths of a GiB, rounded half up to hundredths.
fn mean<'a>(bytes: impl Iterator<Item = &'a u64>, days: usize) -> u64 {
    let sum: u128 = bytes.map(|bytes| u128::from(*bytes)).sum();
    let divisor = (days.max(1) as u128) << 30;
    let hundredths = (sum * 200 + divisor) / (2 * divisor);
    u64::try_from(hundredths.saturating_mul(10)).unwrap_or(u64::MAX)
}

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
    let later = Later::of(month);
    let mut customers: BTreeMap<&String, Vec<Seen<'_>>> = BTreeMap::new();
    for (name, billed) in &month.customers {
        let known = billed.counted.iter().any(|one| !one.days.is_empty());
        let shown = billed
            .counted
            .iter()
            .filter(|one| !known || !one.days.is_empty());
        for counted in shown {
            let under = later.name(counted).unwrap_or(name);
            let all = customers.entry(under).or_default();
            all.push(Seen { counted, billed });
        }
    }
    let lines = customers.into_iter().filter_map(|(name, seen)| {
        let billed = month.customers.get(name)?;
        Some(of_customer(month, name, billed, seen))
    });
    lines.flatten().collect()
}

/// Days that count alike, and of whom.
#[derive(Clone, Copy)]
struct Seen<'a> {
    counted: &'a Counted,
    billed: &'a Billed,
}

/// Where a highest day is billed, an object whose customer was made anew under another name: its days are all under the later one,
/// since each name has a highest day of its own.
struct Later<'a>(BTreeMap<Alike<'a>, (u8, &'a String)>);

/// What an object counts as: its id, reseller, SKU, unit and included quantity.
type Alike<'a> = (&'a String, &'a Option<String>, &'a String, BillingUnit, u32);

impl<'a> Later<'a> {
    fn of(month: &'a Month) -> Self {
        let mut later = BTreeMap::new();
        for (name, billed) in &month.customers {
            for counted in &billed.counted {
                let last = counted.days.keys().next_back();
                if let (Some(alike), Some(last)) = (alike(counted), last) {
                    let latest = later.entry(alike).or_insert((*last, name));
                    *latest = (*latest).max((*last, name));
                }
            }
        }
        Self(later)
    }

    fn name(&self, counted: &'a Counted) -> Option<&'a String> {
        let (_, name) = self.0.get(&alike(counted)?)?;
        Some(name)
    }
}

fn alike(counted: &Counted) -> Option<Alike<'_>> {
    let object = counted.object.as_ref()?;
    let highest = matches!(counted.unit, BillingUnit::Seat | BillingUnit::Client);
    highest.then_some((
        object,
        &counted.reseller,
        &counted.sku,
        counted.unit,
        counted.included,
    ))
}

/// Days of the month that weren't seen of a line, and how much it can be relied on.
fn gaps(month: &Month, unknown: &BTreeSet<u8>) -> (Vec<u8>, State) {
    let seen: BTreeSet<u8> = month.seen.difference(unknown).copied().collect();
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
    (missing, state)
}

/// Days that are unknown of a line: those of the customer, and those of its earlier name on which nothing was counted.
fn unknown(billed: &Billed, seen: &[Seen<'_>], days: &BTreeMap<u8, u64>) -> BTreeSet<u8> {
    let others = seen.iter().map(|one| one.billed);
    let others = others.filter(|other| !std::ptr::eq(*other, billed));
    let earlier = others.flat_map(|other| &other.unknown);
    let earlier = earlier.filter(|day| !days.contains_key(day));
    billed.unknown.iter().chain(earlier).copied().collect()
}

fn of_customer(month: &Month, name: &str, billed: &Billed, seen: Vec<Seen<'_>>) -> Vec<Line> {
    let mut alike: BTreeMap<_, Vec<Seen<'_>>> = BTreeMap::new();
    for one in seen {
        let counted = one.counted;
        let key = (
            &counted.reseller,
            &counted.sku,
            counted.unit,
            counted.included,
        );
        alike.entry(key).or_default().push(one);
    }
    let line = |((reseller, sku, unit, included), seen): (
        (&Option<String>, &String, _, u32),
        Vec<Seen<'_>>,
    )| {
        let counted: Vec<&Counted> = seen.iter().map(|one| one.counted).collect();
        let days = by_day(&counted);
        let (missing, state) = gaps(month, &unknown(billed, &seen, &days));
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
            missing,
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

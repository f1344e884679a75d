//! One month on one platform: which days were seen, and each customer's figures of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::figure::{Figure, Final, Subject};
use crate::api::plan::BillingUnit;

/// How many days a month has; `None` when it is no month such as `2026-10`.
pub fn days_of(month: &str) -> Option<u8> {
    let first: Date = format!("{month}-01").parse().ok()?;
    Some(first.days_in_month().unsigned_abs())
}

/// A month on a platform. What is noted of a day is never changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Month {
    /// `namespace/name` of the `BackupPlatform`.
    pub platform: String,
    /// `2026-10`.
    pub month: String,
    /// Whether the month is over: then nothing in it changes any more.
    pub frozen: bool,
    /// Whether a part of it was lost: it is never computed again.
    #[serde(default)]
    pub lost: bool,
    /// Days on which the platform reported consumption.
    pub seen: BTreeSet<u8>,
    /// By `namespace/name`.
    pub customers: BTreeMap<String, Billed>,
}

/// A customer's month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Billed {
    /// The provider's own number, as seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Days that were seen without a figure of this customer.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unknown: BTreeSet<u8>,
    /// Its days, under what they count as.
    pub counted: Vec<Counted>,
}

/// Days that count alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// The tenant; `None` for the customer as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The id on the platform of what was counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The reseller directly in charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reseller: Option<String>,
    /// The provider's article number.
    pub sku: String,
    /// What is counted.
    pub unit: BillingUnit,
    /// Units included in the price.
    pub included: u32,
    /// Thousandths of a credit of this month that were consumed while another unit was billed.
    #[serde(default, skip_serializing_if = "is_none")]
    pub before: u64,
    /// Day by day: bytes, thousandths of a credit, seats or clients.
    pub days: BTreeMap<u8, u64>,
}

/// Of serde: most days have none.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none(before: &u64) -> bool {
    *before == 0
}

impl Month {
    /// One of which nothing was seen yet.
    pub fn new(platform: &str, month: &str) -> Self {
        Self {
            platform: platform.to_owned(),
            month: month.to_owned(),
            ..Self::default()
        }
    }

    /// Notes what was seen on a day, and of which customers something couldn't be read. The first figure of a day stays, so that a
    /// day costs one write.
    pub fn note(&mut self, day: u8, figures: &[Figure], unread: &BTreeSet<String>) {
        if self.frozen || figures.is_empty() {
            return;
        }
        self.seen.insert(day);
        let mut unknown: BTreeSet<&String> = unread
            .iter()
            .filter(|customer| !self.is_known(day, customer))
            .collect();
        let homes = Homes::of(self);
        for figure in figures {
            if !self.count(day, figure, &homes) {
                unknown.insert(&figure.customer);
            }
        }
        let named = figures.iter().map(|figure| &figure.customer);
        for customer in named.chain(unread) {
            let billed = self.customers.entry(customer.clone()).or_default();
            if unknown.contains(customer) {
                billed.unknown.insert(day);
            } else {
                billed.unknown.remove(&day);
            }
        }
    }

    /// Ends the month: what the platform reports of its credits now is what was consumed. What is more is counted on the last day
    /// seen, and what is less is taken off the last days; unless another unit is billed by then.
    pub fn freeze(&mut self, finals: &[Final]) {
        if self.frozen {
            return;
        }
        let homes = Homes::of(self);
        for last in finals {
            self.complete(last, &homes);
        }
        self.frozen = true;
    }

    /// Whether all of a customer's figures of a day are known.
    fn is_known(&self, day: u8, customer: &str) -> bool {
        self.customers.get(customer).is_some_and(|billed| {
            let mut counted = billed.counted.iter();
            !billed.unknown.contains(&day) && counted.any(|counted| counted.days.contains_key(&day))
        })
    }

    /// Whether the figure of this day is known now.
    fn count(&mut self, day: u8, figure: &Figure, homes: &Homes) -> bool {
        let subject = figure.subject();
        let so_far = SoFar::of(self, subject, homes, day);
        let billed = self.customers.entry(figure.customer.clone()).or_default();
        billed.reference.clone_from(&figure.reference);
        if so_far.counted {
            return true;
        }
        let Some(mut quantity) = figure.quantity else {
            // Without days, so that it is known what has to be billed by hand.
            billed.under(figure);
            return false;
        };
        let mut before = 0;
        if figure.unit == BillingUnit::Credit {
            quantity = quantity.saturating_sub(so_far.credits);
            if so_far.unit.is_some_and(|unit| unit != figure.unit) {
                before = std::mem::take(&mut quantity);
            }
        }
        let counted = billed.under(figure);
        counted.before = counted.before.saturating_add(before);
        counted.days.insert(day, quantity);
        true
    }

    fn complete(&mut self, last: &Final, homes: &Homes) {
        let subject = last.subject();
        let so_far = SoFar::of(self, subject, homes, u8::MAX);
        if so_far.unit != Some(BillingUnit::Credit) {
            return;
        }
        let mut days: Vec<(u8, &mut u64)> = self
            .customers
            .iter_mut()
            .filter(|(name, _)| homes.are_of(subject, name))
            .flat_map(|(name, billed)| billed.counted.iter_mut().map(move |one| (name, one)))
            .filter(|(name, counted)| counted.is_of(name, subject))
            .filter(|(_, counted)| counted.unit == BillingUnit::Credit)
            .flat_map(|(_, counted)| counted.days.iter_mut().map(|(day, milli)| (*day, milli)))
            .collect();
        days.sort_by_key(|(day, _)| std::cmp::Reverse(*day));
        let mut excess = so_far.credits.saturating_sub(last.milli);
        for (_, milli) in &mut days {
            let off = excess.min(**milli);
            **milli -= off;
            excess -= off;
        }
        if let Some((_, milli)) = days.first_mut() {
            let rest = last.milli.saturating_sub(so_far.credits);
            **milli = milli.saturating_add(rest);
        }
    }
}

/// Under which customers an object was counted: more than one where its resource was made anew with another name.
struct Homes(HashMap<String, BTreeSet<String>>);

impl Homes {
    fn of(month: &Month) -> Self {
        let mut homes: HashMap<String, BTreeSet<String>> = HashMap::new();
        for (name, billed) in &month.customers {
            for object in billed.counted.iter().filter_map(|one| one.object.as_ref()) {
                homes
                    .entry(object.clone())
                    .or_default()
                    .insert(name.clone());
            }
        }
        Self(homes)
    }

    fn of_object(&self, object: &str) -> impl Iterator<Item = &String> {
        self.0.get(object).into_iter().flatten()
    }

    fn are_of(&self, subject: Subject<'_>, customer: &str) -> bool {
        let mut homes = subject
            .object
            .into_iter()
            .flat_map(|object| self.of_object(object));
        subject.customer == customer || homes.any(|home| home == customer)
    }
}

/// What a month has of one subject.
#[derive(Default)]
struct SoFar {
    /// Whether the day is counted.
    counted: bool,
    /// Thousandths of a credit, billed or consumed while another unit was.
    credits: u64,
    /// The unit of the last day before.
    unit: Option<BillingUnit>,
}

impl SoFar {
    fn of(month: &Month, subject: Subject<'_>, homes: &Homes, day: u8) -> Self {
        let elsewhere = subject
            .object
            .into_iter()
            .flat_map(|object| homes.of_object(object));
        let elsewhere = elsewhere
            .map(String::as_str)
            .filter(|home| *home != subject.customer);
        let mut so_far = Self::default();
        let mut last = None;
        for home in elsewhere.chain([subject.customer]) {
            let counted = month
                .customers
                .get(home)
                .into_iter()
                .flat_map(|one| &one.counted);
            for counted in counted.filter(|counted| counted.is_of(home, subject)) {
                so_far.counted |= counted.days.contains_key(&day);
                if counted.unit == BillingUnit::Credit {
                    let days = counted.days.values().chain([&counted.before]);
                    so_far.credits =
                        days.fold(so_far.credits, |sum, milli| sum.saturating_add(*milli));
                }
                let latest = counted.days.range(..day).next_back().map(|(day, _)| *day);
                if latest > last {
                    (last, so_far.unit) = (latest, Some(counted.unit));
                }
            }
        }
        so_far
    }
}

impl Billed {
    /// The days that count like a figure.
    fn under(&mut self, figure: &Figure) -> &mut Counted {
        let alike = |other: &Counted| {
            (&other.tenant, &other.reseller, &other.sku)
                == (&figure.tenant, &figure.reseller, &figure.sku)
                && (other.unit, other.included) == (figure.unit, figure.included)
                && (other.object.is_none() || other.object == figure.object)
        };
        let at = self.counted.iter().position(alike).unwrap_or_else(|| {
            self.counted.push(Counted {
                tenant: figure.tenant.clone(),
                object: None,
                reseller: figure.reseller.clone(),
                sku: figure.sku.clone(),
                unit: figure.unit,
                included: figure.included,
                before: 0,
                days: BTreeMap::new(),
            });
            self.counted.len() - 1
        });
        let counted = &mut self.counted[at];
        counted.object.clone_from(&figure.object);
        counted
    }
}

impl Counted {
    /// Whether these days of a customer are about a subject. Those that were counted before ids were noted are told by their names.
    fn is_of(&self, customer: &str, subject: Subject<'_>) -> bool {
        if subject.sku.is_some_and(|sku| *sku != self.sku) {
            return false;
        }
        match (subject.object, &self.object) {
            // Platforms may number customers and tenants apart.
            (Some(object), Some(other)) => {
                object == other && self.tenant.is_none() == subject.tenant.is_none()
            }
            _ => customer == subject.customer && self.tenant.as_ref() == subject.tenant,
        }
    }
}

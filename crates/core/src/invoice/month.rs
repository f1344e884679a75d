//! One month on one platform: which days were seen, and each customer's figures of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::api::plan::BillingUnit;

/// A day of a calendar month, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// `2026-10`.
    pub month: String,
    /// From 1 on.
    pub day: u8,
}

impl Day {
    /// The day of an instant.
    pub fn of(at: Timestamp) -> Self {
        let date = at.to_zoned(TimeZone::UTC).date();
        Self {
            month: date.strftime("%Y-%m").to_string(),
            day: date.day().unsigned_abs(),
        }
    }
}

/// How many days a month has; `None` when it is no month such as `2026-10`.
pub fn days_of(month: &str) -> Option<u8> {
    let first: Date = format!("{month}-01").parse().ok()?;
    Some(first.days_in_month().unsigned_abs())
}

/// What was seen of a customer on one day, to be counted under one SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// `namespace/name` of the Customer.
    pub customer: String,
    /// The provider's own number.
    pub reference: Option<String>,
    /// The tenant, by name of the resource; `None` for the customer as a whole.
    pub tenant: Option<String>,
    /// The reseller directly in charge.
    pub reseller: Option<String>,
    /// The provider's article number.
    pub sku: String,
    /// What is counted.
    pub unit: BillingUnit,
    /// Units included in the price.
    pub included: u32,
    /// Bytes, seats or clients; of credits the thousandths consumed in the month so far. `None` when the platform doesn't say.
    pub quantity: Option<u64>,
}

/// Credits of a month that is over, as the platform reports them afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Final {
    /// `namespace/name` of the Customer.
    pub customer: String,
    /// The tenant, by name of the resource; `None` for the customer as a whole.
    pub tenant: Option<String>,
    /// Thousandths of a credit.
    pub milli: u64,
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
    /// The reseller directly in charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reseller: Option<String>,
    /// The provider's article number.
    pub sku: String,
    /// What is counted.
    pub unit: BillingUnit,
    /// Units included in the price.
    pub included: u32,
    /// Day by day: bytes, thousandths of a credit, seats or clients.
    pub days: BTreeMap<u8, u64>,
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

    /// Notes what was seen on a day. The first figure of a day stays, so that a day costs one write.
    pub fn note(&mut self, day: u8, figures: &[Figure]) {
        if self.frozen || figures.is_empty() {
            return;
        }
        self.seen.insert(day);
        let mut unknown = BTreeSet::new();
        for figure in figures {
            let billed = self.customers.entry(figure.customer.clone()).or_default();
            if !billed.note(day, figure) {
                unknown.insert(&figure.customer);
            }
        }
        for customer in figures.iter().map(|figure| &figure.customer) {
            if let Some(billed) = self.customers.get_mut(customer) {
                if unknown.contains(customer) {
                    billed.unknown.insert(day);
                } else {
                    billed.unknown.remove(&day);
                }
            }
        }
    }

    /// Ends the month: credits that the platform reports of it beyond what was seen are counted on the last day seen.
    pub fn freeze(&mut self, finals: &[Final]) {
        if self.frozen {
            return;
        }
        for last in finals {
            if let Some(billed) = self.customers.get_mut(&last.customer) {
                billed.complete(last);
            }
        }
        self.frozen = true;
    }
}

impl Billed {
    /// Whether the figure of this day is known now.
    fn note(&mut self, day: u8, figure: &Figure) -> bool {
        self.reference.clone_from(&figure.reference);
        let counted = self.counted.iter().any(|other| {
            other.tenant == figure.tenant && other.days.contains_key(&day)
                // A customer as a whole may have several plans.
                && (figure.tenant.is_some() || other.sku == figure.sku)
        });
        if counted {
            return true;
        }
        let Some(mut quantity) = figure.quantity else {
            return false;
        };
        if figure.unit == BillingUnit::Credit {
            quantity = quantity.saturating_sub(self.credits(figure.tenant.as_ref(), &figure.sku));
        }
        let alike = |other: &&mut Counted| {
            (&other.tenant, &other.reseller, &other.sku)
                == (&figure.tenant, &figure.reseller, &figure.sku)
                && (other.unit, other.included) == (figure.unit, figure.included)
        };
        if let Some(counted) = self.counted.iter_mut().find(alike) {
            counted.days.insert(day, quantity);
            return true;
        }
        self.counted.push(Counted {
            tenant: figure.tenant.clone(),
            reseller: figure.reseller.clone(),
            sku: figure.sku.clone(),
            unit: figure.unit,
            included: figure.included,
            days: BTreeMap::from([(day, quantity)]),
        });
        true
    }

    /// Credits of a tenant that are counted already, under whatever reseller and SKU; of a customer as a whole under this SKU.
    fn credits(&self, tenant: Option<&String>, sku: &str) -> u64 {
        let counted = self.counted.iter().filter(|other| {
            other.unit == BillingUnit::Credit
                && other.tenant.as_ref() == tenant
                && (tenant.is_some() || other.sku == sku)
        });
        let days = counted.flat_map(|other| other.days.values().copied());
        days.fold(0, u64::saturating_add)
    }

    fn complete(&mut self, last: &Final) {
        let of_tenant =
            |other: &&mut Counted| other.unit == BillingUnit::Credit && other.tenant == last.tenant;
        let latest = self
            .counted
            .iter_mut()
            .filter(of_tenant)
            .max_by_key(|other| other.days.keys().next_back().copied());
        let Some(sku) = latest.map(|counted| counted.sku.clone()) else {
            return;
        };
        let rest = last
            .milli
            .saturating_sub(self.credits(last.tenant.as_ref(), &sku));
        let latest = self
            .counted
            .iter_mut()
            .filter(|other| of_tenant(other) && other.sku == sku)
            .max_by_key(|other| other.days.keys().next_back().copied());
        if let Some(mut day) = latest.and_then(|counted| counted.days.last_entry()) {
            *day.get_mut() = day.get().saturating_add(rest);
        }
    }
}

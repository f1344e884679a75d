//! What a report says today that is billed.

use jiff::{Timestamp, tz::TimeZone};

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

/// What was seen of a customer on one day, to be counted under one SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// `namespace/name` of the Customer.
    pub customer: String,
    /// The provider's own number.
    pub reference: Option<String>,
    /// The tenant, by name of the resource; `None` for the customer as a whole.
    pub tenant: Option<String>,
    /// The id of what it is a figure of on the platform, which outlives the names of resources.
    pub object: Option<String>,
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
    /// The id of what it is a figure of on the platform.
    pub object: Option<String>,
    /// Thousandths of a credit.
    pub milli: u64,
}

/// What a figure is about, so that it is counted once, whatever its resources are called.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// `namespace/name` of the Customer.
    pub customer: &'a str,
    /// The id on the platform.
    pub object: Option<&'a String>,
    /// The tenant, by name of the resource.
    pub tenant: Option<&'a String>,
    /// The SKU, where it matters: a customer as a whole may have several plans.
    pub sku: Option<&'a String>,
}

impl Figure {
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            customer: &self.customer,
            object: self.object.as_ref(),
            tenant: self.tenant.as_ref(),
            sku: self.tenant.is_none().then_some(&self.sku),
        }
    }
}

impl Final {
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            customer: &self.customer,
            object: self.object.as_ref(),
            tenant: self.tenant.as_ref(),
            sku: None,
        }
    }
}

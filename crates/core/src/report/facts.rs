//! What a report knows of a customer: its resource, what it belongs to, and the figures of its status.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};

use super::{
    months::Period,
    resources::{Ways, kind_of, place, plan_of},
};
use crate::api::{
    Customer, Tenant,
    quantity::{Credits, Size},
    shared::{Health, Usage},
};

/// Consumption of one month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OfMonth {
    /// Most bytes stored.
    pub storage: Option<u64>,
    /// Thousandths of a credit.
    pub credits: Option<u64>,
}

/// Consumption of the time that a report is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes: now, or the most in the period.
    pub storage: Option<u64>,
    /// Thousandths of a credit in that time.
    pub credits: Option<u64>,
    /// When they are from.
    pub as_of: Option<Timestamp>,
    /// Month by month.
    pub months: BTreeMap<String, OfMonth>,
}

/// A customer in a report.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its namespace.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
    /// Name of the customer.
    pub customer: String,
    /// Its account's name on the platform.
    pub account: Option<String>,
    /// Id on the platform.
    pub external_id: Option<String>,
    /// The MSP's own number.
    pub reference: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// Resellers above it, the nearest first.
    pub above: Vec<String>,
    /// Addresses and names of its administrators.
    pub administrators: Vec<String>,
    /// Their addresses.
    pub addresses: Vec<String>,
    /// Products of its tenants.
    pub products: Vec<String>,
    /// Plans of its tenants.
    pub plans: Vec<String>,
    /// Editions of its tenants.
    pub editions: Vec<String>,
    /// Regions of its tenants.
    pub regions: Vec<String>,
    /// Types of its tenants.
    pub types: Vec<String>,
    /// How many tenants it has.
    pub tenants: Option<u64>,
    /// How many clients it has.
    pub clients: Option<u64>,
    /// Country.
    pub country: Option<String>,
    /// Where the data lies.
    pub location: Option<String>,
    /// `Trial` or `Production`.
    pub stage: Option<String>,
    /// Whether it can back up.
    pub active: Option<bool>,
    /// Whether the resource is `Ready`.
    pub ready: Option<bool>,
    /// When the resource was made.
    pub created_at: Option<Timestamp>,
    /// Bytes that it may store.
    pub limit: Option<u64>,
    /// Credits that it may use, in thousandths.
    pub credit_limit: Option<u64>,
    /// When its quota is used up.
    pub exhausted_on: Option<Date>,
    /// What it used.
    pub figures: Figures,
    /// How its backups do.
    pub health: Option<Health>,
}

impl Facts {
    /// Of a customer, without figures.
    pub fn of(customer: &Customer, ways: &Ways, tenants: &[&Tenant]) -> Self {
        let (namespace, name) = place(customer);
        let (spec, status) = (&customer.spec, customer.status.as_ref());
        let people = spec.administrators.as_deref().unwrap_or_default();
        let names = people.iter().filter_map(|person| person.name.clone());
        let addresses: Vec<String> = people.iter().map(|person| person.email.clone()).collect();
        let limits = spec.limits.as_ref();
        let active = status.and_then(|status| status.summary.as_ref()?.active.as_deref());
        let conditions = status.map_or(&[][..], |status| &status.managed.conditions);
        let ready = conditions
            .iter()
            .find(|condition| condition.type_ == "Ready");
        let made = customer.metadata.creation_timestamp.as_ref();
        let mut facts = Self {
            namespace,
            name,
            customer: spec.display_name.clone(),
            account: status
                .and_then(|status| status.account_name.clone())
                .or_else(|| spec.account_name.clone()),
            external_id: status.and_then(|status| status.managed.external_id.clone()),
            reference: spec.lifecycle.reference.clone(),
            platform: ways.platform(customer),
            above: ways.above(customer),
            administrators: addresses.iter().cloned().chain(names).collect(),
            addresses,
            tenants: status.and_then(|status| Some(status.tenants.as_ref()?.total)),
            clients: status.and_then(|status| Some(status.clients.as_ref()?.total)),
            country: spec.country.clone(),
            location: status.and_then(|status| status.storage_location.clone()),
            stage: spec.stage.map(|stage| stage.to_string()),
            active: active.map(|active| active == "yes").or(spec.active),
            ready: ready.map(|ready| ready.status == "True"),
            created_at: made.map(|made| made.0),
            limit: limits.and_then(|limits| bytes(limits.storage.as_ref())),
            credit_limit: limits.and_then(|limits| milli(limits.credits.as_ref())),
            exhausted_on: status.and_then(|status| status.usage.as_ref()?.quota_exhausted_on),
            ..Self::default()
        };
        facts.subscribe(customer, tenants);
        facts
    }

    /// What it subscribes to: by its tenants, and by what status says of those that no resource declares.
    fn subscribe(&mut self, customer: &Customer, tenants: &[&Tenant]) {
        let told = customer
            .status
            .as_ref()
            .and_then(|status| status.tenants.clone());
        let told = told.filter(|_| tenants.is_empty()).unwrap_or_default();
        let word = |tenant: &&Tenant| {
            tenant
                .status
                .as_ref()?
                .edition
                .map(|edition| edition.to_string())
        };
        let regions = |tenant: &&Tenant| tenant.spec.storage_regions.clone().unwrap_or_default();
        let own = |words: Vec<String>, told: Vec<String>| {
            let words: BTreeSet<String> = words.into_iter().chain(told).collect();
            words.into_iter().collect::<Vec<_>>()
        };
        let each = tenants.iter();
        self.products = own(
            each.clone()
                .map(|tenant| tenant.spec.product.to_string())
                .collect(),
            told.products.iter().map(ToString::to_string).collect(),
        );
        self.plans = own(
            each.clone()
                .filter_map(|tenant| plan_of(tenant).map(ToOwned::to_owned))
                .collect(),
            told.plans,
        );
        self.editions = own(each.clone().filter_map(word).collect(), Vec::new());
        self.regions = own(each.clone().flat_map(regions).collect(), told.regions);
        self.types = own(
            each.filter_map(|tenant| kind_of(tenant).map(|kind| kind.to_string()))
                .collect(),
            told.types.iter().map(ToString::to_string).collect(),
        );
    }

    /// The reseller in charge.
    pub fn reseller(&self) -> Option<&str> {
        self.above.first().map(String::as_str)
    }

    /// Storage in use, in whole percent of the limit.
    pub fn percent(&self) -> Option<u32> {
        let limit = self.limit.filter(|limit| *limit > 0)?;
        let percent = u128::from(self.figures.storage?) * 100 / u128::from(limit);
        u32::try_from(percent).ok()
    }
}

/// Figures of a customer; of some of its tenants, when a report is about such.
pub fn figures(customer: &Customer, only: Option<&[&Tenant]>, period: &Period) -> Figures {
    let Some(tenants) = only.filter(|tenants| !tenants.is_empty()) else {
        let status = customer.status.as_ref();
        return of_usage(status.and_then(|status| status.usage.as_ref()), period);
    };
    let each = tenants.iter().map(|tenant| {
        let usage = tenant
            .status
            .as_ref()
            .and_then(|status| status.usage.as_ref());
        of_usage(usage, period)
    });
    let mut sum = each.fold(Figures::default(), Figures::plus);
    if !period.is_unbounded() {
        // What they stored most together: each may have had most in a month of its own.
        sum.storage = most(&sum.months);
    }
    sum
}

/// The most that was stored in any month.
fn most(months: &BTreeMap<String, OfMonth>) -> Option<u64> {
    months.values().filter_map(|month| month.storage).max()
}

fn of_usage(usage: Option<&Usage>, period: &Period) -> Figures {
    let Some(usage) = usage else {
        return Figures::default();
    };
    let months = usage.months.iter();
    let months: BTreeMap<String, OfMonth> = months
        .map(|month| {
            let figures = OfMonth {
                storage: bytes(month.storage_max.as_ref()),
                credits: milli(month.credits.as_ref()),
            };
            (month.month.clone(), figures)
        })
        .collect();
    if period.is_unbounded() {
        return Figures {
            storage: bytes(usage.storage.as_ref()),
            credits: milli(usage.credits.as_ref()),
            as_of: usage.as_of,
            months,
        };
    }
    let within: BTreeMap<_, _> = months
        .into_iter()
        .filter(|(month, _)| period.contains(month))
        .collect();
    let credits: Vec<u64> = within.values().filter_map(|month| month.credits).collect();
    Figures {
        storage: most(&within),
        credits: (!credits.is_empty())
            .then(|| credits.iter().copied().fold(0, u64::saturating_add)),
        as_of: usage.as_of,
        months: within,
    }
}

impl Figures {
    /// Both together. What isn't known of one is left out of the sum.
    fn plus(mut self, other: Self) -> Self {
        self.storage = sum(self.storage, other.storage);
        self.credits = sum(self.credits, other.credits);
        self.as_of = self.as_of.max(other.as_of);
        add_months(&mut self.months, &other.months);
        self
    }
}

/// Adds month by month.
pub fn add_months(months: &mut BTreeMap<String, OfMonth>, more: &BTreeMap<String, OfMonth>) {
    for (month, figures) in more {
        let sums = months.entry(month.clone()).or_default();
        sums.storage = sum(sums.storage, figures.storage);
        sums.credits = sum(sums.credits, figures.credits);
    }
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

fn bytes(size: Option<&Size>) -> Option<u64> {
    size?.bytes().ok()
}

fn milli(credits: Option<&Credits>) -> Option<u64> {
    credits?.amount().ok()
}

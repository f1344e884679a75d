//! What customers and resellers use and platforms have left, as metrics: made of their status when the page is asked for.

#[cfg(test)]
mod tests;

use jiff::{civil::Date, tz::TimeZone};
use kube::ResourceExt;

use super::metrics::{CustomerLabels, Metrics, ObjectiveLabels, PlatformLabels, ResellerLabels};
use crate::{
    api::{
        BackupPlatform, Customer, Reseller,
        quantity::{Credits, Size},
        shared::{DataSources, Health, Usage},
    },
    survey::PlatformKey,
};

/// A platform's pool of licences; nothing where the platform tells of none.
pub fn of_platform(metrics: &Metrics, platform: &BackupPlatform) {
    let status = platform.status.as_ref();
    let Some(pool) = status.and_then(|status| status.licences.as_ref()) else {
        return;
    };
    let labels = PlatformLabels {
        platform: PlatformKey::of(platform).to_string(),
    };
    for (family, count) in [
        (&metrics.licences, &pool.total),
        (&metrics.licences_free, &pool.free),
    ] {
        if let Ok(count) = count.count() {
            family.get_or_create(&labels).set(whole(count));
        }
    }
}

/// A customer's figures.
pub fn of_customer(metrics: &Metrics, customer: &Customer) {
    let Some(status) = &customer.status else {
        return;
    };
    let labels = CustomerLabels {
        platform: status.managed.platform.clone().unwrap_or_default(),
        namespace: customer.namespace().unwrap_or_default(),
        customer: customer.name_any(),
    };
    if let Some(usage) = &status.usage {
        if let Some(stored) = bytes(usage.storage.as_ref()) {
            let family = &metrics.customer_storage_bytes;
            family.get_or_create(&labels).set(stored);
        }
        if let Some(consumed) = amount(usage.credits.as_ref()) {
            let family = &metrics.customer_credits;
            family.get_or_create(&labels).set(consumed);
        }
    }
    let limits = customer.spec.limits.as_ref();
    let limit = limits.and_then(|limits| bytes(limits.storage.as_ref()));
    if let Some(limit) = limit {
        let family = &metrics.customer_storage_limit_bytes;
        family.get_or_create(&labels).set(limit);
    }
    if let Some(at) = exhausted_at(status.usage.as_ref()) {
        let family = &metrics.customer_limit_exhausted;
        family.get_or_create(&labels).set(at);
    }
    let health = status.health.as_ref();
    if let Some(ratio) = health.and_then(attained) {
        let family = &metrics.customer_attainment;
        family.get_or_create(&labels).set(ratio);
    }
    if let Some(sources) = health.and_then(|health| health.data_sources) {
        data_sources(metrics, labels, sources);
    }
}

/// The share of the month that the last report is from.
#[allow(
    clippy::cast_precision_loss,
    reason = "metrics are floating point; counts stay far below 2^53"
)]
fn attained(health: &Health) -> Option<f64> {
    let current = health.as_of?.strftime("%Y-%m").to_string();
    let month = health.attainment.last()?;
    (month.month == current && month.total > 0).then(|| month.meeting as f64 / month.total as f64)
}

fn data_sources(metrics: &Metrics, labels: CustomerLabels, sources: DataSources) {
    if let Some(late) = sources.missing_recovery_point {
        let family = &metrics.customer_late_data_sources;
        family.get_or_create(&labels).set(whole(late));
    }
    let Some((met, held)) = sources.meeting_objective.zip(sources.held_to_objective) else {
        return;
    };
    let missed = held.saturating_sub(met);
    for (objective, count) in [("met", met), ("missed", missed)] {
        let labels = ObjectiveLabels {
            platform: labels.platform.clone(),
            namespace: labels.namespace.clone(),
            customer: labels.customer.clone(),
            objective: objective.into(),
        };
        let family = &metrics.customer_data_sources;
        family.get_or_create(&labels).set(whole(count));
    }
}

/// A reseller's figures.
pub fn of_reseller(metrics: &Metrics, reseller: &Reseller) {
    let Some(status) = &reseller.status else {
        return;
    };
    let labels = ResellerLabels {
        platform: status.managed.platform.clone().unwrap_or_default(),
        namespace: reseller.namespace().unwrap_or_default(),
        reseller: reseller.name_any(),
    };
    let usage = status.usage.as_ref();
    let allotment = status.allotment.as_ref();
    let storage = allotment.and_then(|allotment| allotment.storage.as_ref()?.allotted.as_ref());
    let credits = allotment.and_then(|allotment| allotment.credits.as_ref()?.allotted.as_ref());
    let figures = [
        (
            &metrics.reseller_storage_bytes,
            bytes(usage.and_then(|usage| usage.storage.as_ref())),
        ),
        (&metrics.reseller_storage_allotted_bytes, bytes(storage)),
        (
            &metrics.reseller_credits,
            amount(usage.and_then(|usage| usage.credits.as_ref())),
        ),
        (&metrics.reseller_credits_allotted, amount(credits)),
        (&metrics.reseller_allotment_exhausted, exhausted_at(usage)),
    ];
    for (family, figure) in figures {
        if let Some(figure) = figure {
            family.get_or_create(&labels).set(figure);
        }
    }
}

/// A count as gauges have it.
fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "metrics are floating point; bytes stay far below 2^53"
)]
fn bytes(size: Option<&Size>) -> Option<f64> {
    size?.bytes().ok().map(|bytes| bytes as f64)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "metrics are floating point; thousandths of credits stay far below 2^53"
)]
fn amount(credits: Option<&Credits>) -> Option<f64> {
    credits?.milli().ok().map(|milli| milli as f64 / 1000.0)
}

/// The first instant of the day on which a limit is used up, in seconds since 1970.
#[allow(
    clippy::cast_precision_loss,
    reason = "seconds since 1970 stay far below 2^53"
)]
fn exhausted_at(usage: Option<&Usage>) -> Option<f64> {
    let day: Date = usage?.quota_exhausted_on?;
    let at = day.to_zoned(TimeZone::UTC).ok()?;
    Some(at.timestamp().as_second() as f64)
}

//! Health of a customer, or of some of its tenants.

use crate::api::{
    Customer, Tenant,
    shared::{Alerts, Attainment, DataSources, Health, JobCounts, RestoreCounts},
};

/// Health of a customer; of some of its tenants, when a report is about such.
pub fn health(customer: &Customer, only: Option<&[&Tenant]>) -> Option<Health> {
    let Some(tenants) = only.filter(|tenants| !tenants.is_empty()) else {
        return customer.status.as_ref()?.health.clone();
    };
    let each = tenants
        .iter()
        .filter_map(|tenant| tenant.status.as_ref()?.health.clone());
    each.reduce(together)
}

/// Both as one. What isn't known of one is left out of the sum.
fn together(one: Health, other: Health) -> Health {
    let mut attainment = one.attainment;
    for month in other.attainment {
        match attainment
            .iter_mut()
            .find(|known| known.month == month.month)
        {
            Some(known) => *known = of_month(known, &month),
            None => attainment.push(month),
        }
    }
    attainment.sort_by(|one, other| one.month.cmp(&other.month));
    Health {
        as_of: one.as_of.min(other.as_of).or(one.as_of).or(other.as_of),
        jobs: both(one.jobs, other.jobs, |one, other| JobCounts {
            total: one.total.saturating_add(other.total),
            successful: one.successful.saturating_add(other.successful),
            failed: one.failed.saturating_add(other.failed),
        }),
        restores: both(one.restores, other.restores, |one, other| RestoreCounts {
            total: one.total.saturating_add(other.total),
            successful: one.successful.saturating_add(other.successful),
        }),
        alerts: both(one.alerts, other.alerts, |one, other| Alerts {
            critical: one.critical.saturating_add(other.critical),
            warning: one.warning.saturating_add(other.warning),
        }),
        data_sources: both(one.data_sources, other.data_sources, sources),
        worst: [one.worst, other.worst].concat(),
        attainment,
    }
}

fn sources(one: DataSources, other: DataSources) -> DataSources {
    let sum = |one, other| both(one, other, u64::saturating_add);
    DataSources {
        total: one.total.saturating_add(other.total),
        held_to_objective: sum(one.held_to_objective, other.held_to_objective),
        meeting_objective: sum(one.meeting_objective, other.meeting_objective),
        missing_recovery_point: sum(one.missing_recovery_point, other.missing_recovery_point),
    }
}

fn of_month(one: &Attainment, other: &Attainment) -> Attainment {
    let (meeting, total) = (
        one.meeting.saturating_add(other.meeting),
        one.total.saturating_add(other.total),
    );
    Attainment {
        month: one.month.clone(),
        meeting,
        total,
        percent: percent(meeting, total),
        days: one.days.max(other.days),
        until: one.until.max(other.until),
    }
}

/// In whole percent, rounded down, so that 100 means all.
pub fn percent(part: u64, whole: u64) -> Option<u32> {
    let percent = (u128::from(part) * 100).checked_div(whole.into())?;
    u32::try_from(percent).ok()
}

fn both<T>(one: Option<T>, other: Option<T>, sum: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(sum(one, other)),
        (one, other) => one.or(other),
    }
}

//! Data sources as they are named, those that missed their objective first.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{
    cell::Cell,
    columns::{
        Choice::{Always, Asked, Usual},
        Column, column,
    },
    facts::Facts,
};
use crate::api::{Customer, Tenant, shared::DataSource};

/// One data source in a report.
#[derive(Debug, Clone)]
pub struct Source {
    /// The customer's namespace.
    pub namespace: String,
    /// Name of the customer's resource.
    pub name: String,
    /// Name of the customer.
    pub customer: String,
    /// The reseller in charge.
    pub reseller: Option<String>,
    /// The platform.
    pub platform: Option<String>,
    /// The product that it belongs to.
    pub product: Option<String>,
    /// The data source.
    pub shown: DataSource,
}

/// The data sources of a customer: those of these tenants; and, when it is about the whole customer, those that its own status names
/// besides, which belong to no tenant or to one that no resource declares.
pub fn of(customer: &Customer, facts: &Facts, tenants: &[&Tenant], whole: bool) -> Vec<Source> {
    let known = |tenant: &&Tenant| {
        let health = tenant.status.as_ref()?.health.clone()?;
        Some((Some(tenant.spec.product.to_string()), health.worst))
    };
    let of_tenants = tenants.iter().filter_map(known);
    let mut named: Vec<(Option<String>, DataSource)> = of_tenants
        .flat_map(|(product, worst)| {
            let each = worst.into_iter();
            each.map(move |source| (product.clone(), source))
        })
        .collect();
    let key = |source: &DataSource| {
        let (name, organisation) = (source.name.clone(), source.organisation.clone());
        (name, organisation, source.workload.clone())
    };
    let told: BTreeSet<_> = named.iter().map(|(_, source)| key(source)).collect();
    let own = customer
        .status
        .as_ref()
        .and_then(|status| status.health.clone());
    if let Some(own) = own.filter(|_| whole || told.is_empty()) {
        let besides = own
            .worst
            .into_iter()
            .filter(|source| !told.contains(&key(source)));
        named.extend(besides.map(|source| (None, source)));
    }
    let each = named.into_iter();
    each.map(|(product, shown)| Source {
        namespace: facts.namespace.clone(),
        name: facts.name.clone(),
        customer: facts.customer.clone(),
        reseller: facts.reseller().map(ToOwned::to_owned),
        platform: facts.platform.clone(),
        product,
        shown,
    })
    .collect()
}

/// Those first that missed their objective, then those whose last backup didn't succeed; among them the longest without one.
pub fn order(sources: &mut [Source]) {
    sources.sort_by(|one, other| {
        let key = |source: &Source| {
            let last = source.shown.last_status.as_deref();
            (
                Reverse(source.shown.missed.len()),
                last.is_none_or(|status| status == "Successful"),
                source.shown.last_success_at,
                source.namespace.clone(),
                source.name.clone(),
                source.shown.name.clone(),
            )
        };
        key(one).cmp(&key(other))
    });
}

const SOURCES: [Column<Source>; 19] = [
    column(
        "namespace",
        "NAMESPACE",
        "Namespace of the customer.",
        Asked,
        |row| Cell::text(Some(&row.namespace)),
    ),
    column(
        "name",
        "NAME",
        "Name of the customer's resource.",
        Always,
        |row| Cell::text(Some(&row.name)),
    ),
    column(
        "customer",
        "CUSTOMER",
        "Name of the customer.",
        Asked,
        |row| Cell::text(Some(&row.customer)),
    ),
    column(
        "platform",
        "PLATFORM",
        "The BackupPlatform.",
        Asked,
        |row| Cell::text(row.platform.as_deref()),
    ),
    column(
        "reseller",
        "RESELLER",
        "The reseller in charge.",
        Asked,
        |row| Cell::text(row.reseller.as_deref()),
    ),
    column(
        "product",
        "PRODUCT",
        "The product that it belongs to.",
        Asked,
        |row| Cell::text(row.product.as_deref()),
    ),
    column(
        "source",
        "SOURCE",
        "Name of the data source.",
        Always,
        |row| Cell::text(Some(&row.shown.name)),
    ),
    column(
        "organisation",
        "ORGANISATION",
        "Organisation at the platform.",
        Asked,
        |row| Cell::text(row.shown.organisation.as_deref()),
    ),
    column("workload", "WORKLOAD", "Kind of workload.", Usual, |row| {
        Cell::text(row.shown.workload.as_deref())
    }),
    column("policy", "POLICY", "Backup policy.", Usual, |row| {
        Cell::text(row.shown.policy.as_deref())
    }),
    column(
        "missed",
        "MISSED",
        "What it misses of the service level of its plan.",
        Usual,
        |row| Cell::List(row.shown.missed.iter().map(ToString::to_string).collect()),
    ),
    column(
        "lastStatus",
        "LAST",
        "How the last job ended.",
        Usual,
        |row| Cell::text(row.shown.last_status.as_deref()),
    ),
    column(
        "successPercent",
        "SUCCESS",
        "Jobs that succeeded of the last 30 days, in percent.",
        Asked,
        |row| Cell::of(row.shown.success_percent, Cell::Percent),
    ),
    column("lastJobId", "JOB", "Id of the last job.", Asked, |row| {
        Cell::text(row.shown.last_job_id.as_deref())
    }),
    column("lastRunAt", "RAN", "When the last job ran.", Usual, |row| {
        Cell::of(row.shown.last_run_at, Cell::Time)
    }),
    column(
        "lastSuccessAt",
        "SUCCEEDED",
        "When the last successful job ran.",
        Usual,
        |row| Cell::of(row.shown.last_success_at, Cell::Time),
    ),
    column(
        "lastSuccessJobId",
        "GOOD JOB",
        "Id of the last successful job.",
        Asked,
        |row| Cell::text(row.shown.last_success_job_id.as_deref()),
    ),
    column(
        "lastRestoreAt",
        "RESTORED",
        "When something was last restored from it.",
        Usual,
        |row| Cell::of(row.shown.last_restore_at, Cell::Time),
    ),
    column(
        "lastWriteAt",
        "WRITTEN",
        "When something was last written to it, where no jobs are known.",
        Asked,
        |row| Cell::of(row.shown.last_write_at, Cell::Time),
    ),
];

/// The columns of data sources.
pub fn columns() -> Vec<Column<Source>> {
    SOURCES.to_vec()
}

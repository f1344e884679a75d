//! Every column there is.

use super::{
    cell::Cell,
    columns::{
        Choice::{Always, Asked, Usual},
        Column, Subject, column,
    },
    facts::Facts,
    health::percent,
};

fn words(words: &[String]) -> Cell {
    Cell::List(words.to_vec())
}

/// R-D10: name, product and plan are always there.
const IDENTITY: [Column<Facts>; 8] = [
    column(
        "namespace",
        "NAMESPACE",
        "Namespace of the resource.",
        Asked,
        |row| Cell::text(Some(&row.namespace)),
    ),
    column("name", "NAME", "Name of the resource.", Always, |row| {
        Cell::text(Some(&row.name))
    }),
    column(
        "customer",
        "CUSTOMER",
        "Name of the customer.",
        Always,
        |row| Cell::text(Some(&row.customer)),
    ),
    column(
        "reference",
        "REFERENCE",
        "The provider's own number.",
        Asked,
        |row| Cell::text(row.reference.as_deref()),
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
        Usual,
        |row| Cell::text(row.reseller()),
    ),
    column(
        "plan",
        "PLAN",
        "Service plans of its tenants.",
        Always,
        |row| words(&row.plans),
    ),
    column(
        "product",
        "PRODUCT",
        "Products of its tenants.",
        Always,
        |row| words(&row.products),
    ),
];

const SUBSCRIBED: [Column<Facts>; 3] = [
    column(
        "edition",
        "EDITION",
        "Editions of its tenants.",
        Asked,
        |row| words(&row.editions),
    ),
    column(
        "region",
        "REGION",
        "Storage regions of its tenants.",
        Asked,
        |row| words(&row.regions),
    ),
    column("type", "TYPE", "Types of its tenants.", Asked, |row| {
        words(&row.types)
    }),
];

const USAGE: [Column<Facts>; 7] = [
    column(
        "storage",
        "STORAGE",
        "Storage in use; in a period, the most of any month. In CSV and JSON in bytes.",
        Usual,
        |row| Cell::of(row.figures.storage, Cell::Size),
    ),
    column(
        "limit",
        "LIMIT",
        "Most storage. In CSV and JSON in bytes.",
        Usual,
        |row| Cell::of(row.limit, Cell::Size),
    ),
    column(
        "usedPercent",
        "USED%",
        "Storage in use, of the limit.",
        Usual,
        |row| Cell::of(row.percent(), Cell::Percent),
    ),
    column(
        "credits",
        "CREDITS",
        "Credits used in 90 days, or in the period.",
        Usual,
        |row| Cell::of(row.figures.credits, Cell::Credits),
    ),
    column(
        "creditLimit",
        "CREDIT LIMIT",
        "Most credits.",
        Asked,
        |row| Cell::of(row.credit_limit, Cell::Credits),
    ),
    column(
        "quotaExhaustedOn",
        "FULL ON",
        "The day on which a quota is used up at the present rate.",
        Usual,
        |row| Cell::of(row.exhausted_on, Cell::Day),
    ),
    column(
        "asOf",
        "AS OF",
        "The platform's date of the figures.",
        Asked,
        |row| Cell::of(row.figures.as_of, Cell::Time),
    ),
];

const PROFILE: [Column<Facts>; 11] = [
    column(
        "administrators",
        "ADMINISTRATORS",
        "Addresses of its administrators.",
        Asked,
        |row| words(&row.addresses),
    ),
    column(
        "accountName",
        "ACCOUNT",
        "Name of its account on the platform.",
        Asked,
        |row| Cell::text(row.account.as_deref()),
    ),
    column("externalId", "ID", "Id on the platform.", Asked, |row| {
        Cell::text(row.external_id.as_deref())
    }),
    column("country", "COUNTRY", "Country.", Usual, |row| {
        Cell::text(row.country.as_deref())
    }),
    column(
        "location",
        "LOCATION",
        "Where the data lies.",
        Usual,
        |row| Cell::text(row.location.as_deref()),
    ),
    column(
        "stage",
        "STAGE",
        "Trial or Production, where the resource says so.",
        Asked,
        |row| Cell::text(row.stage.as_deref()),
    ),
    column(
        "active",
        "ACTIVE",
        "Whether its clients can back up.",
        Usual,
        |row| Cell::of(row.active, Cell::Truth),
    ),
    column(
        "tenants",
        "TENANTS",
        "How many tenants it has.",
        Usual,
        |row| Cell::of(row.tenants, Cell::Count),
    ),
    column(
        "clients",
        "CLIENTS",
        "How many clients it has.",
        Usual,
        |row| Cell::of(row.clients, Cell::Count),
    ),
    column(
        "ready",
        "READY",
        "Whether the resource is Ready.",
        Usual,
        |row| Cell::of(row.ready, Cell::Truth),
    ),
    column(
        "createdAt",
        "CREATED",
        "When the resource was made.",
        Asked,
        |row| Cell::of(row.created_at, Cell::Time),
    ),
];

const HEALTH: [Column<Facts>; 15] = [
    column("jobs", "JOBS", "Backup jobs of 30 days.", Usual, |row| {
        of_health(row, |health| Some(health.jobs?.total))
    }),
    column(
        "jobsSuccessful",
        "OK",
        "Of these, successful.",
        Usual,
        |row| of_health(row, |health| Some(health.jobs?.successful)),
    ),
    column("jobsFailed", "FAILED", "Of these, failed.", Usual, |row| {
        of_health(row, |health| Some(health.jobs?.failed))
    }),
    column(
        "successPercent",
        "OK%",
        "Successful jobs, of all.",
        Usual,
        |row| Cell::of(success(row), Cell::Percent),
    ),
    column(
        "restores",
        "RESTORES",
        "Restores of 30 days.",
        Usual,
        |row| of_health(row, |health| Some(health.restores?.total)),
    ),
    column(
        "restoresSuccessful",
        "RESTORES OK",
        "Of these, successful.",
        Asked,
        |row| of_health(row, |health| Some(health.restores?.successful)),
    ),
    column(
        "alertsCritical",
        "CRITICAL",
        "Critical alerts that are open.",
        Usual,
        |row| of_health(row, |health| Some(health.alerts?.critical)),
    ),
    column(
        "alertsWarning",
        "WARNING",
        "Warnings that are open.",
        Usual,
        |row| of_health(row, |health| Some(health.alerts?.warning)),
    ),
    column("dataSources", "SOURCES", "Data sources.", Usual, |row| {
        of_health(row, |health| Some(health.data_sources?.total))
    }),
    column(
        "dataSourcesMeeting",
        "MEETING",
        "Of these, meeting the service level of their plan; empty where no plan states one.",
        Usual,
        |row| of_health(row, |health| health.data_sources?.meeting_objective),
    ),
    column(
        "dataSourcesHeld",
        "HELD",
        "Data sources of which it can be told whether they meet the service level of their plan.",
        Usual,
        |row| of_health(row, |health| health.data_sources?.held_to_objective),
    ),
    column(
        "attainmentPercent",
        "KEPT",
        "How the service level was kept in the latest month that is known, each data source counted once a day.",
        Usual,
        |row| {
            Cell::of(
                attainment(row).and_then(|month| month.percent),
                Cell::Percent,
            )
        },
    ),
    column(
        "attainmentMonth",
        "KEPT IN",
        "The month of that.",
        Asked,
        |row| Cell::text(attainment(row).map(|month| month.month.as_str())),
    ),
    column(
        "dataSourcesNamed",
        "NAMED",
        "Of these, named: all with --live, otherwise at most ten of each tenant, the worst.",
        Asked,
        |row| of_health(row, |health| u64::try_from(health.worst.len()).ok()),
    ),
    column(
        "healthAsOf",
        "AS OF",
        "The platform's date of the figures.",
        Asked,
        |row| {
            Cell::of(
                row.health.as_ref().and_then(|health| health.as_of),
                Cell::Time,
            )
        },
    ),
];

fn of_health(row: &Facts, figure: impl Fn(&crate::api::shared::Health) -> Option<u64>) -> Cell {
    Cell::of(row.health.as_ref().and_then(figure), Cell::Count)
}

/// Successful jobs in whole percent, rounded down, so that 100 means all.
pub fn success(row: &Facts) -> Option<u32> {
    let jobs = row.health.as_ref()?.jobs?;
    percent(jobs.successful, jobs.total)
}

/// The latest month of which is known how a service level was kept.
fn attainment(row: &Facts) -> Option<&crate::api::shared::Attainment> {
    row.health.as_ref()?.attainment.last()
}

/// The columns of a report about customers.
pub fn of_customers(subject: Subject) -> Vec<Column<Facts>> {
    match subject {
        Subject::Usage => [&IDENTITY[..], &SUBSCRIBED, &USAGE].concat(),
        Subject::Customers => [&IDENTITY[..], &SUBSCRIBED, &PROFILE].concat(),
        Subject::Health | Subject::Sources => [&IDENTITY[..], &HEALTH].concat(),
    }
}

//! What machines of Enterprise Workloads did.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Context, Result, Subject, moment};
use crate::{
    item::Item,
    simulation::{self, Client, Day, Outcome},
};

/// What the report of backups can be filtered by.
pub(super) const BACKUP_FIELDS: &[&str] = &[
    "customerGlobalId",
    "accountName",
    "customerName",
    "lastUpdatedTime",
    "ended",
    "started",
    "scheduled",
    "jobID",
    "workloads",
    "status",
    "backupPolicy",
    "backupType",
    "resourceType",
    "vm",
    "backupMethod",
    "backupContent",
    "backupMountName",
    "scanType",
    "backupSet",
    "administrativeGroup",
    "organization",
    "details",
    "deviceName",
    "configurationMode",
];
/// What the report of restores can be filtered by.
pub(super) const RESTORE_FIELDS: &[&str] = &[
    "accountName",
    "customerName",
    "customerGlobalId",
    "lastUpdatedTime",
    "ended",
    "started",
    "scheduled",
    "jobID",
    "workloads",
    "details",
    "status",
    "dataSelectedForRestore",
    "destinationServer",
    "source",
    "restoreLocation",
    "administrativeGroup",
    "organization",
    "sourceVMLocation",
];
/// What the report of machines can be filtered by.
pub(super) const RESOURCE_FIELDS: &[&str] = &[
    "customerGlobalId",
    "accountName",
    "customerName",
    "backupEnabled",
    "backupsetType",
    "clientVersion",
    "osVersion",
    "resourceName",
    "backupset",
    "administrativeGroup",
    "organization",
    "lastUpdatedTime",
    "timezone",
    "backupContent",
    "backupPolicy",
    "storageTier",
];
/// What the report of alerts can be filtered by.
pub(super) const ALERT_FIELDS: &[&str] = &[
    "customerGlobalId",
    "accountName",
    "customerName",
    "generated",
    "description",
    "target",
    "resolved",
    "alertType",
    "severity",
    "lastUpdatedTime",
    "organization",
];
/// Days that these reports reach back.
const DAYS: Day = 30;
const UPDATED: &str = "lastUpdatedTime";
const ORGANISATION: &str = "Default Organization";
/// Failures in a row that are critical.
const CRITICAL: usize = 3;

/// When the job of a day ended; it starts at midnight.
fn ended(client: &Client<'_>, day: Day) -> Timestamp {
    let took = SignedDuration::from_mins(20 + (client.key % 90).cast_signed());
    simulation::midnight(day)
        .saturating_add(took)
        .unwrap_or_default()
}

/// The days that are wanted: without a filter on when rows were updated, only the last one.
fn days(context: &Context<'_>) -> impl Iterator<Item = Day> {
    let first = if context.filters.name(UPDATED) {
        DAYS - 1
    } else {
        0
    };
    context.last - first..=context.last
}

/// What every row begins with.
fn row(context: &Context<'_>, subject: &Subject<'_>, updated: Timestamp) -> Value {
    json!({
        "customerGlobalId": context.ids.customer(subject.customer),
        "accountName": subject.account_name(),
        "customerName": subject.customer.name(),
        "organization": ORGANISATION,
        "lastUpdatedTime": moment(updated),
    })
}

fn with(mut row: Value, members: Value) -> Value {
    if let (Some(row), Value::Object(members)) = (row.as_object_mut(), members) {
        row.extend(members);
    }
    row
}

/// Goes through a tenant's clients and the days whose rows can pass.
fn each(
    context: &Context<'_>,
    subject: &Subject<'_>,
    mut rows_of: impl FnMut(&Item, &Client<'_>, Day) -> Option<Value>,
) -> Result<Vec<Value>> {
    let group = context.figures.group(subject.tenant)?;
    let mut rows = Vec::new();
    for (item, client) in context.figures.simulated(&group) {
        for day in days(context) {
            if context.filters.admit(UPDATED, &moment(ended(&client, day))) {
                rows.extend(rows_of(item, &client, day));
            }
        }
    }
    Ok(rows)
}

/// One row a job.
pub(super) fn backups(context: &Context<'_>, subject: &Subject<'_>) -> Result<Vec<Value>> {
    each(context, subject, |item, client, day| {
        let outcome = client.outcome(day)?;
        let end = ended(client, day);
        Some(with(
            row(context, subject, end),
            json!({
                "started": moment(simulation::midnight(day)),
                "ended": moment(end),
                "scheduled": moment(simulation::midnight(day)),
                "jobID": job(client, day),
                "workloads": workload(client),
                "status": outcome.name(),
                "backupPolicy": "nightly",
                "backupType": "Incremental",
                "resourceType": workload(client),
                "backupMethod": "Incremental",
                "backupSet": backup_set(item),
                "deviceName": item.name(),
                "administrativeGroup": "Default",
                "details": match outcome {
                    Outcome::Successful => "Backup completed successfully",
                    Outcome::Failed => "Backup failed",
                    Outcome::Missed => "The backup didn't start in its window",
                },
            }),
        ))
    })
}

/// One row a restore.
pub(super) fn restores(context: &Context<'_>, subject: &Subject<'_>) -> Result<Vec<Value>> {
    each(context, subject, |item, client, day| {
        let ended_well = client.restore(day)?;
        let end = ended(client, day);
        Some(with(
            row(context, subject, end),
            json!({
                "started": moment(simulation::midnight(day)),
                "ended": moment(end),
                "scheduled": moment(simulation::midnight(day)),
                "jobID": job(client, day),
                "workloads": workload(client),
                "status": if ended_well { "Successful" } else { "Failed" },
                "source": item.name(),
                "destinationServer": item.name(),
                "restoreLocation": "/restored",
                "administrativeGroup": "Default",
                "details": if ended_well { "Restore completed successfully" } else { "Restore failed" },
            }),
        ))
    })
}

/// One row a machine, as it was at the last synchronisation.
pub(super) fn resources(context: &Context<'_>, subject: &Subject<'_>) -> Result<Vec<Value>> {
    let group = context.figures.group(subject.tenant)?;
    let updated = simulation::midnight(context.last);
    let show = |(item, client): (&Item, Client<'_>)| {
        with(
            row(context, subject, updated),
            json!({
                "resourceName": item.name(),
                "backupset": backup_set(item),
                "backupsetType": workload(&client),
                "backupEnabled": if subject.tenant.active() { "Yes" } else { "No" },
                "backupPolicy": "nightly",
                "clientVersion": "7.0.0",
                "storageTier": "WARM",
                "timezone": "UTC",
                "administrativeGroup": "Default",
            }),
        )
    };
    Ok(context.figures.simulated(&group).map(show).collect())
}

/// One row a backup that didn't succeed: critical from the third in a row on, resolved once one succeeds.
pub(super) fn alerts(context: &Context<'_>, subject: &Subject<'_>) -> Result<Vec<Value>> {
    each(context, subject, |item, client, day| {
        let failed = |day: Day| {
            client
                .outcome(day)
                .is_some_and(|outcome| outcome != Outcome::Successful)
        };
        if !failed(day) {
            return None;
        }
        let streak = (day - DAYS..=day)
            .rev()
            .take_while(|day| failed(*day))
            .count();
        let succeeds = |day| client.outcome(day) == Some(Outcome::Successful);
        let resolved = (day + 1..=context.last).any(succeeds);
        let end = ended(client, day);
        Some(with(
            row(context, subject, end),
            json!({
                "generated": moment(end),
                "description": "Backup failed",
                "target": item.name(),
                "alertType": "Jobs",
                "severity": if streak >= CRITICAL { "Critical" } else { "Warning" },
                "resolved": if resolved { "1" } else { "0" },
            }),
        ))
    })
}

fn job(client: &Client<'_>, day: Day) -> i64 {
    client.job(day).parse().unwrap_or(0)
}

fn backup_set(item: &Item) -> String {
    format!("{}#bset1", item.name())
}

/// What a machine backs up, in the words of Druva's console.
fn workload<'a>(client: &Client<'a>) -> &'a str {
    match client.load.workload.as_str() {
        "FileServers" => "Files",
        "MSSQL" => "MS-SQL",
        "HyperV" => "Hyper-V",
        other => other,
    }
}

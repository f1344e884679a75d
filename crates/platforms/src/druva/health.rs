//! Backup health, combined from four reports on Enterprise Workloads: no single call of the interface provides it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    Druva, lenient,
    usage::{as_of, since},
    words::ENTERPRISE_WORKLOADS,
};
use crate::{
    estate::{
        Alerts, DataSource, DataSources, HealthReport, ItemKind, Jobs, ObjectId, Restores, Unread,
    },
    {Lane, PlatformError},
};

const RESOURCES: &str = "POST /msp/reporting/v1/reports/mspEWResourceStatus";
const BACKUPS: &str = "POST /msp/reporting/v1/reports/mspEWBackupActivity";
const RESTORES: &str = "POST /msp/reporting/v1/reports/mspEWRestoreActivity";
const ALERTS: &str = "POST /msp/reporting/v1/reports/mspEWAlertHistory";
const SUCCESSFUL: &str = "Successful";
const FAILED: &str = "Failed";
const MISSED: &str = "Missed";
/// The placeholder for an empty value.
const NOT_APPLICABLE: [&str; 3] = ["NA", "N/A", "-"];
/// Words for jobs that aren't over.
const UNFINISHED: [&str; 4] = ["running", "queued", "progress", "waiting"];
/// Words for jobs that never got to backing up.
const OMITTED: [&str; 4] = ["skip", "missed", "cancel", "expired"];
/// Words for alerts that are closed. The other words for an alert aren't documented; they count as open.
const RESOLVED: [&str; 3] = ["yes", "true", "resolved"];

/// A row about a data source, by a job or by its current state. Source: Druva OpenAPI, `BackupActivityReportData` and
/// `ResourceStatusReportData`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceRow {
    #[serde(default, deserialize_with = "lenient::text")]
    customer_global_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    organization: Option<String>,
    /// The two reports spell it differently.
    #[serde(default, alias = "backupset", deserialize_with = "lenient::text")]
    backup_set: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    vm: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    device_name: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    resource_name: Option<String>,
    #[serde(default, alias = "backupsetType", deserialize_with = "lenient::text")]
    workloads: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    backup_policy: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    backup_enabled: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, rename = "jobID", deserialize_with = "lenient::text")]
    job_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::instant")]
    started: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::instant")]
    ended: Option<Timestamp>,
    #[serde(default, deserialize_with = "lenient::instant")]
    last_updated_time: Option<Timestamp>,
}

impl SourceRow {
    fn name(&self) -> Option<&str> {
        let names = [
            &self.backup_set,
            &self.vm,
            &self.device_name,
            &self.resource_name,
        ];
        names
            .into_iter()
            .find_map(|name| applicable(name.as_deref()))
    }

    fn at(&self) -> Option<Timestamp> {
        self.ended.or(self.started).or(self.last_updated_time)
    }
}

/// Source: Druva OpenAPI, `EWRestoreActivityReportData`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestoreRow {
    #[serde(default, deserialize_with = "lenient::text")]
    customer_global_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    organization: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    source: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    status: Option<String>,
    #[serde(default, deserialize_with = "lenient::instant")]
    ended: Option<Timestamp>,
}

/// Source: Druva OpenAPI, `AlertHistoryReportData`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertRow {
    #[serde(default, deserialize_with = "lenient::text")]
    customer_global_id: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    severity: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    resolved: Option<String>,
}

/// The figures of the four reports about one customer.
#[derive(Default)]
struct Figures {
    jobs: Jobs,
    restores: Restores,
    alerts: Alerts,
    /// By organisation and name.
    sources: BTreeMap<(String, String), DataSource>,
}

#[derive(Default)]
struct Gathered(BTreeMap<String, Figures>);

impl Gathered {
    fn of(&mut self, customer: Option<&String>) -> Option<&mut Figures> {
        Some(self.0.entry(customer?.clone()).or_default())
    }

    fn resource(&mut self, row: &SourceRow) {
        let is_off = row
            .backup_enabled
            .as_deref()
            .is_some_and(|enabled| enabled.eq_ignore_ascii_case("no"));
        if let Some(figures) = self.of(row.customer_global_id.as_ref())
            && !is_off
        {
            figures.source(row);
        }
    }

    fn job(&mut self, row: &SourceRow) {
        let outcome = outcome(row.status.as_deref());
        if let Some(figures) = self.of(row.customer_global_id.as_ref())
            && let Some(outcome) = outcome
        {
            count(&mut figures.jobs, &outcome);
            if let Some(source) = figures.source(row) {
                ran(source, row, &outcome);
            }
        }
    }

    fn restore(&mut self, row: &RestoreRow) {
        let Some(outcome) = outcome(row.status.as_deref()) else {
            return;
        };
        let Some(figures) = self.of(row.customer_global_id.as_ref()) else {
            return;
        };
        figures.restores.total += 1;
        if outcome != SUCCESSFUL {
            return;
        }
        figures.restores.successful += 1;
        let organisation = applicable(row.organization.as_deref()).unwrap_or_default();
        let from = applicable(row.source.as_deref());
        let key = from.map(|name| (organisation.to_owned(), name.to_owned()));
        if let Some(source) = key.and_then(|key| figures.sources.get_mut(&key)) {
            source.last_restore_at = source.last_restore_at.max(row.ended);
        }
    }

    fn alert(&mut self, row: &AlertRow) {
        let closed = row.resolved.as_deref().is_some_and(is_resolved);
        if closed {
            return;
        }
        let Some(figures) = self.of(row.customer_global_id.as_ref()) else {
            return;
        };
        match row
            .severity
            .as_deref()
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("critical") => figures.alerts.critical += 1,
            Some("warning") => figures.alerts.warning += 1,
            _ => {}
        }
    }
}

impl Figures {
    /// The data source of a row, with the row's statement about its current state.
    fn source(&mut self, row: &SourceRow) -> Option<&mut DataSource> {
        let name = row.name()?.to_owned();
        let organisation = applicable(row.organization.as_deref()).map(str::to_owned);
        let key = (organisation.clone().unwrap_or_default(), name.clone());
        let source = self.sources.entry(key).or_insert_with(|| DataSource {
            name,
            organisation,
            workload: None,
            policy: None,
            last_status: None,
            last_job_id: None,
            last_run_at: None,
            last_success_at: None,
            last_success_job_id: None,
            last_restore_at: None,
            last_write_at: None,
            writes_only: false,
            jobs: Some(Jobs::default()),
        });
        for (known, told) in [
            (&mut source.workload, &row.workloads),
            (&mut source.policy, &row.backup_policy),
        ] {
            if let Some(told) = applicable(told.as_deref()) {
                *known = Some(told.to_owned());
            }
        }
        Some(source)
    }

    fn into_row(
        self,
        customer: &str,
        tenant: Option<ObjectId>,
        since: Option<Timestamp>,
    ) -> DataSources {
        let sources = self.sources.into_values().map(|source| DataSource {
            // A source that is backed up and had no job in all these days isn't healthy.
            last_status: source.last_status.or_else(|| Some(MISSED.to_owned())),
            ..source
        });
        DataSources {
            customer_id: ObjectId::new(customer),
            tenant_id: tenant,
            jobs: Some(self.jobs),
            restores: Some(self.restores),
            restores_since: since,
            alerts: Some(self.alerts),
            data_sources: sources.collect(),
        }
    }
}

/// Adds a finished job to a source; the order of jobs doesn't matter.
fn ran(source: &mut DataSource, row: &SourceRow, outcome: &str) {
    count(source.jobs.get_or_insert_default(), outcome);
    let at = row.at();
    if source.last_status.is_none() || at >= source.last_run_at {
        source.last_run_at = at;
        source.last_status = Some(outcome.to_owned());
        source.last_job_id.clone_from(&row.job_id);
    }
    if outcome == SUCCESSFUL && at >= source.last_success_at {
        source.last_success_at = at;
        source.last_success_job_id.clone_from(&row.job_id);
    }
}

fn count(jobs: &mut Jobs, outcome: &str) {
    jobs.total += 1;
    match outcome {
        SUCCESSFUL => jobs.successful += 1,
        FAILED => jobs.failed += 1,
        _ => {}
    }
}

/// How a job ended; none while it runs. A word that isn't known here, such as a success with errors, is kept as it is: it is
/// neither.
fn outcome(status: Option<&str>) -> Option<String> {
    let status = status?;
    let word = status.to_ascii_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if has(&UNFINISHED) {
        return None;
    }
    let outcome = match word.as_str() {
        "successful" | "success" | "completed" => SUCCESSFUL,
        _ if has(&["fail"]) => FAILED,
        _ if has(&OMITTED) => MISSED,
        _ => status,
    };
    Some(outcome.to_owned())
}

fn is_resolved(word: &str) -> bool {
    RESOLVED
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known))
        || word.parse::<Timestamp>().is_ok()
}

fn applicable(text: Option<&str>) -> Option<&str> {
    let text = text?;
    let says_nothing = NOT_APPLICABLE
        .iter()
        .any(|word| word.eq_ignore_ascii_case(text));
    (!says_nothing).then_some(text)
}

impl Druva {
    pub(super) async fn backup_health(&self, days: u16) -> Result<HealthReport, PlatformError> {
        let now = Timestamp::now();
        if self.known.listed().is_none() {
            self.tenants(Lane::Sweep).await?;
        }
        let (mut gathered, mut unread) = (Gathered::default(), Unread::default());
        let noted = &mut unread;
        let ages = [
            self.days(RESOURCES, days, noted, |row| gathered.resource(&row))
                .await?,
            self.days(BACKUPS, days, noted, |row| gathered.job(&row))
                .await?,
            // After the sources are known.
            self.days(RESTORES, days, noted, |row| gathered.restore(&row))
                .await?,
            self.days(ALERTS, days, noted, |row| gathered.alert(&row))
                .await?,
        ];
        let since = since(days, now).parse().ok();
        let rows = gathered.0.into_iter().map(|(customer, figures)| {
            let id = ObjectId::new(&customer);
            let tenant = self.known.tenant_of(&id, ENTERPRISE_WORKLOADS);
            figures.into_row(&customer, tenant, since)
        });
        Ok(HealthReport {
            as_of: as_of(ages.into_iter().flatten().min(), now),
            rows: rows.collect(),
            unreadable: unread,
        })
    }

    /// Without the filter these reports are about one day.
    async fn days<Row: DeserializeOwned>(
        &self,
        operation: &'static str,
        days: u16,
        unread: &mut Unread,
        each: impl FnMut(Row),
    ) -> Result<Option<Timestamp>, PlatformError> {
        let first = since(days, Timestamp::now());
        let filters = json!([{"fieldName": "lastUpdatedTime", "operator": "GTE", "value": first}]);
        let report = operation.rsplit('/').next().unwrap_or_default();
        let path = ["reporting", "v1", "reports", report];
        let noted = (ItemKind::HealthRow, unread);
        self.report(operation, &path, filters, noted, each).await
    }
}

#[cfg(test)]
mod tests;

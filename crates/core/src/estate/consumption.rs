//! Consumption and health, from the platform's bulk reports.

use serde::Deserialize;

use super::{ObjectId, Unread};
use crate::api::Moment;

/// A bulk report: rows of one platform, read whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Report<Row> {
    /// How old the platform says its figures are.
    pub as_of: jiff::Timestamp,
    /// One row a customer or tenant.
    pub rows: Vec<Row>,
    /// Rows that can't be read and are left out.
    pub unreadable: Unread,
}

/// Consumption of the last 90 days.
pub type UsageReport = Report<Consumption>;
/// Health of the last 30 days.
pub type HealthReport = Report<DataSources>;

/// Consumption of one customer, or of one of its tenants.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consumption {
    /// The customer.
    pub customer_id: ObjectId,
    /// The tenant; `None` for the customer's total.
    #[serde(default)]
    pub tenant_id: Option<ObjectId>,
    /// Stored now, in bytes.
    #[serde(default)]
    pub storage_bytes: u64,
    /// Credits consumed in the reported days; `None` where the platform has none.
    #[serde(default)]
    pub credits: Option<f64>,
    /// By calendar month, oldest first.
    #[serde(default)]
    pub months: Vec<MonthlyConsumption>,
}

/// Consumption of one calendar month.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MonthlyConsumption {
    /// `2026-10`.
    pub month: String,
    /// Most stored in the month, in bytes.
    #[serde(default)]
    pub storage_max_bytes: u64,
    /// Credits consumed in the month.
    #[serde(default)]
    pub credits: f64,
}

/// Backup jobs by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Jobs {
    /// All that ran.
    pub total: u64,
    /// Those that succeeded.
    pub successful: u64,
    /// Those that failed.
    pub failed: u64,
}

/// Restores by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Restores {
    /// All that ran.
    pub total: u64,
    /// Those that succeeded.
    pub successful: u64,
}

/// Open alerts by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Alerts {
    /// A backup is in danger.
    pub critical: u64,
    /// A person should look at it.
    pub warning: u64,
}

/// One thing that is backed up.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataSource {
    /// Its name, for instance `sql01`.
    pub name: String,
    /// The organisation it belongs to.
    #[serde(default)]
    pub organisation: Option<String>,
    /// What it is, for instance `MSSQL`.
    #[serde(default)]
    pub workload: Option<String>,
    /// The backup policy on it.
    #[serde(default)]
    pub policy: Option<String>,
    /// `Successful`, `Failed` or `Missed`.
    #[serde(default)]
    pub last_status: Option<String>,
    /// Id of the last job.
    #[serde(default)]
    pub last_job_id: Option<String>,
    /// When it last ran.
    #[serde(default, deserialize_with = "Moment::timed")]
    pub last_run_at: Option<jiff::Timestamp>,
    /// When it last succeeded.
    #[serde(default, deserialize_with = "Moment::timed")]
    pub last_success_at: Option<jiff::Timestamp>,
    /// Id of the last job that succeeded.
    #[serde(default)]
    pub last_success_job_id: Option<String>,
    /// When it was last restored from.
    #[serde(default, deserialize_with = "Moment::timed")]
    pub last_restore_at: Option<jiff::Timestamp>,
    /// When something was last written to it, where the platform sees writes and no jobs.
    #[serde(default, deserialize_with = "Moment::timed")]
    pub last_write_at: Option<jiff::Timestamp>,
    /// Whether nothing is known of its backups, only writes: then it is held to no service level.
    #[serde(default)]
    pub writes_only: bool,
    /// Its jobs of the reported days, where the platform counts them.
    #[serde(default)]
    pub jobs: Option<Jobs>,
}

/// However long ago.
#[allow(
    clippy::unnecessary_wraps,
    reason = "the default of a field that may be absent"
)]
const fn ever() -> Option<jiff::Timestamp> {
    Some(jiff::Timestamp::MIN)
}

/// Health of one tenant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataSources {
    /// The customer.
    pub customer_id: ObjectId,
    /// The tenant; `None` for what belongs to no product.
    #[serde(default)]
    pub tenant_id: Option<ObjectId>,
    /// Backup jobs, where the platform counts them.
    #[serde(default)]
    pub jobs: Option<Jobs>,
    /// Restores, where the platform counts them.
    #[serde(default)]
    pub restores: Option<Restores>,
    /// Since when the last restore of each data source is told; absent where the platform tells none. A bridge tells the last one
    /// whenever it was.
    #[serde(skip_deserializing, default = "ever")]
    pub restores_since: Option<jiff::Timestamp>,
    /// Open alerts, where the platform has such.
    #[serde(default)]
    pub alerts: Option<Alerts>,
    /// What is backed up.
    #[serde(default)]
    pub data_sources: Vec<DataSource>,
}

//! Consumption and backup health, as reported in the status of customers and tenants.

use jiff::{Timestamp, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    bounds::MONTH,
    closed_enum::closed_enum,
    quantity::{Credits, Size},
};

/// Consumption. Written when a figure that a person would act on changes, at most once per `usageInterval`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// The platform's own date of these figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Days that the figures cover, up to `asOf`.
    #[schemars(range(min = 0, max = 3660))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Storage in use at `asOf`, in bytes, as a quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<Size>,
    /// Credits (consumption units) used over those days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// Storage in use as a percentage of the limit in effect; absent without a limit; above 100 when over it.
    #[schemars(range(min = 0, max = 100_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_percent: Option<u32>,
    /// The day on which the storage or credit limit is used up if consumption goes on as in the months known; absent when that
    /// isn't within ten years, without a limit, and while less than three points over four weeks are known. `forecast` says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_exhausted_on: Option<Date>,
    /// What the months known tell of the limits: `RunsOut`, `NotInSight` (not within ten years) or `TooLittleKnown` (less than three
    /// points over four weeks); absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forecast: Option<Forecast>,
    /// Month by month, oldest first, at most 13. A customer's month no longer changes once it is over; those of a reseller are of
    /// the customers that are below it now.
    #[schemars(length(max = 13), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["month"]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<MonthUsage>,
}

closed_enum! {
    /// What the months known tell of a limit.
    Forecast {
        /// It is used up within ten years; `quotaExhaustedOn` says when.
        RunsOut,
        /// At the present rate it isn't used up within ten years.
        NotInSight,
        /// Less than three points over four weeks are known.
        TooLittleKnown,
    }
}

/// Consumption of one month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonthUsage {
    /// The month. Example: `2026-10`.
    #[schemars(length(max = 7), regex(pattern = MONTH))]
    pub month: String,
    /// Most storage in use during the month, in bytes, as a quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_max: Option<Size>,
    /// Credits used during the month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
}

/// Backup health of the last 30 days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The platform's own date of these figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// Backup jobs of the last 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<JobCounts>,
    /// Restores of the last 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restores: Option<RestoreCounts>,
    /// Alerts that are open now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Alerts>,
    /// Data sources, and how many keep what the service plan promises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_sources: Option<DataSources>,
    /// The data sources in the worst state, worst first, at most 10; `holdfast report health` lists all.
    #[schemars(length(max = 10), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worst: Vec<DataSource>,
    /// How the service level was kept, month by month, oldest first, at most 13; a month no longer changes once it is over. Data
    /// sources are counted once a day: seven of them on thirty days are 210 in `total`.
    #[schemars(length(max = 13), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["month"]))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attainment: Vec<Attainment>,
}

/// How the service level was kept in one month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attainment {
    /// The month. Example: `2026-10`.
    #[schemars(length(max = 7), regex(pattern = MONTH))]
    pub month: String,
    /// Of `total`, those that met the service level of their plan on their day.
    pub meeting: u64,
    /// Data sources held to a service level, each counted once a day, of the days known.
    pub total: u64,
    /// `meeting` in whole percent of `total`, rounded down.
    #[schemars(range(max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u32>,
    /// Days of the month that are known.
    #[schemars(range(max = 31))]
    pub days: u32,
    /// The last day that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// Counts of backup jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobCounts {
    /// All backup jobs.
    pub total: u64,
    /// Jobs that succeeded.
    pub successful: u64,
    /// Jobs that failed.
    pub failed: u64,
}

/// Counts of restores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreCounts {
    /// All restores of those days.
    pub total: u64,
    /// Restores that succeeded.
    pub successful: u64,
}

/// Counts of alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// Critical alerts that are open.
    pub critical: u64,
    /// Warnings that are open.
    pub warning: u64,
}

/// Counts of data sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataSources {
    /// All data sources.
    pub total: u64,
    /// Those of which it can be told whether they meet the service level of their plan; absent where no plan states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_to_objective: Option<u64>,
    /// Of those held to one, how many meet the service level of their plan; absent where no plan states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meeting_objective: Option<u64>,
    /// Those without a successful backup within the `recoveryPointObjective` of their plan, also because there never was one; absent
    /// where none is held to such an objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_recovery_point: Option<u64>,
}

/// One data source: a server, a database, a mailbox estate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataSource {
    /// Name of the data source. Example: `sql01`.
    #[schemars(length(max = 256))]
    pub name: String,
    /// Organisation it belongs to at the platform.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// Kind of workload. Example: `MSSQL`.
    #[schemars(length(max = 63))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Backup policy. Example: `nightly`.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// How the last job ended. Example: `Failed`.
    #[schemars(length(max = 63))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<String>,
    /// Id of the last job.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_job_id: Option<String>,
    /// When the last job ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_at: Option<Timestamp>,
    /// When the last successful job ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    /// Id of the last successful job.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_job_id: Option<String>,
    /// When something was last restored from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_restore_at: Option<Timestamp>,
    /// When something was last written to it, where the platform sees writes and no jobs: this isn't a backup that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_write_at: Option<Timestamp>,
    /// Jobs that succeeded of the last 30 days, in whole percent rounded down, where the platform counts them. Example: `93`.
    #[schemars(range(max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_percent: Option<u32>,
    /// What it misses of the service level of its plan: `RecoveryPoint`, `SuccessRatio`, `RestoreTest`.
    #[schemars(length(max = 3), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missed: Vec<Missed>,
}

closed_enum! {
    /// A part of a service level that a data source misses.
    Missed {
        /// The last successful backup is older than `recoveryPointObjective`.
        RecoveryPoint,
        /// Fewer jobs succeeded than `minimumSuccessPercent`.
        SuccessRatio,
        /// Nothing was restored from it for longer than `restoreTestInterval`.
        RestoreTest,
    }
}

//! From the platform's health report to `status.health` and what follows from it.

#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::Duration;

use super::{
    Around, HealthCondition, NOTHING,
    attainment::{Kept, attained},
    consumption::percent,
};
use crate::{
    api::{
        ConditionType, Reason,
        plan::ServiceLevel,
        shared::{
            Alerts, DataSource, DataSources as Counts, Health, JobCounts, ManagedStatus, Missed,
            RestoreCounts,
        },
    },
    estate,
};

/// Data sources named.
const WORST: usize = 10;

/// Health as status shows it, with the conditions that follow. `level` finds the service level that applies to a row.
pub fn health(
    previous: Option<&Health>,
    said: Option<&ManagedStatus>,
    around: &Around,
    level: impl Fn(&estate::DataSources) -> Option<ServiceLevel>,
) -> (Option<Health>, Vec<HealthCondition>) {
    let Some(as_of) = around.health_as_of else {
        return (
            previous.cloned(),
            said.map(health_conditions).unwrap_or_default(),
        );
    };
    if around.health.is_empty() {
        // A report without a word of it takes no month away.
        let months = previous.map(|previous| previous.attainment.clone());
        let months = months.filter(|months| !months.is_empty());
        let kept = months.map(|attainment| Health {
            attainment,
            ..Health::default()
        });
        return (kept, Vec::new());
    }
    let mut tally = Tally::default();
    for row in &around.health {
        tally.add(row, level(row).as_ref(), as_of);
    }
    let conditions = tally.conditions();
    let mut next = tally.into_health(as_of);
    let months = previous.map_or(&[][..], |previous| &previous.attainment);
    let today = as_of.to_zoned(TimeZone::UTC).date();
    let before = previous.and_then(kept);
    let (attainment, due) = attained(months, before, kept(&next), today, around.health_seen);
    next.attainment = attainment;
    match previous {
        Some(previous) if !due && timeless(previous) == timeless(&next) => {
            (Some(previous.clone()), conditions)
        }
        _ => (Some(next), conditions),
    }
}

/// How many data sources keep a service level, of those that are held to one.
fn kept(health: &Health) -> Option<Kept> {
    let sources = health.data_sources?;
    Some(Kept {
        meeting: sources.meeting_objective?,
        held: sources.held_to_objective?,
    })
}

/// The earlier health conditions.
fn health_conditions(said: &ManagedStatus) -> Vec<HealthCondition> {
    let parse = |condition: &Condition| {
        let kind = condition.type_.parse().ok()?;
        let about_health = matches!(
            kind,
            ConditionType::BackupHealthy | ConditionType::ServiceLevelMet
        );
        let reason = condition.reason.parse().ok()?;
        about_health.then(|| {
            (
                kind,
                condition.status == "True",
                reason,
                condition.message.clone(),
            )
        })
    };
    said.conditions.iter().filter_map(parse).collect()
}

/// Health without what changes by itself.
fn timeless(health: &Health) -> Health {
    let still = |source: &DataSource| DataSource {
        last_run_at: None,
        // Of what no job is known this is all there is to tell.
        last_success_at: source
            .last_success_at
            .filter(|_| source.last_status.is_none()),
        last_restore_at: None,
        last_job_id: None,
        last_success_job_id: None,
        ..source.clone()
    };
    let mut worst: Vec<DataSource> = health.worst.iter().map(still).collect();
    // Their order follows their times.
    let name = |source: &DataSource| (source.name.clone(), source.organisation.clone());
    worst.sort_by_key(name);
    Health {
        as_of: None,
        worst,
        // A day more isn't news by itself.
        attainment: Vec::new(),
        ..health.clone()
    }
}

#[derive(Default)]
struct Tally {
    jobs: Option<JobCounts>,
    restores: Option<RestoreCounts>,
    alerts: Option<Alerts>,
    total: u64,
    /// Those of which the platform says how the last backup ended.
    judged: u64,
    failing: u64,
    held_to_objective: u64,
    meeting: u64,
    /// Those without a recent enough success, if any is held to a recovery point.
    late: Option<u64>,
    sources: Vec<(bool, bool, DataSource)>,
}

/// A sum that saturates; a platform with unbounded counts doesn't make a pass fail.
fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

impl Tally {
    fn add(&mut self, row: &estate::DataSources, level: Option<&ServiceLevel>, as_of: Timestamp) {
        self.add_counts(row);
        for source in &row.data_sources {
            let failing = source
                .last_status
                .as_deref()
                .is_some_and(|status| status != "Successful");
            let level = level.filter(|_| !source.writes_only);
            let missed = level.and_then(|level| missed(level, source, row.restores_since, as_of));
            let meets = missed.as_ref().map(Vec::is_empty);
            self.total += 1;
            self.judged += u64::from(source.last_status.is_some());
            self.failing += u64::from(failing);
            self.held_to_objective += u64::from(meets.is_some());
            self.meeting += u64::from(meets == Some(true));
            if level.is_some_and(|level| level.recovery_point_objective.is_some()) {
                let late = missed
                    .iter()
                    .flatten()
                    .any(|part| *part == Missed::RecoveryPoint);
                *self.late.get_or_insert_default() += u64::from(late);
            }
            if failing || meets == Some(false) || source.last_status.is_none() {
                self.sources.push((
                    meets != Some(false),
                    !failing,
                    shown_source(source, missed.unwrap_or_default()),
                ));
            }
        }
    }

    /// What a platform doesn't count stays absent.
    fn add_counts(&mut self, row: &estate::DataSources) {
        if let Some(more) = &row.jobs {
            let jobs = self.jobs.get_or_insert_default();
            add(&mut jobs.total, more.total);
            add(&mut jobs.successful, more.successful);
            add(&mut jobs.failed, more.failed);
        }
        if let Some(more) = &row.restores {
            let restores = self.restores.get_or_insert_default();
            add(&mut restores.total, more.total);
            add(&mut restores.successful, more.successful);
        }
        if let Some(more) = &row.alerts {
            let alerts = self.alerts.get_or_insert_default();
            add(&mut alerts.critical, more.critical);
            add(&mut alerts.warning, more.warning);
        }
    }

    fn conditions(&self) -> Vec<HealthCondition> {
        let mut conditions = Vec::new();
        if self.judged > 0 {
            conditions.push(self.healthy());
        }
        if self.held_to_objective > 0 {
            let met = self.meeting == self.held_to_objective;
            let reason = if met {
                Reason::ObjectiveMet
            } else {
                Reason::ObjectiveMissed
            };
            let message = self.level_message();
            conditions.push((ConditionType::ServiceLevelMet, met, reason, message));
        }
        conditions
    }

    /// How many keep their service level, and of how many that can't be told.
    fn level_message(&self) -> String {
        let (meeting, held) = (self.meeting, self.held_to_objective);
        let others = self.total - held;
        if others == 0 {
            return format!(
                "{meeting} of {held} data sources meet the service level of their plan."
            );
        }
        format!(
            "{meeting} of the {held} data sources that are held to a service level meet it; {others} more of {} are held to none.",
            self.total
        )
    }

    /// Whether the last backups succeeded, of those data sources of which that is known.
    fn healthy(&self) -> HealthCondition {
        let (total, known) = (self.total, self.judged);
        let of_which = if known == total {
            format!("{total} data sources")
        } else {
            format!("{known} data sources whose backups the platform reports, of {total},")
        };
        if self.failing == 0 {
            let message = format!("The last backup of each of the {of_which} succeeded.");
            let reason = Reason::BackupsSucceeding;
            return (ConditionType::BackupHealthy, true, reason, message);
        }
        let message = format!(
            "The last backup of {} of {of_which} didn't succeed. See status.health.worst.",
            self.failing
        );
        let reason = Reason::BackupsFailing;
        (ConditionType::BackupHealthy, false, reason, message)
    }

    fn into_health(mut self, as_of: Timestamp) -> Health {
        self.sources.sort_by(|one, other| {
            (one.0, one.1, &one.2.last_success_at, &one.2.name).cmp(&(
                other.0,
                other.1,
                &other.2.last_success_at,
                &other.2.name,
            ))
        });
        Health {
            as_of: Some(as_of),
            jobs: self.jobs,
            restores: self.restores,
            alerts: self.alerts,
            data_sources: Some(Counts {
                total: self.total,
                held_to_objective: (self.held_to_objective > 0).then_some(self.held_to_objective),
                meeting_objective: (self.held_to_objective > 0).then_some(self.meeting),
                missing_recovery_point: self.late,
            }),
            worst: self
                .sources
                .into_iter()
                .take(WORST)
                .map(|(_, _, source)| source)
                .collect(),
            attainment: Vec::new(),
        }
    }
}

/// R-N10, R-N17: what of a service level is missed: young enough a success, enough jobs that succeeded, young enough a restore.
/// None where nothing of it can be judged.
pub(super) fn missed(
    level: &ServiceLevel,
    source: &estate::DataSource,
    restores_since: Option<Timestamp>,
    as_of: Timestamp,
) -> Option<Vec<Missed>> {
    let recent = level.recovery_point_objective.map(|objective| {
        let oldest = before(as_of, objective);
        source.last_success_at >= Some(oldest)
    });
    // Jobs that aren't counted are unknown: no share of them is reported.
    let share = level.minimum_success_percent.as_ref();
    let share = share.and_then(|percent| percent.milli().ok());
    let enough = share.zip(source.jobs).map(|(milli, jobs)| {
        u128::from(jobs.successful) * 100_000 >= u128::from(milli) * u128::from(jobs.total)
    });
    // An older restore than the platform tells of may have been young enough.
    let tested = level.restore_test_interval.and_then(|interval| {
        let oldest = before(as_of, interval);
        let told = restores_since.is_some_and(|since| since <= oldest);
        let tested = source.last_restore_at >= Some(oldest);
        (tested || told).then_some(tested)
    });
    let parts = [
        (recent, Missed::RecoveryPoint),
        (enough, Missed::SuccessRatio),
        (tested, Missed::RestoreTest),
    ];
    let judged = parts.iter().any(|(kept, _)| kept.is_some());
    let missed = parts.into_iter().filter(|(kept, _)| *kept == Some(false));
    judged.then(|| missed.map(|(_, part)| part).collect())
}

/// So long before an instant.
fn before(instant: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(std::time::Duration::from(duration));
    let before = duration.map(|duration| instant.checked_sub(duration));
    before.ok().and_then(Result::ok).unwrap_or(Timestamp::MIN)
}

pub(super) fn shown_source(source: &estate::DataSource, missed: Vec<Missed>) -> DataSource {
    DataSource {
        name: source.name.clone(),
        organisation: source.organisation.clone(),
        workload: source.workload.clone(),
        policy: source.policy.clone(),
        last_status: source.last_status.clone(),
        last_job_id: source.last_job_id.clone(),
        last_run_at: source.last_run_at,
        last_success_at: source.last_success_at,
        last_success_job_id: source.last_success_job_id.clone(),
        last_restore_at: source.last_restore_at,
        last_write_at: source.last_write_at,
        success_percent: source
            .jobs
            .and_then(|jobs| percent(jobs.successful.min(jobs.total), jobs.total)),
        missed,
    }
}

/// Successful jobs in whole percent, for a column.
pub fn success(health: Option<&Health>) -> String {
    let jobs = health.and_then(|health| health.jobs);
    jobs.and_then(|jobs| percent(jobs.successful, jobs.total))
        .map_or_else(|| NOTHING.to_owned(), |percent| format!("{percent}%"))
}

//! Health, as far as a gateway knows it: when something was last written to each bucket, by its log of requests. A write is no
//! backup; where snapshots are listed, those of restic are told besides.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt, stream};
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::{
    Rgw,
    figures::Figures,
    log::STORING,
    reading,
    reads::AT_ONCE,
    snapshots::Backups,
    wire::{Bucket, UsageLog},
};
use crate::{
    Lane, PlatformError,
    estate::{DataSource, DataSources, HealthReport, ItemKind, ObjectId, Unread},
};

/// How far back the log is read, in days: a bucket that nobody has written to for weeks is told from one of which nothing is known.
const ACTIVITY: u16 = 90;

impl Rgw {
    /// Each bucket as a data source of its owner. The gateway sees no jobs.
    pub(super) async fn writes(&self) -> Result<HealthReport, PlatformError> {
        let as_of = Timestamp::now();
        let figures = match self.known.take_figures() {
            Some(figures) => figures,
            None => self.figures().await?,
        };
        self.read_log(as_of).await?;
        let mut unreadable = Unread::default();
        let untold = |of: &Figures| of.unreadable(ItemKind::HealthRow);
        figures
            .iter()
            .filter_map(untold)
            .for_each(|item| unreadable.note(item));
        let all_told = figures.iter().all(|of| of.untold.is_none());
        let buckets: Vec<Bucket> = figures.into_iter().flat_map(|of| of.buckets).collect();
        let there: BTreeSet<String> = buckets.iter().map(Bucket::id).collect();
        // Of whom nothing is told now, the last write isn't forgotten.
        let known = |bucket: &str| !all_told || there.contains(bucket);
        self.known.log().keep(known);
        let found: Vec<(Bucket, Backups)> = stream::iter(buckets)
            .map(|bucket| async {
                let backups = self.backups(&bucket).await?;
                Ok::<_, PlatformError>((bucket, backups))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut by_owner: BTreeMap<String, Vec<DataSource>> = BTreeMap::new();
        for (bucket, backups) in found {
            let source = self.source(&bucket, backups);
            by_owner.entry(bucket.owner).or_default().push(source);
        }
        let row = |(owner, mut data_sources): (String, Vec<DataSource>)| {
            data_sources.sort_by(|one, other| one.name.cmp(&other.name));
            DataSources {
                customer_id: ObjectId::new(&owner),
                tenant_id: Some(ObjectId::new(&owner)),
                jobs: None,
                restores: None,
                restores_since: None,
                alerts: None,
                data_sources,
            }
        };
        Ok(HealthReport {
            as_of,
            rows: by_owner.into_iter().map(row).collect(),
            unreadable,
        })
    }

    fn source(&self, bucket: &Bucket, backups: Backups) -> DataSource {
        DataSource {
            name: bucket.id(),
            organisation: None,
            workload: backups.is_known().then(|| "restic".to_owned()),
            policy: None,
            last_status: None,
            last_job_id: None,
            last_run_at: None,
            last_success_at: backups.last(),
            last_success_job_id: None,
            last_restore_at: None,
            last_write_at: self.known.log().last_write(bucket),
            writes_only: !backups.is_known(),
            jobs: None,
        }
    }

    /// Reads the log of the days that may have something new. A day is one request: the log has an entry for each hour and bucket.
    async fn read_log(&self, now: Timestamp) -> Result<(), PlatformError> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let to_read = self.known.log().to_read(ACTIVITY, today);
        for day in to_read {
            let next = day.saturating_add(1.day());
            let (start, end) = (format!("{day} 00:00:00"), format!("{next} 00:00:00"));
            let parameters = [
                ("categories", STORING),
                ("end", end.as_str()),
                ("show-entries", "true"),
                ("show-summary", "false"),
                ("start", start.as_str()),
            ];
            let call = reading("GET /admin/usage", Lane::Sweep);
            let log: UsageLog = self.get(call, "usage", &parameters).await?;
            let mut known = self.known.log();
            known.read_to = Some(day);
            for user in log.entries {
                for hour in &user.buckets {
                    known.note(&user.user, hour);
                }
            }
        }
        Ok(())
    }
}

//! What is remembered of the gateway's log of requests.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};

use super::wire::{Bucket, UsageOfBucket, id_of_bucket};

/// Requests that store something. Source: Ceph, the names of operations in the usage log.
pub(super) const STORING: &str = "put_obj,post_obj,copy_obj,complete_multipart";

/// How long an entry of the log is about.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What the log says, as far as it was read.
#[derive(Default)]
pub(super) struct Log {
    /// The last day that was read: it wasn't over then.
    pub(super) read_to: Option<Date>,
    /// When the hour of the last write began, by bucket: who owned it then makes no difference.
    last: BTreeMap<String, Timestamp>,
}

impl Log {
    /// The days to read: from the day before the last one that was read, since the gateway keeps entries to itself for a while, or
    /// so many days, up to today.
    pub(super) fn to_read(&self, days: u16, today: Date) -> impl Iterator<Item = Date> + use<> {
        let first = today.saturating_sub(i32::from(days).days());
        let begin = self
            .read_to
            .map_or(first, |day| day.saturating_sub(1.day()).max(first));
        begin.series(1.day()).take_while(move |day| *day <= today)
    }

    /// Notes an hour in which something was stored, and not only attempted.
    pub(super) fn note(&mut self, owner: &str, hour: &UsageOfBucket) {
        let stores = |name: &str| STORING.split(',').any(|storing| storing == name);
        let mut kinds = hour.categories.iter();
        let stored = kinds.any(|kind| kind.successful_ops > 0 && stores(&kind.category));
        let Some(at) = Timestamp::from_second(hour.epoch).ok().filter(|_| stored) else {
            return;
        };
        let bucket = id_of_bucket(owner, &hour.bucket);
        let last = self.last.entry(bucket).or_insert(at);
        *last = at.max(*last);
    }

    /// When the hour of the last write to a bucket began. What is older than the bucket was written to another of its name.
    pub(super) fn last_write(&self, bucket: &Bucket) -> Option<Timestamp> {
        let last = *self.last.get(&bucket.id())?;
        let is_older = |made: Timestamp| last + HOUR <= made;
        (!bucket.creation_time.is_some_and(is_older)).then_some(last)
    }

    /// Forgets all that is said of other buckets.
    pub(super) fn keep(&mut self, is_there: impl Fn(&str) -> bool) {
        self.last.retain(|bucket, _| is_there(bucket));
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    /// An hour in which something was stored.
    fn stored(log: &mut Log, owner: &str, epoch: i64) {
        let entry = json!({
            "bucket": "b", "epoch": epoch,
            "categories": [{"category": "put_obj", "ops": 1, "successful_ops": 1}],
        });
        log.note(owner, &serde_json::from_value(entry).expect("an entry"));
    }

    fn bucket(owner: &str, made: Option<&str>) -> Bucket {
        let document = json!({"bucket": "b", "owner": owner, "creation_time": made});
        serde_json::from_value(document).expect("a bucket")
    }

    // R-N10: an attempt is no write, a read isn't either, and a later entry isn't replaced by an earlier one.
    #[test]
    fn only_what_was_stored_counts_as_a_write() {
        let mut log = Log::default();
        let mut hour = |epoch: i64, category: &str, successful: u64| {
            let entry = json!({
                "bucket": "b", "epoch": epoch,
                "categories": [{"category": category, "ops": 9, "successful_ops": successful}],
            });
            log.note("u", &serde_json::from_value(entry).expect("an entry"));
            log.last.values().next().map(|at| at.as_second())
        };
        assert_eq!(hour(7200, "put_obj", 0), None);
        assert_eq!(hour(7200, "get_obj", 9), None);
        assert_eq!(hour(7200, "put_obj", 1), Some(7200));
        assert_eq!(hour(3600, "put_obj", 1), Some(7200));
        assert_eq!(hour(10800, "complete_multipart", 1), Some(10800));
    }

    // R-N10: an entry that comes after midnight is about the day before.
    #[test]
    fn the_day_before_is_read_again() {
        let read_to = |read_to| Log {
            read_to,
            ..Log::default()
        };
        let (today, last) = (date(2026, 3, 1), date(2026, 2, 28));
        let days = |log: Log| log.to_read(3, today).collect::<Vec<_>>();
        let first = date(2026, 2, 26);
        assert_eq!(days(read_to(None)), [first, date(2026, 2, 27), last, today]);
        assert_eq!(days(read_to(Some(today))), [last, today]);
        assert_eq!(days(read_to(Some(last))), [date(2026, 2, 27), last, today]);
        let long_ago = read_to(Some(date(2025, 1, 1)));
        assert_eq!(
            days(long_ago).first(),
            Some(&first),
            "no further than asked"
        );
    }

    // R-N10: the last write stays with its bucket, whoever owns it; a bucket made anew under an old name has nothing of the old one.
    #[test]
    fn a_last_write_belongs_to_the_bucket() {
        let mut log = Log::default();
        stored(&mut log, "old-owner", 7200);
        let last = |made| log.last_write(&bucket("new-owner", made));
        let told = Timestamp::from_second(7200).ok();
        assert_eq!(last(None), told);
        assert_eq!(last(Some("1970-01-01T01:00:00Z")), told);
        let amid_the_hour = last(Some("1970-01-01T02:59:59Z"));
        assert_eq!(amid_the_hour, told, "made in the hour of its first write");
        assert_eq!(last(Some("1970-01-01T03:00:00Z")), None);
    }
}

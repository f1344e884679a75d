//! What is remembered of the gateway's log of requests.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date};

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
    use serde_json::json;

    use super::*;

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
}

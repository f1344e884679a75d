//! What is remembered of the gateway's log of requests.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::wire::UsageOfBucket;

/// Requests that store something. Source: Ceph, the names of operations in the usage log.
pub(super) const STORING: &str = "put_obj,post_obj,copy_obj,complete_multipart";

/// What the log says, as far as it was read.
#[derive(Default)]
pub(super) struct Log {
    /// The last day that was read: it wasn't over then.
    pub(super) read_to: Option<Date>,
    /// When the hour of the last write began, by owner and bucket.
    pub(super) last: BTreeMap<(String, String), Timestamp>,
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
        let key = (owner.to_owned(), hour.bucket.clone());
        let last = self.last.entry(key).or_insert(at);
        *last = at.max(*last);
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

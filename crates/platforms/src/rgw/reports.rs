//! What is stored, by user. The gateway keeps no history of it: its usage log counts traffic.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Rgw;
use crate::{
    Lane, PlatformError,
    estate::{Consumption, ObjectId, Unread, UsageReport},
};

impl Rgw {
    /// The sum over the buckets of each user, from one list; those without buckets store nothing.
    pub(super) async fn stored(&self) -> Result<UsageReport, PlatformError> {
        let as_of = Timestamp::now();
        let mut stored: BTreeMap<String, u64> = self
            .uids(Lane::Sweep)
            .await?
            .into_iter()
            .map(|uid| (uid, 0))
            .collect();
        for bucket in self.buckets().await? {
            let sum = stored.entry(bucket.owner.clone()).or_default();
            *sum = sum.saturating_add(bucket.bytes());
        }
        // A user's storage is all that it stores, so the tenant's figures are the customer's.
        let rows = |(uid, storage_bytes): (String, u64)| {
            let uid = ObjectId::new(&uid);
            [None, Some(uid.clone())].map(|tenant_id| Consumption {
                customer_id: uid.clone(),
                tenant_id,
                storage_bytes,
                credits: 0.0,
                months: Vec::new(),
            })
        };
        Ok(UsageReport {
            as_of,
            rows: stored.into_iter().flat_map(rows).collect(),
            unreadable: Unread::default(),
        })
    }
}

//! What is stored, by user. The gateway keeps no history of it: its usage log counts traffic.

use jiff::Timestamp;

use super::{Rgw, wire::Bucket};
use crate::{
    PlatformError,
    estate::{Consumption, ItemKind, Unread, UsageReport},
};

impl Rgw {
    /// The sum over the buckets of each user; those without buckets store nothing.
    pub(super) async fn stored(&self) -> Result<UsageReport, PlatformError> {
        let as_of = Timestamp::now();
        let (mut rows, mut unreadable) = (Vec::new(), Unread::default());
        let all = self.figures().await?;
        for figures in &all {
            if let Some(item) = figures.unreadable(ItemKind::UsageRow) {
                // A sum without it would be too small.
                unreadable.note(item);
                continue;
            }
            let bytes = figures.buckets.iter().map(Bucket::bytes);
            let storage_bytes = bytes.fold(0, u64::saturating_add);
            // A user's storage is all that it stores, so the tenant's figures are the customer's.
            let uid = &figures.uid;
            rows.extend([None, Some(uid.clone())].map(|tenant_id| Consumption {
                customer_id: uid.clone(),
                tenant_id,
                storage_bytes,
                credits: None,
                months: Vec::new(),
            }));
        }
        self.known.note_figures(all);
        Ok(UsageReport {
            as_of,
            rows,
            unreadable,
        })
    }
}

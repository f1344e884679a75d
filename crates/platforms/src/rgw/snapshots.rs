//! When restic last finished a backup: the newest name below `snapshots/` of a bucket. Reading it needs the flag `admin`, so it is
//! done where the spec asks for it only.

use jiff::Timestamp;
use reqwest::Method;

use super::{
    Rgw, reading,
    refusal::{LIST, elements},
    wire::Bucket,
};
use crate::{
    Lane, PlatformError,
    wire::{Cursors, garbled},
};

/// What is known of the backups in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backups {
    /// It isn't a repository of restic, at its top at least; or nobody asked, or it may not be looked at.
    Unknown,
    /// It is one without any snapshot.
    None,
    /// When the last snapshot was stored.
    Last(Timestamp),
}

impl Backups {
    pub(super) fn last(self) -> Option<Timestamp> {
        match self {
            Self::Last(at) => Some(at),
            Self::Unknown | Self::None => None,
        }
    }

    /// Whether there is a repository of restic.
    pub(super) fn is_known(self) -> bool {
        matches!(self, Self::None | Self::Last(_))
    }
}

impl Rgw {
    /// Backups in a bucket, where snapshots are listed at all.
    pub(super) async fn backups(&self, bucket: &Bucket) -> Result<Backups, PlatformError> {
        if !self.list_snapshots || !bucket.tenant.is_empty() {
            return Ok(Backups::Unknown);
        }
        let found = match self.newest(&bucket.name).await {
            Ok(Some(newest)) => Ok(Backups::Last(newest)),
            Ok(None) => self.whether_a_repository(&bucket.name).await,
            Err(error) => Err(error),
        };
        match found {
            // One bucket that was deleted meanwhile, or may not be looked at, says nothing about the others.
            Err(PlatformError::Refused(_) | PlatformError::Garbled(_)) => Ok(Backups::Unknown),
            found => found,
        }
    }

    /// When the newest object below `snapshots/` was stored.
    async fn newest(&self, bucket: &str) -> Result<Option<Timestamp>, PlatformError> {
        let (mut newest, mut cursors) = (None, Cursors::default());
        let mut token: Option<String> = None;
        loop {
            let mut parameters = vec![("prefix", "snapshots/")];
            parameters.extend(token.as_deref().map(|token| ("continuation-token", token)));
            let page = self.page(bucket, &parameters).await?;
            for at in elements(&page, "LastModified") {
                let at: Timestamp = at
                    .parse()
                    .map_err(|_| garbled(LIST, "a time can't be read"))?;
                newest = newest.max(Some(at));
            }
            let next = match elements(&page, "IsTruncated").as_slice() {
                ["false"] => return Ok(newest),
                ["true"] => elements(&page, "NextContinuationToken").first().copied(),
                _ => return Err(garbled(LIST, "doesn't say whether the list is complete")),
            };
            let next = next.filter(|next| !next.is_empty() && !next.contains('&'));
            let next = next.ok_or_else(|| garbled(LIST, "more objects, and no usable marker"))?;
            token = cursors
                .next(Some(next.to_owned()))
                .map_err(|why| garbled(LIST, why))?;
        }
    }

    /// Of a bucket without snapshots. Source: restic, design, repository layout.
    async fn whether_a_repository(&self, bucket: &str) -> Result<Backups, PlatformError> {
        let parameters = [("max-keys", "1"), ("prefix", "config")];
        let page = self.page(bucket, &parameters).await?;
        Ok(if elements(&page, "Key") == ["config"] {
            Backups::None
        } else {
            Backups::Unknown
        })
    }

    async fn page(
        &self,
        bucket: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, PlatformError> {
        let parameters = [&[("list-type", "2")], parameters].concat();
        let url = self.address([bucket], &parameters);
        let decode = |answer: crate::http::Answer| {
            String::from_utf8(answer.body).map_err(|_| garbled(LIST, "isn't text"))
        };
        self.send(reading(LIST, Lane::Sweep), Method::GET, url, decode)
            .await
    }
}

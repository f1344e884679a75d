//! Which account answers, and whether it is still the same.

use std::{
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{Bridge, wire::CapabilitiesBody};
use crate::wire::garbled;
use crate::{
    estate::Capabilities,
    {Lane, PlatformError, http::Call},
};

/// How long an account that answered is assumed to be still there when an object is created.
const ACQUAINTED: Duration = Duration::from_secs(10);
/// Items on a page where the platform hasn't said yet how many it gives.
const PAGE: u32 = 100;

/// An account that answered.
pub(super) struct Acquaintance {
    id: String,
    page_size: u32,
    at: Instant,
}

pub(super) fn reading(operation: &'static str, lane: Lane) -> Call {
    Call {
        operation,
        lane,
        mutates: false,
        lists: false,
    }
}

impl Bridge {
    fn account(&self) -> MutexGuard<'_, Option<Acquaintance>> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many items the platform gives at once.
    pub(super) fn page_size(&self) -> u32 {
        let known = self.account();
        known.as_ref().map_or(PAGE, |known| known.page_size)
    }

    pub(super) async fn capabilities(
        &self,
        lane: Lane,
    ) -> Result<(Capabilities, u32), PlatformError> {
        let operation = "GET /v1/capabilities";
        let body: CapabilitiesBody = self
            .get(reading(operation, lane), self.url(&["capabilities"])?)
            .await?;
        let page_size = body.page_size();
        let capabilities = body
            .into_capabilities()
            .map_err(|problem| garbled(operation, &problem))?;
        Ok((capabilities, page_size))
    }

    /// As [`Bridge::capabilities`], and remembers the account that answered.
    pub(super) async fn introduce(&self, lane: Lane) -> Result<(Capabilities, u32), PlatformError> {
        let at = Instant::now();
        let (capabilities, page_size) = self.capabilities(lane).await?;
        *self.account() = Some(Acquaintance {
            id: capabilities.account.id.clone(),
            page_size,
            at,
        });
        Ok((capabilities, page_size))
    }

    /// Makes sure that the account that answers is still the known one.
    pub(super) async fn recognise(&self, operation: &str) -> Result<(), PlatformError> {
        let at = Instant::now();
        let (capabilities, _) = self.capabilities(Lane::Edit).await?;
        match &mut *self.account() {
            Some(known) if known.id != capabilities.account.id => Err(garbled(
                operation,
                "the credentials open another account than at the last sweep",
            )),
            Some(known) => {
                known.at = at;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// As [`Bridge::recognise`], unless the account was seen a moment ago. An update names an object that another account
    /// doesn't have; a creation would succeed in any account.
    pub(super) async fn recognise_lately(&self, operation: &str) -> Result<(), PlatformError> {
        let _one_asks = self.asking.lock().await;
        let seen = self.account().as_ref().map(|known| known.at);
        match seen {
            Some(at) if at.elapsed() >= ACQUAINTED => self.recognise(operation).await,
            _ => Ok(()),
        }
    }
}

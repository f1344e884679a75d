//! The driver for a Ceph Object Gateway.

use std::sync::Arc;

use holdfast_api::Capability;

use super::{Rgw, RgwOptions};
use crate::{Driver, Opening, Platform, http::SetupError};

/// A Ceph Object Gateway.
pub struct RgwDriver;

const KEYS: &[&str] = &["accessKey", "secretKey"];

impl Driver for RgwDriver {
    fn word(&self) -> &'static str {
        "rgw"
    }

    fn title(&self) -> &'static str {
        "Ceph Object Gateway"
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        KEYS
    }

    /// The gateway has no limit of its own; a sweep reads each user by itself.
    fn budget(&self) -> Option<(u32, u32)> {
        Some((100, 200))
    }

    /// Source: Ceph, Admin Operations API, which has no such operations; and buckets are never moved by Holdfast.
    fn never(&self) -> &'static [Capability] {
        &[
            Capability::CreateReseller,
            Capability::UpdateReseller,
            Capability::DeleteReseller,
            Capability::SuspendReseller,
            Capability::CreateServicePlan,
            Capability::UpdateServicePlan,
            Capability::DeleteServicePlan,
            Capability::DeleteTenant,
            Capability::SuspendTenant,
            Capability::MoveReseller,
            Capability::MoveCustomer,
            Capability::MoveClient,
            Capability::SendWelcomeMail,
            Capability::ReadLicences,
        ]
    }

    fn open(&self, opening: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError> {
        let secrets = opening.secrets.try_into();
        let [access_key, secret_key] = secrets.map_err(|_| SetupError::keys(KEYS))?;
        let spec = opening.spec.rgw.as_ref();
        let regions = spec.and_then(|rgw| rgw.regions.clone());
        Ok(Arc::new(Rgw::new(RgwOptions {
            endpoint: opening.endpoint,
            access_key,
            secret_key,
            owner_id: opening.spec.owner_id.clone(),
            regions: regions.unwrap_or_default(),
            list_snapshots: spec.is_some_and(|rgw| rgw.list_snapshots == Some(true)),
            rate_limit: opening.rate_limit,
            budgets: opening.budgets,
            http: opening.http,
        })?))
    }
}

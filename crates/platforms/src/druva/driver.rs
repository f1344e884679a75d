//! The driver for Druva Managed Services Center.

use std::sync::Arc;

use holdfast_api::Capability;

use super::{Druva, DruvaOptions};
use crate::{Driver, Opening, Platform, http::SetupError};

/// Druva Managed Services Center.
pub struct DruvaDriver;

const KEYS: &[&str] = &["clientId", "secretKey"];

impl Driver for DruvaDriver {
    fn word(&self) -> &'static str {
        "druva"
    }

    fn title(&self) -> &'static str {
        "Druva Managed Services Center"
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        KEYS
    }

    /// The vendor documents no limit, but throttles.
    fn budget(&self) -> Option<(u32, u32)> {
        Some((5, 10))
    }

    /// Source: Druva OpenAPI, which has no such operations.
    fn never(&self) -> &'static [Capability] {
        &[
            Capability::CreateReseller,
            Capability::UpdateReseller,
            Capability::DeleteReseller,
            Capability::SuspendReseller,
            Capability::CreateServicePlan,
            Capability::UpdateServicePlan,
            Capability::DeleteServicePlan,
            Capability::DeleteCustomer,
            Capability::SuspendCustomer,
            Capability::DeleteTenant,
            Capability::SuspendKeepsData,
            Capability::MoveReseller,
            Capability::MoveCustomer,
            Capability::MoveClient,
            Capability::SendWelcomeMail,
            Capability::ReadLicences,
        ]
    }

    fn open(&self, opening: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError> {
        let secrets = opening.secrets.try_into();
        let [client_id, secret_key] = secrets.map_err(|_| SetupError::keys(KEYS))?;
        Ok(Arc::new(Druva::new(DruvaOptions {
            endpoint: opening.endpoint,
            client_id,
            secret_key,
            rate_limit: opening.rate_limit,
            budgets: opening.budgets,
            http: opening.http,
        })?))
    }
}

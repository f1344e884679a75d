//! The driver for N-able Cove Data Protection.

use std::sync::Arc;

use holdfast_api::{Capability, CustomColumns};

use super::{Cove, CoveOptions};
use crate::{Driver, Opening, Platform, http::SetupError};

/// N-able Cove Data Protection.
pub struct CoveDriver;

const KEYS: &[&str] = &["partner", "username", "password"];

impl Driver for CoveDriver {
    fn word(&self) -> &'static str {
        "cove"
    }

    fn title(&self) -> &'static str {
        "N-able Cove Data Protection"
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        KEYS
    }

    /// The vendor documents no limit. A public client begins at 4 a second.
    fn budget(&self) -> Option<(u32, u32)> {
        Some((5, 10))
    }

    /// A partner can't be switched off. Plans, and products of a customer, aren't objects: products and retention policies
    /// belong to devices.
    fn never(&self) -> &'static [Capability] {
        &[
            Capability::SuspendReseller,
            Capability::SuspendCustomer,
            Capability::CreateServicePlan,
            Capability::UpdateServicePlan,
            Capability::DeleteServicePlan,
            Capability::CreateTenant,
            Capability::UpdateTenant,
            Capability::DeleteTenant,
            Capability::SuspendTenant,
            Capability::SuspendKeepsData,
            Capability::SendWelcomeMail,
            Capability::ReadLicences,
        ]
    }

    fn open(&self, opening: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError> {
        let secrets = opening.secrets.try_into();
        let [partner, username, password] = secrets.map_err(|_| SetupError::keys(KEYS))?;
        let own = opening.spec.cove.as_ref();
        Ok(Arc::new(Cove::new(CoveOptions {
            endpoint: opening.endpoint,
            partner,
            username,
            password,
            root_partner: own.and_then(|own| own.root_partner.clone()),
            drops_columns: own.is_some_and(|own| own.custom_columns == Some(CustomColumns::Drop)),
            rate_limit: opening.rate_limit,
            budgets: opening.budgets,
            http: opening.http,
        })?))
    }
}

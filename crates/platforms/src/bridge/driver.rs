//! The drivers that speak the bridge contract.

use std::sync::Arc;

use holdfast_api::Capability;

use super::{Bridge, BridgeOptions};
use crate::{Driver, Opening, Platform, http::SetupError};

/// Any platform that implements the bridge contract.
pub struct BridgeDriver;

/// The platform inside the operator: it is reached as any other bridge, and needs no limit.
pub struct EmbeddedDriver;

const KEYS: &[&str] = &["token"];

fn open(opening: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError> {
    let [token] = opening
        .secrets
        .try_into()
        .map_err(|_| SetupError::keys(KEYS))?;
    Ok(Arc::new(Bridge::new(BridgeOptions {
        endpoint: opening.endpoint,
        token,
        rate_limit: opening.rate_limit,
        budgets: opening.budgets,
        http: opening.http,
    })?))
}

impl Driver for BridgeDriver {
    fn word(&self) -> &'static str {
        "bridge"
    }

    fn title(&self) -> &'static str {
        "Any platform behind the bridge contract"
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        KEYS
    }

    fn budget(&self) -> Option<(u32, u32)> {
        Some((50, 100))
    }

    fn never(&self) -> &'static [Capability] {
        &[]
    }

    fn open(&self, opening: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError> {
        open(opening)
    }
}

impl Driver for EmbeddedDriver {
    fn word(&self) -> &'static str {
        "embedded"
    }

    fn title(&self) -> &'static str {
        "The embedded platform"
    }

    fn secret_keys(&self) -> &'static [&'static str] {
        KEYS
    }

    fn budget(&self) -> Option<(u32, u32)> {
        None
    }

    fn never(&self) -> &'static [Capability] {
        &[]
    }

    fn open(&self, opening: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError> {
        open(opening)
    }
}

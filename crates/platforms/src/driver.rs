//! A driver: what has to be known of a kind of platform before it is reached, and how a connection is opened.

use std::{num::NonZeroU32, sync::Arc};

use holdfast_api::{Capability, platform::BackupPlatformSpec};
use reqwest::Url;
use secrecy::SecretString;

use crate::{
    Budgets, Platform, RateLimit,
    http::{HttpOptions, SetupError},
};

/// Everything that a connection is opened with.
pub struct Opening<'a> {
    /// Where the platform is.
    pub endpoint: Url,
    /// The values of [`Driver::secret_keys`], in that order.
    pub secrets: Vec<SecretString>,
    /// The other settings of the `BackupPlatform`.
    pub spec: &'a BackupPlatformSpec,
    /// Our own limit on requests; `None` where only the platform's counts.
    pub rate_limit: Option<RateLimit>,
    /// The process's budgets, shared by platforms of one credential.
    pub budgets: Arc<Budgets>,
    /// Trust, and the process's hooks.
    pub http: HttpOptions,
}

/// One kind of platform. Where it is, when the spec doesn't say, stands in the typed API
/// ([`DriverSpec::endpoint`](holdfast_api::DriverSpec::endpoint)): it distinguishes accounts.
pub trait Driver: Send + Sync {
    /// Its field in the spec of a `BackupPlatform`.
    fn word(&self) -> &'static str;

    /// Its name for people.
    fn title(&self) -> &'static str;

    /// The keys of the Secret that `credentialsRef` names.
    fn secret_keys(&self) -> &'static [&'static str];

    /// Steady rate and burst of requests where the spec says nothing; `None` for no limit.
    fn budget(&self) -> Option<(u32, u32)>;

    /// Operations that no account on such a platform supports through its interface.
    fn never(&self) -> &'static [Capability];

    /// Opens a connection. Sends nothing.
    ///
    /// # Errors
    /// An endpoint, credential or CA bundle that can't be used.
    fn open(&self, opening: Opening<'_>) -> Result<Arc<dyn Platform>, SetupError>;
}

/// The limit on requests in effect: what the spec says, else the driver's own.
pub fn rate_limit(driver: &dyn Driver, spec: &BackupPlatformSpec) -> Option<RateLimit> {
    let own = driver.budget();
    let declared = spec.rate_limit.as_ref();
    let rate = declared.and_then(|limit| limit.requests_per_second);
    let rate = NonZeroU32::new(rate.or(own.map(|(rate, _)| rate))?)?;
    let burst = declared.and_then(|limit| limit.burst);
    let burst = burst.or(own.map(|(_, burst)| burst));
    Some(RateLimit {
        requests_per_second: rate,
        burst: burst.and_then(NonZeroU32::new).unwrap_or(rate),
    })
}

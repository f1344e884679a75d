//! Who may come in: one API user, and visas of a quarter of an hour.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::fault::{Fault, LOGIN, VISA};
use crate::random;

/// An API user.
#[derive(Debug, Clone)]
pub struct CoveCredentials {
    /// The name of its customer, which is the top of the estate.
    pub partner: String,
    /// Login name.
    pub username: String,
    /// Its token.
    pub password: SecretString,
}

/// The id of the API user.
pub(super) const USER: i64 = 9001;

/// The visas that are out.
pub(super) struct Door {
    credentials: CoveCredentials,
    lifetime: Duration,
    visas: BTreeMap<String, Timestamp>,
    newest: String,
    /// Logins that were refused.
    pub refused: u64,
}

impl Door {
    pub fn new(credentials: CoveCredentials, lifetime: Duration) -> Self {
        Self {
            credentials,
            lifetime,
            visas: BTreeMap::new(),
            newest: String::new(),
            refused: 0,
        }
    }

    pub fn credentials(&self) -> &CoveCredentials {
        &self.credentials
    }

    /// A wrong partner and a wrong password give the same error.
    pub fn login(&mut self, params: &Value) -> Result<(), Fault> {
        let own = &self.credentials;
        let said = |name: &str| params.get(name).and_then(Value::as_str);
        let right = said("partner") == Some(&own.partner)
            && said("username") == Some(&own.username)
            && said("password") == Some(own.password.expose_secret());
        if right {
            return Ok(());
        }
        self.refused += 1;
        Err(Fault::new(
            LOGIN,
            "Unknown partner, username or bad password",
        ))
    }

    /// Whether a request's visa is good.
    pub fn admits(
        &self,
        visa: Option<&str>,
        now: Timestamp,
        newest_only: bool,
    ) -> Result<(), Fault> {
        let good = visa.is_some_and(|visa| {
            let expiry = self.visas.get(visa);
            expiry.is_some_and(|expiry| *expiry > now) && (!newest_only || visa == self.newest)
        });
        let refused = || Fault::new(VISA, "The visa is inconsistent or corrupted");
        good.then_some(()).ok_or_else(refused)
    }

    /// A visa for an answer: parts with dashes between, the fourth of which is when it was issued.
    pub fn issue(&mut self, partner: i64, now: Timestamp) -> String {
        let noise = random::token().replace('-', "_");
        let visa = format!(
            "{partner}-{USER}-{}-{}-{noise}",
            &noise[..6],
            now.as_second()
        );
        let lifetime = SignedDuration::try_from(self.lifetime).unwrap_or(SignedDuration::MAX);
        let expiry = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        self.visas.retain(|_, expiry| *expiry > now);
        self.visas.insert(visa.clone(), expiry);
        self.newest.clone_from(&visa);
        visa
    }

    /// Ends every visa before its time.
    pub fn revoke(&mut self) {
        self.visas.clear();
    }

    /// Replaces the password.
    pub fn rotate(&mut self, password: &str) {
        self.credentials.password = password.into();
        self.revoke();
    }
}

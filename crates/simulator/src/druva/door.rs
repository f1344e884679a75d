//! Who may come in: client credentials, and the tokens that they are exchanged for.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::refusal::refuse;
use crate::{HostError, problem::Problem, random, server::kept_secret};

/// What a client shows to get a token.
#[derive(Debug, Clone)]
pub struct DruvaCredentials {
    /// Public part.
    pub client_id: String,
    /// Secret part.
    pub secret_key: SecretString,
}

impl DruvaCredentials {
    fn fresh() -> Self {
        Self {
            client_id: random::uuid(),
            secret_key: SecretString::from(random::token()),
        }
    }

    /// Those of a file, as `clientId:secretKey`; fresh ones, readable by its owner only, if there are none.
    pub(super) fn kept(path: &Path) -> Result<Self, HostError> {
        let fresh = || Self::fresh().joined();
        let kept = kept_secret(path, fresh)?;
        let parts = kept.expose_secret().trim().split_once(':');
        let (client_id, secret_key) = parts.ok_or_else(|| HostError::Data {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidData, "it isn't clientId:secretKey"),
        })?;
        Ok(Self {
            client_id: client_id.to_owned(),
            secret_key: SecretString::from(secret_key),
        })
    }

    fn joined(&self) -> String {
        format!("{}:{}", self.client_id, self.secret_key.expose_secret())
    }
}

type Digest = [u8; 32];

/// Comparing digests takes the same time wherever the texts differ.
fn digest(text: &str) -> Digest {
    Sha256::digest(text).into()
}

/// The credentials in force and the tokens that are out.
pub(super) struct Door {
    credentials: Mutex<DruvaCredentials>,
    tokens: Mutex<BTreeMap<Digest, Timestamp>>,
    lifetime: Duration,
}

impl Door {
    pub fn new(credentials: DruvaCredentials, lifetime: Duration) -> Self {
        Self {
            credentials: Mutex::new(credentials),
            tokens: Mutex::default(),
            lifetime,
        }
    }

    /// Exchanges credentials for a token. Source: Druva OpenAPI, msp-authentication.
    pub fn exchange(
        &self,
        now: Timestamp,
        authorization: Option<&str>,
        form: &str,
    ) -> Result<Value, Problem> {
        if !form
            .split('&')
            .any(|field| field == "grant_type=client_credentials")
        {
            return Err(refuse(400, "grant_type is client_credentials"));
        }
        let given = authorization
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|value| BASE64.decode(value.trim().as_bytes()).ok())
            .and_then(|value| String::from_utf8(value).ok());
        let expected = digest(&self.credentials().joined());
        if given.is_none_or(|given| digest(&given) != expected) {
            return Err(refuse(401, "these client credentials aren't known"));
        }
        let token = random::token();
        let expiry = SignedDuration::try_from(self.lifetime).unwrap_or(SignedDuration::MAX);
        let expiry = now.saturating_add(expiry).unwrap_or(Timestamp::MAX);
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, expiry| *expiry > now);
        tokens.insert(digest(&token), expiry);
        let seconds = self.lifetime.as_secs();
        Ok(json!({"access_token": token, "token_type": "bearer", "expires_in": seconds}))
    }

    /// Whether a request carries a token that is still good.
    pub fn admits(&self, now: Timestamp, authorization: Option<&str>) -> bool {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        authorization
            .and_then(|value| value.strip_prefix("Bearer "))
            .and_then(|token| tokens.get(&digest(token.trim())))
            .is_some_and(|expiry| *expiry > now)
    }

    pub fn credentials(&self) -> DruvaCredentials {
        self.credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces the secret key; the old one, and the tokens that it brought, are worth nothing any more.
    pub fn rotate(&self) -> DruvaCredentials {
        let fresh = DruvaCredentials {
            secret_key: SecretString::from(random::token()),
            ..self.credentials()
        };
        self.credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&fresh);
        self.revoke_tokens();
        fresh
    }

    /// Ends every token before its time.
    pub fn revoke_tokens(&self) {
        self.tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

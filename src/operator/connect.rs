//! From a `BackupPlatform`'s spec and Secret to an adapter.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{
    account::Writer,
    context::Context,
    metrics::Metrics,
    supplements::{read_secret, unreadable},
};
use crate::{
    api::{
        BackupPlatform, Driver, Reason,
        platform::{BackupPlatformSpec, RateLimit as DeclaredLimit},
    },
    platform::{
        Platform, RateLimit, RequestObserver,
        bridge::{Bridge, BridgeOptions},
        druva::{Druva, DruvaOptions},
        http::{HttpOptions, SetupError},
    },
};

/// Requests per second and burst where a bridge's spec says nothing.
const BRIDGE_LIMIT: (u32, u32) = (50, 100);
/// The same for Druva, which names no limit and throttles all the same.
const DRUVA_LIMIT: (u32, u32) = (5, 10);

/// Why there is no way to the platform: a person has to mend the spec or what it refers to.
#[derive(Debug)]
pub struct Unconnectable {
    /// In one word.
    pub reason: Reason,
    /// In one sentence.
    pub message: String,
}

/// Everything that an adapter is built from.
pub struct Connection {
    /// Changes when anything does that the adapter is built from.
    pub fingerprint: String,
    /// The driver's name and the endpoint, for the Lease.
    pub driver: &'static str,
    /// Where the platform is; for the embedded one, which estate.
    pub endpoint: String,
    url: Url,
    credential: Credential,
    limit: Option<RateLimit>,
    ca_bundle: Option<Vec<u8>>,
}

/// What opens a platform, by the interface that it is for.
enum Credential {
    /// The bridge contract's.
    Token(SecretString),
    /// Druva's client id and secret key.
    Client(SecretString, SecretString),
}

impl Credential {
    fn parts(&self) -> [&str; 2] {
        match self {
            Self::Token(token) => [token.expose_secret(), ""],
            Self::Client(id, key) => [id.expose_secret(), key.expose_secret()],
        }
    }
}

/// Reads what the spec refers to.
///
/// # Errors
/// What is missing or malformed, on which object, and what to do.
pub async fn resolve(
    context: &Context,
    platform: &BackupPlatform,
) -> Result<Connection, Unconnectable> {
    let namespace = platform.namespace().unwrap_or_default();
    let spec = &platform.spec;
    let ca_bundle = ca_bundle(context, &namespace, spec).await?;
    let (driver, endpoint, credential) = match spec.driver() {
        Some(Driver::Embedded) => {
            let name = platform.name_any();
            let access = context
                .embedding
                .lock()
                .await
                .estate(&namespace, &name)
                .await;
            let access = access.map_err(|message| Unconnectable {
                reason: Reason::PlatformUnreachable,
                message,
            })?;
            ("embedded", access.url, Credential::Token(access.token))
        }
        Some(Driver::Bridge(bridge)) => {
            let name = &bridge.credentials_ref.name;
            let token = credential(context, &namespace, "bridge", name, "token").await?;
            let credential = Credential::Token(token);
            ("bridge", bridge.endpoint.clone(), credential)
        }
        Some(Driver::Druva(spec)) => {
            let name = &spec.credentials_ref.name;
            let id = credential(context, &namespace, "druva", name, "clientId").await?;
            let key = credential(context, &namespace, "druva", name, "secretKey").await?;
            let endpoint = platform
                .spec
                .driver()
                .and_then(|driver| driver.endpoint())
                .unwrap_or_default();
            ("druva", endpoint.to_owned(), Credential::Client(id, key))
        }
        Some(driver @ Driver::Cove(_)) => {
            let message = format!(
                "driver {}: this version has no adapter for it. Use embedded, bridge or druva.",
                driver.as_str()
            );
            return Err(Unconnectable {
                reason: Reason::CapabilityMissing,
                message,
            });
        }
        None => {
            let message = "exactly one of embedded, bridge, druva and cove must be set.".into();
            return Err(Unconnectable {
                reason: Reason::InvalidSpec,
                message,
            });
        }
    };
    let url = endpoint.parse().map_err(|error| Unconnectable {
        reason: Reason::InvalidSpec,
        message: format!(
            "endpoint {endpoint:?} is no URL: {error}. Write it as https://host/path/."
        ),
    })?;
    let limit = limit(driver, spec.rate_limit.as_ref());
    let mut hash = Sha256::new();
    let [first, second] = credential.parts();
    for part in [driver, &endpoint, first, second, &format!("{limit:?}")] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(ca_bundle.as_deref().unwrap_or_default());
    let fingerprint = data_encoding::HEXLOWER.encode(&hash.finalize());
    let endpoint = if driver == "embedded" {
        format!("{namespace}/{}", platform.name_any())
    } else {
        endpoint
    };
    Ok(Connection {
        fingerprint,
        driver,
        endpoint,
        url,
        credential,
        limit,
        ca_bundle,
    })
}

impl Connection {
    /// Builds the adapter.
    ///
    /// # Errors
    /// A credential, endpoint or certificate that can't be used.
    pub fn open(
        self,
        context: &Context,
        platform: String,
        writer: Arc<Writer>,
    ) -> Result<Arc<dyn Platform>, Unconnectable> {
        let http = HttpOptions {
            ca_bundle_pem: self.ca_bundle,
            observer: Arc::new(Observer {
                platform,
                metrics: context.metrics.clone(),
            }),
            writer,
        };
        let (endpoint, rate_limit) = (self.url, self.limit);
        let budgets = context.budgets.clone();
        let unusable = |error: SetupError| Unconnectable {
            reason: Reason::SecretMalformed,
            message: format!("{error}. Correct it; it is read again at once."),
        };
        Ok(match self.credential {
            Credential::Token(token) => {
                let options = BridgeOptions {
                    endpoint,
                    token,
                    rate_limit,
                    budgets,
                    http,
                };
                Arc::new(Bridge::new(options).map_err(unusable)?)
            }
            Credential::Client(client_id, secret_key) => {
                let options = DruvaOptions {
                    endpoint,
                    client_id,
                    secret_key,
                    rate_limit,
                    budgets,
                    http,
                };
                Arc::new(Druva::new(options).map_err(unusable)?)
            }
        })
    }
}

/// One key of the Secret that the driver's `credentialsRef` names.
async fn credential(
    context: &Context,
    namespace: &str,
    driver: &str,
    name: &str,
    key: &str,
) -> Result<SecretString, Unconnectable> {
    let secret = read_secret(context, namespace, name, key).await;
    secret.map_err(|(reason, message)| Unconnectable {
        reason: match reason {
            Reason::SecretMissing => Reason::CredentialsMissing,
            other => other,
        },
        message: format!("{driver}.credentialsRef: {message}"),
    })
}

async fn ca_bundle(
    context: &Context,
    namespace: &str,
    spec: &BackupPlatformSpec,
) -> Result<Option<Vec<u8>>, Unconnectable> {
    let Some(reference) = &spec.ca_bundle_ref else {
        return Ok(None);
    };
    let missing = |message: String| Unconnectable {
        reason: Reason::SecretMissing,
        message,
    };
    let api: Api<ConfigMap> = Api::namespaced(context.client.clone(), namespace);
    let (name, key) = (&reference.name, &reference.key);
    let found = api.get_opt(name).await.map_err(|error| {
        let (reason, message) = unreadable(&format!("ConfigMap {name:?}"), &error);
        Unconnectable {
            reason,
            message: format!("caBundleRef: {message}"),
        }
    })?;
    let map = found.ok_or_else(|| missing(format!("caBundleRef: ConfigMap {name:?} doesn't exist in namespace {namespace:?}. Create it with the key {key:?}.")))?;
    let text = map.data.and_then(|mut data| data.remove(key));
    let text = text.ok_or_else(|| {
        missing(format!(
            "caBundleRef: ConfigMap {name:?} has no key {key:?}. Add it."
        ))
    })?;
    Ok(Some(text.into_bytes()))
}

/// The budget in effect: the spec's, the driver's own, or none for the embedded platform.
pub fn limit(driver: &str, declared: Option<&DeclaredLimit>) -> Option<RateLimit> {
    let default = match driver {
        "bridge" => Some(BRIDGE_LIMIT),
        "druva" => Some(DRUVA_LIMIT),
        _ => None,
    };
    let stated = |figure: fn(&DeclaredLimit) -> Option<u32>| {
        declared.and_then(figure).and_then(NonZeroU32::new)
    };
    let rate = stated(|limit| limit.requests_per_second)
        .or_else(|| default.and_then(|(rate, _)| NonZeroU32::new(rate)))?;
    let burst = stated(|limit| limit.burst)
        .or_else(|| default.and_then(|(_, burst)| NonZeroU32::new(burst)))
        .unwrap_or(rate);
    Some(RateLimit {
        requests_per_second: rate,
        burst,
    })
}

/// Counts requests under the platform's name.
struct Observer {
    platform: String,
    metrics: Arc<Metrics>,
}

impl RequestObserver for Observer {
    fn finished(&self, operation: &'static str, outcome: &'static str, duration: Duration) {
        self.metrics
            .request(&self.platform, operation, outcome, duration);
    }
}

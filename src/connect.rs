//! From a `BackupPlatform`'s spec and Secret to a connection: for the operator, and for commands that only read.

use std::{collections::BTreeMap, sync::Arc};

use holdfast_platforms::rate_limit;
use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
};
use kube::{Api, Client, ResourceExt};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{
    api::{
        BackupPlatform, DriverSpec, Reason, platform::BackupPlatformSpec, shared::ConfigMapKeyRef,
    },
    platform::{Budgets, Driver, Opening, Platform, RateLimit, Registry, http::HttpOptions},
    survey::Origin,
};

/// Why the platform can't be reached: a person has to correct the spec or what it refers to.
#[derive(Debug)]
pub struct Unconnectable {
    /// In one word.
    pub reason: Reason,
    /// In one sentence.
    pub message: String,
}

impl Unconnectable {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl From<(Reason, String)> for Unconnectable {
    fn from((reason, message): (Reason, String)) -> Self {
        Self { reason, message }
    }
}

/// Where the estate of an embedded platform is served, and the token that opens it.
pub struct Estate {
    /// Base URL of its bridge.
    pub url: String,
    /// The bearer token.
    pub token: SecretString,
}

/// Everything that a connection is opened with.
pub struct Connection {
    /// Changes when any input of the connection does.
    pub fingerprint: String,
    /// The platform's identity, the same for every spelling of its address.
    pub origin: Origin,
    driver: Arc<dyn Driver>,
    spec: BackupPlatformSpec,
    url: Url,
    secrets: Vec<SecretString>,
    limit: Option<RateLimit>,
    ca_bundle: Option<Vec<u8>>,
}

/// Reads what the spec refers to. An embedded platform's `estate` comes from the process that has it. Without a client nothing
/// can be read, and only an embedded platform can be reached.
///
/// # Errors
/// What is missing or malformed, on which object, and what to do.
pub async fn resolve(
    client: Option<&Client>,
    drivers: &Registry,
    platform: &BackupPlatform,
    estate: Option<Estate>,
) -> Result<Connection, Unconnectable> {
    let namespace = platform.namespace().unwrap_or_default();
    let spec = &platform.spec;
    let declared = spec.driver().ok_or_else(|| {
        let one = "exactly one of embedded, bridge, druva, cove and rgw must be set.";
        Unconnectable::new(Reason::InvalidSpec, one)
    })?;
    let driver = known(drivers, declared)?;
    let cluster = || {
        let none = "its credential is in a cluster, and there is none here";
        client.ok_or_else(|| Unconnectable::new(Reason::CredentialsMissing, none))
    };
    let (endpoint, secrets) = match (declared.credentials(), estate) {
        (None, Some(estate)) => (estate.url, vec![estate.token]),
        (Some(reference), _) => {
            let place = (namespace.as_str(), reference.name.as_str());
            let secrets = credentials(cluster()?, &**driver, place).await?;
            let endpoint = declared.endpoint().unwrap_or_default();
            (endpoint.to_owned(), secrets)
        }
        (None, None) => {
            let nowhere = "nothing serves its estate here.";
            return Err(Unconnectable::new(Reason::NotBuilt, nowhere));
        }
    };
    let ca_bundle = match (&spec.ca_bundle_ref, client) {
        (Some(_), Some(client)) => ca_bundle(client, &namespace, spec).await?,
        _ => None,
    };
    let url: Url = endpoint.parse().map_err(|error| {
        let message =
            format!("endpoint {endpoint:?} is no URL: {error}. Write it as https://host/path/.");
        Unconnectable::new(Reason::InvalidSpec, message)
    })?;
    let mut connection = Connection {
        fingerprint: String::new(),
        origin: Origin::of(platform),
        driver: driver.clone(),
        spec: spec.clone(),
        url,
        secrets,
        limit: rate_limit(&**driver, spec),
        ca_bundle,
    };
    connection.fingerprint = connection.digest();
    Ok(connection)
}

fn known<'a>(
    drivers: &'a Registry,
    declared: DriverSpec<'_>,
) -> Result<&'a Arc<dyn Driver>, Unconnectable> {
    let word = declared.as_str();
    drivers.get(word).ok_or_else(|| {
        let message = format!(
            "driver {word}: this build doesn't have it. It has {}.",
            drivers.words().join(", ")
        );
        Unconnectable::new(Reason::NotBuilt, message)
    })
}

impl Connection {
    /// Opens the connection. Sends nothing.
    ///
    /// # Errors
    /// A credential, endpoint or certificate that can't be used.
    pub fn open(
        self,
        budgets: Arc<Budgets>,
        http: HttpOptions,
    ) -> Result<Arc<dyn Platform>, Unconnectable> {
        let opening = Opening {
            endpoint: self.url,
            secrets: self.secrets,
            spec: &self.spec,
            rate_limit: self.limit,
            budgets,
            http: HttpOptions {
                ca_bundle_pem: self.ca_bundle,
                ..http
            },
        };
        self.driver.open(opening).map_err(|error| {
            let message = format!("{error}. Correct it; it is read again at once.");
            Unconnectable::new(Reason::SecretMalformed, message)
        })
    }

    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(self.driver.word().as_bytes());
        add(self.url.as_str().as_bytes());
        for secret in &self.secrets {
            add(secret.expose_secret().as_bytes());
        }
        // Further fields that the driver may read from its part of the spec.
        let own = serde_json::to_value(&self.spec).unwrap_or_default();
        add(own[self.driver.word()].to_string().as_bytes());
        add(format!("{:?}", self.limit).as_bytes());
        add(self.ca_bundle.as_deref().unwrap_or_default());
        data_encoding::HEXLOWER.encode(&hash.finalize())
    }
}

/// Every key of the Secret that the driver's `credentialsRef` names.
async fn credentials(
    client: &Client,
    driver: &dyn Driver,
    (namespace, name): (&str, &str),
) -> Result<Vec<SecretString>, Unconnectable> {
    let mut secrets = Vec::new();
    for key in driver.secret_keys() {
        let secret = read_secret(client, namespace, name, key).await;
        secrets.push(secret.map_err(|(reason, message)| {
            let reason = match reason {
                Reason::SecretMissing => Reason::CredentialsMissing,
                other => other,
            };
            let message = format!("{}.credentialsRef: {message}", driver.word());
            Unconnectable::new(reason, message)
        })?);
    }
    Ok(secrets)
}

async fn ca_bundle(
    client: &Client,
    namespace: &str,
    spec: &BackupPlatformSpec,
) -> Result<Option<Vec<u8>>, Unconnectable> {
    let Some(reference) = &spec.ca_bundle_ref else {
        return Ok(None);
    };
    let missing = |message: String| Unconnectable::new(Reason::SecretMissing, message);
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let (name, key) = (&reference.name, &reference.key);
    let found = api.get_opt(name).await.map_err(|error| {
        let (reason, message) = unreadable(&format!("ConfigMap {name:?}"), &error);
        Unconnectable::new(reason, format!("caBundleRef: {message}"))
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

/// One key of a Secret as text.
///
/// # Errors
/// `SecretMissing`, `SecretMalformed` or, when it may work later, `ReferenceNotReady`; with the object, what is wrong, and
/// what to do.
pub async fn read_secret(
    client: &Client,
    namespace: &str,
    name: &str,
    key: &str,
) -> Result<SecretString, (Reason, String)> {
    let missing = |message| (Reason::SecretMissing, message);
    let malformed = |what| {
        let message =
            format!("key {key:?} of Secret {name:?} {what}. Correct it; it is read again at once.");
        (Reason::SecretMalformed, message)
    };
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let secret = api
        .get_opt(name)
        .await
        .map_err(|error| unreadable(&format!("Secret {name:?}"), &error))?
        .ok_or_else(|| missing(format!("Secret {name:?} doesn't exist in namespace {namespace:?}. Create it with the key {key:?}.")))?;
    let ByteString(bytes) = secret
        .data
        .unwrap_or_default()
        .remove(key)
        .ok_or_else(|| missing(format!("Secret {name:?} has no key {key:?}. Add it.")))?;
    let text = String::from_utf8(bytes).map_err(|_| malformed("isn't UTF-8 text"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(malformed("is empty"));
    }
    Ok(SecretString::from(text.to_owned()))
}

/// All keys of a `ConfigMap`; none where it doesn't exist.
///
/// # Errors
/// A `ConfigMap` that can't be read.
pub async fn read_maps(
    client: &Client,
    namespace: &str,
    name: &str,
) -> Result<BTreeMap<String, Vec<u8>>, (Reason, String)> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let map = api.get_opt(name).await;
    let map = map.map_err(|error| unreadable(&format!("ConfigMap {name:?}"), &error))?;
    let map = map.unwrap_or_default();
    let plain = map.data.unwrap_or_default().into_iter();
    let plain = plain.map(|(key, text)| (key, text.into_bytes()));
    let binary = map.binary_data.unwrap_or_default().into_iter();
    let binary = binary.map(|(key, ByteString(bytes))| (key, bytes));
    Ok(plain.chain(binary).collect())
}

/// One key of a `ConfigMap`, from `binaryData` or `data`, read by `read`, which says what is wrong with the bytes.
///
/// # Errors
/// A `ConfigMap` or key that isn't there, can't be read, or doesn't contain what is needed.
pub async fn read_map<T>(
    client: &Client,
    namespace: &str,
    reference: &ConfigMapKeyRef,
    read: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, (Reason, String)> {
    let (name, key) = (&reference.name, &reference.key);
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let missing = |message| (Reason::SecretMissing, message);
    let map = api
        .get_opt(name)
        .await
        .map_err(|error| unreadable(&format!("ConfigMap {name:?}"), &error))?
        .ok_or_else(|| missing(format!("ConfigMap {name:?} doesn't exist in namespace {namespace:?}. Create it with the key {key:?}.")))?;
    let binary = map.binary_data.unwrap_or_default().remove(key);
    let text = || map.data.unwrap_or_default().remove(key);
    let bytes = binary
        .map(|ByteString(bytes)| bytes)
        .or_else(|| text().map(String::into_bytes))
        .ok_or_else(|| missing(format!("ConfigMap {name:?} has no key {key:?}. Add it.")))?;
    read(&bytes).map_err(|why| {
        let message = format!("key {key:?} of ConfigMap {name:?} {why}");
        (Reason::SecretMalformed, message)
    })
}

/// A Secret or `ConfigMap` that the API server doesn't return: permanently when it is forbidden, otherwise for now.
fn unreadable(what: &str, error: &kube::Error) -> (Reason, String) {
    match error {
        kube::Error::Api(status) if status.code == 403 => (
            Reason::SecretMissing,
            format!(
                "{what} can't be read: access is forbidden. Grant the operator's ServiceAccount (or, for a command, your kubeconfig user) the verb get on it."
            ),
        ),
        _ => (
            Reason::ReferenceNotReady,
            format!("{what} can't be read at the moment; Holdfast retries."),
        ),
    }
}

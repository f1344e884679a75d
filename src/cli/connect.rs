//! Looking at platforms from the command line: the same adapters as the operator's, which never write here.

use std::{path::PathBuf, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, ResourceExt};
use secrecy::SecretString;

use super::{Failure, objects::Cluster};
use crate::{
    api::{BackupPlatform, Driver, platform::RateLimit},
    embedded::{Host, HostOptions},
    estate::{Observation, Scope, UsageReport},
    operator::limit,
    platform::{
        Budgets, Platform, RequestObserver, WriterGuard,
        bridge::{Bridge, BridgeOptions},
        druva::{Druva, DruvaOptions},
        http::HttpOptions,
    },
};

/// Days that consumption is asked for.
const USAGE_DAYS: u16 = 90;

/// How the API of an embedded platform is reached, which lives in another process.
#[derive(Debug, Default, clap::Args)]
pub struct Access {
    /// Where an embedded platform's API is; its token is read from `PLATFORM_TOKEN`
    #[arg(long, value_name = "URL", env = "PLATFORM_URL")]
    platform_url: Option<String>,
    /// The bearer token
    #[arg(skip = std::env::var("PLATFORM_TOKEN").ok().map(SecretString::from))]
    token: Option<SecretString>,
}

/// What one look at a platform brought.
pub struct Look {
    /// Everything that it holds.
    pub observation: Observation,
    /// What is in use, when it was asked for.
    pub usage: Option<UsageReport>,
}

/// What to look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Every client, too.
    pub clients: bool,
    /// What is in use, too.
    pub usage: bool,
}

impl Access {
    /// Looks at a platform. The error is a sentence: what is wrong, and what to do.
    pub async fn look(
        &self,
        cluster: Option<&Cluster>,
        platform: &BackupPlatform,
        is_new: bool,
        wanted: Wanted,
    ) -> Result<Look, String> {
        if is_new && matches!(platform.spec.driver(), Some(Driver::Embedded)) {
            return fresh_estate(platform, wanted).await;
        }
        let way = self.way(cluster, platform).await?;
        let ca_bundle = match cluster {
            Some(cluster) => ca_bundle(cluster, platform).await?,
            None => None,
        };
        let declared = platform.spec.rate_limit.as_ref();
        observe(way.open(ca_bundle, declared)?, wanted).await
    }

    /// Where a platform is, and as whom it is asked.
    async fn way(
        &self,
        cluster: Option<&Cluster>,
        platform: &BackupPlatform,
    ) -> Result<Way, String> {
        let namespace = platform.namespace().unwrap_or_default();
        let cluster = || cluster.ok_or("its credential is in a cluster, and there is none here");
        match platform.spec.driver() {
            Some(Driver::Embedded) => {
                let (endpoint, token) = self.embedded(platform)?;
                Ok(Way::Bridge(endpoint, token))
            }
            Some(Driver::Bridge(bridge)) => {
                let name = &bridge.credentials_ref.name;
                let token = secret(cluster()?, &namespace, name, "token").await?;
                Ok(Way::Bridge(bridge.endpoint.clone(), token))
            }
            Some(Driver::Druva(druva)) => {
                let (cluster, name) = (cluster()?, &druva.credentials_ref.name);
                let id = secret(cluster, &namespace, name, "clientId").await?;
                let key = secret(cluster, &namespace, name, "secretKey").await?;
                let endpoint = Driver::Druva(druva).endpoint().unwrap_or_default();
                Ok(Way::Druva(endpoint.to_owned(), id, key))
            }
            Some(driver @ Driver::Cove(_)) => Err(format!(
                "driver {}: this version has no adapter for it. Use embedded, bridge or druva.",
                driver.as_str()
            )),
            None => Err("exactly one of embedded, bridge, druva and cove must be set.".into()),
        }
    }

    /// Where an embedded platform's API is: the address that was given, with the estate of this platform.
    fn embedded(&self, platform: &BackupPlatform) -> Result<(String, SecretString), String> {
        let (Some(url), Some(token)) = (&self.platform_url, &self.token) else {
            return Err("it is embedded in the operator's process. Set PLATFORM_URL and PLATFORM_TOKEN to its API (`. .demo/env` does for the demo), or plan --against an exported estate.".into());
        };
        let place = format!(
            "/estates/{}/{}",
            platform.namespace().unwrap_or_default(),
            platform.name_any()
        );
        let url = match url.split_once("/estates/") {
            Some((base, _)) => format!("{base}{place}"),
            None => url.clone(),
        };
        Ok((url, token.clone()))
    }
}

/// What an embedded platform starts with that doesn't exist yet: one is made aside, looked at, and removed.
async fn fresh_estate(platform: &BackupPlatform, wanted: Wanted) -> Result<Look, String> {
    let aside = Aside::new();
    let host = Host::start(HostOptions::new(&aside.0))
        .await
        .map_err(|error| error.to_string())?;
    let (namespace, name) = (
        platform.namespace().unwrap_or_default(),
        platform.name_any(),
    );
    let access = host
        .estate(&namespace, &name)
        .await
        .map_err(|error| error.to_string())?;
    let way = Way::Bridge(access.url, access.token);
    let look = match way.open(None, None) {
        Ok(adapter) => observe(adapter, wanted).await,
        Err(problem) => Err(problem),
    };
    host.shutdown().await;
    look
}

/// A directory that goes when it is no longer needed.
struct Aside(PathBuf);

impl Aside {
    fn new() -> Self {
        let name = format!("holdfast-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What can't be removed is the system's to tidy up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A platform's endpoint and credential.
enum Way {
    Bridge(String, SecretString),
    /// With client id and secret key.
    Druva(String, SecretString, SecretString),
}

impl Way {
    /// An adapter that only looks.
    fn open(
        self,
        ca_bundle_pem: Option<Vec<u8>>,
        declared: Option<&RateLimit>,
    ) -> Result<Arc<dyn Platform>, String> {
        let url = |endpoint: &str| {
            endpoint.parse().map_err(|error| {
                format!("endpoint {endpoint:?} is no URL: {error}. Write it as https://host/path/.")
            })
        };
        let http = HttpOptions {
            ca_bundle_pem,
            observer: Arc::new(Unobserved),
            writer: Arc::new(NeverWrites),
        };
        let budgets = Arc::new(Budgets::default());
        match self {
            Self::Bridge(endpoint, token) => {
                let endpoint = url(&endpoint)?;
                // One look at a bridge; its own limit still counts.
                let rate_limit = None;
                let options = BridgeOptions {
                    endpoint,
                    token,
                    rate_limit,
                    budgets,
                    http,
                };
                let bridge = Bridge::new(options).map_err(|error| error.to_string())?;
                Ok(Arc::new(bridge))
            }
            Self::Druva(endpoint, client_id, secret_key) => {
                let endpoint = url(&endpoint)?;
                let rate_limit = limit("druva", declared);
                let options = DruvaOptions {
                    endpoint,
                    client_id,
                    secret_key,
                    rate_limit,
                    budgets,
                    http,
                };
                let druva = Druva::new(options).map_err(|error| error.to_string())?;
                Ok(Arc::new(druva))
            }
        }
    }
}

async fn observe(platform: Arc<dyn Platform>, wanted: Wanted) -> Result<Look, String> {
    let scope = Scope {
        clients: wanted.clients,
    };
    let observation = platform
        .observe(scope)
        .await
        .map_err(|error| error.to_string())?;
    let usage = if wanted.usage {
        let report = platform.usage(USAGE_DAYS).await;
        Some(report.map_err(|error| error.to_string())?)
    } else {
        None
    };
    Ok(Look { observation, usage })
}

/// One key of a Secret.
pub async fn secret(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    key: &str,
) -> Result<SecretString, String> {
    let api: Api<Secret> = Api::namespaced(cluster.client(), namespace);
    let found = api
        .get_opt(name)
        .await
        .map_err(|error| Failure::from(error).to_string())?;
    let secret = found.ok_or_else(|| format!("Secret {name:?} doesn't exist in namespace {namespace:?}. Create it with the key {key:?}."))?;
    let bytes = secret.data.unwrap_or_default().remove(key);
    let text = bytes.and_then(|bytes| String::from_utf8(bytes.0).ok());
    text.map(SecretString::from)
        .ok_or_else(|| format!("Secret {name:?} has no key {key:?} that is text. Add it."))
}

async fn ca_bundle(
    cluster: &Cluster,
    platform: &BackupPlatform,
) -> Result<Option<Vec<u8>>, String> {
    let Some(reference) = &platform.spec.ca_bundle_ref else {
        return Ok(None);
    };
    let namespace = platform.namespace().unwrap_or_default();
    let api: Api<ConfigMap> = Api::namespaced(cluster.client(), &namespace);
    let found = api
        .get_opt(&reference.name)
        .await
        .map_err(|error| Failure::from(error).to_string())?;
    let text = found
        .and_then(|map| map.data)
        .and_then(|mut data| data.remove(&reference.key));
    let text = text.ok_or_else(|| {
        format!("caBundleRef: ConfigMap {:?} with the key {:?} doesn't exist in namespace {namespace:?}. Create it.", reference.name, reference.key)
    })?;
    Ok(Some(text.into_bytes()))
}

/// No metrics here.
struct Unobserved;

impl RequestObserver for Unobserved {
    fn finished(&self, _: &'static str, _: &'static str, _: Duration) {}
}

/// The commands look and never write.
struct NeverWrites;

impl WriterGuard for NeverWrites {
    fn may_write(&self) -> Result<(), String> {
        Err("this command only looks".into())
    }
}

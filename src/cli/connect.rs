//! Looking at platforms from the command line: the same adapters as the operator's, which never write here.

use std::{path::PathBuf, sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, ResourceExt};
use secrecy::SecretString;

use super::{Failure, objects::Cluster};
use crate::{
    api::{BackupPlatform, Driver},
    embedded::{Host, HostOptions},
    estate::{Observation, Scope, UsageReport},
    platform::{
        Budgets, Platform, RequestObserver, WriterGuard,
        bridge::{Bridge, BridgeOptions},
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
        let endpoint = match platform.spec.driver() {
            Some(Driver::Embedded) if is_new => return fresh_estate(platform, wanted).await,
            Some(Driver::Embedded) => self.embedded(platform)?,
            Some(Driver::Bridge(bridge)) => {
                let cluster =
                    cluster.ok_or("its credential is in a cluster, and there is none here")?;
                let namespace = platform.namespace().unwrap_or_default();
                let token =
                    secret(cluster, &namespace, &bridge.credentials_ref.name, "token").await?;
                (bridge.endpoint.clone(), token)
            }
            Some(driver) => {
                return Err(format!(
                    "driver {}: this version has no adapter for it. Use embedded or bridge.",
                    driver.as_str()
                ));
            }
            None => {
                return Err("exactly one of embedded, bridge, druva and cove must be set.".into());
            }
        };
        let ca_bundle = match cluster {
            Some(cluster) => ca_bundle(cluster, platform).await?,
            None => None,
        };
        observe(endpoint, ca_bundle, wanted).await
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
    let look = observe((access.url, access.token), None, wanted).await;
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

async fn observe(
    (endpoint, token): (String, SecretString),
    ca_bundle_pem: Option<Vec<u8>>,
    wanted: Wanted,
) -> Result<Look, String> {
    let url = endpoint.parse().map_err(|error| {
        format!("endpoint {endpoint:?} is no URL: {error}. Write it as https://host/path/.")
    })?;
    let bridge = Bridge::new(BridgeOptions {
        endpoint: url,
        token,
        rate_limit: None,
        budgets: Arc::new(Budgets::default()),
        http: HttpOptions {
            ca_bundle_pem,
            observer: Arc::new(Unobserved),
            writer: Arc::new(NeverWrites),
        },
    });
    let bridge = bridge.map_err(|error| error.to_string())?;
    let scope = Scope {
        clients: wanted.clients,
    };
    let observation = bridge
        .observe(scope)
        .await
        .map_err(|error| error.to_string())?;
    let usage = if wanted.usage {
        let report = bridge.usage(USAGE_DAYS).await;
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

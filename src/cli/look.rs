//! Reading platforms from the command line: the same adapters as the operator's, which never write here.

#[cfg(feature = "simulator")]
use std::path::PathBuf;
use std::{sync::Arc, time::Duration};

use kube::{Client, ResourceExt};
use secrecy::SecretString;

use super::objects::Cluster;
#[cfg(feature = "simulator")]
use crate::embedded::{Host, HostOptions};
use crate::{
    api::{BackupPlatform, DriverSpec},
    connect::{Estate, resolve},
    estate::{Capability, HealthReport, Scope, Snapshot, UsageReport},
    platform::{Platform, Registry, RequestObserver, WriterGuard, http::HttpOptions},
};

/// Days that consumption is asked for.
const USAGE_DAYS: u16 = 90;
/// Days that health is asked for.
const HEALTH_DAYS: u16 = 30;

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

/// The result of one read of a platform.
pub struct Look {
    /// Everything that it holds.
    pub observation: Snapshot,
    /// What is in use, when it was asked for and the platform tells it.
    pub usage: Option<UsageReport>,
    /// How backups do, when it was asked for and the platform tells it.
    pub health: Option<HealthReport>,
}

/// What to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// Every client, too.
    pub clients: bool,
    /// What is in use, too.
    pub usage: bool,
    /// How backups do, too.
    pub health: bool,
}

impl Access {
    /// Reads a platform. The error is a sentence: what is wrong, and what to do.
    pub async fn look(
        &self,
        cluster: Option<&Cluster>,
        platform: &BackupPlatform,
        is_new: bool,
        wanted: Wanted,
    ) -> Result<Look, String> {
        if is_new && matches!(platform.spec.driver(), Some(DriverSpec::Embedded)) {
            return fresh_estate(platform, wanted).await;
        }
        let estate = match platform.spec.driver() {
            Some(DriverSpec::Embedded) => Some(self.embedded(platform)?),
            _ => None,
        };
        let client = cluster.map(Cluster::client);
        observe(open(client.as_ref(), platform, estate).await?, wanted).await
    }

    /// Where an embedded platform's API is: the address that was given, with the estate of this platform.
    fn embedded(&self, platform: &BackupPlatform) -> Result<Estate, String> {
        let (Some(url), Some(token)) = (&self.platform_url, &self.token) else {
            return Err("it is embedded in the operator's process. Set PLATFORM_URL and PLATFORM_TOKEN to its API (`. .demo/env` does for the demo), or use --against with an exported estate.".into());
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
        Ok(Estate {
            url,
            token: token.clone(),
        })
    }
}

/// Without the embedded platform its initial estate isn't known.
#[cfg(not(feature = "simulator"))]
#[allow(clippy::unused_async, reason = "as with the embedded platform")]
async fn fresh_estate(_: &BackupPlatform, _: Wanted) -> Result<Look, String> {
    Err("embedded: this build of Holdfast comes without the embedded platform. Use a build with the feature `simulator`.".into())
}

/// The initial estate of an embedded platform that doesn't exist yet: a temporary one is created, read, and removed.
#[cfg(feature = "simulator")]
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
    let estate = Estate {
        url: access.url,
        token: access.token,
    };
    let look = match open(None, platform, Some(estate)).await {
        Ok(connection) => observe(connection, wanted).await,
        Err(problem) => Err(problem),
    };
    host.shutdown().await;
    look
}

/// A directory that is removed when it is no longer needed.
#[cfg(feature = "simulator")]
struct Aside(PathBuf);

#[cfg(feature = "simulator")]
impl Aside {
    fn new() -> Self {
        let name = format!("holdfast-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

#[cfg(feature = "simulator")]
impl Drop for Aside {
    fn drop(&mut self) {
        // Whatever can't be removed is left to the system's clean-up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A connection for reading only.
async fn open(
    client: Option<&Client>,
    platform: &BackupPlatform,
    estate: Option<Estate>,
) -> Result<Arc<dyn Platform>, String> {
    let drivers = Registry::default();
    let connection = resolve(client, &drivers, platform, estate).await;
    let http = HttpOptions {
        ca_bundle_pem: None,
        observer: Arc::new(Unobserved),
        writer: Arc::new(NeverWrites),
    };
    let opened = connection.and_then(|connection| connection.open(Arc::default(), http));
    opened.map_err(|problem| problem.message)
}

async fn observe(platform: Arc<dyn Platform>, wanted: Wanted) -> Result<Look, String> {
    let scope = Scope {
        clients: wanted.clients,
    };
    let observation = platform
        .observe(scope)
        .await
        .map_err(|error| error.to_string())?;
    let can = |capability| observation.capabilities.can(capability);
    let (mut usage, mut health) = (None, None);
    if let Some(reports) = platform.reports() {
        if wanted.usage && can(Capability::ReadUsage) {
            let report = reports.usage(USAGE_DAYS).await;
            usage = Some(report.map_err(|error| error.to_string())?);
        }
        if wanted.health && can(Capability::ReadHealth) {
            let report = reports.health(HEALTH_DAYS).await;
            health = Some(report.map_err(|error| error.to_string())?);
        }
    }
    Ok(Look {
        observation,
        usage,
        health,
    })
}

/// The commands have no metrics.
struct Unobserved;

impl RequestObserver for Unobserved {
    fn finished(&self, _: &'static str, _: &'static str, _: Duration) {}
}

/// The commands read and never write.
struct NeverWrites;

impl WriterGuard for NeverWrites {
    fn may_write(&self) -> Result<(), String> {
        Err("this command only looks".into())
    }
}

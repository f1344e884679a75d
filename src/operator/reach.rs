//! From a `BackupPlatform` to a connection of the operator's.

use std::{sync::Arc, time::Duration};

use kube::ResourceExt;

use super::{account::Writer, context::Context, metrics::Metrics};
use crate::{
    api::{BackupPlatform, DriverSpec},
    connect::{Connection, Unconnectable, resolve},
    platform::{Platform, RequestObserver, http::HttpOptions},
};

/// Reads what the spec refers to, and lets the embedded platform serve an estate of this process.
///
/// # Errors
/// What is missing or malformed, on which object, and what to do.
pub async fn reach(
    context: &Context,
    platform: &BackupPlatform,
) -> Result<Connection, Unconnectable> {
    let estate = match platform.spec.driver() {
        Some(DriverSpec::Embedded) => {
            let (namespace, name) = (
                platform.namespace().unwrap_or_default(),
                platform.name_any(),
            );
            let mut embedding = context.embedding.lock().await;
            Some(embedding.estate(&namespace, &name).await?)
        }
        _ => None,
    };
    resolve(Some(&context.client), &context.drivers, platform, estate).await
}

/// Opens the connection under the process's budgets, metrics and right to write.
///
/// # Errors
/// A credential, endpoint or certificate that can't be used.
pub fn open(
    connection: Connection,
    context: &Context,
    platform: String,
    writer: Arc<Writer>,
) -> Result<Arc<dyn Platform>, Unconnectable> {
    let http = HttpOptions {
        ca_bundle_pem: None,
        observer: Arc::new(Observer {
            platform,
            metrics: context.metrics.clone(),
        }),
        writer,
    };
    connection.open(context.budgets.clone(), http)
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

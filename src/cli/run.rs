//! `holdfast run`: the operator.

use std::{net::SocketAddr, path::PathBuf};

use super::{Failure, start_logging, stop_signal};
use crate::{
    api::names,
    operator::{self, RunOptions},
    platform::Registry,
};

/// What `holdfast run` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast run --data-dir /var/lib/holdfast
  holdfast run --namespace backup --listen 127.0.0.1:8080

It finds the cluster as kubectl does: KUBECONFIG, ~/.kube/config, or from inside a pod. HOLDFAST_LOG sets
what is logged (debug; info,holdfast=debug). Logs are JSON lines, and plain text on a terminal.")]
pub struct Arguments {
    /// Where the embedded platform keeps its estates, and the operator its identity; without it there is no embedded platform
    #[arg(long, value_name = "DIR", env = "HOLDFAST_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Where /healthz, /readyz and /metrics are served
    #[arg(
        long,
        value_name = "ADDR",
        env = "HOLDFAST_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    listen: SocketAddr,
    /// Where the embedded platform is served (port 0: any free one)
    #[arg(
        long,
        value_name = "ADDR",
        env = "HOLDFAST_PLATFORM_LISTEN",
        default_value = "127.0.0.1:0"
    )]
    platform_listen: SocketAddr,
    /// Watch only these namespaces (may be repeated); all when absent
    #[arg(
        long = "namespace",
        value_name = "NS",
        env = "HOLDFAST_NAMESPACES",
        value_delimiter = ',',
        value_parser = namespace
    )]
    namespaces: Vec<String>,
    /// Leave out the metrics that there are of each customer and reseller
    #[arg(long, env = "HOLDFAST_NO_CUSTOMER_METRICS")]
    no_customer_metrics: bool,
    /// Namespace of the Leases: the operator's own
    #[arg(long, value_name = "NS", env = "POD_NAMESPACE", default_value = names::OPERATOR_NAMESPACE)]
    lease_namespace: String,
    /// Keep the days of each month for `holdfast report invoice` in `ConfigMap`s of this namespace; not kept when absent
    #[arg(long, value_name = "NS", env = "HOLDFAST_INVOICES_NAMESPACE")]
    invoices_namespace: Option<String>,
    /// The pod's name, for Leases and events
    #[arg(long, value_name = "NAME", env = "POD_NAME", hide = true)]
    pod_name: Option<String>,
}

/// A name that a namespace may have.
fn namespace(name: &str) -> Result<String, String> {
    let fits =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if (1..=63).contains(&name.len()) && name.chars().all(fits) {
        Ok(name.to_owned())
    } else {
        Err("a namespace has at most 63 lower-case letters, digits and hyphens".to_owned())
    }
}

/// Runs until stopped.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    start_logging();
    let options = RunOptions {
        drivers: Registry::default(),
        data_dir: arguments.data_dir,
        pod_name: arguments.pod_name,
        listen: arguments.listen,
        platform_listen: arguments.platform_listen,
        namespaces: arguments.namespaces,
        lease_namespace: arguments.lease_namespace,
        invoices_namespace: arguments.invoices_namespace,
        customer_metrics: !arguments.no_customer_metrics,
    };
    Ok(operator::run(options, stop_signal()).await?)
}

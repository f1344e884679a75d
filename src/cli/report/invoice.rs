//! `holdfast report invoice`: the lines of a month, out of the `ConfigMap`s in which the operator keeps its days.

use std::{collections::BTreeMap, process::ExitCode};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt, api::ListParams};

use super::{
    arguments::{Output, Whom},
    table,
};
use crate::{
    api::names,
    cli::{Failure, objects::Cluster, terminal},
    invoice::{self, Line},
    report::{self, Month},
};

/// What `invoice` takes.
#[derive(Debug, clap::Args)]
pub struct Invoice {
    /// The month, such as 2026-10
    #[arg(long, value_name = "MONTH")]
    month: String,
    #[command(flatten)]
    whom: Whom,
    /// Namespace in which the operator keeps the months
    #[arg(long, value_name = "NS", env = "HOLDFAST_INVOICES_NAMESPACE", default_value = names::INVOICES_NAMESPACE)]
    invoices_namespace: String,
}

/// Prints the lines of a month.
pub async fn run(wish: Invoice) -> Result<ExitCode, Failure> {
    let month = Month::parse(&wish.month)?.as_str().to_owned();
    let cluster = Cluster::connect(wish.whom.namespace.clone()).await?;
    let lines = lines(&cluster, &wish.invoices_namespace, &month).await?;
    let everywhere = wish.whom.all_namespaces;
    let lines: Vec<Line> = lines
        .into_iter()
        .filter(|line| wish.takes(line, (!everywhere).then(|| cluster.namespace())))
        .collect();
    let rows = report::invoice(&month, &lines);
    let text = match wish.whom.output {
        Output::Table if lines.is_empty() => b"No customer matches.\n".to_vec(),
        Output::Table => table::rows(&rows, super::width()).into_bytes(),
        Output::Csv => report::csv(&rows),
        Output::Html => report::invoice_html(&month, &rows, &lines).into_bytes(),
        Output::Json => {
            let mut text = serde_json::to_vec_pretty(&report::invoice_json(&month, &rows))?;
            text.push(b'\n');
            text
        }
    };
    terminal::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

impl Invoice {
    fn takes(&self, line: &Line, namespace: Option<&str>) -> bool {
        let (within, name) = line.customer.split_once('/').unwrap_or_default();
        let (_, platform) = line.platform.split_once('/').unwrap_or_default();
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
        };
        namespace.is_none_or(|namespace| namespace == within)
            && is(&self.whom.platform, Some(platform))
            && is(&self.whom.customer, Some(name))
            && is(&self.whom.reseller, line.reseller.as_deref())
    }
}

/// The lines of a month on all platforms.
async fn lines(cluster: &Cluster, namespace: &str, month: &str) -> Result<Vec<Line>, Failure> {
    let api: Api<ConfigMap> = Api::namespaced(cluster.client(), namespace);
    let of_month = ListParams::default().labels(&format!("{}={month}", names::INVOICE_MONTH_LABEL));
    let mut platforms: BTreeMap<(String, String), BTreeMap<u8, String>> = BTreeMap::new();
    for map in api.list(&of_month).await? {
        let label = |name: &str| map.labels().get(name).cloned().unwrap_or_default();
        let platform = (
            label(names::INVOICE_NAMESPACE_LABEL),
            label(names::PLATFORM_LABEL),
        );
        if let Some((number, text)) = invoice::part(&map) {
            platforms.entry(platform).or_default().insert(number, text);
        }
    }
    if platforms.is_empty() {
        return Err(Failure(format!(
            "nothing is kept of {month} in namespace {namespace:?}. Choose a month in which the operator ran with --invoices-namespace {namespace}, and in which a ServicePlan had billing."
        )));
    }
    let mut lines = Vec::new();
    for ((within, platform), parts) in platforms {
        let joined = invoice::join(&parts).map_err(|(number, error)| {
            Failure(format!(
                "part {number} of {month} of BackupPlatform {within}/{platform}: {error}"
            ))
        })?;
        let Some(joined) = joined else { continue };
        if joined.lost {
            eprintln!(
                "warning: {}",
                terminal::line(&format!(
                    "a part of {month} of BackupPlatform {within}/{platform} is lost: customers are missing, and the lines are incomplete. Restore its ConfigMaps from a backup."
                ))
            );
        }
        lines.extend(invoice::lines(&joined));
    }
    Ok(lines)
}

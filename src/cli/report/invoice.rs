//! `holdfast report invoice`: the lines of a month, out of the `ConfigMap`s in which the operator keeps its days.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, ResourceExt, api::ListParams};

use super::{
    arguments::{Output, Whom},
    table,
};
use crate::{
    api::{BackupPlatform, names},
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
    /// Columns, and no others, in this order; all when absent
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        conflicts_with = "all_columns"
    )]
    columns: Vec<String>,
    /// Every column there is, as without --columns
    #[arg(long)]
    all_columns: bool,
    /// Namespace in which the operator keeps the months
    #[arg(long, value_name = "NS", env = "HOLDFAST_INVOICES_NAMESPACE", default_value = names::INVOICES_NAMESPACE)]
    invoices_namespace: String,
}

/// Prints the lines of a month. Exit code 1 when those of a platform can't be read.
pub async fn run(wish: Invoice) -> Result<ExitCode, Failure> {
    let month = Month::parse(&wish.month)?.as_str().to_owned();
    let cluster = Cluster::connect(wish.whom.namespace.clone()).await?;
    if let Some(namespace) = &wish.whom.namespace {
        cluster.expect_namespace(namespace).await?;
    }
    let (lines, complete) = lines(&cluster, &wish.invoices_namespace, &month).await?;
    let namespace = (!wish.whom.all_namespaces).then(|| cluster.namespace());
    wish.expect_names(&month, &lines, namespace)?;
    let lines: Vec<Line> = lines
        .into_iter()
        .filter(|line| wish.takes(line, namespace))
        .collect();
    if let Some(namespace) = namespace.filter(|_| lines.is_empty()) {
        eprintln!("holdfast: in namespace {namespace}; with -A, in all");
    }
    let rows = report::invoice(&month, &lines, &wish.columns)?;
    let text = match wish.whom.output {
        Output::Table if lines.is_empty() => b"No customer matches.\n".to_vec(),
        Output::Table => {
            let width = super::width();
            let sums = report::invoice_sums(&lines);
            let all = std::iter::once(&rows).chain(sums.iter().map(|(_, sums)| sums));
            let all: Vec<String> = all.map(|table| table::rows(table, width)).collect();
            all.join("\n").into_bytes()
        }
        Output::Csv => report::csv(&rows),
        Output::Html => report::invoice_html(&month, &rows, &lines).into_bytes(),
        Output::Json => {
            let mut text = serde_json::to_vec_pretty(&report::invoice_json(&month, &rows, &lines))?;
            text.push(b'\n');
            text
        }
    };
    terminal::print(&text)?;
    Ok(if complete {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Invoice {
    /// Refuses a name that stands in no line of the month: nothing found would be no answer.
    fn expect_names(
        &self,
        month: &str,
        lines: &[Line],
        namespace: Option<&str>,
    ) -> Result<(), Failure> {
        let name = |full: &str| full.split_once('/').map(|(_, name)| name.to_owned());
        let here = || {
            lines.iter().filter(move |line| {
                let within = line.customer.split_once('/').map(|(within, _)| within);
                namespace.is_none_or(|namespace| within == Some(namespace))
            })
        };
        let whom = &self.whom;
        let filters: [(&str, &Option<String>, BTreeSet<String>); 3] = [
            (
                "platform",
                &whom.platform,
                here().filter_map(|line| name(&line.platform)).collect(),
            ),
            (
                "reseller",
                &whom.reseller,
                here().filter_map(|line| line.reseller.clone()).collect(),
            ),
            (
                "customer",
                &whom.customer,
                here().filter_map(|line| name(&line.customer)).collect(),
            ),
        ];
        for (filter, wanted, known) in filters {
            let Some(wanted) = wanted.as_ref().filter(|wanted| !known.contains(*wanted)) else {
                continue;
            };
            // So many as a person reads.
            let known: Vec<String> = known.into_iter().take(20).collect();
            let known = if known.is_empty() {
                "It has none at all.".to_owned()
            } else {
                format!("Choose one of: {}.", known.join(", "))
            };
            return Err(Failure(format!(
                "--{filter} {wanted:?}: no line of {month} has that name. {known}"
            )));
        }
        Ok(())
    }

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

/// `BackupPlatform`, by namespace and name.
type Platform = (String, String);

/// The lines of a month on all platforms, and whether those of each could be read: one hides no other.
async fn lines(
    cluster: &Cluster,
    namespace: &str,
    month: &str,
) -> Result<(Vec<Line>, bool), Failure> {
    let api: Api<ConfigMap> = Api::namespaced(cluster.client(), namespace);
    let of_month = ListParams::default().labels(&format!("{}={month}", names::INVOICE_MONTH_LABEL));
    let mut platforms: BTreeMap<Platform, BTreeMap<u8, String>> = BTreeMap::new();
    let maps = api.list(&of_month).await;
    for map in maps.map_err(|error| unlisted(error, namespace))? {
        if let Some((number, text)) = invoice::part(&map) {
            let parts = platforms.entry(platform_of(&map)).or_default();
            parts.insert(number, text);
        }
    }
    for (within, platform) in without(&api, month, &platforms).await? {
        warn(&format!(
            "nothing is kept of {month} of BackupPlatform {within}/{platform}, although earlier and later months are: its customers are missing. Restore its ConfigMaps from a backup."
        ));
    }
    if platforms.is_empty() {
        return Err(Failure(format!(
            "nothing is kept of {month} in namespace {namespace:?}. Choose a month in which the operator ran with --invoices-namespace {namespace}, and in which a ServicePlan had billing."
        )));
    }
    let (mut lines, mut complete) = (Vec::new(), true);
    for ((within, platform), parts) in platforms {
        match invoice::join(&parts) {
            Ok(Some(month)) => {
                let month = ended(cluster, &within, &platform, month).await;
                lines.extend(invoice::lines(&month));
            }
            Ok(None) => {}
            Err((number, error)) => {
                complete = false;
                warn(&format!(
                    "part {number} of {month} of BackupPlatform {within}/{platform} can't be read, and its lines are missing: {error}"
                ));
            }
        }
    }
    Ok((lines, complete))
}

/// Why the months can't be listed.
fn unlisted(error: kube::Error, namespace: &str) -> Failure {
    match error {
        kube::Error::Api(status) if status.code == 403 => Failure(format!(
            "the API server: {}. The Role holdfast-invoice-reader in namespace {namespace} gives that right; have your group bound to it.",
            status.message
        )),
        error => error.into(),
    }
}

/// The month of a platform. One that is over, and that nobody will close, ends as it is.
async fn ended(
    cluster: &Cluster,
    within: &str,
    platform: &str,
    mut joined: invoice::Month,
) -> invoice::Month {
    let month = joined.month.clone();
    if joined.lost {
        warn(&format!(
            "a part of {month} of BackupPlatform {within}/{platform} is lost: customers are missing, and the lines are incomplete. Restore its ConfigMaps from a backup."
        ));
    }
    let is_over = joined.month < invoice::Day::of(jiff::Timestamp::now()).month;
    if is_over && !joined.frozen {
        let platforms: Api<BackupPlatform> = Api::namespaced(cluster.client(), within);
        // Who may not look learns that it is open.
        if matches!(platforms.get_opt(platform).await, Ok(None)) {
            joined.freeze(&[]);
        } else {
            warn(&format!(
                "{month} is over, and BackupPlatform {within}/{platform} has reported no consumption since: its lines stay open until it does."
            ));
        }
    }
    joined
}

/// Platforms of which months before and after this one are kept.
async fn without<V>(
    api: &Api<ConfigMap>,
    month: &str,
    there: &BTreeMap<Platform, V>,
) -> Result<Vec<Platform>, Failure> {
    let any = ListParams::default().labels(names::INVOICE_MONTH_LABEL);
    let mut others: BTreeMap<Platform, (bool, bool)> = BTreeMap::new();
    for map in api.list_metadata(&any).await? {
        let of = label(&map, names::INVOICE_MONTH_LABEL);
        let (earlier, later) = others.entry(platform_of(&map)).or_default();
        *earlier |= of.as_str() < month;
        *later |= of.as_str() > month;
    }
    let between = others
        .into_iter()
        .filter(|(platform, around)| *around == (true, true) && !there.contains_key(platform));
    Ok(between.map(|(platform, _)| platform).collect())
}

fn label(map: &impl ResourceExt, name: &str) -> String {
    map.labels().get(name).cloned().unwrap_or_default()
}

fn platform_of(map: &impl ResourceExt) -> Platform {
    (
        label(map, names::INVOICE_NAMESPACE_LABEL),
        label(map, names::PLATFORM_LABEL),
    )
}

fn warn(text: &str) {
    eprintln!("warning: {}", terminal::line(text));
}

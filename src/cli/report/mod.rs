//! `holdfast report`: consumption, customers and health of many customers at once, out of the cluster's status. Serves R-D7, R-D8,
//! R-D9, R-D15, R-D16, R-D40.

mod invoice;
mod table;

use super::{Failure, objects::Cluster};
use crate::{
    api::{shared::Edition, tenant::TenantType},
    report::{self, Filter, Period, Resources, Subject, Wish},
};

/// What `holdfast report` takes.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Consumption: storage, credits, and when a quota is used up
    #[command(after_help = "Examples:
  holdfast report usage
  holdfast report usage -A --edition Enterprise --from 2026-09 --to 2026-10 -o csv
  holdfast report usage --reseller northwind -o html > northwind.html

Without dates: storage as last reported and credits of 90 days. With dates: the most that was stored, and
the credits, of whole months. With --plan, --edition, --region or --type the figures are of such tenants.
docs/reports.md explains all columns.")]
    Usage(Usage),
    /// Customers: who they are and what they have
    #[command(after_help = "Examples:
  holdfast report customers --search fabri
  holdfast report customers -A --administrator ops@fabrikam.example --all-columns -o csv
  holdfast report customers --columns externalId,administrators

Name, customer, plan and product are always shown. docs/reports.md explains all columns.")]
    Customers(Customers),
    /// Health: jobs, restores, alerts, and the data sources that miss their service level
    #[command(after_help = "Examples:
  holdfast report health
  holdfast report health --by source -o csv
  holdfast report health --reseller northwind -o html > health.html

The last 30 days. Those with most to mend come first. Status names at most ten data sources of each
tenant, the worst. docs/reports.md explains all columns.")]
    Health(Health),
    /// Invoice lines of a month, by the billing of service plans
    #[command(after_help = "Examples:
  holdfast report invoice --month 2026-10 -A -o csv
  holdfast report invoice --month 2026-10 --customer fabrikam

Made of the days that the operator kept. A month that is over always gives the same lines, also for those
who left. docs/reports.md explains all columns.")]
    Invoice(invoice::Invoice),
}

/// What `usage` takes.
#[derive(Debug, clap::Args)]
pub struct Usage {
    /// First month, or a day in it
    #[arg(long, value_name = "MONTH|DAY")]
    from: Option<String>,
    /// Last month, or a day in it
    #[arg(long, value_name = "MONTH|DAY")]
    to: Option<String>,
    #[command(flatten)]
    common: Common,
}

/// What `customers` takes.
#[derive(Debug, clap::Args)]
pub struct Customers {
    #[command(flatten)]
    common: Common,
}

/// What `health` takes.
#[derive(Debug, clap::Args)]
pub struct Health {
    /// What a row is about
    #[arg(long, value_enum, default_value = "customer")]
    by: By,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum By {
    Customer,
    Source,
}

/// What every report takes.
#[derive(Debug, clap::Args)]
struct Common {
    /// One namespace; the kubeconfig's when absent
    #[arg(short, long, value_name = "NS", conflicts_with = "all_namespaces")]
    namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Customers on this `BackupPlatform`
    #[arg(long, value_name = "NAME")]
    platform: Option<String>,
    /// Customers of this `Reseller` and of all resellers below it
    #[arg(long, value_name = "NAME")]
    reseller: Option<String>,
    /// This `Customer`
    #[arg(long, value_name = "NAME")]
    customer: Option<String>,
    /// Customers with an administrator whose address or name contains this
    #[arg(long, value_name = "TEXT")]
    administrator: Option<String>,
    /// Customers whose name, resource name or account name contains this
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Tenants with this `ServicePlan`
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// Tenants of this edition: Business, Enterprise or Elite
    #[arg(long, value_name = "EDITION")]
    edition: Option<Edition>,
    /// Tenants that store in this region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Tenants of this type: Evaluation, Commercial or Sandbox
    #[arg(long = "type", value_name = "TYPE")]
    tenant_type: Option<TenantType>,
    /// Columns, in this order
    #[arg(
        long,
        value_name = "A,B",
        value_delimiter = ',',
        conflicts_with = "all_columns"
    )]
    columns: Vec<String>,
    /// Every column there is
    #[arg(long)]
    all_columns: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    Table,
    Csv,
    Json,
    Html,
}

/// Prints a report.
pub async fn run(command: Command) -> Result<(), Failure> {
    let (subject, common, period) = match command {
        Command::Usage(usage) => {
            let period = Period::parse(usage.from.as_deref(), usage.to.as_deref())?;
            (Subject::Usage, usage.common, period)
        }
        Command::Invoice(wish) => return invoice::run(wish).await,
        Command::Customers(customers) => (Subject::Customers, customers.common, Period::default()),
        Command::Health(health) => match health.by {
            By::Customer => (Subject::Health, health.common, Period::default()),
            By::Source => (Subject::Sources, health.common, Period::default()),
        },
    };
    let cluster = Cluster::connect(common.namespace.clone()).await?;
    if let Some(namespace) = &common.namespace {
        cluster.expect_namespace(namespace).await?;
    }
    let output = common.output;
    let resources = resources(&cluster, common.all_namespaces).await?;
    let wish = common.wish(subject, period, cluster.namespace());
    wish.filter.check(&resources)?;
    let report = report::make(&resources, &wish, jiff::Timestamp::now())?;
    drop(resources);
    if report.table.rows.is_empty()
        && let Some(namespace) = &wish.filter.namespace
    {
        eprintln!("holdfast: in namespace {namespace}; with -A, in all");
    }
    print(&report, output)
}

impl Common {
    fn wish(self, subject: Subject, period: Period, namespace: &str) -> Wish {
        let filter = Filter {
            namespace: (!self.all_namespaces).then(|| namespace.to_owned()),
            platform: self.platform,
            reseller: self.reseller,
            customer: self.customer,
            administrator: self.administrator,
            search: self.search,
            plan: self.plan,
            edition: self.edition,
            region: self.region,
            tenant_type: self.tenant_type,
        };
        Wish {
            subject,
            filter,
            period,
            columns: self.columns,
            all_columns: self.all_columns,
        }
    }
}

/// What a report is made of. What can't be read is named on stderr and left out.
async fn resources(cluster: &Cluster, everywhere: bool) -> Result<Resources, Failure> {
    let mut unreadable = Vec::new();
    let resources = Resources {
        platforms: cluster.readable(everywhere, &mut unreadable).await?,
        resellers: cluster.readable(everywhere, &mut unreadable).await?,
        plans: cluster.readable(everywhere, &mut unreadable).await?,
        customers: cluster.readable(everywhere, &mut unreadable).await?,
        tenants: cluster.readable(everywhere, &mut unreadable).await?,
    };
    for message in unreadable {
        eprintln!("warning: {}", super::terminal::line(&message));
    }
    Ok(resources)
}

fn print(report: &report::Report, output: Output) -> Result<(), Failure> {
    let rows = match (report.subject, &report.sources) {
        (Subject::Sources, Some(sources)) => sources,
        _ => &report.table,
    };
    let text = match output {
        Output::Table => table::text(report, width()).into_bytes(),
        Output::Csv => report::csv(rows),
        Output::Json => {
            let mut text = serde_json::to_vec_pretty(&report::json(report))?;
            text.push(b'\n');
            text
        }
        Output::Html => report::html(report).into_bytes(),
    };
    super::terminal::print(text)
}

/// Columns of the terminal; `None` where the output goes elsewhere, which is never broken into lines.
fn width() -> Option<u16> {
    terminal_size::terminal_size().map(|(width, _)| width.0)
}

//! `holdfast report`: consumption, customers and health of many customers at once. Serves R-D7, R-D8, R-D9, R-D15, R-D16, R-D40,
//! R-N5.

mod arguments;
mod invoice;
mod made_of;
mod table;

use std::process::ExitCode;

use super::Failure;
use crate::report::{self, Period, Subject};
use arguments::{By, Common, Output};

/// What `holdfast report` takes.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Consumption: storage, credits, and when a quota is used up
    #[command(after_help = "Examples:
  holdfast report usage
  holdfast report usage -A --edition Enterprise --from 2026-09 --to 2026-10 -o csv
  holdfast report usage --reseller northwind -o html > northwind.html
  holdfast report usage -A --live                             asks the platforms, not the cluster's status

Without dates: storage as last reported and credits of 90 days. With dates: the most that was stored, and
the credits, of whole months. With --plan, --edition, --region or --type the figures are of such tenants.
With --live a platform that can't be read is named, its rows are missing, and the exit code is 1.
docs/reports.md explains all columns.")]
    Usage(Usage),
    /// Customers: who they are and what they have
    #[command(after_help = "Examples:
  holdfast report customers --search fabri
  holdfast report customers -A --administrator ops@fabrikam.example --all-columns -o csv
  holdfast report customers --columns externalId,administrators
  holdfast report customers --against estate/                 an exported estate, no cluster needed

Name, customer, plan and product are always shown. docs/reports.md explains all columns.")]
    Customers(Customers),
    /// Health: jobs, restores, alerts, and the data sources that miss their service level
    #[command(after_help = "Examples:
  holdfast report health
  holdfast report health --by source --live -o csv            every data source of every platform
  holdfast report health --reseller northwind -o html > health.html

The last 30 days. Those with most to mend come first. Status names at most ten data sources of each
tenant, the worst; with --live all are named. docs/reports.md explains all columns.")]
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

/// Prints a report. Exit code 1 when a platform is missing in it.
pub async fn run(command: Command) -> Result<ExitCode, Failure> {
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
    let output = common.whom.output;
    let material = made_of::gather(&common.made_of, &common.whom, subject).await?;
    let wish = common.wish(subject, period, &material.namespace);
    wish.filter.check(&material.estates)?;
    let report = report::make(&material.estates, &wish, jiff::Timestamp::now())?;
    let incomplete = material.incomplete;
    drop(material);
    if report.table.rows.is_empty()
        && let Some(namespace) = &wish.filter.namespace
    {
        eprintln!("holdfast: in namespace {namespace}; with -A, in all");
    }
    print(&report, output)?;
    Ok(if incomplete {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
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
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0)
}

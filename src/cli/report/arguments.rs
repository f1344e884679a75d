//! What reports take.

use crate::{
    api::{shared::Edition, tenant::TenantType},
    cli::look::Access,
    report::{Basis, Filter, Period, Subject, Wish},
};

/// How to print.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Output {
    Table,
    Csv,
    Json,
    Html,
}

/// What a row of `health` is about.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum By {
    Customer,
    Source,
}

/// About whom any report is, and how it is printed.
#[derive(Debug, clap::Args)]
pub struct Whom {
    /// One namespace; the kubeconfig's when absent
    #[arg(short, long, value_name = "NS", conflicts_with = "all_namespaces")]
    pub namespace: Option<String>,
    /// All namespaces
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Customers on this `BackupPlatform`
    #[arg(long, value_name = "NAME")]
    pub platform: Option<String>,
    /// Customers of this `Reseller` and of all resellers below it; of invoice lines its own only
    #[arg(long, value_name = "NAME")]
    pub reseller: Option<String>,
    /// This `Customer`
    #[arg(long, value_name = "NAME")]
    pub customer: Option<String>,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    pub output: Output,
}

/// What a report of what is takes, as opposed to one of what was billed.
#[derive(Debug, clap::Args)]
pub struct Common {
    #[command(flatten)]
    pub whom: Whom,
    #[command(flatten)]
    pub made_of: MadeOf,
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
}

/// What a report is made of: status in the cluster, unless something else is named.
#[derive(Debug, clap::Args)]
pub struct MadeOf {
    /// Ask the platforms now, instead of reading the cluster's status
    #[arg(long)]
    pub live: bool,
    /// The cluster, or an estate written by `holdfast export -o DIR`
    #[arg(
        long,
        value_name = "cluster|FILE",
        default_value = "cluster",
        conflicts_with = "live"
    )]
    pub against: String,
    #[command(flatten)]
    pub access: Access,
}

impl MadeOf {
    /// In one word.
    pub fn basis(&self) -> Basis {
        match (self.live, self.against.as_str()) {
            (true, _) => Basis::Platforms,
            (false, "cluster") => Basis::Status,
            (false, _) => Basis::File,
        }
    }
}

impl Common {
    /// What is asked for; `namespace` is the one that is meant when none is named.
    pub fn wish(self, subject: Subject, period: Period, namespace: &str) -> Wish {
        let Whom {
            all_namespaces,
            platform,
            reseller,
            customer,
            ..
        } = self.whom;
        let filter = Filter {
            namespace: (!all_namespaces).then(|| namespace.to_owned()),
            platform,
            reseller,
            customer,
            administrator: self.administrator,
            search: self.search,
            plan: self.plan,
            edition: self.edition,
            region: self.region,
            tenant_type: self.tenant_type,
        };
        Wish {
            subject,
            basis: self.made_of.basis(),
            filter,
            period,
            columns: self.columns,
            all_columns: self.all_columns,
        }
    }
}

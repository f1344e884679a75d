//! `holdfast history`: the changes that Holdfast made to an object, and their outcomes. Serves R-N13.

use comfy_table::{Table, TableStyle};
use serde_json::Value;

use super::{Failure, objects::Cluster, terminal};

/// What `holdfast history` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast history customer/fabrikam
  holdfast history tenant/fabrikam-hybrid -n backup -o json

The last 20 changes, oldest first. Outcomes: Done; Refused by the platform; Failed, it had no effect;
Sent, the platform has accepted it and has not finished; Unknown, the answer was lost, and the
remote object was observed again.")]
pub struct Arguments {
    /// The object; KIND is tenant, customer, serviceplan or reseller, or its short name
    #[arg(value_name = "KIND/NAME")]
    object: String,
    /// Its namespace; the kubeconfig's when absent
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Fields named in the table; JSON has them all.
const FIELDS_SHOWN: usize = 6;

/// Prints the change log kept in status, oldest first.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let cluster = Cluster::connect(arguments.namespace).await?;
    let (resource, object) = cluster.get(&arguments.object).await?;
    let changes = object
        .data
        .pointer("/status/changes")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    terminal::print(match arguments.output {
        Output::Json => serde_json::to_string_pretty(&changes)? + "\n",
        Output::Table if changes.is_empty() => format!(
            "Nothing was changed on the platform for {} {}.\n",
            resource.kind, arguments.object
        ),
        Output::Table => format!("{}\n", table(&changes)),
    })
}

/// A few names, and how many more there are.
fn abridged(fields: &[&str]) -> String {
    let shown = fields
        .iter()
        .take(FIELDS_SHOWN)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match fields.len().saturating_sub(FIELDS_SHOWN) {
        0 if shown.is_empty() => "-".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn table(changes: &[Value]) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_header(["AT", "STEP", "OUTCOME", "FIELDS"]);
    for change in changes {
        let text = |member: &str| {
            change
                .get(member)
                .and_then(Value::as_str)
                .unwrap_or("-")
                .to_owned()
        };
        let fields = change.get("fields").and_then(Value::as_array);
        let fields: Vec<&str> = fields
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let at = text("at")
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|at| at.round(jiff::Unit::Second).ok());
        let at = at.map_or_else(|| text("at"), |at| at.to_string());
        let cells = [at, text("step"), text("outcome"), abridged(&fields)];
        table.add_row(cells.map(|cell| terminal::line(&cell)));
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // R-N13
    #[test]
    fn what_a_platform_says_writes_no_lines_of_its_own() {
        let change =
            json!({"at": "x\ny", "step": "\u{1b}[2K", "outcome": "\r", "fields": ["a\nb"]});
        let text = table(&[change]).to_string();
        assert_eq!(
            text.lines().count(),
            table(&[json!({})]).to_string().lines().count()
        );
        assert!(
            text.contains("x\\ny") && text.contains("^[[2K") && text.contains("a\\nb"),
            "{text}"
        );
        assert!(!text.contains(['\r', '\u{1b}']), "{text:?}");
    }
}

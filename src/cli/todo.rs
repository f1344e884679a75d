//! `holdfast todo`: steps that only a person at the platform's console can perform, page by page. Serves R-N12.

use std::{collections::BTreeMap, fmt::Write};

use kube::{ResourceExt, api::DynamicObject};
use serde::Serialize;
use serde_json::Value;

use super::{Failure, objects::Cluster, terminal};
use crate::api::{ConditionType, Reason};

/// What `holdfast todo` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast todo
  holdfast todo -n backup -o json

Lists every pending step by the console's page. Holdfast observes a finished step at the next sweep and
removes it from the list.")]
pub struct Arguments {
    /// One namespace; all of them when absent
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

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    /// Where, and what to do there.
    step: String,
    namespace: String,
    /// `Kind/name` of the resource.
    object: String,
    /// The platform's id of the object; empty where it has none.
    external_id: String,
    /// Dotted path below `spec`; empty where it is about the object as a whole.
    field: String,
}

/// Prints every manual step that is pending.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let cluster = Cluster::connect(arguments.namespace.clone()).await?;
    if let Some(namespace) = &arguments.namespace {
        cluster.expect_namespace(namespace).await?;
    }
    let everywhere = arguments.namespace.is_none();
    let mut objects = cluster.everything(everywhere).await?;
    objects.extend(cluster.platforms(everywhere).await?);
    let mut tasks: Vec<Task> = objects
        .iter()
        .flat_map(|(resource, object)| of(&resource.kind, object))
        .collect();
    tasks.sort();
    terminal::print(match arguments.output {
        Output::Json => serde_json::to_string_pretty(&tasks)? + "\n",
        Output::Table => listed(&tasks),
    })
}

/// The steps for one resource.
fn of(kind: &str, object: &DynamicObject) -> Vec<Task> {
    let status = &object.data["status"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let task = |step: String, field: String| Task {
        step,
        namespace: object.namespace().unwrap_or_default(),
        object: format!("{kind}/{}", object.name_any()),
        external_id: text(&status["externalId"]),
        field,
    };
    let steps = status["manualSteps"].as_array().into_iter().flatten();
    let steps = steps.map(|step| task(text(&step["step"]), text(&step["field"])));
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let stands_still = [ConditionType::Stalled, ConditionType::DeletionBlocked];
    // A BackupPlatform says its steps in its condition alone.
    let listed = status["manualSteps"].is_array();
    let incapable = conditions.filter(|condition| {
        let is = |kind: ConditionType| condition["type"] == kind.as_str();
        let incapable = condition["reason"] == Reason::CapabilityMissing.as_str()
            && stands_still.into_iter().any(is);
        condition["status"] == "True"
            && (incapable || !listed && is(ConditionType::ManualStepPending))
    });
    let incapable = incapable.map(|condition| task(text(&condition["message"]), String::new()));
    steps.chain(incapable).collect()
}

/// A heading for each step, followed by its objects.
fn listed(tasks: &[Task]) -> String {
    if tasks.is_empty() {
        return "Nothing to do at a console.\n".to_owned();
    }
    let mut by_step: BTreeMap<&str, Vec<&Task>> = BTreeMap::new();
    for task in tasks {
        by_step.entry(&task.step).or_default().push(task);
    }
    let mut text = String::new();
    for (step, tasks) in by_step {
        text.push_str(&terminal::line(step));
        text.push('\n');
        for task in tasks {
            let id = match task.external_id.as_str() {
                "" => String::new(),
                id => format!(" ({id})"),
            };
            let field = match task.field.as_str() {
                "" => String::new(),
                field => format!(": {field}"),
            };
            let about = format!("{} {}{id}{field}", task.namespace, task.object);
            // Writing to a String never fails.
            let _ = writeln!(text, "  {}", terminal::line(&about));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, status: Value) -> DynamicObject {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "backup"},
            "status": status,
        }))
        .expect("an object")
    }

    // R-N12
    #[test]
    fn steps_stand_under_the_page_where_they_are_done() {
        let page = "Managed Services Center > Customers > the customer > Contacts";
        let fabrikam = object(
            "fabrikam",
            json!({"externalId": "1042", "manualSteps": [{"field": "contacts", "step": page}]}),
        );
        let plan = object(
            "gold",
            json!({"conditions": [
                {"type": "Ready", "status": "False", "reason": "CapabilityMissing", "message": "make it"},
                {"type": "Stalled", "status": "True", "reason": "CapabilityMissing", "message": "make it"},
            ]}),
        );
        let mut tasks = of("Customer", &fabrikam);
        tasks.extend(of("ServicePlan", &plan));
        tasks.sort();
        assert_eq!(
            listed(&tasks),
            format!(
                "{page}\n  backup Customer/fabrikam (1042): contacts\nmake it\n  backup ServicePlan/gold\n"
            )
        );
        assert_eq!(listed(&[]), "Nothing to do at a console.\n");
        let platform = object(
            "msp",
            json!({"conditions": [{"type": "ManualStepPending", "status": "True", "reason": "ConsoleStepRequired", "message": "set it"}]}),
        );
        assert_eq!(
            listed(&of("BackupPlatform", &platform)),
            "set it\n  backup BackupPlatform/msp\n"
        );
    }

    // R-N12
    #[test]
    fn what_a_platform_says_writes_no_lines_of_its_own() {
        let step = json!({"field": "a\rb", "step": "one\n\u{1b}[2Ktwo"});
        let forged = object(
            "fabrikam",
            json!({"externalId": "1\n2", "manualSteps": [step]}),
        );
        assert_eq!(
            listed(&of("Customer", &forged)),
            "one\\n^[[2Ktwo\n  backup Customer/fabrikam (1\\n2): a\\rb\n"
        );
    }
}

//! Rules and dashboard ask only for what the operator exposes, and each alert fires when it should.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::Value;

use crate::{documents, file, made, read, run, tool};

const RULES: &str = "manifests/monitoring/rules.yaml";

/// Words that a label's value can be, where the set is closed.
fn known(label: &str, value: &str) -> bool {
    match label {
        "type" => read("docs/conditions.md").contains(&format!("\n| `{value}` |")),
        "status" => ["True", "False", "Unknown"].contains(&value),
        "kind" => [
            "BackupPlatform",
            "Reseller",
            "ServicePlan",
            "Customer",
            "Tenant",
        ]
        .contains(&value),
        _ => true,
    }
}

/// Metrics that there are, and their labels: the list that a test of the operator keeps, and what the rules record.
fn exposed() -> BTreeMap<String, BTreeSet<String>> {
    let listed = read("manifests/monitoring/metrics.txt");
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in listed.lines() {
        let mut words = line.split(' ').map(ToOwned::to_owned);
        all.insert(words.next().expect("a name"), words.collect());
    }
    for rule in rules() {
        if let Some(name) = rule["record"].as_str() {
            all.insert(name.to_owned(), BTreeSet::new());
        }
    }
    all
}

fn rules() -> Vec<Value> {
    let groups = documents(&read(RULES)).remove(0);
    let groups = groups["groups"].as_array().expect("groups").clone();
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().expect("rules").clone());
    rules.collect()
}

/// Panics unless each expression parses and selects only what there is.
fn judge(expressions: &[String]) {
    let lines: Vec<String> = expressions
        .iter()
        .map(|one| serde_json::json!(one).to_string())
        .collect();
    let said = run(
        &tool("judge"),
        &["expressions"],
        ".",
        &format!("{}\n", lines.join("\n")),
    );
    let said = said.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(said.lines().count(), expressions.len());
    let exposed = exposed();
    for (line, expression) in said.lines().zip(expressions) {
        let selections: Vec<Value> = serde_json::from_str(line).expect("JSON");
        for selection in selections {
            let metric = selection["metric"].as_str().unwrap_or_default();
            let labels = exposed.get(metric);
            let labels =
                labels.unwrap_or_else(|| panic!("there is no metric {metric}: {expression}"));
            for (label, value) in selection["labels"].as_object().expect("labels") {
                assert!(
                    labels.contains(label),
                    "{metric} has no label {label}: {expression}"
                );
                let value = value.as_str().unwrap_or_default();
                assert!(
                    known(label, value),
                    "{label} is never {value}: {expression}"
                );
            }
        }
    }
}

// R-N8
#[test]
fn the_readme_names_every_metric() {
    let readme = read("README.md");
    // The names of recorded series have colons.
    for series in exposed().into_keys().filter(|name| !name.contains(':')) {
        let histogram = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|end| series.strip_suffix(end));
        let metric = histogram.unwrap_or(&series);
        assert!(readme.contains(&format!("`{metric}`")), "{metric}");
    }
}

#[test]
fn the_rules_ask_for_what_there_is() {
    let expressions = rules()
        .iter()
        .map(|rule| rule["expr"].as_str().expect("an expression").to_owned())
        .collect::<Vec<_>>();
    judge(&expressions);
}

// R-N8.
#[test]
fn the_dashboard_is_one_for_grafana_and_asks_for_what_there_is() {
    let said = run(
        &tool("judge"),
        &["dashboard", "manifests/monitoring/dashboard.json"],
        ".",
        "",
    );
    let said = said.unwrap_or_else(|error| panic!("{error}"));
    let expressions: Vec<String> = said
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(expressions.len() > 15, "{expressions:?}");
    judge(&expressions);
}

#[test]
fn every_alert_has_a_test_and_a_runbook() {
    let tests = documents(&read("manifests/monitoring/rules_test.yaml")).remove(0);
    let runbooks = read("docs/operations.md");
    for rule in rules() {
        let Some(name) = rule["alert"].as_str() else {
            continue;
        };
        assert!(
            runbooks.contains(&format!("\n### {name}\n")),
            "{name} has no runbook"
        );
        let anchor = format!("docs/operations.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"], anchor, "{name}");
        let mut cases = tests["tests"].as_array().into_iter().flatten();
        let case = cases.find(|test| test["name"] == name);
        let case = &case.unwrap_or_else(|| panic!("{name} has no test"))["alert_rule_test"];
        let fires = |case: &Value| case["exp_alerts"].is_array();
        let cases = case.as_array().expect("cases");
        assert!(
            cases.iter().any(fires) && !cases.iter().all(fires),
            "{name}: once it fires, once not"
        );
    }
}

// R-N8, R-N10, R-N16.
#[test]
fn the_alerts_fire_when_they_should() {
    let promtool = file(".build/debian/prometheus/usr/bin/promtool");
    let promtool = if promtool.exists() {
        promtool
    } else {
        "promtool".into()
    };
    if std::process::Command::new(&promtool)
        .arg("--version")
        .output()
        .is_err()
    {
        // `make test-tools` unpacks it where there is apt-get and a mirror; elsewhere nothing of the project can.
        eprintln!(
            "NOT TESTED: the alert rules. promtool isn't on the PATH; it comes with Prometheus"
        );
        return;
    }
    for arguments in [
        ["check", "rules", "rules.yaml"],
        ["test", "rules", "rules_test.yaml"],
    ] {
        let said = run(&promtool, &arguments, "manifests/monitoring", "");
        assert!(said.is_ok(), "{}", said.unwrap_or_else(|error| error));
    }
}

#[test]
fn the_prometheus_operator_gets_the_same_rules() {
    let mut rule = String::from(
        "# Made from manifests/monitoring/rules.yaml by the tests.\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: holdfast\n  namespace: holdfast-system\nspec:\n",
    );
    for line in read(RULES).lines().filter(|line| !line.starts_with('#')) {
        let _ = writeln!(rule, "  {line}");
    }
    made("manifests/components/monitoring/prometheusrule.yaml", &rule);
}

//! The chart makes what the overlays make, and refuses values that mean nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{documents, file, helm, kustomize, made, read, run, tool};

/// Objects by kind, namespace and name, without what only one of the two says, and without empty lists.
fn comparable(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for mut object in objects {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let kind = text(&object["kind"]);
        // Helm makes the namespace itself, when asked to.
        if kind == "Namespace" {
            continue;
        }
        let metadata = object["metadata"].as_object_mut().expect("metadata");
        if kind == "CustomResourceDefinition"
            && metadata.get("annotations") == Some(&json!({"helm.sh/resource-policy": "keep"}))
        {
            metadata.remove("annotations");
        }
        let metadata = &object["metadata"];
        let key = format!(
            "{kind} {} {}",
            text(&metadata["namespace"]),
            text(&metadata["name"])
        );
        drop_empty(&mut object);
        let twice = all.insert(key.clone(), object);
        assert!(twice.is_none(), "{key} is there twice");
    }
    all
}

fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(drop_empty);
            fields.retain(|_, value| *value != json!([]));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

fn alike(overlay: &str, values: &[&str]) {
    let by_kustomize = comparable(kustomize(overlay));
    let by_helm = comparable(helm(values).unwrap_or_else(|error| panic!("{error}")));
    let keys = |all: &BTreeMap<String, Value>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&by_helm), keys(&by_kustomize), "chart and {overlay}");
    for (key, object) in &by_kustomize {
        assert_eq!(&by_helm[key], object, "chart (left) and {overlay}: {key}");
    }
}

#[test]
fn the_chart_makes_what_the_overlays_make() {
    alike("manifests/default", &[]);
    alike(
        "manifests/ha",
        &["--set=replicas=3,persistence.enabled=false"],
    );
    let namespaced = "--set=namespaces={backup},crds.install=false,policies.install=false,userRoles.install=false";
    alike("manifests/namespaced", &[namespaced]);
    let everything =
        "--set=invoices.enabled=true,networkPolicy.enabled=true,monitoring.enabled=true";
    alike("tests/packages/everything", &[everything]);
}

#[test]
fn the_files_of_the_chart_are_those_of_the_manifests() {
    let folders = [
        ("crds", "crds"),
        ("manifests/policies", "policies"),
        ("manifests/rbac", "rbac"),
    ];
    for (from, to) in folders {
        let mut names: Vec<String> = std::fs::read_dir(file(from))
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .filter(|name| {
                !name.eq_ignore_ascii_case("kustomization") && name != "kustomization.yaml"
            })
            .collect();
        names.sort();
        let there = std::fs::read_dir(file(&format!("charts/holdfast/files/{to}")));
        assert_eq!(
            there.expect("a folder").count(),
            names.len(),
            "{to}: one too many"
        );
        for name in names {
            made(
                &format!("charts/holdfast/files/{to}/{name}"),
                &read(&format!("{from}/{name}")),
            );
        }
    }
    for (component, name) in [
        ("invoices", "invoices"),
        ("network-policy", "networkpolicy"),
        ("monitoring", "podmonitor"),
        ("monitoring", "prometheusrule"),
    ] {
        let from = format!("manifests/components/{component}/{name}.yaml");
        made(
            &format!("charts/holdfast/files/optional/{name}.yaml"),
            &read(&from),
        );
    }
}

#[test]
fn the_chart_is_of_this_version() {
    let chart = crate::documents(&read("charts/holdfast/Chart.yaml"));
    assert_eq!(chart[0]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart[0]["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn helm_finds_nothing_to_complain_of() {
    let said = run(
        &tool("helm"),
        &[
            "lint",
            "--strict",
            "--kube-version=1.34.0",
            "charts/holdfast",
        ],
        ".",
        "",
    );
    assert!(said.is_ok(), "{said:?}");
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for (value, why) in [
        ("replicas=3", "replicas: the volume has a single writer"),
        ("replica=3", "replica"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("persistence.size=big", "size"),
        ("namespaces={Backup}", "namespaces"),
        ("crds.instal=false", "instal"),
        ("monitoring.runbooks=docs/operations.md", "runbooks"),
    ] {
        let refused = helm(&[&format!("--set={value}")]).expect_err(value);
        assert!(refused.contains(why), "{value}: {refused}");
    }
}

// A Prometheus may take only what has its label.
#[test]
fn what_is_for_prometheus_can_be_labelled() {
    let objects = helm(&["--set=monitoring.enabled=true,monitoring.labels.release=stack"]);
    let objects = objects.expect("made");
    for kind in ["PodMonitor", "PrometheusRule"] {
        let found = objects.iter().find(|object| object["kind"] == kind);
        let metadata = &found.expect(kind)["metadata"];
        assert_eq!(metadata["labels"], json!({"release": "stack"}), "{kind}");
        assert_eq!(metadata["namespace"], "holdfast-system", "{kind}");
    }
}

// A person on call opens the link.
#[test]
fn alerts_can_lead_to_where_their_runbooks_are_read() {
    let page = "https://git.example/docs/operations.md";
    let where_read = format!("--set=monitoring.enabled=true,monitoring.runbooks={page}");
    let objects = helm(&[&where_read]).expect("made");
    let rules = { objects.iter() }.find(|object| object["kind"] == "PrometheusRule");
    let groups = rules.expect("rules")["spec"]["groups"].as_array().cloned();
    let rules = { groups.iter().flatten() }.filter_map(|group| group["rules"].as_array().cloned());
    let alerts = rules.flatten().filter(|rule| rule["alert"].is_string());
    let mut count = 0;
    for alert in alerts {
        let name = alert["alert"].as_str().unwrap_or_default();
        let link = format!("{page}#{}", name.to_lowercase());
        assert_eq!(alert["annotations"]["runbook_url"], link, "{name}");
        assert!(alert["annotations"]["runbook"].is_null(), "{name}");
        count += 1;
    }
    assert!(count > 20, "{count}");
}

// What is lost can't be computed anew.
#[test]
fn what_removes_the_operator_leaves_the_months_of_invoices() {
    let has = |objects: &[Value]| {
        let mut namespaces = objects
            .iter()
            .filter(|object| object["kind"] == "Namespace");
        namespaces
            .find(|object| object["metadata"]["name"] == "holdfast-invoices")
            .cloned()
    };
    assert_eq!(has(&kustomize("tests/packages/everything")), None);
    let by_hand = has(&documents(&read("manifests/invoices/namespace.yaml"))).expect("there");
    let mut by_helm = has(&helm(&["--set=invoices.enabled=true"]).expect("made")).expect("there");
    let kept = by_helm["metadata"]["annotations"]
        .as_object_mut()
        .and_then(|annotations| annotations.remove("helm.sh/resource-policy"));
    assert_eq!(kept, Some(json!("keep")));
    assert_eq!(by_helm, by_hand);
}

#[test]
fn leases_can_be_shared_by_installations() {
    let objects = helm(&["--set=namespaces={one},leaseNamespace=leases"]).expect("made");
    let of = |kind: &str| {
        let found = objects
            .iter()
            .find(|object| object["kind"] == kind && object["metadata"]["namespace"] == "leases");
        found.unwrap_or_else(|| panic!("no {kind} in leases"))
    };
    assert_eq!(
        of("Role")["metadata"]["name"],
        "holdfast-leases-holdfast-system"
    );
    assert_eq!(
        of("RoleBinding")["roleRef"]["name"],
        "holdfast-leases-holdfast-system"
    );
    assert_eq!(
        of("RoleBinding")["subjects"][0]["namespace"],
        "holdfast-system"
    );
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment");
    let arguments =
        &deployment.expect("a Deployment")["spec"]["template"]["spec"]["containers"][0]["args"];
    assert!(
        arguments
            .to_string()
            .contains(r#""--lease-namespace","leases""#),
        "{arguments}"
    );
}

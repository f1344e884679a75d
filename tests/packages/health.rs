//! The health check for Argo CD, by the interpreter that Argo CD has.

use std::fmt::Write as _;

use holdfast_testkit::operator::{Stage, customer, embedded_platform};
use serde_json::Value;

use crate::{HOLDFAST, documents, made, read, run, tool};

const FOLDER: &str = "manifests/argocd/resource_customizations/holdfast.dev/_";

fn health(resource: &Value) -> Value {
    let said = run(
        &tool("judge"),
        &["health", "health.lua"],
        FOLDER,
        &resource.to_string(),
    );
    serde_json::from_str(&said.unwrap_or_else(|error| panic!("{error}"))).expect("JSON")
}

// Laid out as Argo CD's own repository has it, and judged as its own test does.
#[test]
fn each_state_has_the_health_that_its_test_says() {
    let tests = documents(&read(&format!("{FOLDER}/health_test.yaml")));
    let tests = tests[0]["tests"].as_array().expect("tests");
    let there = std::fs::read_dir(crate::file(FOLDER).join("testdata")).expect("a folder");
    assert_eq!(there.count(), tests.len(), "a file without a test");
    for test in tests {
        let input = test["inputPath"].as_str().expect("a path");
        let resource = &documents(&read(&format!("{FOLDER}/{input}")))[0];
        assert_eq!(health(resource), test["healthStatus"], "{input}");
    }
}

#[test]
fn the_settings_of_argo_cd_hold_the_same_script() {
    let mut settings = String::from(
        "# The health check of resource_customizations/, for the ConfigMap that Argo CD reads: `kubectl patch configmap argocd-cm -n argocd\n# --patch-file argocd-cm.yaml`. It replaces resource.customizations: merge it by hand where you have some.\ndata:\n  resource.customizations: |\n    holdfast.dev/*:\n      health.lua: |\n",
    );
    for line in read(&format!("{FOLDER}/health.lua")).lines() {
        let indent = if line.is_empty() { "" } else { "        " };
        let _ = writeln!(settings, "{indent}{line}");
    }
    made("manifests/argocd/argocd-cm.yaml", &settings);
}

// R-N1: what the operator really writes, and not only what the files say that it does.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_writes_has_the_health_it_means() {
    let stage = Stage::start(HOLDFAST, "argohealth").await;
    stage.apply(&embedded_platform("msp"));
    stage.apply(&customer("one", "msp", ""));
    stage
        .await_ready(&["backupplatform/msp", "customer/one"])
        .await;
    for object in ["backupplatform/msp", "customer/one"] {
        assert_eq!(health(&stage.get(object))["status"], "Healthy", "{object}");
    }
    stage.apply(&customer("paused", "msp", ", management: Paused"));
    stage
        .await_condition("customer/paused", "Paused", "True")
        .await;
    assert_eq!(health(&stage.get("customer/paused"))["status"], "Suspended");

    stage.apply(&customer("lost", "nowhere", ""));
    stage
        .await_condition("customer/lost", "Ready", "False")
        .await;
    let lost = stage.get("customer/lost");
    let shown = health(&lost);
    assert_eq!(shown["status"], "Degraded", "{lost:#}");
    assert!(
        shown["message"]
            .as_str()
            .unwrap_or_default()
            .contains("nowhere"),
        "{shown}"
    );

    let reseller = "apiVersion: holdfast.dev/v1alpha1\nkind: Reseller\nmetadata: {name: small}\nspec: {platformRef: {name: msp}, displayName: Small, allotment: {storage: 1Ti}}\n";
    stage.apply(reseller);
    stage.await_ready(&["reseller/small"]).await;
    let greedy = customer("greedy", "msp", ", limits: {storage: 5Ti}")
        .replace("platformRef: {name: msp}", "resellerRef: {name: small}");
    stage.apply(&greedy);
    stage
        .await_condition("customer/greedy", "QuotaExceeded", "True")
        .await;
    let shown = health(&stage.get("customer/greedy"));
    assert_eq!(shown["status"], "Degraded", "{shown}");
    assert!(
        shown["message"]
            .as_str()
            .unwrap_or_default()
            .contains("5Ti"),
        "{shown}"
    );
}

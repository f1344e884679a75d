//! Status keeps to the bounds of its own schema, and says what it leaves out.

use crate::HOLDFAST;
use std::time::Duration;

use serde_json::{Value, json};

use holdfast_testkit::{
    bridge::Bridge,
    operator::{Stage, customer, embedded_platform, eventually},
    policies, resources,
};

/// A long time for a pass that is repeated every two seconds.
const WHILE: Duration = Duration::from_secs(12);

async fn observed(stage: &Stage, object: &str) {
    eventually(&format!("{object} is observed"), || async {
        let object = stage.get(object);
        object["metadata"]["generation"] == object["status"]["observedGeneration"]
    })
    .await;
}

fn steps(stage: &Stage, object: &str) -> Vec<Value> {
    let steps = &stage.get(object)["status"]["manualSteps"];
    steps.as_array().cloned().unwrap_or_default()
}

fn passes_that_failed(stage: &Stage) -> usize {
    stage
        .log()
        .matches("the reconciliation didn't finish")
        .count()
}

// Every listed client that the platform doesn't know is one manual step, and 20 of them fit.
#[tokio::test(flavor = "multi_thread")]
async fn of_more_manual_steps_than_fit_the_rest_is_counted() {
    let stage = Stage::start(HOLDFAST, "steps").await;
    stage.apply(&embedded_platform("msp"));
    for (name, clients) in [("fits", 20_usize), ("over", 21), ("far-over", 500)] {
        let ids: Vec<String> = (1..=clients).map(|id| format!("\"{name}-{id}\"")).collect();
        let object = format!("customer/{name}");
        stage.apply(&customer(name, "msp", ", limits: {storage: 100Gi}"));
        stage.await_ready(&[&object]).await;
        let listing = format!(
            ", limits: {{storage: 200Gi}}, clients: {{ids: [{}]}}",
            ids.join(", ")
        );
        stage.apply(&customer(name, "msp", &listing));
        observed(&stage, &object).await;
        stage
            .await_condition(&object, "ManualStepPending", "True")
            .await;
        let steps = steps(&stage, &object);
        assert_eq!(steps.len(), 20, "{name}");
        let last = steps[19]["step"].as_str().expect("a step").to_owned();
        if clients == 20 {
            assert!(!last.starts_with("and "), "{last}");
        } else {
            let rest = format!("and {} more: client {name}-", clients - 19);
            assert!(last.starts_with(&rest), "{last}");
        }
        let message = stage.message(&object, "ManualStepPending");
        assert!(
            message.contains(&format!("clients.ids ({clients})")),
            "{message}"
        );
        assert_eq!(stage.get(&object)["status"]["summary"]["limit"], "200Gi");
        assert_eq!(stage.condition(&object, "Ready"), "True/InSync");
    }
    assert_eq!(passes_that_failed(&stage), 0, "{}", stage.log());
}

/// Names, words and ids, each longer than any field of a status.
fn talkative() -> String {
    let long = |word: &str| word.repeat(300);
    let (name, word, id) = (long("ÄÖ"), long("lang "), long("9"));
    format!(
        r#"
- name: talkative health
  when: {{method: GET, route: /v1/health}}
  then: {{merge: {{dataSources: [{{name: "{name}", organisation: "{name}", workload: "{word}", policy: "{word}", lastRunAt: "2026-11-25T00:00:00Z",
    lastJobId: "{id}", lastSuccessJobId: "{id}", jobs: {{total: 30, successful: 20}}, lastStatus: "{word}"}}]}}}}
- name: talkative locations
  when: {{method: GET, route: /v1/locations}}
  then: {{merge: {{name: "{name}"}}}}
- name: talkative tenants
  when: {{method: GET, route: /v1/tenants}}
  then: {{merge: {{phase: "{word}"}}}}
"#
    )
}

// Names, job ids and words of the platform are as long as it likes, also that of its default customer.
#[tokio::test(flavor = "multi_thread")]
async fn a_talkative_platform_freezes_no_status() {
    let stage = Stage::start(HOLDFAST, "talkative").await;
    let bridge = Bridge::start(HOLDFAST, "br").await;
    let account = bridge
        .console
        .call(reqwest::Method::GET, "/v1/capabilities", None)
        .await;
    let default = account["defaultCustomerId"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if !default.is_empty() {
        let long = json!({"name": format!("Default {}", "x".repeat(240))});
        bridge.console.change("customers", &default, long).await;
    }
    bridge.faults(&talkative());
    let plan = "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: gold}\nspec: {platformRef: {name: br}, planName: Gold, products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}]}\n";
    let tenant = "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: c-hybrid}\nspec: {customerRef: {name: c}, servicePlanRef: {name: gold}, product: HybridWorkloads}\n";
    let platform = bridge
        .manifest()
        .replace("sweepInterval: 60s", "sweepInterval: 5s, usageInterval: 5s");
    stage.apply(
        &[&platform, &customer("c", "br", ""), plan, tenant]
            .map(|text| text.trim_start_matches("---\n"))
            .join("---\n"),
    );
    let objects = [
        "customer/c",
        "tenant/c-hybrid",
        "serviceplan/gold",
        "backupplatform/br",
    ];
    stage.await_ready(&objects).await;
    for object in ["customer/c", "tenant/c-hybrid"] {
        eventually(&format!("{object} tells of its health"), || async {
            stage.get(object)["status"]["health"]["worst"][0].is_object()
        })
        .await;
        let worst = stage.get(object)["status"]["health"]["worst"][0].clone();
        let shown = worst["lastStatus"].as_str().unwrap_or_default().to_owned();
        assert!(
            shown.chars().count() == 63 && shown.ends_with('…'),
            "{worst}"
        );
        assert!(
            worst["lastJobId"].is_null(),
            "part of an id is another id: {worst}"
        );
    }
    let phone = json!({"spec": {"profile": {"phone": "5"}}});
    resources::merge(&stage, "customer/c", &phone);
    stage.await_ready(&["customer/c"]).await;
    let locations = &stage.get("backupplatform/br")["status"]["storageLocations"];
    let name = locations[0]["name"].as_str().unwrap_or_default().to_owned();
    assert!(
        name.chars().count() == 128 && name.ends_with('…'),
        "{locations}"
    );
    assert_eq!(passes_that_failed(&stage), 0, "{}", stage.log());
}

/// Has the API server refuse any status of a customer that shows a limit of 200Gi, as a stricter schema would.
async fn refuse_a_limit(stage: &Stage, on: bool) {
    let name = format!("refuse-{}", stage.namespace());
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {"failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{"apiGroups": ["holdfast.dev"], "apiVersions": ["v1alpha1"], "resources": ["customers/status"], "operations": ["UPDATE"]}]},
            "validations": [{"expression": "object.?status.?summary.?limit.orValue('') != '200Gi'", "reason": "Invalid", "message": "status.summary.limit: too long"}]},
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace()}}}},
    });
    for document in [policy, binding] {
        if on {
            policies::apply(&stage.cluster.client, document).await;
        } else {
            policies::remove(&stage.cluster.client, document).await;
        }
    }
}

// A status that is refused all the same is replaced by one that says so, is tried again ever more seldom, and heals by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_status_is_replaced_by_one_that_says_so() {
    let stage = Stage::start(HOLDFAST, "refused").await;
    stage.apply(&embedded_platform("msp"));
    stage.apply(&customer("fabrikam", "msp", ", limits: {storage: 100Gi}"));
    let object = "customer/fabrikam";
    stage.await_ready(&[object]).await;
    let before = stage.get(object)["status"].clone();
    refuse_a_limit(&stage, true).await;
    let patch = r#"{"status":{"summary":{"limit":"200Gi"}}}"#;
    eventually("the policy acts", || async {
        let tried = stage.kubectl(
            &[
                "patch",
                object,
                "--subresource=status",
                "--type=merge",
                "--dry-run=server",
                "-p",
                patch,
            ],
            "",
        );
        !tried.status.success()
    })
    .await;
    stage.apply(&customer(
        "fabrikam",
        "msp",
        ", limits: {storage: 200Gi}, profile: {phone: \"5\"}",
    ));
    stage
        .await_condition(object, "Stalled", "True/Internal")
        .await;
    let now = stage.get(object);
    assert_eq!(stage.condition(object, "Ready"), "False/Internal");
    assert_eq!(
        now["metadata"]["generation"],
        now["status"]["observedGeneration"]
    );
    let message = stage.message(object, "Stalled");
    assert!(
        message.contains("status.summary.limit: too long"),
        "{message}"
    );
    for kept in [
        "externalId",
        "claim",
        "platform",
        "protection",
        "tenants",
        "clients",
    ] {
        assert_eq!(now["status"][kept], before[kept], "{kept}");
    }
    let changes = now["status"]["changes"].as_array().expect("a log");
    assert!(
        changes.len() > before["changes"].as_array().map_or(0, Vec::len),
        "{changes:?}"
    );
    let (failed, version) = (
        passes_that_failed(&stage),
        now["metadata"]["resourceVersion"].clone(),
    );
    tokio::time::sleep(WHILE).await;
    assert!(passes_that_failed(&stage) - failed <= 1, "{}", stage.log());
    assert_eq!(
        stage.get(object)["metadata"]["resourceVersion"],
        version,
        "written once"
    );
    let refusals = stage.log().matches("rejects the status").count();
    assert!((1..=5).contains(&refusals), "{refusals}: {}", stage.log());

    // What is noted before a change is sent still is, and an edit is carried out.
    stage.apply(&customer(
        "fabrikam",
        "msp",
        ", limits: {storage: 200Gi}, profile: {phone: \"6\"}",
    ));
    let console = stage.console("msp");
    eventually("the edit arrives", || async {
        console.named("customers", "Customer fabrikam").await["profile"]["phone"] == "6"
    })
    .await;
    refuse_a_limit(&stage, false).await;
    stage.await_ready(&[object]).await;
}

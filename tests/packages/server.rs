//! A real API server takes what the overlays make, and what it makes is allowed to run under the `restricted` standard.

use holdfast_testkit::{Cluster, kubectl, operator::Stage};
use serde_json::{Value, json};

use crate::{HOLDFAST, kustomize};

/// Kinds of the Prometheus operator, whose CRDs aren't there.
const FOREIGN: [&str; 2] = ["PodMonitor", "PrometheusRule"];

/// What an overlay makes, in this namespace instead of those it names.
fn moved(folder: &str, namespace: &str) -> Vec<Value> {
    let objects = kustomize(folder).into_iter();
    let objects = objects.filter(|object| {
        let kind = object["kind"].as_str().unwrap_or_default();
        kind != "Namespace" && !FOREIGN.contains(&kind)
    });
    let moved = objects.map(|object| {
        let text = object.to_string();
        let text = text.replace("\"holdfast-system\"", &format!("{namespace:?}"));
        let here = format!("\"namespace\":{namespace:?}");
        let text = text.replace("\"namespace\":\"backup\"", &here);
        let text = text.replace("\"namespace\":\"holdfast-invoices\"", &here);
        serde_json::from_str(&text).expect("JSON")
    });
    moved.collect()
}

fn list(items: Vec<Value>) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_takes_what_each_overlay_makes() {
    let stage = Stage::without_operator(HOLDFAST, Cluster::start("overlays").await);
    let overlays = [
        "manifests/default",
        "manifests/ha",
        "manifests/namespaced",
        "manifests/cluster",
        "tests/packages/everything",
    ];
    for overlay in overlays {
        let objects = moved(overlay, stage.namespace());
        let count = objects.len();
        let arguments = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--dry-run=server",
            "-f",
            "-",
        ];
        let output = kubectl(&arguments, &list(objects));
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{overlay}: {complaint}");
        // Other tests have applied the same roles in kubectl's other way.
        let complaints = complaint
            .lines()
            .filter(|line| !line.contains("last-applied-configuration"));
        assert_eq!(complaints.collect::<Vec<_>>(), [""; 0], "{overlay}");
        assert_eq!(said.lines().count(), count, "{overlay}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pods_are_allowed_where_only_restricted_ones_are() {
    let stage = Stage::without_operator(HOLDFAST, Cluster::start("restricted").await);
    let restricted = "pod-security.kubernetes.io/enforce=restricted";
    stage.show(&["label", "namespace", stage.namespace(), restricted]);
    stage.apply("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: holdfast}\n");
    for overlay in ["manifests/default", "manifests/ha"] {
        let objects = moved(overlay, stage.namespace());
        let deployment = objects.iter().find(|object| object["kind"] == "Deployment");
        let template = &deployment.expect("a Deployment")["spec"]["template"];
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"}});
        pod["spec"] = template["spec"].clone();
        let create = ["create", "--dry-run=server", "-f", "-"];
        let output = stage.kubectl(&create, &pod.to_string());
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{overlay}: {complaint}");
        // The server does judge.
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
        let output = stage.kubectl(&create, &pod.to_string());
        assert!(!output.status.success(), "{overlay}: nothing is refused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_of_one_namespace_may_do_nothing_elsewhere() {
    let stage = Stage::without_operator(HOLDFAST, Cluster::start("namespaced").await);
    let elsewhere = Cluster::start("elsewhere").await;
    let rights = moved("manifests/namespaced", stage.namespace()).into_iter();
    let rights = rights.filter(|object| {
        let kind = object["kind"].as_str().unwrap_or_default();
        ["ServiceAccount", "Role", "RoleBinding"].contains(&kind)
    });
    stage.apply(&list(rights.collect()));
    let account = format!("--as=system:serviceaccount:{}:holdfast", stage.namespace());
    let may = |arguments: &[&str]| {
        let arguments: Vec<&str> = arguments
            .iter()
            .copied()
            .chain([account.as_str()])
            .collect();
        kubectl(&arguments, "").status.success()
    };
    let here = format!("--namespace={}", stage.namespace());
    let there = format!("--namespace={}", elsewhere.namespace);
    assert!(may(&["get", "customers.holdfast.dev", &here]));
    assert!(may(&["get", "secrets", &here]));
    assert!(may(&["get", "leases", &here]));
    assert!(
        may(&["get", "namespace", stage.namespace()]),
        "whether it is being deleted"
    );
    assert!(!may(&["get", "customers.holdfast.dev", &there]));
    assert!(!may(&["get", "secrets", &there]));
    assert!(!may(&["get", "customers.holdfast.dev", "--all-namespaces"]));
    assert!(!may(&["get", "namespace", &elsewhere.namespace]));
}

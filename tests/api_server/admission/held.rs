//! For whom a deletion is accepted although resources are below, to be held by the finalizer; and what is refused to everybody.

use kube::{Api, api::DeleteParams};
use serde_json::{Value, json};

use super::{
    Cluster, api, kubectl, make, start,
    way_through::{finalized, merge, until},
};

const FLUX: [&str; 3] = [
    "--as=system:serviceaccount:flux-system:kustomize-controller",
    "--as-group=system:serviceaccounts",
    "--as-group=system:authenticated",
];

/// What there is to delete: kind, name, status, and whether only resources are below.
fn guarded() -> [(&'static str, &'static str, Value, bool); 5] {
    let counts = |tenants: u32, clients: u32, protection: &str| json!({"externalId": "1042", "protection": protection, "tenants": {"total": tenants}, "clients": {"total": clients}});
    [
        ("Customer", "tenants", counts(2, 0, "None"), true),
        (
            "ServicePlan",
            "plan",
            json!({"externalId": "7", "protection": "None", "tenants": 41, "default": false}),
            true,
        ),
        (
            "Reseller",
            "reseller",
            json!({"externalId": "12", "protection": "None", "customers": 31, "resellers": 1}),
            true,
        ),
        ("Customer", "clients", counts(2, 14, "None"), false),
        ("Customer", "protected", counts(0, 0, "Default"), false),
    ]
}

fn spec(kind: &str) -> Value {
    let name = if kind == "ServicePlan" {
        "planName"
    } else {
        "displayName"
    };
    json!({"platformRef": {"name": "msp"}, "deletionPolicy": "Delete", name: "Fabrikam"})
}

async fn stage(prefix: &str, annotations: Value) -> Cluster {
    let cluster = start(prefix).await;
    for (kind, name, status, _) in guarded() {
        let mut object = finalized(kind, name, spec(kind));
        object["metadata"]["annotations"] = annotations.clone();
        make(
            &api(&cluster, &cluster.namespace, kind),
            object,
            Some(&status),
        )
        .await;
    }
    run(
        &cluster,
        &[
            "create",
            "rolebinding",
            "flux",
            "--clusterrole=cluster-admin",
            "--group=system:serviceaccounts",
        ],
    );
    until("the policies act", async || {
        let customers = api(&cluster, &cluster.namespace, "Customer");
        let tried = customers
            .delete("clients", &DeleteParams::default().dry_run())
            .await;
        tried.is_err()
    })
    .await;
    cluster
}

/// kubectl in the namespace: whether it worked, and what it said.
fn run(cluster: &Cluster, arguments: &[&str]) -> (bool, String) {
    let arguments = [&["--namespace", &cluster.namespace], arguments].concat();
    let output = kubectl(&arguments, "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

fn delete(cluster: &Cluster, who: &[&str], kind: &str, name: &str) -> (bool, String) {
    let object = format!("{}/{name}", kind.to_lowercase());
    let arguments = [who, &["delete", "--wait=false", &object]].concat();
    run(cluster, &arguments)
}

async fn is_leaving(cluster: &Cluster, kind: &str, name: &str) -> bool {
    let found = api(cluster, &cluster.namespace, kind).get(name).await;
    let found = found.expect("held by its finalizer");
    found.metadata.deletion_timestamp.is_some()
}

// R-D6, R-S3, R-D22, R-D13: a person hears at once what is below and what to do; Flux would forget what it could not delete.
#[tokio::test(flavor = "multi_thread")]
async fn people_are_refused_at_once_and_service_accounts_have_it_held() {
    let cluster = stage("held", json!({})).await;
    for (kind, name, _, only_resources) in guarded() {
        let (done, said) = delete(&cluster, &[], kind, name);
        assert!(!done && said.contains("Forbidden"), "{name}: {said}");
        let way = said.contains("or annotate it with holdfast.dev/hold-deletion");
        assert_eq!(way, only_resources, "{name}: {said}");
        let (done, said) = delete(&cluster, &FLUX, kind, name);
        assert_eq!(done, only_resources, "{name}: {said}");
        assert_eq!(
            is_leaving(&cluster, kind, name).await,
            only_resources,
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_annotation_it_is_held_for_people_too() {
    let cluster = stage("annotated", json!({"holdfast.dev/hold-deletion": ""})).await;
    for (kind, name, _, only_resources) in guarded() {
        let (done, said) = delete(&cluster, &[], kind, name);
        assert_eq!(done, only_resources, "{name}: {said}");
    }
}

// `kubectl delete namespace`: what is protected, and clients, still hold it, and with them what the namespace controller comes to
// after them.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_terminating_namespace_what_is_below_does_not_refuse() {
    let cluster = stage("terminating", json!({})).await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(cluster.client.clone());
    namespaces
        .delete(&cluster.namespace, &DeleteParams::default())
        .await
        .expect("the namespace may go");
    for (kind, name, _, only_resources) in guarded() {
        // The policy may still see the namespace as it was.
        until(&format!("{name}: {only_resources}"), async || {
            delete(&cluster, &[], kind, name).0 == only_resources
        })
        .await;
        assert_eq!(
            is_leaving(&cluster, kind, name).await,
            only_resources,
            "{name}"
        );
    }
    // A namespace that hung would have its controller ask for ever.
    for (kind, name, ..) in guarded() {
        let off = json!({"metadata": {"finalizers": null}, "spec": {"deletionPolicy": "Retain"}});
        let let_go = merge(&api(&cluster, &cluster.namespace, kind), name, off).await;
        let_go.expect("letting go is always allowed");
    }
    until("the namespace goes", async || {
        let found = namespaces.get_opt(&cluster.namespace).await;
        found.expect("an answer").is_none()
    })
    .await;
}

//! Deletions that are accepted although something is below, and held: they go on by themselves.

use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;

use super::estate::{OBJECTS, settled};
use holdfast_testkit::{
    operator::{Stage, eventually},
    policies,
};

/// As Flux or Argo CD, who forget what they could not delete.
const FLUX: [&str; 3] = [
    "--as=system:serviceaccount:flux-system:kustomize-controller",
    "--as-group=system:serviceaccounts",
    "--as-group=system:authenticated",
];

/// Lets the policies act in the namespace, and service accounts delete in it.
async fn guarded(stage: &Stage) {
    policies::install(&stage.cluster.client).await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> =
        Api::all(stage.cluster.client.clone());
    let label = Patch::Merge(json!({"metadata": {"labels": {policies::LABEL: "on"}}}));
    namespaces
        .patch(stage.namespace(), &PatchParams::default(), &label)
        .await
        .expect("a label");
    stage.show(&[
        "create",
        "rolebinding",
        "flux",
        "--clusterrole=cluster-admin",
        "--group=system:serviceaccounts",
    ]);
    let counts = [
        ("reseller/northwind", "/status/customers"),
        ("serviceplan/gold", "/status/tenants"),
        ("customer/fabrikam", "/status/tenants/total"),
    ];
    for (object, count) in counts {
        eventually(&format!("{object} counts what is below"), || async {
            stage.get(object).pointer(count) == Some(&json!(1))
        })
        .await;
    }
    eventually("the policies act", || async {
        let tried = stage.kubectl(&["delete", "customer/fabrikam", "--dry-run=server"], "");
        let said = String::from_utf8_lossy(&tried.stderr).into_owned();
        said.contains("holdfast.dev/hold-deletion")
    })
    .await;
}

// R-D6, R-S3, R-D22: parents first, as a prune may do it, and their children afterwards; nobody has to come back.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_account_deletes_goes_by_itself_when_nothing_is_below_any_more() {
    let (stage, console) = settled("flux", ", deletionPolicy: Delete").await;
    guarded(&stage).await;
    let flux = |object: &str| {
        let arguments = [&FLUX[..], &["delete", object, "--wait=false"]].concat();
        stage.show(&arguments);
    };
    for object in &OBJECTS[1..4] {
        let refused = stage.kubectl(&["delete", object, "--wait=false"], "");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(
            !refused.status.success() && said.contains("Forbidden"),
            "{object}: {said}"
        );
        flux(object);
    }
    let below = [
        ("reseller/northwind", "Customer fabrikam"),
        ("serviceplan/gold", "Tenant fabrikam-hybrid"),
        ("customer/fabrikam", "Tenant fabrikam-hybrid"),
    ];
    for (object, name) in below {
        stage
            .await_condition(object, "DeletionBlocked", "True/HasDependents")
            .await;
        let message = stage.message(object, "DeletionBlocked");
        assert!(message.contains(name), "{message}");
    }
    flux("tenant/fabrikam-hybrid");
    for object in OBJECTS[1..].iter().rev() {
        stage.show(&["wait", "--for=delete", object, "--timeout=60s"]);
    }
    for (kind, name) in [
        ("customers", "Fabrikam GmbH"),
        ("resellers", "Northwind IT"),
        ("plans", "Gold"),
    ] {
        assert!(console.named(kind, name).await.is_null(), "{name} is gone");
    }
}

// A person who says that it may be held, says so once.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_have_a_deletion_held() {
    let (stage, console) = settled("held", ", deletionPolicy: Delete").await;
    guarded(&stage).await;
    stage.show(&[
        "annotate",
        "customer/fabrikam",
        "holdfast.dev/hold-deletion=yes",
    ]);
    stage.show(&["delete", "customer/fabrikam", "--wait=false"]);
    stage
        .await_condition("customer/fabrikam", "DeletionBlocked", "True/HasDependents")
        .await;
    assert!(!console.named("customers", "Fabrikam GmbH").await.is_null());
    stage.show(&["delete", "tenant/fabrikam-hybrid", "--timeout=60s"]);
    stage.show(&["wait", "--for=delete", "customer/fabrikam", "--timeout=60s"]);
    assert!(console.named("customers", "Fabrikam GmbH").await.is_null());
}

//! What the policies never stand in the way of: the operator's own writes, a namespace that goes, and uninstalling.

use std::time::Duration;

use holdfast_api as kinds;
use k8s_openapi::{
    api::core::v1::Namespace,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::DynamicObject,
};
use serde_json::{Value, json};

use super::{api, make, manifest, policies, resource, set_status, start};

/// What a test waits for at most, in tenths of a second.
const PATIENCE: u32 = 600;

pub async fn merge(api: &Api<DynamicObject>, name: &str, patch: Value) -> Result<(), kube::Error> {
    api.patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .map(|_| ())
}

/// Asks again and again until the answer is yes.
pub async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    for _ in 0..PATIENCE {
        if ask().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not within a minute: {what}");
}

async fn is_gone(api: &Api<DynamicObject>, name: &str) -> bool {
    api.get_opt(name).await.expect("an answer").is_none()
}

pub fn finalized(kind: &str, name: &str, spec: Value) -> Value {
    let mut object = manifest(kind, name, &spec);
    object["metadata"]["finalizers"] = json!(["holdfast.dev/remote"]);
    object
}

/// One resource of each kind that some policy has much to say about, with its status.
fn delicate() -> [(&'static str, &'static str, Value, Value); 4] {
    let below = json!({ "storage": { "allotted": "1Ti", "granted": "9Ti", "free": "0" } });
    [
        (
            "Reseller",
            "northwind",
            json!({ "platformRef": { "name": "msp" }, "displayName": "Northwind IT", "allotment": { "storage": "1Ti" } }),
            json!({ "externalId": "12", "protection": "Default", "customers": 31, "allotment": below }),
        ),
        (
            "ServicePlan",
            "gold",
            json!({ "platformRef": { "name": "msp" }, "planName": "Gold" }),
            json!({ "externalId": "7", "protection": "Default", "tenants": 41, "default": true }),
        ),
        (
            "Customer",
            "sandbox",
            json!({ "resellerRef": { "name": "northwind" }, "displayName": "Sandbox", "limits": { "storage": "1Ti" } }),
            json!({ "externalId": "77", "protection": "Sandbox", "tenants": { "total": 2 } }),
        ),
        (
            "Tenant",
            "sandbox",
            json!({ "customerRef": { "name": "sandbox" }, "product": "HybridWorkloads", "type": "Sandbox", "adopt": "Matching" }),
            json!({ "externalId": "2077", "protection": "Sandbox" }),
        ),
    ]
}

#[tokio::test]
async fn marks_status_and_finalizers_pass_whatever_the_rules_say() {
    let cluster = start("passes").await;
    for (kind, name, spec, status) in delicate() {
        let object = finalized(kind, name, spec);
        let api = api(&cluster, &cluster.namespace, kind);
        make(&api, object, Some(&status)).await;
    }
    let customers = api(&cluster, &cluster.namespace, "Customer");
    until("the policies act", async || {
        let renamed = json!({ "spec": { "displayName": "Playground" } });
        merge(&customers, "sandbox", renamed).await.is_err()
    })
    .await;
    for (kind, name, _, status) in delicate() {
        let api = api(&cluster, &cluster.namespace, kind);
        let pass = async |patch: Value| {
            let patched = merge(&api, name, patch).await;
            patched.unwrap_or_else(|error| panic!("{kind}: {error}"));
        };
        pass(json!({ "metadata": { "annotations": { "holdfast.dev/external-id": "acct/1" } } }))
            .await;
        pass(json!({ "metadata": { "labels": { "holdfast.dev/protection": "Sandbox" } } })).await;
        set_status(&api, name, &json!({ "observedGeneration": 1 })).await;
        // Letting go is a change of the spec, and always allowed.
        pass(json!({ "spec": { "deletionPolicy": "Retain", "management": "Paused" } })).await;
        for _ in 0..2 {
            api.delete(name, &DeleteParams::default())
                .await
                .expect("a deletion, also a second one");
        }
        // Even if the spec would be refused: what is being deleted has nothing to lose but its finalizer.
        set_status(&api, name, &status).await;
        pass(json!({ "spec": { "deletionPolicy": "Delete", "management": null } })).await;
        pass(json!({ "metadata": { "finalizers": null } })).await;
        assert!(is_gone(&api, name).await, "{kind} is still there");
    }
}

// The namespace controller asks again and again. Whoever holds a namespace up is let go by Retain, or goes once nothing is below.
#[tokio::test]
async fn a_namespace_goes_from_the_bottom_up() {
    let cluster = start("bottom-up").await;
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    let customers = api(&cluster, &cluster.namespace, "Customer");
    let plans = api(&cluster, &cluster.namespace, "ServicePlan");
    let tenants = api(&cluster, &cluster.namespace, "Tenant");
    let spec = json!({ "platformRef": { "name": "msp" }, "displayName": "Fabrikam GmbH", "deletionPolicy": "Delete" });
    let status =
        json!({ "externalId": "1042", "tenants": { "total": 1 }, "clients": { "total": 0 } });
    make(
        &customers,
        finalized("Customer", "fabrikam", spec),
        Some(&status),
    )
    .await;
    let spec =
        json!({ "platformRef": { "name": "msp" }, "planName": "Gold", "deletionPolicy": "Delete" });
    let status = json!({ "externalId": "7", "tenants": 41 });
    make(
        &plans,
        finalized("ServicePlan", "gold", spec),
        Some(&status),
    )
    .await;
    let spec = json!({ "customerRef": { "name": "fabrikam" }, "product": "HybridWorkloads", "deletionPolicy": "Delete" });
    let status = json!({ "externalId": "2001", "protection": "None" });
    make(&tenants, manifest("Tenant", "hybrid", &spec), Some(&status)).await;
    until("the policies act", async || {
        let parameters = DeleteParams::default().dry_run();
        customers.delete("fabrikam", &parameters).await.is_err()
    })
    .await;
    namespaces
        .delete(&cluster.namespace, &DeleteParams::default())
        .await
        .expect("the namespace may go");
    until("the tenant goes", async || {
        is_gone(&tenants, "hybrid").await
    })
    .await;
    for (api, name) in [(&customers, "fabrikam"), (&plans, "gold")] {
        until(
            "what is above the tenant is accepted, and held",
            async || {
                let found = api.get(name).await.expect("held by its finalizer");
                found.metadata.deletion_timestamp.is_some()
            },
        )
        .await;
    }
    // A person may still let go, and the operator takes its finalizer off when nothing is below any more.
    merge(
        &plans,
        "gold",
        json!({ "spec": { "deletionPolicy": "Retain" } }),
    )
    .await
    .expect("letting go is allowed in a namespace that is going");
    for (api, name) in [(&customers, "fabrikam"), (&plans, "gold")] {
        let off = json!({ "metadata": { "finalizers": null } });
        merge(api, name, off)
            .await
            .expect("the finalizer comes off");
    }
    until("the namespace goes", async || {
        let found = namespaces.get_opt(&cluster.namespace).await;
        found.expect("an answer").is_none()
    })
    .await;
}

/// An installation of its own, in another API group, so that removing it takes nothing from others.
fn elsewhere(document: &Value) -> Value {
    let text = document.to_string();
    let text = text.replace("holdfast.dev", "uninstall.example");
    serde_json::from_str(&text.replace("holdfast-", "uninstall-")).expect("still JSON")
}

#[tokio::test]
async fn policies_come_first_and_go_first() {
    let cluster = start("uninstall").await;
    let client = &cluster.client;
    // The order of manifests/default: the policies come before the kinds they speak of.
    for document in policies::documents() {
        policies::apply(client, elsewhere(&document)).await;
    }
    for crd in kinds::crds() {
        let crd = serde_json::to_value(&crd).expect("JSON");
        let mut crd = elsewhere(&crd);
        crd["apiVersion"] = "apiextensions.k8s.io/v1".into();
        crd["kind"] = "CustomResourceDefinition".into();
        policies::apply(client, crd).await;
    }
    let mut customer = resource("Customer");
    customer.group = "uninstall.example".to_owned();
    customer.api_version = "uninstall.example/v1alpha1".to_owned();
    let customers: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), &cluster.namespace, &customer);
    let spec = json!({ "platformRef": { "name": "msp" }, "displayName": "Fabrikam GmbH", "accountName": "a" });
    let fabrikam = elsewhere(&finalized("Customer", "fabrikam", spec));
    let fabrikam: DynamicObject = serde_json::from_value(fabrikam).expect("an object");
    until("a customer can be made", async || {
        let made = customers.create(&PostParams::default(), &fabrikam).await;
        made.is_ok()
    })
    .await;
    set_status(&customers, "fabrikam", &json!({ "externalId": "1042" })).await;
    until("the policies act", async || {
        let renamed = json!({ "spec": { "accountName": "b" } });
        let refused = merge(&customers, "fabrikam", renamed).await;
        refused.is_err_and(|error| error.to_string().contains("(rule account-name-fixed)"))
    })
    .await;

    // The wrong order: the kind of a parameter goes before the policy. An API server that starts now meets the policy like this.
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let delete = async |name: String| {
        let deleted = definitions.delete(&name, &DeleteParams::default()).await;
        deleted.expect("the definition may go");
        until(&format!("{name} goes"), async || {
            definitions
                .get_opt(&name)
                .await
                .expect("an answer")
                .is_none()
        })
        .await;
    };
    let parameters = ["resellers", "backupplatforms"];
    for kind in parameters {
        delete(format!("{kind}.uninstall.example")).await;
    }
    let with_parameters = ["holdfast-quota", "holdfast-required-limits"];
    let documents = policies::documents().into_iter().filter(|document| {
        let name = document["metadata"]["name"].as_str();
        name.is_some_and(|name| with_parameters.contains(&name))
    });
    for document in documents {
        policies::remove(client, elsewhere(&document)).await;
        policies::apply(client, elsewhere(&document)).await;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let moved = json!({ "spec": { "limits": { "storage": "1Ti" } } });
    let renamed = json!({ "spec": { "accountName": "b" } });
    let passed = merge(&customers, "fabrikam", moved).await;
    passed.expect("a missing kind of parameter is no reason to refuse");
    let refused = merge(&customers, "fabrikam", renamed).await;
    assert!(refused.is_err(), "the other policies still act");

    // The right order.
    for document in policies::documents() {
        policies::remove(client, elsewhere(&document)).await;
    }
    merge(
        &customers,
        "fabrikam",
        json!({ "metadata": { "finalizers": null } }),
    )
    .await
    .expect("the finalizer comes off");
    for crd in kinds::crds() {
        let name = crd.name_any().replace("holdfast.dev", "uninstall.example");
        if !parameters.iter().any(|kind| name.starts_with(kind)) {
            delete(name).await;
        }
    }
}

//! Everything in a namespace removed at once, by whatever removes it: it ends by itself, in the right order, and what is
//! retained stays on the platform as it is.

use crate::HOLDFAST;
use holdfast_testkit::{
    console::Console,
    kubectl,
    operator::{Stage, eventually},
    policies,
    resources::{examples, merge, unready},
};
use serde_json::{Value, json};

/// Goes from the platform with its resource; a trial without tenants.
const DELETED: &str = "customer/wingtip";

/// The examples under the admission policies, with `deletionPolicy: Delete` on the trial customer and on every tenant.
async fn settled(prefix: &str) -> (Stage, Console) {
    let stage = Stage::start_leasing_in(HOLDFAST, prefix, "default").await;
    policies::install(&stage.cluster.client).await;
    let label = format!("{}=on", policies::LABEL);
    let labelled = kubectl(&["label", "namespace", stage.namespace(), &label], "");
    assert!(labelled.status.success());
    stage.apply(&examples(stage.namespace()));
    eventually("the examples are Ready", || async {
        unready(&stage).is_empty()
    })
    .await;
    for tenant in stage.show(&["get", "tenants", "-o", "name"]).lines() {
        let tenant = tenant.replace("tenant.holdfast.dev", "tenant");
        merge(
            &stage,
            &tenant,
            &json!({"spec": {"deletionPolicy": "Delete"}}),
        );
    }
    let console = stage.console("msp");
    (stage, console)
}

/// Every resource that is left.
fn left(stage: &Stage) -> String {
    stage.show(&["get", "holdfast,backupplatforms", "-o", "name"])
}

/// Which of these tenants, and how many customers, are still on the platform; none of the customers is switched off that
/// wasn't before.
async fn on_the_platform(console: &Console) -> (Vec<Value>, Vec<(String, Value)>) {
    let tenants = console.list("tenants").await;
    let customers = console.list("customers").await;
    let customers = customers.into_iter().map(|customer| {
        let name = customer["name"].as_str().unwrap_or_default().to_owned();
        (name, customer["active"].clone())
    });
    (tenants, customers.collect())
}

/// The tenants are gone but for the platform's own, the trial customer too, and everybody else is as before.
async fn as_the_policies_say(console: &Console, before: &[(String, Value)]) {
    let (tenants, customers) = on_the_platform(console).await;
    let ours = tenants
        .iter()
        .filter(|tenant| tenant["externalRef"].is_string());
    assert_eq!(ours.count(), 0, "{tenants:#?}");
    let wanted: Vec<_> = before
        .iter()
        .filter(|(name, _)| !name.starts_with("Wingtip"))
        .cloned()
        .collect();
    assert_eq!(customers, wanted);
    assert!(wanted.len() < before.len(), "one is deleted: {before:?}");
}

/// A service account that may do everything, as Flux and Argo CD have one, and the words with which kubectl is it.
fn robot(stage: &Stage, name: &str) -> [String; 2] {
    let namespace = stage.namespace();
    let user = format!("system:serviceaccount:{namespace}:{name}");
    let binding = format!("{namespace}-{name}");
    let account = format!("--serviceaccount={namespace}:{name}");
    stage.show(&["create", "serviceaccount", name]);
    let bound = kubectl(
        &[
            "create",
            "clusterrolebinding",
            &binding,
            "--clusterrole=cluster-admin",
            &account,
        ],
        "",
    );
    assert!(bound.status.success());
    [
        format!("--as={user}"),
        "--as-group=system:serviceaccounts".into(),
    ]
}

// F22, R-N7, R-N1
#[tokio::test(flavor = "multi_thread")]
async fn the_namespace_of_the_examples_ends_when_it_is_deleted() {
    let (stage, console) = settled("remove-ns").await;
    let (_, before) = on_the_platform(&console).await;
    let deleted = kubectl(
        &["delete", "namespace", stage.namespace(), "--timeout=110s"],
        "",
    );
    let error = String::from_utf8_lossy(&deleted.stderr);
    assert!(deleted.status.success(), "{error}");
    as_the_policies_say(&console, &before).await;
}

// F22, R-N7, R-N1: Flux deletes each object once, in any order, and never comes back to what it couldn't delete.
#[tokio::test(flavor = "multi_thread")]
async fn what_flux_removes_is_deleted_once_each_and_all_of_it_goes() {
    let (stage, console) = settled("remove-flux").await;
    let (_, before) = on_the_platform(&console).await;
    let [user, group] = robot(&stage, "kustomize-controller");
    // The worst order: what everything else hangs on comes first.
    let file = stage.data.path().join("all.yaml");
    std::fs::write(&file, examples(stage.namespace())).expect("written");
    let file = file.to_str().expect("a path in UTF-8");
    let words = ["delete", "--wait=false", "-f", file, &user, &group];
    let deleted = stage.kubectl(&words, "");
    let error = String::from_utf8_lossy(&deleted.stderr);
    assert!(deleted.status.success(), "each is accepted: {error}");
    eventually("everything is gone", || async { left(&stage).is_empty() }).await;
    as_the_policies_say(&console, &before).await;
}

// F22, R-N7, R-N1: Argo CD deletes in the foreground, and asks again until everything is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_argo_removes_goes_also_when_it_is_asked_again_and_again() {
    let (stage, console) = settled("remove-argo").await;
    let (_, before) = on_the_platform(&console).await;
    let [user, group] = robot(&stage, "application-controller");
    eventually("everything is gone", || async {
        let names = left(&stage);
        let names: Vec<&str> = names.lines().collect();
        if !names.is_empty() {
            let words = [
                "delete",
                "--wait=false",
                "--ignore-not-found",
                "--cascade=foreground",
            ];
            let words = [&words[..], &[&user, &group], &names].concat();
            let deleted = stage.kubectl(&words, "");
            let error = String::from_utf8_lossy(&deleted.stderr);
            assert!(deleted.status.success(), "{error}");
        }
        names.is_empty()
    })
    .await;
    as_the_policies_say(&console, &before).await;
    assert!(stage.get(DELETED).is_null());
}

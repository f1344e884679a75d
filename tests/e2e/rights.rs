//! The operator under the rights that `manifests/rbac` gives it: enough for everything it does, and no more.

use crate::HOLDFAST;
use std::process::{Child, Stdio};

use holdfast_testkit::{
    bridge::Bridge,
    kubectl,
    operator::{Stage, customer, eventually, free_port, repository},
};
use serde_json::{Value, json};

/// An operator that is the service account of `manifests/rbac`, in the stage's namespace.
struct Confined(Child);

impl Confined {
    fn start(stage: &Stage) -> Self {
        let namespace = stage.namespace();
        let rights = std::fs::read_to_string(repository().join("manifests/rbac/operator.yaml"))
            .expect("the rights")
            .replace("holdfast-system", namespace)
            .replace(
                "name: holdfast-operator",
                &format!("name: holdfast-operator-{namespace}"),
            );
        stage.apply(&rights);
        let token = stage.show(&["create", "token", "holdfast"]);
        let view = stage.show(&["config", "view", "--raw", "--minify", "-o", "json"]);
        let mut kubeconfig: Value = serde_json::from_str(&view).expect("JSON");
        kubeconfig["users"][0]["user"] = json!({"token": token.trim()});
        let path = stage.data.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig.to_string()).expect("written");
        let log = std::fs::File::create(stage.log_path()).expect("a log");
        let address = || format!("127.0.0.1:{}", free_port());
        let child = HOLDFAST
            .command()
            .args([
                "run",
                "--namespace",
                namespace,
                "--lease-namespace",
                namespace,
            ])
            .args(["--data-dir".as_ref(), stage.data.path().as_os_str()])
            .args(["--listen", &address(), "--platform-listen", &address()])
            .env("KUBECONFIG", path)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the operator starts");
        Self(child)
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// R-D41, I5: the whole life of every kind, with a password from a Secret, events, Leases and a deletion, and not one 403.
#[tokio::test(flavor = "multi_thread")]
async fn the_rights_in_the_manifests_suffice_for_the_main_job_and_for_no_more() {
    let mut stage = Stage::start(HOLDFAST, "rights").await;
    stage.kill();
    let _operator = Confined::start(&stage);
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let more = ", deletionPolicy: Delete, webAccess: {username: u, passwordRef: {name: web, key: password}}";
    let kinds = "apiVersion: holdfast.dev/v1alpha1\nkind: Reseller\nmetadata: {name: northwind}\nspec: {platformRef: {name: msp}, displayName: Northwind}\n---\napiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: gold}\nspec: {platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]}\n---\napiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: it}\nspec: {customerRef: {name: kept}, servicePlanRef: {name: gold}, product: HybridWorkloads}\n";
    let password = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {password: correct-horse-battery}\n";
    stage.apply(
        &[
            bridge.manifest(),
            password.to_owned(),
            customer("it", "msp", more),
            customer("kept", "msp", ""),
            kinds.to_owned(),
        ]
        .join("---\n"),
    );
    let objects = [
        "customer/kept",
        "reseller/northwind",
        "serviceplan/gold",
        "tenant/it",
    ];
    stage
        .await_ready(&["backupplatform/msp", "customer/it"])
        .await;
    bridge.assert_silent(&stage, &objects).await;
    let made = bridge.console.named("customers", "Customer it").await;
    assert_eq!(made["facts"]["webAccessPasswordSet"], true);
    eventually("an event was published", || async {
        stage
            .show(&["events", "--for", "customer/it"])
            .contains("Created")
    })
    .await;
    stage.apply(&customer("kept", "msp", ", profile: {phone: \"2\"}"));
    eventually("the edit arrives", || async {
        bridge.console.named("customers", "Customer kept").await["profile"]["phone"] == "2"
    })
    .await;
    stage.show(&["delete", "customer/it", "--timeout=60s"]);
    assert_eq!(
        bridge.console.named("customers", "Customer it").await,
        Value::Null
    );
    // Without the times, whose digits mean nothing.
    let log: Vec<String> = stage
        .log()
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).expect("a line of JSON");
            line["timestamp"].take();
            line.to_string()
        })
        .collect();
    let log = log.join("\n");
    for word in ["403", "orbidden", "correct-horse-battery"] {
        assert!(!log.contains(word), "{word} in the operator's log:\n{log}");
    }
    let account = format!("--as=system:serviceaccount:{0}:holdfast", stage.namespace());
    for (verb, resource) in [
        ("create", "customers"),
        ("delete", "customers"),
        ("deletecollection", "tenants"),
        ("create", "secrets"),
        ("update", "secrets"),
        ("patch", "secrets"),
        ("delete", "secrets"),
        ("delete", "namespaces"),
        ("create", "pods"),
    ] {
        let answer = stage.kubectl(&["auth", "can-i", verb, resource, &account], "");
        assert_eq!(
            String::from_utf8_lossy(&answer.stdout).trim(),
            "no",
            "{verb} {resource}"
        );
    }
    let name = format!("holdfast-operator-{}", stage.namespace());
    kubectl(&["delete", "clusterrole,clusterrolebinding", &name], "");
}

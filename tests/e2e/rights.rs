//! The operator under the rights that `manifests/rbac` gives it: enough for everything it does, and no more.

use crate::{
    HOLDFAST,
    invoice::{estate, today},
};
use std::{
    path::PathBuf,
    process::{Child, Stdio},
};

use holdfast_testkit::{
    Cluster,
    bridge::Bridge,
    kubectl,
    operator::{Stage, customer, eventually, free_port, repository},
};
use serde_json::{Value, json};

/// An operator that is the service account of `manifests/rbac`, in the stage's namespace.
struct Confined(Child);

impl Confined {
    /// With the rights as they are: of the whole cluster.
    fn start(stage: &Stage) -> Self {
        let name = format!("name: holdfast-operator-{}", stage.namespace());
        let rights = rights(stage).replace("name: holdfast-operator", &name);
        Self::with(stage, &rights, &[])
    }

    fn with(stage: &Stage, rights: &str, more: &[&str]) -> Self {
        let namespace = stage.namespace();
        stage.apply(rights);
        let path = kubeconfig(stage, "holdfast");
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
            .args(more)
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

/// The rights of the operator, with its account in the stage's namespace.
fn rights(stage: &Stage) -> String {
    let rights = std::fs::read_to_string(repository().join("manifests/rbac/operator.yaml"));
    rights
        .expect("the rights")
        .replace("holdfast-system", stage.namespace())
}

/// A kubeconfig of a service account.
fn kubeconfig(stage: &Stage, account: &str) -> PathBuf {
    let token = stage.show(&["create", "token", account]);
    let view = stage.show(&["config", "view", "--raw", "--minify", "-o", "json"]);
    let mut kubeconfig: Value = serde_json::from_str(&view).expect("JSON");
    kubeconfig["users"][0]["user"] = json!({"token": token.trim()});
    let path = stage.data.path().join(format!("kubeconfig-{account}"));
    std::fs::write(&path, kubeconfig.to_string()).expect("written");
    path
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

// R-N15: an operator without any right in the whole cluster keeps months with the Role of the component, which lets it write no other
// ConfigMap; while that Role lacks, the log says so; and who may not read them is told which Role does.
#[tokio::test(flavor = "multi_thread")]
async fn months_are_kept_with_the_rights_of_the_component_and_a_right_that_lacks_is_named() {
    let stage = Stage::without_operator(HOLDFAST, Cluster::start("rights-months").await);
    let months = Cluster::start("months").await.namespace;
    let own = rights(&stage).replace("kind: ClusterRole", "kind: Role");
    let _operator = Confined::with(&stage, &own, &["--invoices-namespace", &months]);
    stage.apply(&estate());
    stage
        .await_ready(&["customer/fabrikam", "tenant/fabrikam-hybrid"])
        .await;
    eventually("the right that lacks is named", || async {
        let log = stage.log();
        let said = "may not get, list, create and update ConfigMaps in this namespace";
        log.contains(said)
            && log.contains("Role holdfast-invoices gives it")
            && log.contains(&months)
    })
    .await;

    let component = repository().join("manifests/components/invoices/invoices.yaml");
    let component = std::fs::read_to_string(component).expect("the component");
    let component = component
        .replace(
            "namespace: holdfast-invoices",
            &format!("namespace: {months}"),
        )
        .replace("holdfast-system", stage.namespace());
    let applied = kubectl(&["apply", "-f", "-"], &component);
    assert!(applied.status.success(), "{applied:?}");
    stage.sweep("msp");
    let account = |name: &str| format!("system:serviceaccount:{}:{name}", stage.namespace());
    stage.show(&["create", "serviceaccount", "accountant"]);
    let accountant = kubeconfig(&stage, "accountant");
    let (month, _) = today();
    let asked = || {
        let mut command = HOLDFAST.command();
        command.args(["report", "invoice", "--month", &month, "-A", "-o", "csv"]);
        command.args(["--invoices-namespace", &months]);
        command
            .env("KUBECONFIG", &accountant)
            .output()
            .expect("it runs")
    };
    let refused = asked();
    let error = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{error}");
    let role = format!("The Role holdfast-invoice-reader in namespace {months} gives that right");
    assert!(error.contains(&role), "{error}");
    let bound = kubectl(
        &[
            "-n",
            &months,
            "create",
            "rolebinding",
            "accountant",
            "--role=holdfast-invoice-reader",
            &format!("--serviceaccount={}:accountant", stage.namespace()),
        ],
        "",
    );
    assert!(bound.status.success(), "{bound:?}");
    eventually("the day is kept, and read", || async {
        let lines = asked();
        String::from_utf8_lossy(&lines.stdout).contains(",CWM:4711,msp,,HF-GOLD,GiBMonth,")
    })
    .await;

    let operator = account("holdfast");
    for (verb, resource, namespace, may) in [
        ("create", "configmaps", &*months, "yes"),
        ("update", "configmaps", &months, "yes"),
        ("patch", "configmaps", &months, "no"),
        ("delete", "configmaps", &months, "no"),
        ("create", "secrets", &months, "no"),
        ("get", "secrets", &months, "no"),
        ("create", "configmaps", stage.namespace(), "no"),
        ("update", "configmaps", stage.namespace(), "no"),
        ("create", "configmaps", "default", "no"),
    ] {
        let asked = [
            "-n", namespace, "auth", "can-i", verb, resource, "--as", &operator,
        ];
        let answer = kubectl(&asked, "");
        let answer = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        assert_eq!(answer, may, "{verb} {resource} in {namespace}");
    }
}

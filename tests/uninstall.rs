//! Uninstalling. Alone in its program, since `holdfast release --all` means every namespace and CRDs belong to all of them.

use holdfast_testkit::{
    Program,
    console::Served,
    kubectl,
    operator::{Stage, customer, repository},
};

/// The program under test.
const HOLDFAST: Program = Program(env!("CARGO_BIN_EXE_holdfast"));

const CRDS: [&str; 5] = [
    "tenants",
    "customers",
    "serviceplans",
    "resellers",
    "backupplatforms",
];

/// `holdfast release --all`, which has to go well; what it prints.
fn release_all() -> String {
    let released = HOLDFAST.run(&["release", "--all"]);
    let error = String::from_utf8_lossy(&released.stderr);
    assert!(released.status.success(), "{error}");
    String::from_utf8(released.stdout).expect("UTF-8")
}

/// kubectl on what belongs to no namespace; panics when it fails.
fn administer(arguments: &[&str]) -> String {
    let output = kubectl(arguments, "");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn install(crd: &str) {
    let file = repository().join("crds").join(format!("{crd}.yaml"));
    let file = file.to_str().expect("a path in UTF-8");
    administer(&["apply", "--server-side", "--force-conflicts", "-f", file]);
    let crd = format!("crd/{crd}.holdfast.dev");
    administer(&["wait", "--for=condition=Established", &crd, "--timeout=60s"]);
}

fn uninstall(crd: &str) {
    let crd = format!("crd/{crd}.holdfast.dev");
    administer(&["delete", &crd, "--ignore-not-found", "--timeout=60s"]);
}

/// Resources of every kind that says Delete, so that only the release keeps them from being removed.
fn estate(served: &Served) -> String {
    let reseller = "apiVersion: holdfast.dev/v1alpha1\nkind: Reseller\nmetadata: {name: northwind}\nspec: {platformRef: {name: msp}, displayName: Northwind, deletionPolicy: Delete}\n";
    let tenant = "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: one-hybrid}\nspec: {customerRef: {name: one}, servicePlanRef: {name: gold}, product: HybridWorkloads, deletionPolicy: Delete}\n";
    let plan = "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: gold}\nspec: {platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}], deletionPolicy: Delete}\n";
    [
        served.manifest("msp"),
        reseller.to_owned(),
        plan.to_owned(),
        customer("one", "msp", ", deletionPolicy: Delete"),
        customer("two", "msp", ", deletionPolicy: Delete"),
        tenant.to_owned(),
    ]
    .join("---\n")
}

const OBJECTS: [&str; 5] = [
    "reseller/northwind",
    "serviceplan/gold",
    "customer/one",
    "customer/two",
    "tenant/one-hybrid",
];

// I3, I7, R-N11: release everything, then delete everything down to the CRDs: the platform notices nothing, although the
// policy says Delete. It works in whatever order somebody goes about it, and the same YAML takes all back without a write.
#[tokio::test(flavor = "multi_thread")]
async fn after_releasing_all_the_crds_can_be_deleted_and_nothing_happens_on_the_platform() {
    let served = Served::start(HOLDFAST).await;
    let mut stage = Stage::start(HOLDFAST, "uninstall").await;
    stage.apply(&estate(&served));
    stage.await_ready(&OBJECTS).await;
    let before = served.console.mutations().await;
    assert_eq!(before.len(), OBJECTS.len(), "one creation each");

    // While the operator runs: it puts no finalizer back.
    let said = release_all();
    for object in OBJECTS {
        assert!(said.contains(&format!("{object} released")), "{said}");
        stage.await_condition(object, "Paused", "True").await;
        let metadata = &stage.get(object)["metadata"];
        assert!(metadata["finalizers"].is_null(), "{metadata:#}");
    }
    stage.show(&["delete", "customer/two", "--timeout=60s"]);
    assert_eq!(served.console.mutations().await, before);
    // Twice is as good as once.
    release_all();

    // Without it, and without the CRDs, one after the other.
    assert!(stage.terminate().success());
    uninstall("tenants");
    let said = release_all();
    assert!(said.contains("customer/one released"), "{said}");
    for crd in CRDS {
        uninstall(crd);
    }
    let left = administer(&["get", "crd", "-o", "name"]);
    assert!(!left.contains("holdfast.dev"), "{left}");
    assert_eq!(release_all().trim(), "nothing to release");
    assert_eq!(served.console.mutations().await, before);

    // Installed again, the same YAML takes everything back as it is.
    CRDS.into_iter().for_each(install);
    stage.run().await;
    stage.apply(&estate(&served));
    stage.await_ready(&OBJECTS).await;
    assert_eq!(served.console.mutations().await, before);

    // Whoever begins with the CRDs waits for finalizers that nobody serves; releasing ends the wait.
    assert!(stage.terminate().success());
    for crd in CRDS {
        let crd = format!("crd/{crd}.holdfast.dev");
        administer(&["delete", &crd, "--wait=false"]);
    }
    let left = administer(&["get", "crd", "-o", "name"]);
    assert!(left.contains("customers.holdfast.dev"), "{left}");
    release_all();
    for crd in CRDS {
        let crd = format!("crd/{crd}.holdfast.dev");
        administer(&["wait", "--for=delete", &crd, "--timeout=60s"]);
    }
    assert_eq!(served.console.mutations().await, before);
}

//! What is on a gateway already: planned, exported, taken by another operator, and left in silence. The gateway's own log says
//! what it was asked to change.

use holdfast_testkit::{
    operator::{Stage, eventually},
    plans::{CHANGES, NOTHING},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    HOLDFAST, customer,
    gateway::{Gateway, Keys},
    life::{access, login},
    uid,
};

const TREY: Keys = Keys {
    name: "trey-of-the-tests",
    secret: "secret-of-trey-of-the-tests",
};

/// A plan with one tenant, whose customer has everything that a gateway keeps, and a customer without anything.
fn estate(platform: &str) -> String {
    let everything = format!(
        ", active: true, limits: {{storage: 2Gi, clients: 3}}, profile: {{email: ops@trey.example}}{}",
        access("trey", TREY)
    );
    let plan = "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: daily}\nspec: {platformRef: {name: export}, planName: Daily, products: [{product: ObjectStorage}]}\n";
    let tenant = "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: trey-storage}\nspec: {customerRef: {name: trey}, servicePlanRef: {name: daily}, product: ObjectStorage, quota: {endsAt: \"2099-01-01T00:00:00Z\"}}\n";
    [
        platform.to_owned(),
        plan.to_owned(),
        customer("trey", "export", &everything),
        customer("tailspin-export", "export", ""),
        tenant.to_owned(),
    ]
    .join("---\n")
}

/// The exit code of a command of ours, and all that it said.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let output = HOLDFAST.run(arguments);
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// The texts of a folder's manifests, but for the platform's own.
fn manifests(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let texts = paths.map(|path| std::fs::read_to_string(path).unwrap());
    let mut texts: Vec<String> = texts
        .filter(|text| text.starts_with("apiVersion") && !text.contains("kind: \"BackupPlatform\""))
        .collect();
    texts.sort();
    texts
}

/// Waits until the gateway's log shows so many sweeps more.
async fn sweeps(gateway: &Gateway, stage: &Stage, platform: &str, number: usize) {
    for _ in 0..number {
        let before = gateway.logged("GET /admin/metadata/user?max-entries").len();
        stage.sweep(platform);
        eventually("a sweep is logged", || async {
            gateway.logged("GET /admin/metadata/user?max-entries").len() > before
        })
        .await;
    }
}

// R-N2, R-N4, R-N3, R-D21, R-N18: a plan before says what is made; what is exported is planned as nothing to do and taken by
// another operator without one write; and while nothing changes, nothing is written.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_changes_nothing_and_silence_is_silent() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let mut stage = Stage::start(HOLDFAST, "export").await;
    let namespace = stage.namespace().to_owned();
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let platform = gateway.manifest("export", "");
    stage.apply(&platform);
    stage.apply(&login("trey", TREY));
    stage.await_ready(&["backupplatform/export"]).await;
    let before = gateway.changes().len();
    std::fs::write(at("estate.yaml"), estate(&platform)).unwrap();
    let (code, text) = said(&["plan", "-f", &at("estate.yaml"), "-n", &namespace]);
    assert_eq!(code, Some(CHANGES), "{text}");
    assert_eq!(gateway.changes().len(), before, "a plan sends nothing");

    stage.apply(&estate(&platform));
    let objects = [
        "customer/trey",
        "customer/tailspin-export",
        "tenant/trey-storage",
    ];
    stage.await_ready(&objects).await;
    stage.await_ready(&["serviceplan/daily"]).await;
    let users = [uid(&stage, "trey"), uid(&stage, "tailspin-export")];
    eventually("the plan's tenant is counted", || async {
        stage.get("serviceplan/daily")["status"]["tenants"] == 1
    })
    .await;

    // A key that replaces another settles by a second step; then nothing is left to do.
    let held = users.each_ref().map(|uid| gateway.user(uid));
    let before = gateway.changes().len();
    let export = at("exported");
    let exported = [
        "export",
        "--platform",
        "export",
        "-n",
        &namespace,
        "-o",
        &export,
    ];
    let (code, text) = said(&exported);
    assert_eq!(code, Some(0), "{text}");
    let again = at("again");
    let (code, text) =
        said(&exported.map(|word| if word == export { again.as_str() } else { word }));
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(manifests(&again), manifests(&export), "the same bytes");
    let shared = std::fs::read_to_string(format!("{export}/customer-trey.yaml")).unwrap();
    assert!(
        shared.contains("\n---\n") && shared.contains("kind: \"Tenant\""),
        "{shared}"
    );
    assert!(
        shared.contains("# Not exported: webAccess.passwordRef: "),
        "{shared}"
    );
    let texts = manifests(&export).concat();
    assert!(!texts.contains(TREY.secret), "no secret is exported");
    for against in ["cluster".to_owned(), at("exported/export.estate")] {
        let (code, text) = said(&[
            "plan",
            "-f",
            &export,
            "-n",
            &namespace,
            "--against",
            &against,
        ]);
        assert_eq!(code, Some(NOTHING), "{against}: {text}");
        assert!(text.contains("Nothing changes on the platform"), "{text}");
    }
    sweeps(&gateway, &stage, "export", 5).await;
    assert_eq!(gateway.changes()[before..], [""; 0], "nothing has changed");

    // Another operator, by another name: it adopts by id what is there.
    for kind in ["tenant", "customer", "serviceplan", "backupplatform"] {
        stage.show(&["delete", kind, "--all", "--timeout=60s"]);
    }
    stage.kill();
    let elsewhere = Stage::start(HOLDFAST, "export-b").await;
    elsewhere.apply(&platform.replace("6c0bb2de-8f3c", "77777777-8f3c"));
    let taken = manifests(&export).join("---\n");
    elsewhere.apply(&taken.replace(
        &format!("\"{namespace}\""),
        &format!("\"{}\"", elsewhere.namespace()),
    ));
    let list: serde_json::Value =
        serde_json::from_str(&elsewhere.show(&["get", "customers,tenants", "-o", "json"])).unwrap();
    let names = list["items"].as_array().unwrap().iter().map(|item| {
        let kind = item["kind"].as_str().unwrap().to_lowercase();
        format!("{kind}/{}", item["metadata"]["name"].as_str().unwrap())
    });
    let names: Vec<String> = names.collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    elsewhere.await_ready(&names).await;
    sweeps(&gateway, &elsewhere, "export", 3).await;
    assert_eq!(gateway.changes()[before..], [""; 0], "not one write");
    assert_eq!(users.each_ref().map(|uid| gateway.user(uid)), held);
    assert_eq!(held[0]["max_buckets"], json!(3));
}

//! What an export writes, on each kind of platform: the same bytes each time, one file a customer with its tenants, comments on what
//! is missing; planned as nothing to do, and applied without one write. Ceph's is in `tests/rgw/exported.rs`.

use std::collections::BTreeMap;

use holdfast_testkit::{
    console::Served,
    cove::Cove,
    druva::{with_plans, writes},
    operator::{Stage, eventually},
    plans::NOTHING,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{HOLDFAST, adoption::grown};

/// The files of an export, by name.
fn export(stage: &Stage, platform: &str, folder: &str) -> BTreeMap<String, String> {
    let (namespace, output) = (stage.namespace(), folder);
    let export = [
        "export",
        "--platform",
        platform,
        "-n",
        namespace,
        "-o",
        output,
    ];
    let done = HOLDFAST.run(&export);
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{error}");
    let files = std::fs::read_dir(folder).expect("a folder");
    let files = files.map(|file| file.expect("a file").path());
    let named = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        let text = std::fs::read_to_string(&path).expect("text");
        (name.into_owned(), text)
    };
    files.map(named).collect()
}

/// Exports twice, and plans what came out. The files, and their folder.
fn exported(stage: &Stage, platform: &str) -> (BTreeMap<String, String>, TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| {
        folder
            .path()
            .join(name)
            .to_str()
            .expect("a path")
            .to_owned()
    };
    let (first, second) = (at("first"), at("second"));
    let files = export(stage, platform, &first);
    let again = export(stage, platform, &second);
    assert_eq!(files, again, "the same estate gives the same bytes");
    let planned = HOLDFAST.run(&["plan", "-f", &first, "-n", stage.namespace()]);
    let text = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert_eq!(planned.status.code(), Some(NOTHING), "{text}");
    assert!(text.contains("Nothing changes on the platform"), "{text}");
    (files, folder, first)
}

/// Applies an export, and waits until all of it is Ready.
async fn taken(stage: &Stage, folder: &str) {
    stage.show(&["apply", "-f", folder]);
    let kinds = "resellers,serviceplans,customers,tenants";
    eventually("everything is taken", || async {
        let list: Value =
            serde_json::from_str(&stage.show(&["get", kinds, "-o", "json"])).expect("JSON");
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let ready = |item: &Value| {
            let conditions = item["status"]["conditions"].as_array();
            conditions.is_some_and(|conditions| {
                let ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
                conditions.iter().any(ready)
            })
        };
        !items.is_empty() && items.iter().all(ready)
    })
    .await;
}

/// The kinds in a file, in order.
fn kinds(file: &str) -> Vec<&str> {
    let lines = file.lines();
    lines
        .filter_map(|line| line.strip_prefix("kind: "))
        .map(|kind| kind.trim_matches('"'))
        .collect()
}

// R-N4, R-S7: over the bridge contract, with a password and a picture, neither of which is told.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_over_the_bridge_contract_changes_nothing_and_says_what_is_missing() {
    let (stage, served) = (
        Stage::start(HOLDFAST, "exportbridge").await,
        Served::start(HOLDFAST).await,
    );
    let console = &served.console;
    let [.., customer, _] = grown(console).await;
    let secrets = json!({
        "webAccess": {"username": "fabrikam", "password": "kept-from-every-file", "passwordTag": "theirs"},
        "branding": {"logo": {"contentType": "image/gif", "data": "R0lGODlh"}},
    });
    console.change("customers", &customer, secrets).await;
    stage.apply(&served.manifest("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let before = console.mutations().await.len();
    let (files, _folder, at) = exported(&stage, "msp");
    let fabrikam = &files["customer-fabrikam-gmbh.yaml"];
    assert_eq!(kinds(fabrikam), ["Customer", "Tenant"], "{fabrikam}");
    for gap in ["webAccess.passwordRef", "branding.logoRef"] {
        let comment = format!("# Not exported: {gap}: ");
        assert_eq!(fabrikam.matches(&comment).count(), 1, "{fabrikam}");
    }
    assert!(
        !files.keys().any(|name| name.starts_with("tenant-")),
        "{:?}",
        files.keys()
    );
    let all: String = files.values().map(String::as_str).collect();
    assert!(!all.contains("kept-from-every-file") && !all.contains("R0lGODlh"));
    taken(&stage, &at).await;
    stage.sweep("msp");
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let after = console.mutations().await;
    assert_eq!(after.len(), before, "{after:#?}");
}

// R-N4
#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_druva_changes_nothing_and_says_what_is_missing() {
    let (stage, druva) = (
        Stage::start(HOLDFAST, "exportdruva").await,
        with_plans(HOLDFAST).await,
    );
    let customer = json!({"name": "Fabrikam GmbH", "accountName": "acct-1", "profile": {"phone": "+49 30 5550100", "address": {"text": "Hauptstrasse 1"}}});
    let id = druva.make("customers", "fabrikam", customer).await;
    let gold = druva.console.named("plans", "Gold").await["id"].clone();
    for (name, product, more) in [
        ("servers", "HybridWorkloads", json!([])),
        (
            "office",
            "SaaSAppsAndEndpoints",
            json!([{"name": "Microsoft365", "users": 10}]),
        ),
    ] {
        let tenant = json!({"customerId": id["id"], "planId": gold, "product": product, "type": "Commercial", "storageRegions": ["eu-central-1"], "workloads": more, "licenceExpiresAt": "2028-12-31T00:00:00Z"});
        druva.make("tenants", name, tenant).await;
    }
    stage.apply(&druva.manifest("druva", ""));
    stage.await_ready(&["backupplatform/druva"]).await;
    let before = writes(&druva).await;
    let (files, _folder, at) = exported(&stage, "druva");
    let fabrikam = &files["customer-fabrikam-gmbh.yaml"];
    assert_eq!(
        kinds(fabrikam),
        ["Customer", "Tenant", "Tenant"],
        "{fabrikam}"
    );
    let platform = &files["backupplatform-druva.yaml"];
    for gap in ["Secret druva: ", "Reseller: ", "Customer: ", "Tenant: "] {
        let comment = format!("# Not exported: {gap}");
        assert_eq!(platform.matches(&comment).count(), 1, "{platform}");
    }
    assert!(platform.contains("bandwidth"), "{platform}");
    taken(&stage, &at).await;
    druva.sweep(&stage, "druva").await;
    assert_eq!(writes(&druva).await, before);
}

// R-N4
#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_cove_changes_nothing_and_says_what_is_missing() {
    let (stage, cove) = (
        Stage::start(HOLDFAST, "exportcove").await,
        Cove::start(HOLDFAST).await,
    );
    let reseller = json!([{"Name": "Northwind IT", "Level": "Reseller", "Company": {"PhoneNumber": "+49 30 1"}}]);
    let parent = cove.add_partners(reseller).await[0];
    let customers = json!([
        {"Name": "Fabrikam GmbH", "ParentId": parent, "ExternalCode": "CWM:4711", "Company": {"PhoneNumber": "+49 30 2"}},
        {"Name": "Wingtip Toys", "ParentId": parent},
    ]);
    cove.add_partners(customers).await;
    stage.apply(&cove.manifest("cove", ""));
    stage.await_ready(&["backupplatform/cove"]).await;
    let (files, _folder, at) = exported(&stage, "cove");
    assert_eq!(kinds(&files["customer-fabrikam-gmbh.yaml"]), ["Customer"]);
    assert_eq!(kinds(&files["customer-wingtip-toys.yaml"]), ["Customer"]);
    let platform = &files["backupplatform-cove.yaml"];
    let none = "# Not exported: Tenant: the platform has none, so none is exported.\n";
    assert!(platform.contains(none), "{platform}");
    assert!(
        platform.contains("# Not exported: Secret cove: "),
        "{platform}"
    );
    taken(&stage, &at).await;
    cove.sweep(&stage, "cove").await;
    assert_eq!(cove.writes(), Vec::<String>::new());
}

//! What people do with `radosgw-admin` meanwhile, and what the admin user may not do.

use std::collections::BTreeSet;

use holdfast_testkit::operator::{Stage, eventually};
use serde_json::Value;

use crate::{HOLDFAST, before::Before, customer, gateway::Gateway, uid};

// R-N3, R-D5: changes are found by the next sweep and corrected; a deletion is said, and nothing is made anew.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_by_radosgw_admin_is_corrected_and_what_was_deleted_is_said() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let before = Before::of(&gateway);
    let stage = Stage::start(HOLDFAST, "behind").await;
    let limits = ", active: true, limits: {storage: 64Mi, clients: 3}";
    stage.apply(
        &[
            gateway.manifest("behind", ""),
            customer("northwind", "behind", limits),
        ]
        .join("---\n"),
    );
    stage
        .await_ready(&["backupplatform/behind", "customer/northwind"])
        .await;
    let northwind = uid(&stage, "northwind");
    gateway.admin(&[
        "user",
        "modify",
        "--uid",
        &northwind,
        "--display-name",
        "Another",
        "--max-buckets",
        "0",
    ]);
    gateway.admin(&["user", "suspend", "--uid", &northwind]);
    gateway.admin(&[
        "quota",
        "disable",
        "--quota-scope",
        "user",
        "--uid",
        &northwind,
    ]);
    stage.sweep("behind");
    eventually("all of it is corrected", || async {
        let user = gateway.user(&northwind);
        user["display_name"] == "Customer northwind"
            && user["max_buckets"] == 3
            && user["suspended"] == 0
            && user["user_quota"]["enabled"] == true
    })
    .await;
    stage.await_ready(&["customer/northwind"]).await;
    before.judge(&gateway, &[northwind.clone()].into());

    // The administrators of the gateway are nobody's customers.
    let shown = stage.get("backupplatform/behind")["status"]["unmanaged"].to_string();
    assert!(
        shown.contains("holdfast-admin") && shown.contains("System"),
        "{shown}"
    );

    gateway.admin(&["user", "rm", "--uid", &northwind]);
    stage.sweep("behind");
    stage
        .await_condition("customer/northwind", "Ready", "False/VanishedOnPlatform")
        .await;
    assert!(
        !gateway.claimed().contains(&northwind),
        "nothing is made anew"
    );
    before.judge(&gateway, &BTreeSet::new());
}

// R-N12: a capability of the admin user that is missing takes verbs away, and is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_capability_that_the_admin_user_lacks_goes_and_is_said() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let before = Before::of(&gateway);
    let stage = Stage::start(HOLDFAST, "caps").await;
    let (access, secret) = gateway.administrator("reader", "users=read;metadata=read");
    stage.apply(
        &[
            gateway.manifest_for("caps", (&access, &secret), ""),
            customer("litware", "caps", ""),
        ]
        .join("---\n"),
    );
    stage.await_ready(&["backupplatform/caps"]).await;
    let capabilities = stage.get("backupplatform/caps")["status"]["capabilities"].clone();
    assert_eq!(
        capabilities.as_array().map_or(0, Vec::len),
        0,
        "{capabilities}"
    );
    stage
        .await_condition("customer/litware", "Stalled", "True/CapabilityMissing")
        .await;
    let give = |right: &str| format!("radosgw-admin caps add --uid='reader' --caps='{right}'");
    let said = stage.message("customer/litware", "Stalled");
    assert!(said.contains(&give("users=write")), "{said}");
    let said = stage.message("backupplatform/caps", "CredentialsValid");
    for right in ["users=write", "buckets=read", "usage=read"] {
        assert!(said.contains(&give(right)), "{right}: {said}");
    }

    // With it, it goes on by itself.
    gateway.admin(&[
        "caps",
        "add",
        "--uid",
        "reader",
        "--caps",
        "users=write;buckets=read;usage=read",
    ]);
    stage.sweep("caps");
    stage.await_ready(&["customer/litware"]).await;
    let said = stage.message("backupplatform/caps", "CredentialsValid");
    assert_eq!(said, "The platform accepts the credentials.");

    // Without the right to read nothing works, and the one that lacks is named.
    gateway.admin(&["caps", "rm", "--uid", "reader", "--caps", "metadata=read"]);
    stage.sweep("caps");
    stage
        .await_condition("backupplatform/caps", "CredentialsValid", "False")
        .await;
    let message = stage.message("backupplatform/caps", "CredentialsValid");
    assert!(message.contains(&give("metadata=read")), "{message}");
    assert_ne!(stage.get("customer/litware"), Value::Null);
    gateway.admin(&["user", "rm", "--uid", "reader"]);
    before.judge(&gateway, &[uid(&stage, "litware")].into());
}

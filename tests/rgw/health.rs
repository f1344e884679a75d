//! Health, as far as a store knows it: a write is told as a write; a snapshot of restic is held to what the plan promises.

use holdfast_testkit::{
    operator::{Stage, eventually},
    resources::merge,
};
use serde_json::{Value, json};

use crate::{
    HOLDFAST, customer,
    gateway::{Gateway, Keys},
    life::{access, login},
};

const ALPINE: Keys = Keys {
    name: "alpine-of-the-tests",
    secret: "secret-of-alpine-of-the-tests",
};

fn manifests(gateway: &Gateway) -> String {
    let plan = "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: daily}\nspec: {platformRef: {name: health}, planName: Daily, products: [{product: ObjectStorage}], serviceLevel: {recoveryPointObjective: 24h}}\n";
    let tenant = "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: alpine-storage}\nspec: {customerRef: {name: alpine}, servicePlanRef: {name: daily}, product: ObjectStorage}\n";
    [
        gateway.manifest("health", ""),
        plan.to_owned(),
        customer("alpine", "health", &access("alpine", ALPINE)),
        tenant.to_owned(),
    ]
    .join("---\n")
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let mut conditions = object["status"]["conditions"].as_array()?.iter();
    conditions.find(|condition| condition["type"] == kind)
}

/// What status says of a bucket.
fn bucket(object: &Value, name: &str) -> Value {
    let worst = object["status"]["health"]["worst"].as_array();
    let mut sources = worst.into_iter().flatten();
    let found = sources.find(|source| source["name"] == name);
    found.cloned().unwrap_or(Value::Null)
}

// R-N10, R-D16, R-N18: without the right over all data the last write is told, and never called a backup; with it the last
// snapshot is, and the plan's objective is held against it.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_no_backup_and_a_snapshot_is_held_to_the_plan() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "health").await;
    stage.apply(&manifests(&gateway));
    stage.apply(&login("alpine", ALPINE));
    stage
        .await_ready(&["customer/alpine", "tenant/alpine-storage"])
        .await;
    gateway.repository(ALPINE, "alpine-backup").await;
    let (done, said) = gateway.restic(ALPINE, "alpine-backup", &["backup", "/etc/hostname"]);
    assert!(done, "{said}");
    let objects = ["customer/alpine", "tenant/alpine-storage"];
    for name in objects {
        eventually("the last write is told", || async {
            bucket(&stage.get(name), "alpine-backup")["lastWriteAt"].is_string()
        })
        .await;
        let object = stage.get(name);
        let source = bucket(&object, "alpine-backup");
        assert_eq!(source["lastSuccessAt"], Value::Null, "{source}");
        for kind in ["BackupHealthy", "ServiceLevelMet"] {
            assert_eq!(condition(&object, kind), None, "{name}");
        }
        assert_eq!(object["status"]["health"]["jobs"], Value::Null);
    }

    let listing = json!({"spec": {"rgw": {"listSnapshots": true}}});
    merge(&stage, "backupplatform/health", &listing);
    eventually(
        "the flag that lacks is told, and the last write still",
        || async {
            stage.sweep("health");
            let said = stage.message("backupplatform/health", "CredentialsValid");
            let source = bucket(&stage.get("customer/alpine"), "alpine-backup");
            said.contains("radosgw-admin user modify --uid='holdfast-admin' --admin")
                && source["lastWriteAt"].is_string()
        },
    )
    .await;
    gateway.admin(&["user", "modify", "--uid", "holdfast-admin", "--admin"]);
    for name in objects {
        eventually("the last snapshot is told", || async {
            let object = stage.get(name);
            let met = condition(&object, "ServiceLevelMet").cloned();
            bucket(&object, "alpine-backup")["lastSuccessAt"].is_string()
                && met.is_some_and(|met| met["status"] == "True")
        })
        .await;
        assert_eq!(condition(&stage.get(name), "BackupHealthy"), None);
    }

    // A repository in which nothing was ever backed up misses the objective.
    let (done, said) = gateway.restic(ALPINE, "alpine-empty", &["init"]);
    assert!(done, "{said}");
    for name in objects {
        eventually("the empty repository misses the objective", || async {
            let object = stage.get(name);
            let met = condition(&object, "ServiceLevelMet").cloned();
            met.is_some_and(|met| {
                met["status"] == "False"
                    && met["message"] == "1 of 2 data sources meet the service level of their plan."
            })
        })
        .await;
    }
    let plan = condition(&stage.get("serviceplan/daily"), "Ready").cloned();
    assert_eq!(
        plan.map(|ready| ready["status"].clone()),
        Some("True".into())
    );
    gateway.admin(&["user", "modify", "--uid", "holdfast-admin", "--admin=false"]);
}

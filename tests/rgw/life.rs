//! A customer's life: backed up, full, suspended, restored, let go.

use std::path::Path;

use holdfast_testkit::{
    operator::{Stage, eventually},
    resources::merge,
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    HOLDFAST, customer,
    gateway::{Gateway, Keys},
    uid,
};

const FABRIKAM: Keys = Keys {
    name: "fabrikam-of-the-tests",
    secret: "secret-of-fabrikam-of-the-tests",
};
const ROTATED: Keys = Keys {
    name: "fabrikam-second",
    secret: FABRIKAM.secret,
};
const CONTOSO: Keys = Keys {
    name: "contoso-of-the-tests",
    secret: "secret-of-contoso-of-the-tests",
};

pub fn login(name: &str, keys: Keys) -> String {
    let secret = keys.secret;
    format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}-login}}\nstringData: {{password: \"{secret}\"}}\n"
    )
}

pub fn access(name: &str, keys: Keys) -> String {
    format!(
        ", webAccess: {{username: \"{}\", passwordRef: {{name: {name}-login, key: password}}}}",
        keys.name
    )
}

/// Files that don't compress.
fn fill(folder: &Path, name: &str, mebibytes: usize) {
    let mut noise = vec![0; mebibytes << 20];
    let mut state = 0x2545_f491_4f6c_dd1d_u64 ^ u64::try_from(name.len()).unwrap();
    for byte in &mut noise {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state.to_le_bytes()[3];
    }
    std::fs::write(folder.join(name), noise).unwrap();
}

async fn settled(stage: &Stage) {
    stage
        .await_ready(&[
            "backupplatform/ceph",
            "customer/fabrikam",
            "customer/contoso",
        ])
        .await;
}

#[allow(
    clippy::too_many_lines,
    reason = "one stage serves one story, told in order"
)]
// R-N18, R-D1, R-V3, R-V5, R-V6, R-V8, R-V11, R-D6, R-D15: told on the real store by the store's own refusals.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_lives_on_a_real_gateway() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "ceph").await;
    let limits = ", limits: {storage: 64Mi, clients: 1}, profile: {email: Ops@Fabrikam.example}";
    stage.apply(
        &[
            gateway.manifest("ceph", ""),
            customer(
                "fabrikam",
                "ceph",
                &format!("{limits}{}", access("fabrikam", FABRIKAM)),
            ),
            customer("contoso", "ceph", &access("contoso", CONTOSO)),
        ]
        .join("---\n"),
    );
    stage.apply(&format!(
        "{}{}",
        login("fabrikam", FABRIKAM),
        login("contoso", CONTOSO)
    ));
    settled(&stage).await;
    let fabrikam = uid(&stage, "fabrikam");
    let user = gateway.user(&fabrikam);
    assert_eq!(user["display_name"], "Customer fabrikam");
    assert_eq!(user["email"], "ops@fabrikam.example");
    assert_eq!(user["user_quota"]["max_size"], 64 << 20);
    assert_eq!(user["user_quota"]["enabled"], true);
    assert_eq!(user["max_buckets"], 1);
    assert_eq!(
        user["keys"].as_array().unwrap().len(),
        1,
        "one key, and none generated"
    );

    // Backed up by restic, and counted.
    let folder = TempDir::new().unwrap();
    fill(folder.path(), "first", 8);
    let source = folder.path().to_str().unwrap();
    let restic = |arguments: &[&str]| gateway.restic(FABRIKAM, "fabrikam-backup", arguments);
    gateway.repository(FABRIKAM, "fabrikam-backup").await;
    let (done, said) = restic(&["backup", source]);
    assert!(done, "{said}");
    eventually("what is stored is shown", || async {
        let usage = &stage.get("customer/fabrikam")["status"]["usage"];
        usage["storagePercent"]
            .as_u64()
            .is_some_and(|percent| percent >= 12)
            && usage["months"]
                .as_array()
                .is_some_and(|months| months.len() == 1)
    })
    .await;

    // The store refuses a second bucket, and more than the limit.
    let (done, said) = gateway.restic(FABRIKAM, "fabrikam-second", &["init"]);
    assert!(!done && said.contains("TooManyBuckets"), "{said}");
    fill(folder.path(), "the-second", 160);
    let (done, said) = restic(&["backup", source]);
    assert!(!done && said.contains("QuotaExceeded"), "{said}");

    // A limit below what is stored is refused here: the store would take it without a word.
    stage.sweep("ceph");
    eventually("the clients are seen", || async {
        stage.get("customer/fabrikam")["status"]["clients"]["total"] == 1
    })
    .await;
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"limits": {"storage": "1Mi"}}}),
    );
    stage
        .await_condition("customer/fabrikam", "Ready", "False/QuotaBelowUsage")
        .await;
    assert_eq!(gateway.user(&fabrikam)["user_quota"]["max_size"], 64 << 20);
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"limits": {"storage": "1Gi"}}}),
    );
    settled(&stage).await;

    // No buckets at all is not the same as any number.
    merge(
        &stage,
        "customer/contoso",
        &json!({"spec": {"limits": {"clients": 0}}}),
    );
    settled(&stage).await;
    assert_eq!(gateway.user(&uid(&stage, "contoso"))["max_buckets"], -1);
    let (done, said) = gateway.restic(CONTOSO, "contoso-backup", &["init"]);
    assert!(!done && said.contains("Access Denied"), "{said}");
    merge(
        &stage,
        "customer/contoso",
        &json!({"spec": {"limits": {"clients": 5}}}),
    );
    settled(&stage).await;

    // Suspended, nothing works; activated again, what was backed up is there.
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"active": false}}),
    );
    settled(&stage).await;
    let (done, said) = restic(&["snapshots"]);
    assert!(!done && said.contains("UserSuspended"), "{said}");
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"active": true}}),
    );
    settled(&stage).await;
    let restored = TempDir::new().unwrap();
    let target = restored.path().to_str().unwrap();
    let (done, said) = restic(&[
        "restore",
        "latest",
        "--target",
        target,
        "--include",
        "first",
    ]);
    assert!(done, "{said}");
    let back = restored
        .path()
        .join(source.trim_start_matches('/'))
        .join("first");
    assert!(
        std::fs::read(back).unwrap() == std::fs::read(folder.path().join("first")).unwrap(),
        "restored, byte by byte"
    );

    // Another key: the old one is refused then.
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"webAccess": {"username": ROTATED.name}}}),
    );
    eventually("the old key is gone", || async {
        let keys = gateway.user(&fabrikam)["keys"].clone();
        keys.as_array().unwrap().len() == 1 && keys[0]["access_key"] == ROTATED.name
    })
    .await;
    settled(&stage).await;
    let (done, said) = restic(&["snapshots"]);
    assert!(!done && said.contains("access key ID"), "{said}");
    let (done, said) = gateway.restic(ROTATED, "fabrikam-backup", &["snapshots"]);
    assert!(done, "{said}");

    // A bucket that is another's is never moved by us: a step by hand, which is told.
    merge(
        &stage,
        "customer/contoso",
        &json!({"spec": {"clients": {"ids": ["fabrikam-backup"]}}}),
    );
    stage
        .await_condition(
            "customer/contoso",
            "ManualStepPending",
            "True/ConsoleStepRequired",
        )
        .await;
    let steps = stage.get("customer/contoso")["status"]["manualSteps"].to_string();
    let contoso = uid(&stage, "contoso");
    let words = format!("radosgw-admin bucket chown --bucket=fabrikam-backup --uid={contoso}");
    assert!(steps.contains(&words), "{words}: {steps}");
    let bucket = gateway.admin(&["bucket", "stats", "--bucket", "fabrikam-backup"]);
    assert_eq!(bucket["owner"], fabrikam.as_str());
    merge(
        &stage,
        "customer/contoso",
        &json!({"spec": {"clients": null}}),
    );

    let told = stage
        .kubectl(&["get", "customers", "-o", "yaml"], "")
        .stdout;
    // Never deleted while something is stored; then it is.
    merge(
        &stage,
        "customer/fabrikam",
        &json!({"spec": {"deletionPolicy": "Delete"}}),
    );
    settled(&stage).await;
    stage.kubectl(&["delete", "customer", "fabrikam", "--wait=false"], "");
    stage
        .await_condition("customer/fabrikam", "DeletionBlocked", "True")
        .await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let (done, said) = gateway.restic(ROTATED, "fabrikam-backup", &["snapshots"]);
    assert!(done, "what is stored is still there: {said}");
    gateway.admin(&[
        "bucket",
        "rm",
        "--bucket",
        "fabrikam-backup",
        "--purge-objects",
    ]);
    stage.sweep("ceph");
    eventually("it is gone from the cluster and the gateway", || async {
        stage.get("customer/fabrikam").is_null() && !gateway.claimed().contains(&fabrikam)
    })
    .await;

    // Released, the other one stays.
    stage.show(&["delete", "customer", "contoso"]);
    assert!(gateway.claimed().contains(&contoso));
    let shown = stage.kubectl(
        &[
            "get",
            "backupplatforms,customers,events,leases,configmaps",
            "-o",
            "yaml",
        ],
        "",
    );
    let said = [stage.log().into_bytes(), shown.stdout, told].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("kind: Event") && said.contains("kind: BackupPlatform"));
    for secret in [FABRIKAM.secret, CONTOSO.secret, gateway.admin_secret()] {
        assert!(!said.contains(secret), "a secret was told");
    }
}

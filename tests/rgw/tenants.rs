//! A tenant is the storage of a customer: within its window backups are taken, outside of it there are restores only.

use holdfast_testkit::{
    operator::{Stage, eventually},
    resources::merge,
};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    HOLDFAST, customer,
    gateway::{Gateway, Keys},
    life::{access, login},
    uid,
};

const COHO: Keys = Keys {
    name: "coho-of-the-tests",
    secret: "secret-of-coho-of-the-tests",
};

fn tenant(name: &str, more: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: {name}}}\nspec: {{customerRef: {{name: coho}}, {more}}}\n"
    )
}

fn in_seconds(seconds: i64) -> String {
    let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap();
    (now + jiff::SignedDuration::from_secs(seconds)).to_string()
}

async fn allowed(gateway: &Gateway, uid: &str, mask: &str) {
    eventually(&format!("{mask} is what is allowed"), || async {
        gateway.user(uid)["op_mask"] == mask
    })
    .await;
}

// R-D30, R-D33, R-V7, R-N18: once the window is over, or no credits are left, backups are refused by the gateway itself, and
// what was backed up is restored.
#[tokio::test(flavor = "multi_thread")]
async fn outside_its_window_a_tenant_is_restored_from_and_not_backed_up_to() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "window").await;
    let ends = in_seconds(45);
    stage.apply(
        &[
            gateway.manifest("window", ""),
            customer("coho", "window", &access("coho", COHO)),
            tenant(
                "coho-storage",
                &format!("product: ObjectStorage, quota: {{endsAt: \"{ends}\"}}"),
            ),
        ]
        .join("---\n"),
    );
    stage.apply(&login("coho", COHO));
    stage
        .await_ready(&["customer/coho", "tenant/coho-storage"])
        .await;
    let coho = uid(&stage, "coho");
    let everything = "read, write, delete";
    assert_eq!(gateway.user(&coho)["op_mask"], everything);
    let status = &stage.get("tenant/coho-storage")["status"];
    assert_eq!(status["externalId"], coho.as_str(), "{status}");
    assert_eq!(status["quota"]["inEffect"], true, "{status}");
    assert_eq!(status["unsupportedFields"], json!(null), "{status}");

    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("letter"), "Dear Coho").unwrap();
    let source = folder.path().to_str().unwrap();
    let restic = |arguments: &[&str]| gateway.restic(COHO, "coho-backup", arguments);
    gateway.repository(COHO, "coho-backup").await;
    let (done, said) = restic(&["backup", source]);
    assert!(done, "{said}");

    // By time alone: nobody has changed anything.
    allowed(&gateway, &coho, "read").await;
    let (done, said) = restic(&["backup", source]);
    assert!(!done && said.contains("Access Denied"), "{said}");
    let restored = TempDir::new().unwrap();
    let target = restored.path().to_str().unwrap();
    let (done, said) = restic(&["restore", "latest", "--no-lock", "--target", target]);
    assert!(done, "{said}");
    let back = restored.path().join(source.trim_start_matches('/'));
    assert_eq!(
        std::fs::read_to_string(back.join("letter")).unwrap(),
        "Dear Coho"
    );
    stage.await_ready(&["tenant/coho-storage"]).await;
    let status = &stage.get("tenant/coho-storage")["status"];
    assert_eq!(status["quota"]["inEffect"], false, "{status}");
    assert_eq!(status["quota"]["allotted"], "0", "{status}");
    let events = stage.kubectl(&["events", "--for", "tenant/coho-storage"], "");
    assert!(!format!("{events:?}").contains("Reverted"), "{events:?}");

    // Opened by hand behind our back, it is closed again; by a longer window it is opened.
    gateway.admin(&[
        "user",
        "modify",
        "--uid",
        &coho,
        "--op-mask",
        "read,write,delete",
    ]);
    stage.sweep("window");
    allowed(&gateway, &coho, "read").await;
    let quota = |quota: serde_json::Value| {
        merge(
            &stage,
            "tenant/coho-storage",
            &json!({"spec": {"quota": quota}}),
        );
    };
    quota(json!({"endsAt": in_seconds(86_400)}));
    allowed(&gateway, &coho, everything).await;
    let (done, said) = restic(&["backup", source]);
    assert!(done, "{said}");

    // No credits, no backups; with some, there are.
    quota(json!({"credits": 0}));
    allowed(&gateway, &coho, "read").await;
    quota(json!({"credits": 5}));
    allowed(&gateway, &coho, everything).await;

    // What the gateway isn't, it doesn't become.
    stage.apply(&tenant("coho-servers", "product: HybridWorkloads"));
    stage
        .await_condition("tenant/coho-servers", "Ready", "False/CapabilityMissing")
        .await;
    let message = stage.message("tenant/coho-servers", "Ready");
    assert!(
        message.contains("product-offered") && message.contains("ObjectStorage"),
        "{message}"
    );

    // A second resource for the same storage takes nothing; and letting go leaves everything as it is.
    stage.apply(&tenant(
        "coho-again",
        "product: ObjectStorage, quota: {credits: 0}",
    ));
    stage
        .await_condition("tenant/coho-again", "Ready", "False/OwnedByAnother")
        .await;
    for name in ["coho-again", "coho-servers", "coho-storage"] {
        stage.show(&["delete", "tenant", name]);
    }
    assert_eq!(gateway.user(&coho)["op_mask"], everything);
    let (done, said) = restic(&["snapshots"]);
    assert!(done, "{said}");
}

//! What nobody asked for isn't done: keys that a person added, limits that would stop every backup, users of the gateway itself.

use std::time::Duration;

use holdfast_testkit::{
    operator::{Stage, eventually},
    resources::merge,
};
use serde_json::{Value, json};

use crate::{
    HOLDFAST, customer,
    gateway::{Gateway, Keys},
    life::{access, login},
    uid,
};

const PROSEWARE: Keys = Keys {
    name: "proseware-of-the-tests",
    secret: "secret-of-proseware-of-the-tests",
};
const ADVENTURE: Keys = Keys {
    name: "adventure-of-the-tests",
    secret: "secret-of-adventure-of-the-tests",
};
const BY_HAND: &str = "proseware-by-hand";
const CARL: Keys = Keys {
    name: "carl-of-the-tests",
    secret: "secret-of-carl-of-the-tests",
};

fn add_key(gateway: &Gateway, uid: &str, key: Keys) {
    gateway.admin(&[
        "key",
        "create",
        "--uid",
        uid,
        "--key-type",
        "s3",
        "--access-key",
        key.name,
        "--secret-key",
        key.secret,
    ]);
}

// R-N18, R-V11, I2: a key that a person added is somebody's way to a restore. It is said, and stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_person_added_is_never_removed() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "keys").await;
    let declared = customer("proseware", "keys", &access("proseware", PROSEWARE));
    stage.apply(&[gateway.manifest("keys", ""), declared].join("---\n"));
    stage.apply(&login("proseware", PROSEWARE));
    stage.await_ready(&["customer/proseware"]).await;
    let proseware = uid(&stage, "proseware");

    // A subuser's key is none of the user's.
    gateway.admin(&[
        "subuser",
        "create",
        "--uid",
        &proseware,
        "--subuser",
        "app",
        "--access",
        "full",
        "--key-type",
        "s3",
        "--access-key",
        "proseware-app",
        "--secret-key",
        "secret-of-proseware-app",
    ]);
    stage.sweep("keys");
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.await_ready(&["customer/proseware"]).await;

    let by_hand = Keys {
        name: BY_HAND,
        secret: "secret-of-a-person-of-the-tests",
    };
    add_key(&gateway, &proseware, by_hand);
    stage.sweep("keys");
    stage
        .await_condition("customer/proseware", "Stalled", "True/NameConflict")
        .await;
    let said = stage.message("customer/proseware", "Stalled");
    assert!(said.contains(BY_HAND) && said.contains("key rm"), "{said}");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let all = ["proseware-app", BY_HAND, PROSEWARE.name];
    assert_eq!(gateway.keys(&proseware), all);

    gateway.admin(&["key", "rm", "--key-type", "s3", "--access-key", BY_HAND]);
    stage.sweep("keys");
    stage.await_ready(&["customer/proseware"]).await;
    assert_eq!(gateway.keys(&proseware), ["proseware-app", PROSEWARE.name]);
}

// R-N18, R-V3, R-N12: nobody has told how much is stored, and the gateway would take any limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_below_what_is_stored_is_refused_although_no_report_says_so() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "blind").await;
    let (name, secret) = gateway.administrator("blind", "users=*;metadata=read");
    let declared = customer("adventure", "blind", &access("adventure", ADVENTURE));
    let platform = gateway.manifest_for("blind", (&name, &secret), "");
    stage.apply(&[platform, declared].join("---\n"));
    stage.apply(&login("adventure", ADVENTURE));
    stage.await_ready(&["customer/adventure"]).await;
    let adventure = uid(&stage, "adventure");
    gateway.repository(ADVENTURE, "blind-backup").await;
    let (done, said) = gateway.restic(ADVENTURE, "blind-backup", &["backup", "/etc"]);
    assert!(done, "{said}");
    assert_eq!(
        stage.get("customer/adventure")["status"]["usage"],
        Value::Null
    );

    let limited = |limit: &str| {
        let spec = json!({"spec": {"limits": {"storage": limit}}});
        merge(&stage, "customer/adventure", &spec);
    };
    limited("8Ki");
    stage
        .await_condition("customer/adventure", "Ready", "False/PlatformRefused")
        .await;
    let said = stage.message("customer/adventure", "Ready");
    assert!(
        said.contains("stores") && said.contains("State at least"),
        "{said}"
    );
    assert_eq!(gateway.user(&adventure)["user_quota"]["enabled"], false);
    limited("1Gi");
    stage.await_ready(&["customer/adventure"]).await;
    assert_eq!(gateway.user(&adventure)["user_quota"]["max_size"], 1 << 30);
    gateway.admin(&["user", "rm", "--uid", "blind"]);
}

// R-N18, R-N3, I2: users of the gateway itself are nobody's customers; one of a tenant of the gateway is adopted with its buckets; an
// address that another user has is said.
#[tokio::test(flavor = "multi_thread")]
async fn users_of_all_sorts_are_told_apart() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "sorts").await;
    for more in [
        &["--uid", "replication", "--system"][..],
        &["--uid", "carl", "--tenant", "acme"],
    ] {
        let _ = gateway.try_admin(&[&["user", "create", "--display-name", "Carl"], more].concat());
    }
    add_key(&gateway, "acme$carl", CARL);
    let (done, said) = gateway.restic(CARL, "carl-backup", &["init"]);
    assert!(done || said.contains("already"), "{said}");
    let named = "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {name: mueller}\nspec: {platformRef: {name: sorts}, displayName: \"Müller & Söhne + *\", profile: {email: office@mueller.example}}\n";
    let adopted = ", adopt: ById, externalId: \"acme$carl\", clients: {ids: [acme/carl-backup]}";
    let manifests = [
        gateway.manifest("sorts", ""),
        named.to_owned(),
        customer("carl", "sorts", adopted),
    ];
    stage.apply(&manifests.join("---\n"));
    stage
        .await_ready(&["customer/mueller", "customer/carl"])
        .await;
    let mueller = uid(&stage, "mueller");
    assert_eq!(gateway.user(&mueller)["display_name"], "Müller & Söhne + *");
    let platform = stage.get("backupplatform/sorts");
    let mut unmanaged = platform["status"]["unmanaged"].as_array().unwrap().iter();
    let system = unmanaged.find(|user| user["externalId"] == "replication");
    assert_eq!(
        system.map(|user| &user["protection"]),
        Some(&json!("System"))
    );

    // The bucket is in its place by the list of all and by the list of its owner.
    for _ in 0..3 {
        stage.sweep("sorts");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let status = stage.get("customer/carl")["status"].clone();
        assert_eq!(status["clients"]["total"], 1, "{status}");
        assert_eq!(status["manualSteps"], Value::Null, "{status}");
    }

    let email = |email: &str| {
        let spec = json!({"spec": {"profile": {"email": email}}});
        merge(&stage, "customer/carl", &spec);
    };
    email("office@mueller.example");
    stage
        .await_condition("customer/carl", "Stalled", "True/NameConflict")
        .await;
    let said = stage.message("customer/carl", "Stalled");
    assert!(said.contains("e-mail address"), "{said}");
    email("carl@acme.example");
    stage.await_ready(&["customer/carl"]).await;
    eventually("the address is there", || async {
        gateway.user("acme$carl")["email"] == "carl@acme.example"
    })
    .await;
}

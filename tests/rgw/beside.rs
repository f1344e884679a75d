//! What a person set at the gateway beside Holdfast, and of which the spec says nothing, stays.

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

const WINGTIP: Keys = Keys {
    name: "wingtip-of-the-tests",
    secret: "secret-of-wingtip-of-the-tests",
};
const LUCERNE: Keys = Keys {
    name: "lucerne-of-the-tests",
    secret: "secret-of-lucerne-of-the-tests",
};
const INSTEAD: &str = "wingtip-instead";

async fn swept(stage: &Stage, platform: &str) {
    stage.sweep(platform);
    tokio::time::sleep(Duration::from_secs(3)).await;
}

// R-N18, R-V11, I2: the only key that a user has may be one that a person put in place of ours, and then a customer's programs use
// it. Where the spec wants no access any more, it goes.
#[tokio::test(flavor = "multi_thread")]
async fn the_only_key_is_not_removed_when_a_person_added_it() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "only").await;
    let declared = customer("wingtip", "only", &access("wingtip", WINGTIP));
    stage.apply(&[gateway.manifest("only", ""), declared].join("---\n"));
    stage.apply(&login("wingtip", WINGTIP));
    stage.await_ready(&["customer/wingtip"]).await;
    let wingtip = uid(&stage, "wingtip");
    let rm = ["key", "rm", "--key-type", "s3", "--access-key"];
    gateway.admin(&[&rm[..], &[WINGTIP.name]].concat());
    let create = ["key", "create", "--key-type", "s3", "--uid"];
    let key = ["--access-key", INSTEAD, "--secret-key", "secret-instead-1"];
    gateway.admin(&[&create[..], &[wingtip.as_str()], &key].concat());
    stage.sweep("only");
    stage
        .await_condition("customer/wingtip", "Stalled", "True/NameConflict")
        .await;
    let said = stage.message("customer/wingtip", "Stalled");
    assert!(said.contains(INSTEAD) && said.contains("key rm"), "{said}");
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(gateway.keys(&wingtip), [INSTEAD]);

    // Of that name it is the declared one, and gets the declared secret.
    let spec = json!({"spec": {"webAccess": {"username": INSTEAD}}});
    merge(&stage, "customer/wingtip", &spec);
    stage.await_ready(&["customer/wingtip"]).await;
    assert_eq!(gateway.keys(&wingtip), [INSTEAD]);
    let spec = json!({"spec": {"webAccess": {"username": "", "passwordRef": null}}});
    merge(&stage, "customer/wingtip", &spec);
    eventually("no key is left", || async {
        gateway.keys(&wingtip).is_empty()
    })
    .await;
    stage.await_ready(&["customer/wingtip"]).await;
}

// R-N18, R-V7, I2: one quota holds bytes and objects, and a number of buckets is a limit of its own.
#[tokio::test(flavor = "multi_thread")]
async fn limits_that_the_spec_does_not_name_stay_as_a_person_set_them() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "limits").await;
    stage.apply(
        &[
            gateway.manifest("limits", ""),
            customer("lamna", "limits", ""),
        ]
        .join("---\n"),
    );
    stage.await_ready(&["customer/lamna"]).await;
    let lamna = uid(&stage, "lamna");
    let quota = |more: &[&str]| {
        let set = ["--quota-scope", "user", "--uid", &lamna];
        gateway.admin(&[&["quota"], more, &set].concat());
    };
    let limits = |limits: Value| {
        merge(
            &stage,
            "customer/lamna",
            &json!({"spec": {"limits": limits}}),
        );
    };
    let held = || gateway.user(&lamna)["user_quota"].clone();

    // A number of objects that is off doesn't come into force with a number of bytes.
    quota(&["set", "--max-objects", "1000"]);
    swept(&stage, "limits").await;
    limits(json!({"storage": "64Mi"}));
    eventually("the limit is set", || async { held()["enabled"] == true }).await;
    assert_eq!(held()["max_size"], 64 << 20);
    assert_eq!(held()["max_objects"], -1);

    // One that is in force stays when the number of bytes goes.
    quota(&["set", "--max-objects", "1000"]);
    swept(&stage, "limits").await;
    limits(json!({"storage": ""}));
    eventually("the number of bytes is lifted", || async {
        held()["max_size"] == -1
    })
    .await;
    assert_eq!(held()["max_objects"], 1000);
    assert_eq!(held()["enabled"], true);
    stage.await_ready(&["customer/lamna"]).await;

    // And the number of buckets goes alone.
    assert_eq!(gateway.user(&lamna)["max_buckets"], 1000);
    limits(json!({"storage": null, "clients": ""}));
    eventually("any number of buckets is allowed", || async {
        gateway.user(&lamna)["max_buckets"] == 0
    })
    .await;
    stage.await_ready(&["customer/lamna"]).await;
    assert_eq!(held()["max_objects"], 1000);
    assert_eq!(held()["enabled"], true);
}

// R-N18, R-V11: a user with our kind of uid that another resource was made for.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_another_resource_was_made_for_gets_the_declared_key() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "heir").await;
    stage.apply(
        &[
            gateway.manifest("heir", ""),
            customer("lucerne", "heir", ""),
        ]
        .join("---\n"),
    );
    stage.await_ready(&["customer/lucerne"]).await;
    let lucerne = uid(&stage, "lucerne");
    stage.show(&["delete", "customer", "lucerne"]);
    let adopted = format!(
        "{}, adopt: ById, externalId: {lucerne}",
        access("heir", LUCERNE)
    );
    stage.apply(&customer("heir", "heir", &adopted));
    stage.apply(&login("heir", LUCERNE));
    stage.await_ready(&["customer/heir"]).await;
    assert_eq!(uid(&stage, "heir"), lucerne);
    assert_eq!(gateway.keys(&lucerne), [LUCERNE.name]);
    swept(&stage, "heir").await;
    stage.await_ready(&["customer/heir"]).await;
}

// R-N3, R-N12, R-D6: a user that is made behind our back is shown and nobody's; buckets that can't be seen any more aren't told
// from memory, and are not none.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_seen_any_more_is_not_told() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "unseen").await;
    let (name, secret) =
        gateway.administrator("half", "users=*;metadata=read;buckets=read;usage=read");
    let platform = gateway.manifest_for("unseen", (&name, &secret), "");
    let declared = customer("adventure-unseen", "unseen", "");
    stage.apply(&[platform, declared].join("---\n"));
    stage.await_ready(&["customer/adventure-unseen"]).await;
    let total = || stage.get("customer/adventure-unseen")["status"]["clients"]["total"].clone();
    assert_eq!(total(), 0);

    let _ = gateway.try_admin(&[
        "user",
        "create",
        "--uid",
        "later",
        "--display-name",
        "Later",
    ]);
    let before = gateway.user("later");
    swept(&stage, "unseen").await;
    let unmanaged = stage.get("backupplatform/unseen")["status"]["unmanaged"].to_string();
    assert!(unmanaged.contains("\"later\""), "{unmanaged}");
    assert_eq!(gateway.user("later"), before);

    gateway.admin(&["caps", "rm", "--uid", "half", "--caps", "buckets=read"]);
    stage.sweep("unseen");
    let give = "radosgw-admin caps add --uid='half' --caps='buckets=read'";
    eventually("the lacking right is said", || async {
        let said = stage.message("backupplatform/unseen", "CredentialsValid");
        said.contains(give)
    })
    .await;
    merge(
        &stage,
        "customer/adventure-unseen",
        &json!({"spec": {"limits": {"storage": "1Gi"}}}),
    );
    eventually("edits go on", || async {
        gateway.user(&uid(&stage, "adventure-unseen"))["user_quota"]["max_size"] == 1 << 30
    })
    .await;
    stage.await_ready(&["customer/adventure-unseen"]).await;
    assert_eq!(total(), Value::Null, "nobody knows");
    gateway.admin(&["user", "rm", "--uid", "half"]);
    gateway.admin(&["user", "rm", "--uid", "later"]);
}

// R-N18, R-D2, R-N12: a hidden name never reaches the gateway, and what it has no place for is named and kept in the manifest.
#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_name_is_not_told_and_what_has_no_place_is_named() {
    let Some(gateway) = Gateway::find().await else {
        return;
    };
    let stage = Stage::start(HOLDFAST, "hidden").await;
    let more = ", hideName: true, accountName: acct-7, contacts: [{email: desk@margie.example}], profile: {phone: \"012\"}";
    stage.apply(
        &[
            gateway.manifest("hidden", ""),
            customer("margie", "hidden", more),
        ]
        .join("---\n"),
    );
    stage.await_ready(&["customer/margie"]).await;
    let user = gateway.user(&uid(&stage, "margie"));
    assert_eq!(user["display_name"], "acct-7");
    assert!(!user.to_string().contains("Customer margie"), "{user}");
    stage
        .await_condition(
            "customer/margie",
            "ManualStepPending",
            "True/FieldUnsupported",
        )
        .await;
    let said = stage.message("customer/margie", "ManualStepPending");
    for field in ["contacts", "profile.phone"] {
        assert!(said.contains(field), "{field}: {said}");
    }
}

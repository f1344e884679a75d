//! Names and passwords that must not be said.

use crate::HOLDFAST;
use serde_json::{Value, json};

use super::look::{assert_unsaid, changes, merge, remote, remote_id, said};
use holdfast_testkit::{
    bridge::{Bridge, TOKEN, bridge_platform, secret},
    operator::{Stage, customer, eventually},
    tap::Tap,
};

/// A name that is in nothing but the YAML, and the one that it is changed to.
const NAMES: [&str; 2] = ["Zinnober Privatbank", "Karmesin Treuhand"];
/// Parts of them: not even a word may slip out.
const WORDS: [&str; 4] = ["zinnober", "privatbank", "karmesin", "treuhand"];

/// An operator and a platform, with an ear on the line between them.
async fn tapped(prefix: &str) -> (Stage, Bridge, Tap) {
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let tap = Tap::before(&bridge.console.url).await;
    let stage = Stage::start(HOLDFAST, prefix).await;
    stage.apply(&secret("msp", TOKEN));
    stage.apply(&bridge_platform("msp", &tap.url, ", usageInterval: 1s"));
    stage.await_ready(&["backupplatform/msp"]).await;
    (stage, bridge, tap)
}

fn hidden(name: &str, account: &str, more: &str) -> String {
    let more = format!(", accountName: {account}, hideName: true, deletionPolicy: Delete{more}");
    let display_name = format!("\"Customer {name}\"");
    customer(name, "msp", &more).replace(&display_name, &format!("{:?}", NAMES[0]))
}

/// Asserts that the name is in no request either.
async fn assert_hidden(stage: &Stage, bridge: &Bridge, tap: &Tap) {
    let mut said = said(stage, &bridge.console).await;
    let heard = tap.heard().into_iter();
    said.extend(heard.map(|heard| (heard.line, heard.text)));
    assert_unsaid(&said, &WORDS);
}

// R-D2, I5: creation, edit, renaming, drift, a conflict, products with their figures, deletion: the name stays in the YAML.
#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_a_hidden_customer_never_leaves_its_manifest() {
    let (stage, bridge, tap) = tapped("hidden").await;
    let console = &bridge.console;
    let plan = "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {name: gold}\nspec: {platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]}\n";
    let tenant = "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: acct-1-hybrid}\nspec: {customerRef: {name: acct-1}, servicePlanRef: {name: gold}, product: HybridWorkloads, deletionPolicy: Delete}\n";
    stage.apply(&[&hidden("acct-1", "acct-1", ""), plan, tenant].join("---\n"));
    stage
        .await_ready(&["customer/acct-1", "tenant/acct-1-hybrid"])
        .await;
    assert_eq!(remote(&stage, console, "acct-1").await["name"], "acct-1");
    bridge.sweep(&stage, 2).await;
    eventually("its figures are shown", || async {
        let status = &stage.get("customer/acct-1")["status"];
        status["usage"].is_object() && status["health"].is_object()
    })
    .await;
    assert_hidden(&stage, &bridge, &tap).await;

    // An edit, and another name, which is nobody's business but ours.
    merge(
        &stage,
        "acct-1",
        &json!({"spec": {"displayName": NAMES[1], "profile": {"phone": "1"}}}),
    );
    eventually("the edit is on the platform", || async {
        remote(&stage, console, "acct-1").await["profile"]["phone"] == "1"
    })
    .await;
    stage.await_ready(&["customer/acct-1"]).await;

    // Drift, also of the name that stands for it.
    let id = remote_id(&stage, console, "acct-1").await;
    let drift = json!({"name": "Somebody", "profile": {"phone": "2"}});
    console.change("customers", &id, drift).await;
    bridge.sweep(&stage, 1).await;
    eventually("the drift is set back", || async {
        let now = remote(&stage, console, "acct-1").await;
        now["name"] == "acct-1" && now["profile"]["phone"] == "1"
    })
    .await;
    assert_hidden(&stage, &bridge, &tap).await;

    // Somebody else has the account's name; and what would give the name away isn't even accepted.
    stage.apply(&hidden("acct-2", "Sandbox", ""));
    stage
        .await_condition("customer/acct-2", "Stalled", "True/NameConflict")
        .await;
    let telling = hidden("acct-3", "acct-3", ", branding: {companyName: Zinnober}");
    stage.cluster.rejects(&telling, "hideName").await;
    assert_hidden(&stage, &bridge, &tap).await;

    // What is held, and what is gone.
    stage.show(&[
        "delete",
        "customer/acct-1",
        "customer/acct-2",
        "--wait=false",
    ]);
    stage
        .await_condition("customer/acct-1", "DeletionBlocked", "True/HasDependents")
        .await;
    stage.show(&["delete", "tenant/acct-1-hybrid", "--timeout=60s"]);
    stage.show(&["wait", "--for=delete", "customer/acct-1", "--timeout=60s"]);
    assert!(console.named("customers", "acct-1").await.is_null());
    bridge.sweep(&stage, 1).await;
    assert_hidden(&stage, &bridge, &tap).await;
}

// R-V11, I5: a rotated password reaches the platform while nobody touches the customer or the operator; nobody can read it.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_password_reaches_the_platform_by_itself_and_is_said_nowhere() {
    const PASSWORDS: [&str; 2] = ["tulip-Engine-41", "quartz-Window-87"];
    let (stage, bridge, tap) = tapped("rotation").await;
    let login = |password: &str, other: &str| {
        stage.apply(&format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: login}}\nstringData: {{password: {password}, other: {other}}}\n"
        ));
    };
    let sent = || -> Vec<Value> {
        let bodies = tap.heard().into_iter().map(|heard| heard.body);
        let passwords = bodies.filter_map(|body| body.pointer("/webAccess/password").cloned());
        passwords.collect()
    };
    login(PASSWORDS[0], "one");
    let access = ", webAccess: {username: fabrikam, passwordRef: {name: login, key: password}}";
    stage.apply(&customer("fabrikam", "msp", access));
    stage.await_ready(&["customer/fabrikam"]).await;
    assert_eq!(sent(), [json!(PASSWORDS[0])]);
    let remote_now = remote(&stage, &bridge.console, "fabrikam").await;
    assert_eq!(remote_now["facts"]["webAccessPasswordSet"], true);

    let before = stage.get("customer/fabrikam");
    login(PASSWORDS[1], "one");
    eventually("the new password is sent", || async { sent().len() > 1 }).await;
    eventually("its customer says so", || async {
        let changes = stage.get("customer/fabrikam")["status"]["changes"].clone();
        changes.as_array().map(Vec::len) == Some(2) && changes[1]["outcome"] == "Done"
    })
    .await;
    stage.await_ready(&["customer/fabrikam"]).await;
    assert_eq!(sent(), PASSWORDS.map(Value::from));
    let after = stage.get("customer/fabrikam");
    for part in ["/spec", "/metadata/generation", "/metadata/annotations"] {
        assert_eq!(before.pointer(part), after.pointer(part), "{part}");
    }
    // It is no drift that somebody caused, and it is sent once.
    let reverted = stage.show(&["events", "--for", "customer/fabrikam"]);
    assert!(!reverted.contains("Reverted"), "{reverted}");

    // Another key of the same Secret is none of the customer's business.
    login(PASSWORDS[1], "two");
    bridge.sweep(&stage, 3).await;
    let id = remote_id(&stage, &bridge.console, "fabrikam").await;
    let path = format!("/v1/customers/{id}");
    let changes = changes(&bridge.console, &path).await;
    assert_eq!(changes, [format!("PATCH {path}")]);
    assert_eq!(sent().len(), 2);

    let said = said(&stage, &bridge.console).await;
    assert_unsaid(&said, &[PASSWORDS[0], PASSWORDS[1], TOKEN]);
}

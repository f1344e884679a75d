//! Pictures of a branding, from a `ConfigMap` to the platform.

use holdfast_testkit::{
    console::Served,
    operator::{Stage, eventually},
    plans::{CHANGES, NOTHING, plan},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::HOLDFAST;

const RED: &str = "<svg xmlns='http://www.w3.org/2000/svg'><circle r='7' fill='red'/></svg>";
const BLUE: &str = "<svg xmlns='http://www.w3.org/2000/svg'><circle r='7' fill='blue'/></svg>";
/// `GIF89a`.
const GIF: &str = "R0lGODlh";

/// A logo as text, and an icon as bytes.
fn pictures(logo: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: brand}}\ndata: {{logo.svg: \"{logo}\"}}\nbinaryData: {{icon.gif: {GIF}}}\n"
    )
}

fn customer(key: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: fabrikam}}\nspec: {{platformRef: {{name: msp}}, displayName: Fabrikam, country: \"DE\", branding: {{companyName: Fabrikam Backup, logoRef: {{name: brand, key: {key}}}, iconRef: {{name: brand, key: icon.gif}}}}}}\n"
    )
}

async fn branding(served: &Served) -> Value {
    served.console.named("customers", "Fabrikam").await["branding"].clone()
}

/// How many requests to change something the platform has had.
async fn writes(served: &Served) -> usize {
    served.console.mutations().await.len()
}

// R-S7: pictures are sent once, with their types, and again when they change, here or at the console; a plan knows of it; what isn't
// there is said and holds back nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_sent_when_they_change_and_at_no_other_time() {
    let (stage, served) = (
        Stage::start(HOLDFAST, "pictures").await,
        Served::start(HOLDFAST).await,
    );
    let folder = TempDir::new().expect("a folder");
    let whole = [
        &served.manifest("msp"),
        &*pictures(RED),
        &*customer("logo.svg"),
    ];
    stage.apply(&whole.join("---\n"));
    stage.await_ready(&["customer/fabrikam"]).await;
    let sent = branding(&served).await;
    assert_eq!(sent["logo"]["contentType"], "image/svg+xml", "{sent}");
    assert_eq!(sent["icon"]["contentType"], "image/gif", "{sent}");
    assert_eq!(sent["companyName"], "Fabrikam Backup");
    let red = sent["logo"]["sha256"].clone();
    assert_eq!(writes(&served).await, 1, "with the creation");
    stage.sweep("msp");

    let manifests = |logo| format!("{}---\n{}", pictures(logo), customer("logo.svg"));
    let (code, same) = plan(&stage, &folder, &manifests(RED), &[]);
    assert_eq!(code, NOTHING, "{same:#}");
    let (code, _) = plan(&stage, &folder, &customer("logo.svg"), &[]);
    assert_eq!(code, NOTHING, "by the ConfigMap of the cluster");
    let (code, other) = plan(&stage, &folder, &manifests(BLUE), &[]);
    assert_eq!(code, CHANGES, "{other:#}");
    assert!(other.to_string().contains("branding.logoRef"), "{other:#}");

    stage.apply(&pictures(BLUE));
    eventually("the changed picture is sent", || async {
        branding(&served).await["logo"]["sha256"] != red
    })
    .await;
    let blue = branding(&served).await["logo"].clone();
    assert_eq!(
        writes(&served).await,
        2,
        "{:#?}",
        served.console.mutations().await
    );

    // Another picture at the console is set back.
    let id = served.console.named("customers", "Fabrikam").await["id"].clone();
    let theirs =
        json!({"branding": {"logo": {"contentType": "image/gif", "data": GIF, "sha256": null}}});
    let id = id.as_str().expect("an id");
    served.console.change("customers", id, theirs).await;
    stage.sweep("msp");
    eventually("it is ours again", || async {
        branding(&served).await["logo"]["sha256"] == blue["sha256"]
    })
    .await;
    stage.await_ready(&["customer/fabrikam"]).await;
    let before = writes(&served).await;
    assert_eq!(before, 3);
    stage.sweep("msp");
    what_is_missing_is_said(&stage, &served).await;
    assert_eq!(writes(&served).await, before + 1, "the name alone");
    assert!(!stage.log().contains(GIF), "no picture is in the log");
}

async fn what_is_missing_is_said(stage: &Stage, served: &Served) {
    let renamed = customer("other.svg").replace("country", "profile: {phone: \"1\"}, country");
    stage.apply(&renamed);
    stage
        .await_condition("customer/fabrikam", "Ready", "False/SecretMissing")
        .await;
    let message = stage.message("customer/fabrikam", "Ready");
    let wanted = "branding.logoRef: ConfigMap \"brand\" has no key \"other.svg\". Add it.";
    assert!(message.contains(wanted), "{message}");
    eventually("the rest is written", || async {
        served.console.named("customers", "Fabrikam").await["profile"]["phone"] == "1"
    })
    .await;
    stage.apply(&customer("logo.svg").replace("country", "profile: {phone: \"1\"}, country"));
    stage.await_ready(&["customer/fabrikam"]).await;
}

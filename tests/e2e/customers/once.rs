//! What happens once: the welcome mail, and the choice of where data lies.

use crate::HOLDFAST;
use serde_json::json;

use super::look::{changes, merge, remote};
use holdfast_testkit::{
    bridge::{Bridge, TOKEN, bridge_platform, secret},
    operator::{Stage, customer, embedded_platform, eventually},
    tap::Tap,
};

const MAIL: &str = ":send-welcome-mail";

// R-V12: one mail, over an edit, a restart, another edit, and an option that is taken back and set again.
#[tokio::test(flavor = "multi_thread")]
async fn the_welcome_mail_is_sent_once_over_edits_and_restarts() {
    let mut stage = Stage::start(HOLDFAST, "mail").await;
    stage.apply(&embedded_platform("msp"));
    let more = ", profile: {email: office@fabrikam.example}, welcomeMail: true";
    stage.apply(&customer("fabrikam", "msp", more));
    stage.apply(&customer("quiet", "msp", ", welcomeMail: false"));
    stage
        .await_ready(&["customer/fabrikam", "customer/quiet"])
        .await;
    eventually("the mail's time is shown", || async {
        stage.get("customer/fabrikam")["status"]["welcomeMailSentAt"].is_string()
    })
    .await;
    let console = stage.console("msp");
    assert_eq!(changes(&console, MAIL).await.len(), 1);
    let sent_at = remote(&stage, &console, "fabrikam").await["facts"]["welcomeMailSentAt"].clone();
    assert!(sent_at.is_string());

    let edits = [
        json!({"profile": {"phone": "1"}}),
        json!({"welcomeMail": false}),
        json!({"welcomeMail": true, "profile": {"email": "new@fabrikam.example"}}),
    ];
    for edit in edits {
        merge(&stage, "fabrikam", &json!({ "spec": edit }));
        stage.await_ready(&["customer/fabrikam"]).await;
        stage.kill();
        stage.run().await;
        stage.await_ready(&["backupplatform/msp"]).await;
    }
    eventually("the last edit is on the platform", || async {
        let now = remote(&stage, &stage.console("msp"), "fabrikam").await;
        now["profile"]["email"] == "new@fabrikam.example"
    })
    .await;
    stage.await_ready(&["customer/fabrikam"]).await;
    let console = stage.console("msp");
    assert_eq!(changes(&console, MAIL).await.len(), 1);
    let now = remote(&stage, &console, "fabrikam").await;
    assert_eq!(now["facts"]["welcomeMailSentAt"], sent_at);
}

/// A platform that mails at every request and never says that it has; with a tap before it.
async fn forgetful(prefix: &str) -> (Stage, Bridge, Tap) {
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let tap = Tap::before(&bridge.console.url).await;
    tap.spoil(Some(("welcomeMailSentAt", "somethingElse")));
    let stage = Stage::start(HOLDFAST, prefix).await;
    stage.apply(&[secret("msp", TOKEN), bridge_platform("msp", &tap.url, "")].join("---\n"));
    stage.await_ready(&["backupplatform/msp"]).await;
    (stage, bridge, tap)
}

fn mails(tap: &Tap) -> usize {
    let heard = tap.heard();
    heard.iter().filter(|one| one.line.contains(MAIL)).count()
}

const MAILED: &str = ", profile: {email: office@fabrikam.example}, welcomeMail: true";

// R-V12: where every request is one more mail, there is one request, over restarts and more edits than the change log keeps.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_would_mail_at_every_request_is_asked_once() {
    let (mut stage, _bridge, tap) = forgetful("mail-twice").await;
    stage.apply(&customer("fabrikam", "msp", MAILED));
    stage.await_ready(&["customer/fabrikam"]).await;
    for number in 0..24 {
        let phone = json!({"spec": {"profile": {"phone": number.to_string()}}});
        merge(&stage, "fabrikam", &phone);
        stage.await_ready(&["customer/fabrikam"]).await;
        if number % 8 == 0 {
            stage.kill();
            stage.run().await;
            stage.await_ready(&["backupplatform/msp"]).await;
        }
    }
    let changes = stage.get("customer/fabrikam")["status"]["changes"].clone();
    assert_eq!(changes.as_array().map(Vec::len), Some(20), "{changes}");
    assert_eq!(mails(&tap), 1);
}

// R-V12: whether a request that had no answer has mailed can't be known, so a person is asked to find out.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_not_answered_becomes_a_manual_step() {
    let (mut stage, bridge, tap) = forgetful("mail-lost").await;
    bridge.faults("[{when: {method: POST, route: /v1/customers}, then: {drop: after}}]");
    stage.apply(&customer("fabrikam", "msp", MAILED));
    let object = "customer/fabrikam";
    stage
        .await_condition(object, "ManualStepPending", "True")
        .await;
    bridge.faults("[]");
    stage.await_ready(&[object]).await;
    stage.kill();
    stage.run().await;
    stage.await_ready(&["backupplatform/msp", object]).await;
    merge(
        &stage,
        "fabrikam",
        &json!({"spec": {"profile": {"phone": "1"}}}),
    );
    stage.await_ready(&[object]).await;
    let steps = stage.get(object)["status"]["manualSteps"].to_string();
    assert!(steps.contains("was not answered"), "{steps}");
    assert_eq!(mails(&tap), 1);

    // The customer has it, or was sent it by hand.
    merge(&stage, "fabrikam", &json!({"spec": {"welcomeMail": null}}));
    eventually("nothing is left to do", || async {
        stage.condition(object, "ManualStepPending").is_empty()
    })
    .await;
    assert_eq!(mails(&tap), 1);
}

// R-S2, R-S8, R-V2: the country decides where data lies, among what the platform offers; another country later moves nothing,
// and nor does another location, which says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_country_decides_the_storage_location_once() {
    let stage = Stage::start(HOLDFAST, "location").await;
    stage.apply(&embedded_platform("msp"));
    stage.apply(&customer("austrian", "msp", "").replace("\"DE\"", "\"AT\""));
    let chosen = customer("polar", "msp", ", storageLocation: no-1");
    stage.apply(&chosen.replace("\"DE\"", "\"AQ\""));
    stage
        .await_ready(&["backupplatform/msp", "customer/austrian", "customer/polar"])
        .await;
    let offered = stage.get("backupplatform/msp")["status"]["storageLocations"].clone();
    let frankfurt = json!({"id": "de-1", "name": "Frankfurt", "countries": ["DE", "AT"]});
    assert!(
        offered
            .as_array()
            .is_some_and(|all| all.contains(&frankfurt)),
        "{offered:#}"
    );
    let console = stage.console("msp");
    let place = async |name: &str| {
        let remote = remote(&stage, &console, name).await;
        let status = stage.get(&format!("customer/{name}"))["status"]["storageLocation"].clone();
        (
            remote["country"].clone(),
            remote["storageLocation"].clone(),
            status,
        )
    };
    assert_eq!(
        place("austrian").await,
        (json!("AT"), json!("de-1"), json!("de-1"))
    );
    assert_eq!(
        place("polar").await,
        (json!("AQ"), json!("no-1"), json!("no-1"))
    );

    merge(&stage, "austrian", &json!({"spec": {"country": "FR"}}));
    eventually("the country is on the platform", || async {
        place("austrian").await.0 == "FR"
    })
    .await;
    stage.await_ready(&["customer/austrian"]).await;
    assert_eq!(
        place("austrian").await,
        (json!("FR"), json!("de-1"), json!("de-1"))
    );

    let before = console.mutations().await;
    merge(
        &stage,
        "austrian",
        &json!({"spec": {"storageLocation": "fr-1"}}),
    );
    stage
        .await_condition("customer/austrian", "Stalled", "True/LocationMismatch")
        .await;
    let message = stage.message("customer/austrian", "Stalled");
    assert!(
        message.contains("de-1") && message.contains("fr-1"),
        "{message}"
    );
    merge(
        &stage,
        "austrian",
        &json!({"spec": {"storageLocation": "de-1"}}),
    );
    stage.await_ready(&["customer/austrian"]).await;
    assert_eq!(console.mutations().await, before);
}

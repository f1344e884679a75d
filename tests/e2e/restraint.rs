//! Time to think again before a deletion, and a limit to how many there are in an hour.

use std::time::Duration;

use crate::HOLDFAST;
use serde_json::{Value, json};

use holdfast_testkit::{
    bridge::Bridge,
    operator::{Console, Stage, customer, eventually},
    resources::events,
};

fn platform(safety: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {{name: msp}}\nspec: {{ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d, embedded: {{}}, sweepInterval: 60s{safety}}}\n"
    )
}

/// An operator with these customers, each to be deleted with its resource.
async fn settled(prefix: &str, safety: &str, names: &[&str]) -> (Stage, Console) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    let mut manifests = vec![platform(safety)];
    manifests.extend(
        names
            .iter()
            .map(|name| customer(name, "msp", ", deletionPolicy: Delete")),
    );
    stage.apply(&manifests.join("---\n"));
    for name in names {
        stage.await_ready(&[&format!("customer/{name}")]).await;
    }
    let console = stage.console("msp");
    (stage, console)
}

async fn remote(console: &Console, name: &str) -> Value {
    console
        .named("customers", &format!("Customer {name}"))
        .await
}

fn delete(stage: &Stage, name: &str) {
    stage.show(&["delete", "--wait=false", &format!("customer/{name}")]);
}

fn gone(stage: &Stage, name: &str) {
    stage.show(&[
        "wait",
        "--for=delete",
        &format!("customer/{name}"),
        "--timeout=60s",
    ]);
}

fn allow(stage: &Stage, name: &str) {
    let object = format!("customer/{name}");
    let id = stage.get(&object)["status"]["externalId"].clone();
    let word = format!(
        "holdfast.dev/allow-deletion={}",
        id.as_str().expect("an id")
    );
    stage.show(&["annotate", &object, &word]);
}

// R-N7
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_waits_suspended_and_can_be_called_off_or_let_through() {
    let (stage, console) = settled("delay", "", &["fabrikam", "contoso"]).await;
    delete(&stage, "fabrikam");
    delete(&stage, "contoso");
    for name in ["fabrikam", "contoso"] {
        let object = format!("customer/{name}");
        stage
            .await_condition(&object, "DeletionBlocked", "True/DeletionDelayed")
            .await;
        assert_eq!(remote(&console, name).await["active"], false, "suspended");
        let message = stage.message(&object, "DeletionBlocked");
        for words in [
            "is suspended and will be deleted at",
            "allow-deletion=",
            "Retain",
        ] {
            assert!(message.contains(words), "{words:?} isn't in {message:?}");
        }
        eventually("an event says what it waits for", || async {
            events(&stage, &object)
                .iter()
                .any(|(reason, note, _)| reason == "DeletionDelayed" && *note == message)
        })
        .await;
    }
    let retain = json!({"spec": {"deletionPolicy": "Retain"}}).to_string();
    stage.show(&["patch", "customer/fabrikam", "--type=merge", "-p", &retain]);
    gone(&stage, "fabrikam");
    assert_eq!(
        remote(&console, "fabrikam").await["active"],
        true,
        "as it was"
    );
    allow(&stage, "contoso");
    gone(&stage, "contoso");
    assert!(remote(&console, "contoso").await.is_null());
}

// R-D6, R-N7: the platform knows better than any guard that a backup is running; it is believed, said, and not asked in a hurry.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_backed_up_is_not_deleted() {
    let stage = Stage::start(HOLDFAST, "running").await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let fabrikam = customer("fabrikam", "msp", ", deletionPolicy: Delete");
    stage.apply(&[bridge.manifest(), fabrikam].join("---\n"));
    stage.await_ready(&["customer/fabrikam"]).await;
    let problem = json!({"type": "urn:holdfast:problem:backup-active", "title": "A backup is running", "status": 409, "detail": "2 backups of this customer are running"});
    bridge.faults(&format!("[{{when: {{method: DELETE}}, then: {{status: {{code: 409, contentType: application/problem+json, body: '{problem}'}}}}}}]"));
    delete(&stage, "fabrikam");
    let object = "customer/fabrikam";
    stage
        .await_condition(object, "DeletionBlocked", "True/BackupActive")
        .await;
    let message = stage.message(object, "DeletionBlocked");
    for words in ["2 backups of this customer are running", "Retain"] {
        assert!(message.contains(words), "{words:?} isn't in {message:?}");
    }
    bridge.sweep(&stage, 3).await;
    let asked = bridge.requests("DELETE /v1/customers/{id}").await;
    assert!(asked <= 2, "asked {asked} times within a few seconds");
    assert!(!remote(&bridge.console, "fabrikam").await.is_null());
}

// F28, R-N7, R-N9
#[tokio::test(flavor = "multi_thread")]
async fn f28_a_mass_deletion_is_held_also_over_a_restart() {
    let names = ["a", "b", "c", "d"];
    let safety = ", safety: {deletionDelay: 0s, maxDeletionsPerHour: 2}";
    let (mut stage, console) = settled("breaker", safety, &names).await;
    for name in names {
        delete(&stage, name);
    }
    stage
        .await_condition(
            "backupplatform/msp",
            "DeletionsHeld",
            "True/TooManyDeletions",
        )
        .await;
    eventually("two are gone and two are held", || async {
        let blocked = names.iter().filter(|name| {
            let object = format!("customer/{name}");
            stage.condition(&object, "DeletionBlocked") == "True/TooManyDeletions"
        });
        blocked.count() == 2
    })
    .await;
    // Where an object was made within two seconds of the crash, its deletion waits for the old process: not what is told here.
    tokio::time::sleep(Duration::from_secs(3)).await;
    stage.kill();
    stage.run().await;
    stage.sweep("msp");
    let held: Vec<&str> = names
        .into_iter()
        .filter(|name| !stage.get(&format!("customer/{name}")).is_null())
        .collect();
    assert_eq!(held.len(), 2);
    for name in &held {
        let object = format!("customer/{name}");
        stage
            .await_condition(&object, "DeletionBlocked", "True/TooManyDeletions")
            .await;
        assert!(!remote(&console, name).await.is_null());
    }
    allow(&stage, held[0]);
    gone(&stage, held[0]);
    assert!(remote(&console, held[0]).await.is_null());
    assert!(!remote(&console, held[1]).await.is_null());
    let deletions = console.mutations().await;
    let deletions = deletions.iter().filter(|item| item["method"] == "DELETE");
    assert_eq!(deletions.count(), 3, "each once, and none in vain");
}

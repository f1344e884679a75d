//! Platforms that can't be used: each says why and what to do, the others go on, nothing is asked in a hurry, and it heals.

use crate::HOLDFAST;
use holdfast_testkit::{
    bridge::{Bridge, TOKEN, bridge_platform, legible_conditions, secret},
    operator::{Stage, customer, free_port},
};

const WRONG: &str = "token-of-last-year";

// R-D41, R-N5, F16, I5: every way in which a credential or an endpoint can be wrong, beside a platform that is fine.
#[allow(
    clippy::too_many_lines,
    reason = "one stage serves one story, told in order"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_cannot_be_used_says_why_and_holds_up_no_other() {
    let stage = Stage::start(HOLDFAST, "unusable").await;
    let good = Bridge::start(HOLDFAST, "good").await;
    let url = good.console.url.as_str();
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let druva = "apiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {name: druva}\nspec: {ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d, druva: {credentialsRef: {name: druva}}}\n";
    let cove = "apiVersion: holdfast.dev/v1alpha1\nkind: BackupPlatform\nmetadata: {name: cove}\nspec: {ownerId: 0b5f7a52-3c1e-4b7a-9f43-5f2f1a2b3c4d, cove: {rootPartner: Acme, credentialsRef: {name: cove}}}\n";
    let names = [
        "secretless",
        "keyless",
        "garbled",
        "refused",
        "silent",
        "druva",
        "cove",
    ];
    let customers = names.map(|name| customer(&format!("of-{name}"), name, ""));
    stage.apply(
        &[
            good.manifest(),
            customer("bystander", "good", ""),
            bridge_platform("secretless", url, ""),
            secret("keyless", TOKEN).replace("token:", "password:"),
            bridge_platform("keyless", url, ""),
            secret("garbled", "two\\nlines").replace("\\\\n", "\\n"),
            bridge_platform("garbled", url, ""),
            secret("refused", WRONG),
            bridge_platform("refused", url, ""),
            secret("silent", TOKEN),
            bridge_platform("silent", &nowhere, ""),
            druva.to_owned(),
            cove.to_owned(),
            customers.join("---\n"),
        ]
        .join("---\n"),
    );
    for (name, condition, wanted, words) in [
        (
            "secretless",
            "Stalled",
            "True/CredentialsMissing",
            "bridge.credentialsRef: Secret \"secretless\" doesn't exist in namespace",
        ),
        (
            "keyless",
            "Stalled",
            "True/CredentialsMissing",
            "bridge.credentialsRef: Secret \"keyless\" has no key \"token\". Add it.",
        ),
        (
            "garbled",
            "Stalled",
            "True/SecretMalformed",
            "the key `token` must hold one line of printable ASCII. Correct it; it is read again at once.",
        ),
        (
            "refused",
            "Stalled",
            "True/CredentialsInvalid",
            "Correct the Secret that credentialsRef names; it is read again at once.",
        ),
        (
            "silent",
            "PlatformReachable",
            "False/PlatformUnreachable",
            "no connection: the host refuses it at this port. No change is lost: Holdfast retries by itself.",
        ),
        (
            "druva",
            "Stalled",
            "True/CredentialsMissing",
            "druva.credentialsRef: Secret \"druva\" doesn't exist in namespace",
        ),
        (
            "cove",
            "Stalled",
            "True/CredentialsMissing",
            "cove.credentialsRef: Secret \"cove\" doesn't exist in namespace",
        ),
    ] {
        let object = format!("backupplatform/{name}");
        stage.await_condition(&object, condition, wanted).await;
        let said = stage.message(&object, "Ready");
        assert!(
            said.contains(words),
            "{object}: {words:?} isn't in {said:?}"
        );
        // What a machine can't mend stalls the customers too; the rest is tried again by itself.
        let tried_again = matches!(name, "refused" | "silent" | "html");
        let (kind, state) = if tried_again {
            ("PlatformReachable", "False/PlatformUnreachable")
        } else {
            ("Stalled", "True/ReferenceNotReady")
        };
        stage
            .await_condition(&format!("customer/of-{name}"), kind, state)
            .await;
    }
    stage
        .await_ready(&["backupplatform/good", "customer/bystander"])
        .await;
    let platforms = names.map(|name| format!("backupplatform/{name}"));
    let customers = names.map(|name| format!("customer/of-{name}"));
    let objects: Vec<&str> = platforms
        .iter()
        .chain(&customers)
        .map(String::as_str)
        .collect();
    legible_conditions(&stage, &objects, &[TOKEN, WRONG]);

    assert_no_hurry(&stage, &good).await;

    let mut late = Bridge::at(HOLDFAST, "silent", nowhere.trim_start_matches("http://")).await;
    stage.apply(
        &["secretless", "keyless", "garbled", "refused"]
            .map(|name| secret(name, TOKEN))
            .join("---\n"),
    );
    stage.sweep("silent");
    for name in &names[..5] {
        stage
            .await_ready(&[
                &format!("backupplatform/{name}"),
                &format!("customer/of-{name}"),
            ])
            .await;
    }
    late.stop();
    let log = stage.log();
    assert!(!log.contains(TOKEN) && !log.contains(WRONG), "I5");
}

/// While the good platform is swept eight times, the others neither ask nor write more than now and then.
async fn assert_no_hurry(stage: &Stage, good: &Bridge) {
    let before = (
        good.requests("GET /v1/capabilities").await,
        status_writes(stage).await,
    );
    good.sweep(stage, 8).await;
    let asked = good.requests("GET /v1/capabilities").await - before.0 - 8;
    let written = status_writes(stage).await - before.1;
    assert!(asked <= 8, "{asked} requests with a refused credential");
    assert!(
        written <= 16,
        "{written} status writes with nothing new to say"
    );
}

async fn status_writes(stage: &Stage) -> u64 {
    stage
        .metrics()
        .await
        .lines()
        .filter(|line| line.starts_with("holdfast_status_writes_total"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

// R-S2: a platform that puts a customer's data elsewhere than asked is told no more, until somebody has decided.
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_lands_in_another_country_is_not_gone_on_with() {
    let stage = Stage::start(HOLDFAST, "misplaced").await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    bridge.faults("[{when: {route: /v1/customers}, then: {merge: {storageLocation: us-1}}}]");
    let fabrikam = customer("fabrikam", "msp", "");
    stage.apply(&[bridge.manifest(), fabrikam.clone()].join("---\n"));
    let object = "customer/fabrikam";
    stage
        .await_condition(object, "Stalled", "True/LocationMismatch")
        .await;
    let message = stage.message(object, "Stalled");
    assert!(
        message.contains("\"us-1\"") && message.contains("location-answered"),
        "{message}"
    );
    let before = bridge.console.mutations().await.len();
    assert_eq!(before, 1, "made, and nothing after that");
    stage.apply(&fabrikam.replace("displayName", "reference: \"17\", displayName"));
    bridge.sweep(&stage, 2).await;
    assert_eq!(stage.condition(object, "Stalled"), "True/LocationMismatch");
    assert_eq!(bridge.console.mutations().await.len(), before);
    // Put right at the platform: it goes on by itself.
    bridge.faults("[]");
    bridge.sweep(&stage, 1).await;
    stage.await_ready(&[object]).await;
}

//! Faults of platform, network and cluster through the whole operator, with the platform as a process of its own. After each:
//! at most one object a claim (I1), nothing that nobody asked for (I2), nothing deleted (I3), and silence in the end (I4).

use crate::HOLDFAST;
use holdfast_testkit::{
    bridge::{Bridge, TOKEN, legible_conditions, secret},
    kubectl,
    operator::{Stage, customer, eventually},
};
use reqwest::Method;
use serde_json::{Value, json};

/// An operator with one platform, on which customer `bystander` is Ready.
async fn stage_with_platform(prefix: &str) -> (Stage, Bridge) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    stage.apply(&[bridge.manifest(), customer("bystander", "msp", "")].join("---\n"));
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    (stage, bridge)
}

async fn phone(bridge: &Bridge, name: &str) -> Value {
    bridge
        .console
        .named("customers", &format!("Customer {name}"))
        .await["profile"]["phone"]
        .clone()
}

// F2, F4, F5, N9: an answer that is lost, a creation that takes effect late, and an object that can't be seen yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_creation_whose_answer_is_lost_late_or_unseen_happens_once() {
    let (stage, bridge) = stage_with_platform("lost").await;
    for (name, fault) in [
        (
            "lost",
            "{when: {method: PUT, times: 1}, then: {drop: after}}",
        ),
        (
            "gone-before",
            "{when: {method: PUT, times: 1}, then: {drop: before}}",
        ),
        ("late", "{when: {method: PUT, times: 1}, then: {late: 3s}}"),
        (
            "unseen",
            "{when: {route: /v1/customers}, then: {hide: {for: 3s}}}",
        ),
    ] {
        bridge.faults(&format!("[{fault}]"));
        stage.apply(&customer(name, "msp", ""));
        let object = format!("customer/{name}");
        stage.await_ready(&[&object]).await;
        bridge.sweep(&stage, 2).await;
        stage.await_ready(&[&object]).await;
    }
    bridge.faults("[]");
    let objects = [
        "customer/bystander",
        "customer/lost",
        "customer/gone-before",
        "customer/late",
        "customer/unseen",
    ];
    // What was unseen at the last sweep is seen at the next one; nothing says "vanished" for good.
    bridge.sweep(&stage, 1).await;
    bridge.assert_silent(&stage, &objects).await;
    bridge.assert_nothing_strange(&stage, &objects).await;
    assert_eq!(bridge.creations().await.len(), objects.len());
}

// F3, F29, N9: the cluster refuses our notes. The object is found again by its mark, also by a restarted operator.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_note_it_down_nothing_is_made_twice() {
    let (mut stage, bridge) = stage_with_platform("unnoted").await;
    let policy = format!("unnoted-{}", stage.namespace());
    let manifest = format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: {policy}}}\nspec:\n  matchConstraints:\n    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {ns}}}}}\n    resourceRules: [{{apiGroups: [holdfast.dev], apiVersions: [v1alpha1], operations: [UPDATE], resources: [customers, customers/status]}}]\n  validations: [{{expression: \"!(has(request.subResource) && request.subResource == 'status') && !(has(object.metadata.annotations) && 'holdfast.dev/external-id' in object.metadata.annotations)\", message: no notes}}]\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {{name: {policy}}}\nspec: {{policyName: {policy}, validationActions: [Deny]}}\n",
        ns = stage.namespace()
    );
    stage.apply(&manifest);
    eventually("the policy acts", || async {
        let trial = [
            "annotate",
            "customer/bystander",
            "x=y",
            "--overwrite",
            "--dry-run=server",
        ];
        !stage.kubectl(&trial, "").status.success()
    })
    .await;
    stage.apply(&customer("unnoted", "msp", ""));
    let refusals = |stage: &Stage| {
        stage
            .log()
            .matches("the reconciliation didn't finish")
            .count()
    };
    eventually("it is made, and the note refused", || async {
        refusals(&stage) >= 2 && bridge.creations().await.len() == 2
    })
    .await;
    stage.kill();
    let before = refusals(&stage);
    stage.run().await;
    eventually("the new process meets the refusal too", || async {
        refusals(&stage) >= before + 2
    })
    .await;
    let output = kubectl(
        &[
            "delete",
            "validatingadmissionpolicybinding,validatingadmissionpolicy",
            &policy,
        ],
        "",
    );
    assert!(output.status.success());
    let objects = ["customer/bystander", "customer/unnoted"];
    bridge.assert_silent(&stage, &objects).await;
    bridge.assert_nothing_strange(&stage, &objects).await;
}

// F11, F12, F13, F14, R-N9: whatever the platform says instead of the truth, nothing is deleted or made again, and what was
// Ready stays so; an edit made meanwhile arrives afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_lies_or_fails_changes_nothing() {
    let (stage, bridge) = stage_with_platform("lies").await;
    let before = bridge.console.mutations().await.len();
    let list = "when: {method: GET, route: /v1/customers}";
    for fault in [
        format!("{{{list}, then: {{list: empty}}}}"),
        format!("{{{list}, then: {{list: half}}}}"),
        format!("{{{list}, then: {{list: incomplete}}}}"),
        format!("{{{list}, then: {{truncate: 30}}}}"),
        format!("{{{list}, then: {{status: {{code: 200, contentType: text/html, body: \"<html>Please log in</html>\"}}}}}}"),
        format!("{{{list}, then: {{status: {{code: 200, contentType: application/json, body: \"{{\\\"error\\\": \\\"no\\\"}}\"}}}}}}"),
        format!("{{{list}, then: {{status: {{code: 500}}}}}}"),
        format!("{{{list}, then: {{status: {{code: 403}}}}}}"),
        "{when: {route: /v1/capabilities, times: 1}, then: {status: {code: 429, retryAfter: \"1\"}}}".to_owned(),
    ] {
        bridge.faults(&format!("[{fault}]"));
        let asked = bridge.requests("GET /v1/customers").await;
        stage.sweep("msp");
        eventually(&format!("the fault strikes: {fault}"), || async { bridge.requests("GET /v1/customers").await > asked }).await;
        bridge.faults("[]");
        bridge.sweep(&stage, 1).await;
        stage.await_ready(&["backupplatform/msp"]).await;
        assert!(stage.condition("customer/bystander", "Ready").starts_with("True"), "{fault}");
    }
    assert_eq!(
        bridge.console.mutations().await.len(),
        before,
        "nothing was sent"
    );

    bridge.faults("[{when: {route: /v1/c}, then: {status: {code: 503}}}]");
    stage.sweep("msp");
    stage
        .await_condition(
            "backupplatform/msp",
            "PlatformReachable",
            "False/PlatformUnreachable",
        )
        .await;
    stage.apply(&customer("bystander", "msp", ", profile: {phone: \"503\"}"));
    stage
        .await_condition(
            "customer/bystander",
            "PlatformReachable",
            "False/PlatformUnreachable",
        )
        .await;
    legible_conditions(
        &stage,
        &["backupplatform/msp", "customer/bystander"],
        &[TOKEN],
    );
    bridge.faults("[]");
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    assert_eq!(phone(&bridge, "bystander").await, "503");
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
    bridge
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
}

// F16, F17, R-D41: a rotated credential takes effect without a restart and unsettles nobody; one that opens another account
// writes nothing until that is confirmed.
#[tokio::test(flavor = "multi_thread")]
async fn a_credential_may_be_rotated_but_not_open_another_account_unasked() {
    let (stage, mut bridge) = stage_with_platform("rotated").await;
    stage.apply(&secret("msp", "revoked"));
    stage
        .await_condition(
            "backupplatform/msp",
            "CredentialsValid",
            "False/CredentialsInvalid",
        )
        .await;
    assert!(
        stage
            .condition("customer/bystander", "Ready")
            .starts_with("True"),
        "Ready stays as last known"
    );
    stage.apply(&secret("msp", TOKEN));
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    bridge.assert_silent(&stage, &["customer/bystander"]).await;

    bridge.replace_estate().await;
    stage.sweep("msp");
    stage
        .await_condition(
            "backupplatform/msp",
            "AccountMatches",
            "False/AccountMismatch",
        )
        .await;
    stage.apply(&customer("bystander", "msp", ", profile: {phone: \"17\"}"));
    stage
        .await_condition("customer/bystander", "Reconciling", "True/AccountMismatch")
        .await;
    legible_conditions(
        &stage,
        &["backupplatform/msp", "customer/bystander"],
        &[TOKEN, "revoked"],
    );
    assert_eq!(
        bridge.console.mutations().await,
        Vec::<Value>::new(),
        "nothing in the other account"
    );

    bridge.restore_estate().await;
    stage.sweep("msp");
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    assert_eq!(phone(&bridge, "bystander").await, "17");

    bridge.replace_estate().await;
    stage.sweep("msp");
    stage
        .await_condition(
            "backupplatform/msp",
            "AccountMatches",
            "False/AccountMismatch",
        )
        .await;
    let capabilities = bridge
        .console
        .call(Method::GET, "/v1/capabilities", None)
        .await;
    let account = capabilities["account"]["id"].as_str().expect("an id");
    stage.show(&[
        "annotate",
        "backupplatform/msp",
        &format!("holdfast.dev/confirm-account={account}"),
    ]);
    stage
        .await_ready(&["backupplatform/msp", "customer/bystander"])
        .await;
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
    bridge
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
}

// F19, F23: what is deleted at the console isn't made anew unasked; a finalizer that somebody took away comes back.
#[tokio::test(flavor = "multi_thread")]
async fn what_vanished_is_made_anew_only_by_word_and_a_stripped_finalizer_comes_back() {
    let (stage, bridge) = stage_with_platform("vanished").await;
    let id = |stage: &Stage| {
        stage.get("customer/bystander")["status"]["externalId"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let first = id(&stage);
    bridge
        .console
        .call(
            Method::DELETE,
            &format!("/v1/customers/{first}?mode=purge&force=true"),
            None,
        )
        .await;
    stage.sweep("msp");
    stage
        .await_condition("customer/bystander", "Stalled", "True/VanishedOnPlatform")
        .await;
    bridge.sweep(&stage, 2).await;
    stage
        .await_condition("customer/bystander", "Stalled", "True/VanishedOnPlatform")
        .await;
    legible_conditions(&stage, &["customer/bystander"], &[TOKEN]);
    assert_eq!(bridge.creations().await.into_values().sum::<usize>(), 1);
    stage.show(&[
        "annotate",
        "customer/bystander",
        &format!("holdfast.dev/recreate={first}"),
    ]);
    stage.await_ready(&["customer/bystander"]).await;
    assert_ne!(id(&stage), first);
    assert_eq!(bridge.creations().await.into_values().sum::<usize>(), 2);

    let strip = [
        "patch",
        "customer/bystander",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null},"spec":{"profile":{"phone":"23"}}}"#,
    ];
    stage.show(&strip);
    stage.await_ready(&["customer/bystander"]).await;
    assert_eq!(
        stage.get("customer/bystander")["metadata"]["finalizers"],
        json!(["holdfast.dev/remote"])
    );
    assert_eq!(phone(&bridge, "bystander").await, "23");
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
}

// F22: platform or Secret first, or the whole namespace: Retain lets go at once, Delete says why it waits and can be let go.
#[tokio::test(flavor = "multi_thread")]
async fn in_whatever_order_things_are_deleted_nothing_sticks_without_a_reason() {
    let (stage, bridge) = stage_with_platform("order").await;
    stage.apply(
        &[
            customer("released", "msp", ""),
            customer("doomed", "msp", ", deletionPolicy: Delete"),
            customer("last", "msp", ""),
        ]
        .join("---\n"),
    );
    stage
        .await_ready(&["customer/released", "customer/doomed", "customer/last"])
        .await;
    let before = bridge.console.mutations().await.len();
    stage.show(&["delete", "secret/msp"]);
    stage
        .await_condition("backupplatform/msp", "Stalled", "True/CredentialsMissing")
        .await;
    assert!(
        stage
            .condition("customer/released", "Ready")
            .starts_with("True"),
        "Ready stays as last known"
    );
    stage.show(&["delete", "customer/released", "--timeout=60s"]);
    stage.show(&["delete", "backupplatform/msp"]);
    stage
        .await_condition("customer/last", "Stalled", "True/PlatformMissing")
        .await;
    stage.show(&["delete", "customer/doomed", "--wait=false"]);
    stage
        .await_condition("customer/doomed", "DeletionBlocked", "True/PlatformMissing")
        .await;
    legible_conditions(&stage, &["customer/doomed", "customer/last"], &[TOKEN]);
    stage.show(&[
        "patch",
        "customer/doomed",
        "--type=merge",
        "-p",
        r#"{"spec":{"deletionPolicy":"Retain"}}"#,
    ]);
    stage.show(&["wait", "customer/doomed", "--for=delete", "--timeout=60s"]);

    stage.apply(&bridge.manifest());
    stage
        .await_ready(&["backupplatform/msp", "customer/last"])
        .await;
    let output = kubectl(
        &["delete", "namespace", stage.namespace(), "--timeout=60s"],
        "",
    );
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        stage.log()
    );
    assert_eq!(
        bridge.console.mutations().await.len(),
        before,
        "I3: nothing was sent"
    );
    assert_eq!(
        bridge
            .console
            .list("customers")
            .await
            .iter()
            .filter(|item| !item["externalRef"].is_null())
            .count(),
        4
    );
}

// F25: a platform that takes half a minute to answer keeps nobody else waiting.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_platform_keeps_nobody_else_waiting() {
    let (stage, quick) = stage_with_platform("slow").await;
    let slow = Bridge::start(HOLDFAST, "slow").await;
    let crowd: Vec<String> = (0..40).map(|number| format!("slow-{number}")).collect();
    stage.apply(&[slow.manifest(), customer("slow-0", "slow", "")].join("---\n"));
    stage.await_ready(&["customer/slow-0"]).await;
    slow.faults("[{when: {route: /v1/customers}, then: {delay: 30s}}]");
    let manifests: Vec<String> = crowd
        .iter()
        .map(|name| customer(name, "slow", ", profile: {phone: \"25\"}"))
        .collect();
    stage.apply(&manifests.join("---\n"));
    stage.apply(&customer("bystander", "msp", ", profile: {phone: \"25\"}"));
    stage.await_ready(&["customer/bystander"]).await;
    let waiting = crowd
        .iter()
        .filter(|name| {
            !stage
                .condition(&format!("customer/{name}"), "Ready")
                .starts_with("True")
        })
        .count();
    assert!(
        waiting > 0,
        "the quick platform is served while the slow one is waited for"
    );
    quick
        .assert_nothing_strange(&stage, &["customer/bystander"])
        .await;
}

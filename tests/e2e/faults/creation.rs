//! F2 to F5 and F29: creations whose answer, effect, sight or record is missing.

use std::time::Duration;

use holdfast_testkit::{
    kubectl,
    operator::{Stage, customer, eventually},
};
use serde_json::json;

use super::stage_with_platform;

/// A customer is created under a fault: it is there once, Ready, and then all is silent.
async fn created_once(prefix: &str, faults: &[(&str, &str)]) {
    let (stage, bridge) = stage_with_platform(prefix).await;
    let mut objects = vec!["customer/bystander".to_owned()];
    for (name, fault) in faults {
        bridge.faults(&format!("[{fault}]"));
        stage.apply(&customer(name, "msp", ""));
        let object = format!("customer/{name}");
        stage.await_ready(&[&object]).await;
        bridge.sweep(&stage, 2).await;
        stage.await_ready(&[&object]).await;
        objects.push(object);
    }
    bridge.faults("[]");
    // What comes late has come.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    // What was unseen at the last sweep is seen at the next one; nothing says "vanished" for good.
    bridge.sweep(&stage, 1).await;
    bridge.assert_silent(&stage, &objects).await;
    bridge.assert_nothing_strange(&stage, &objects).await;
    assert_eq!(bridge.creations().await.len(), objects.len());
}

// F2, R-N9
#[tokio::test(flavor = "multi_thread")]
async fn f02_a_creation_whose_answer_is_lost_happens_once() {
    let after = "{when: {method: PUT, times: 1}, then: {drop: after}}";
    let before = "{when: {method: PUT, times: 1}, then: {drop: before}}";
    created_once("lost", &[("after", after), ("before", before)]).await;
}

// F4, R-N9
#[tokio::test(flavor = "multi_thread")]
async fn f04_a_creation_that_takes_effect_late_happens_once() {
    let late = "{when: {method: PUT, times: 1}, then: {late: 3s}}";
    created_once("late", &[("late", late)]).await;
}

// F5, R-N9
#[tokio::test(flavor = "multi_thread")]
async fn f05_an_object_that_can_not_be_seen_yet_is_neither_made_again_nor_gone() {
    let everywhere = "{when: {route: /v1/customers}, then: {hide: {for: 3s}}}";
    let lists = "{when: {route: /v1/customers}, then: {hide: {for: 3s, from: lists}}}";
    let gets = "{when: {route: /v1/customers}, then: {hide: {for: 3s, from: gets}}}";
    let faults = [("everywhere", everywhere), ("lists", lists), ("gets", gets)];
    created_once("unseen", &faults).await;
}

/// The API server refuses updates of customers in this namespace unless the expression holds, until that is taken back.
async fn refuse_updates(stage: &Stage, expression: &str) -> String {
    let policy = format!("refused-{}", stage.namespace());
    let manifest = format!(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: {policy}}}\nspec:\n  matchConstraints:\n    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {ns}}}}}\n    resourceRules: [{{apiGroups: [holdfast.dev], apiVersions: [v1alpha1], operations: [UPDATE], resources: [customers, customers/status]}}]\n  validations: [{{expression: {expression:?}, message: no notes}}]\n---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {{name: {policy}}}\nspec: {{policyName: {policy}, validationActions: [Deny]}}\n",
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
    policy
}

/// The API server refuses to be told what was sent, and takes finalizers.
async fn refuse_notes(stage: &Stage) -> String {
    let status = "has(request.subResource) && request.subResource == 'status'";
    let noted = "has(object.metadata.annotations) && 'holdfast.dev/external-id' in object.metadata.annotations";
    refuse_updates(stage, &format!("!({status}) && !({noted})")).await
}

fn allow_updates(policy: &str) {
    let kinds = "validatingadmissionpolicybinding,validatingadmissionpolicy";
    let output = kubectl(&["delete", kinds, policy], "");
    assert!(output.status.success());
}

fn refusals(stage: &Stage) -> usize {
    let log = stage.log();
    log.matches("the reconciliation didn't finish").count()
}

// F3, R-N9: the cluster refuses our notes, but for the finalizer. The object is found again by its mark, also by a restarted operator.
#[tokio::test(flavor = "multi_thread")]
async fn f03_without_the_right_to_note_it_down_nothing_is_made_twice() {
    let (mut stage, bridge) = stage_with_platform("unnoted").await;
    let policy = refuse_notes(&stage).await;
    stage.apply(&customer("unnoted", "msp", ""));
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
    allow_updates(&policy);
    let objects = ["customer/bystander", "customer/unnoted"];
    bridge.assert_silent(&stage, &objects).await;
    bridge.assert_nothing_strange(&stage, &objects).await;
}

// F1, F4, I2: nothing says that a creation is under way but the process that has ended. The deletion waits for it, and what it
// makes is deleted too.
#[tokio::test(flavor = "multi_thread")]
async fn f04_a_creation_that_outlives_its_process_leaves_nothing_behind() {
    let (mut stage, bridge) = stage_with_platform("outlived").await;
    let policy = refuse_notes(&stage).await;
    bridge.faults("[{when: {method: PUT}, then: {late: 60s}}]");
    let deletes = ", deletionPolicy: Delete";
    stage.apply(&customer("outlived", "msp", deletes));
    let unnoted = format!("\"resource\":\"Customer {}/outlived\"", stage.namespace());
    eventually("it is sent, and can't be noted", || async {
        stage.log().contains(&unnoted)
    })
    .await;
    stage.kill();
    bridge.faults("[]");
    allow_updates(&policy);
    stage.show(&["delete", "customer", "outlived", "--wait=false"]);
    // The same process again, and then another: to both the first is one that has ended.
    let waits = "True/WaitingForPlatform";
    stage.run().await;
    stage
        .await_condition("customer/outlived", "DeletionBlocked", waits)
        .await;
    assert_eq!(bridge.creations().await.len(), 1, "not carried out yet");
    stage.kill();
    let mut second = stage.beside();
    second.run().await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    stage
        .await_condition("customer/outlived", "DeletionBlocked", waits)
        .await;
    eventually("it is gone", || async {
        stage.get("customer/outlived").is_null()
    })
    .await;
    let made = bridge.creations().await;
    assert_eq!(made.len(), 2, "carried out by then: {made:?}");
    bridge.assert_silent(&stage, &["customer/bystander"]).await;
    let mut left = bridge.console.list("customers").await;
    left.retain(|customer| !customer["externalRef"].is_null());
    assert_eq!(left.len(), 1, "only the bystander: {left:?}");
}

// F29, I7: where not even the finalizer can be written, nothing is created, by however many processes.
#[tokio::test(flavor = "multi_thread")]
async fn f29_nothing_is_created_that_the_cluster_can_not_be_told_of() {
    let (mut stage, bridge) = stage_with_platform("untold").await;
    let policy = refuse_updates(&stage, "false").await;
    let before = bridge.console.mutations().await;
    stage.apply(&customer("untold", "msp", ""));
    eventually("the finalizer is refused", || async {
        refusals(&stage) >= 2
    })
    .await;
    stage.kill();
    let met = refusals(&stage);
    stage.run().await;
    eventually("also to a new process", || async {
        refusals(&stage) >= met + 2
    })
    .await;
    bridge.sweep(&stage, 2).await;
    assert_eq!(bridge.console.mutations().await, before);
    assert_eq!(
        stage.get("customer/untold")["metadata"]["finalizers"],
        json!(null)
    );
    allow_updates(&policy);
    let objects = ["customer/bystander", "customer/untold"];
    stage.await_ready(&objects).await;
    bridge.assert_silent(&stage, &objects).await;
    bridge.assert_nothing_strange(&stage, &objects).await;
}

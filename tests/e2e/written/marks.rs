//! Labels and annotations of ours that somebody else wrote too: they never hold a resource up, and nobody fights over them.

use crate::HOLDFAST;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use holdfast_testkit::{
    operator::{Console, Stage, customer, embedded_platform, eventually},
    read,
    resources::merge,
};

const GOLD: &str = "plan.holdfast.dev/gold";

fn estate() -> String {
    let plan = |name: &str| {
        format!(
            "apiVersion: holdfast.dev/v1alpha1\nkind: ServicePlan\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: msp}}, planName: {name}, products: [{{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers]}}]}}\n"
        )
    };
    let tenant = "apiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {name: trey-hybrid}\nspec: {customerRef: {name: trey}, servicePlanRef: {name: silver}, product: HybridWorkloads}\n";
    [
        plan("silver"),
        plan("gold"),
        customer("trey", "msp", ""),
        tenant.to_owned(),
    ]
    .join("---\n")
}

async fn settled(prefix: &str) -> (Stage, Console) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    stage.apply(&embedded_platform("msp"));
    stage.apply(&estate());
    stage
        .await_ready(&["customer/trey", "tenant/trey-hybrid"])
        .await;
    labelled(&stage, "customer/trey", "plan.holdfast.dev/silver", true).await;
    let console = stage.console("msp");
    (stage, console)
}

fn label(stage: &Stage, object: &str, name: &str) -> Value {
    stage.get(object)["metadata"]["labels"][name].clone()
}

async fn labelled(stage: &Stage, object: &str, name: &str, wanted: bool) {
    eventually(&format!("{object} has {name}: {wanted}"), || async {
        label(stage, object, name).is_string() == wanted
    })
    .await;
}

async fn edited(stage: &Stage, console: &Console, phone: &str) {
    merge(
        stage,
        "customer/trey",
        &json!({"spec": {"profile": {"phone": phone}}}),
    );
    eventually(&format!("the edit to {phone} arrives"), || async {
        console.named("customers", "Customer trey").await["profile"]["phone"] == phone
    })
    .await;
    stage.await_ready(&["customer/trey"]).await;
}

fn no_end(stage: &Stage) -> usize {
    stage.log().matches("no end after").count()
}

/// The object as a backup or a copied manifest has it.
fn copied(stage: &Stage, object: &str) -> Value {
    let mut copy = stage.get(object);
    copy.as_object_mut().expect("an object").remove("status");
    let meta = copy["metadata"].as_object_mut().expect("metadata");
    for member in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
    ] {
        meta.remove(member);
    }
    copy
}

// `kubectl label`: ours is taken off again; put there again, it is left, said once, and holds nothing up.
#[tokio::test(flavor = "multi_thread")]
async fn a_label_of_ours_that_another_wrote_goes_once_and_stays_when_it_comes_back() {
    let (stage, console) = settled("label").await;
    stage.show(&["label", "customer/trey", &format!("{GOLD}=")]);
    labelled(&stage, "customer/trey", GOLD, false).await;
    edited(&stage, &console, "1").await;

    // What comes back within two seconds comes from the same act.
    sleep(Duration::from_millis(2100)).await;
    stage.show(&["label", "customer/trey", &format!("{GOLD}=")]);
    edited(&stage, &console, "2").await;
    edited(&stage, &console, "3").await;
    assert!(
        label(&stage, "customer/trey", GOLD).is_string(),
        "not fought over"
    );
    assert_eq!(no_end(&stage), 0, "{}", stage.log());
    assert_eq!(
        stage.log().matches("no longer corrects it").count(),
        1,
        "{}",
        stage.log()
    );

    // Another's key under our domain, and a user's annotation, are none of ours.
    stage.show(&["label", "customer/trey", "team.holdfast.dev/who=ops"]);
    stage.show(&[
        "annotate",
        "customer/trey",
        "holdfast.dev/hold-deletion=yes",
    ]);
    edited(&stage, &console, "4").await;
    let meta = stage.get("customer/trey")["metadata"].clone();
    assert_eq!(meta["labels"]["team.holdfast.dev/who"], "ops");
    assert_eq!(meta["annotations"]["holdfast.dev/hold-deletion"], "yes");
}

// All annotations together may have 256 KiB: where there is no room for ours, everything but the mark goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_resource_without_room_for_our_annotation_is_looked_after_all_the_same() {
    let stage = Stage::start(HOLDFAST, "full").await;
    stage.apply(&embedded_platform("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let api: kube::Api<holdfast_api::Customer> =
        kube::Api::namespaced(stage.cluster.client.clone(), stage.namespace());
    let mut full: holdfast_api::Customer = read(&customer("full", "msp", ""));
    let note = ("example.com/note".to_owned(), "x".repeat(262_144 - 20));
    full.metadata.annotations = Some([note].into());
    let made = api.create(&kube::api::PostParams::default(), &full).await;
    made.expect("taken");
    stage.await_ready(&["customer/full"]).await;
    let console = stage.console("msp");
    merge(
        &stage,
        "customer/full",
        &json!({"spec": {"profile": {"phone": "1"}}}),
    );
    eventually("the edit arrives", || async {
        console.named("customers", "Customer full").await["profile"]["phone"] == "1"
    })
    .await;
    assert_eq!(no_end(&stage), 0, "{}", stage.log());
}

// A restore brings labels and annotations back as its own, and the plan changes afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_resource_follows_its_spec_and_loses_labels_that_are_no_longer_so() {
    let (stage, console) = settled("restore").await;
    let objects = ["tenant/trey-hybrid", "customer/trey"];
    let list: Vec<Value> = objects
        .iter()
        .rev()
        .map(|object| copied(&stage, object))
        .collect();
    for object in objects {
        stage.show(&["delete", object, "--timeout=60s"]);
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": list});
    let created = stage.kubectl(
        &["create", "--field-manager=velero-server", "-f", "-"],
        &list.to_string(),
    );
    assert!(
        created.status.success(),
        "{}",
        String::from_utf8_lossy(&created.stderr)
    );
    stage.await_ready(&objects).await;
    merge(
        &stage,
        "tenant/trey-hybrid",
        &json!({"spec": {"servicePlanRef": {"name": "gold"}}}),
    );
    for object in objects {
        labelled(&stage, object, GOLD, true).await;
        labelled(&stage, object, "plan.holdfast.dev/silver", false).await;
    }
    stage.await_ready(&objects).await;
    edited(&stage, &console, "1").await;
    assert_eq!(no_end(&stage), 0, "{}", stage.log());
}

// Server-side apply of what `get -o yaml` printed; then a GitOps tool that states a label of ours at each sync.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_fights_over_a_label_that_a_manifest_states() {
    let (stage, console) = settled("gitops").await;
    let mut manifest = copied(&stage, "customer/trey");
    manifest["metadata"]["labels"]["holdfast.dev/platform"] = "elsewhere".into();
    manifest["metadata"]["labels"][GOLD] = "".into();
    let sync = || {
        let applied = stage.kubectl(
            &[
                "apply",
                "--server-side",
                "--force-conflicts",
                "--field-manager=flux",
                "-f",
                "-",
            ],
            &manifest.to_string(),
        );
        assert!(
            applied.status.success(),
            "{}",
            String::from_utf8_lossy(&applied.stderr)
        );
    };
    sync();
    labelled(&stage, "customer/trey", GOLD, false).await;
    eventually("the platform's name is right", || async {
        label(&stage, "customer/trey", "holdfast.dev/platform") == "msp"
    })
    .await;
    for _ in 0..3 {
        sync();
        stage.sweep("msp");
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    }
    let version = || stage.get("customer/trey")["metadata"]["resourceVersion"].clone();
    let before = version();
    sync();
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(
        version(),
        before,
        "a sync of the same manifest and our answer change nothing"
    );
    edited(&stage, &console, "1").await;
    assert_eq!(no_end(&stage), 0, "{}", stage.log());
}

//! What `holdfast plan` says is what happens, and what `holdfast export` writes changes nothing. R-N2, R-N4.

use crate::HOLDFAST;
use serde_json::Value;
use tempfile::TempDir;

use holdfast_testkit::{
    console::Served,
    operator::{Stage, eventually, repository},
    plans::{CHANGES, NOTHING, PLANS, REFUSED, customer, plan, refusals, reseller, tenant},
};

/// What a plan says would be sent: verb and kind, sorted.
fn planned(plan: &Value) -> Vec<String> {
    let mut sent = Vec::new();
    for row in plan["objects"].as_array().expect("objects") {
        let kind = row["kind"].as_str().expect("a kind");
        for action in row["actions"].as_array().expect("actions") {
            let action = action["action"].as_str().expect("an action");
            let verb = match action {
                "adopt" | "release" => continue,
                "move" | "update" => "update",
                other => other,
            };
            sent.push(format!("{verb} {kind}"));
        }
    }
    sent.sort();
    sent
}

/// What the platform was sent since: verb and kind, sorted.
fn sent(mutations: &[Value]) -> Vec<String> {
    let mut sent: Vec<String> = mutations
        .iter()
        .map(|mutation| {
            assert_eq!(mutation["outcome"], "accepted", "{mutation}");
            let path = mutation["path"].as_str().expect("a path");
            let kind = match path.split('/').nth(2).expect("a kind") {
                "resellers" => "Reseller",
                "plans" => "ServicePlan",
                "customers" => "Customer",
                _ => "Tenant",
            };
            let verb = match mutation["method"].as_str().expect("a method") {
                "PUT" => "create",
                "PATCH" => "update",
                "DELETE" => "delete",
                _ if path.ends_with(":deactivate") => "suspend",
                _ if path.ends_with(":activate") => "activate",
                _ => "sendWelcomeMail",
            };
            format!("{verb} {kind}")
        })
        .collect();
    sent.sort();
    sent
}

/// R-N2: each estate is planned, applied, and the platform's own log compared with the plan.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_is_what_is_sent() {
    let (stage, served) = (
        Stage::start(HOLDFAST, "plan").await,
        Served::start(HOLDFAST).await,
    );
    let folder = TempDir::new().expect("a folder");
    let base = served.manifest("msp") + "\n" + PLANS;
    stage.apply(&base);
    stage
        .await_ready(&[
            "backupplatform/msp",
            "serviceplan/gold",
            "serviceplan/silver",
        ])
        .await;
    let estates = [
        base.clone()
            + &reseller("north", "10Ti")
            + &reseller("south", "2Ti")
            + &customer(
                "one",
                "north",
                ", limits: {storage: 2Ti}, welcomeMail: true",
            )
            + &customer("two", "north", ", limits: {storage: 1Ti}")
            + &tenant("one", "gold"),
        base.clone()
            + &reseller("north", "12Ti")
            + &reseller("south", "2Ti")
            + &customer(
                "one",
                "north",
                ", limits: {storage: 3Ti}, profile: {phone: \"1\"}",
            )
            + &customer("two", "south", ", limits: {storage: 1Ti}")
            + &tenant("one", "silver")
            + &tenant("two", "gold"),
        base.clone()
            + &reseller("north", "12Ti")
            + &reseller("south", "2Ti")
            + &customer("one", "north", ", active: false")
            + &customer("two", "south", ", limits: {storage: 5Ti}")
            + &customer("three", "south", ", limits: {storage: 1Ti}")
            + &tenant("one", "silver")
            + &tenant("two", "gold"),
    ];
    for (number, estate) in estates.iter().enumerate() {
        let (code, plan_before) = plan(&stage, &folder, estate, &[]);
        let before = served.console.mutations().await.len();
        stage.apply(estate);
        let wanted = planned(&plan_before);
        eventually(&format!("estate {number} is sent: {wanted:?}"), || async {
            let mutations = served.console.mutations().await;
            mutations.len() - before >= wanted.len()
        })
        .await;
        let (after, _) = settled(&stage, &folder, estate).await;
        assert_eq!(
            sent(&served.console.mutations().await[before..]),
            wanted,
            "{plan_before:#}"
        );
        let refused = refusals(&plan_before);
        if number == 2 {
            assert_eq!(code, REFUSED);
            assert_eq!(
                refused,
                [("two".to_owned(), "storage-overcommit".to_owned())]
            );
            assert_eq!(after, REFUSED);
        } else {
            assert_eq!((code, refused), (CHANGES, Vec::new()));
            assert_eq!(after, NOTHING);
        }
    }
}

/// Waits until a plan of what is applied has nothing to do any more.
async fn settled(stage: &Stage, folder: &TempDir, estate: &str) -> (i32, Value) {
    eventually("nothing is left to do", || async {
        let (_, plan) = plan(stage, folder, estate, &[]);
        planned(&plan).is_empty()
    })
    .await;
    plan(stage, folder, estate, &[])
}

/// All is ready, and the labels of a customer, which tell of its tenant, have followed.
async fn exportable(stage: &Stage) {
    stage
        .await_ready(&[
            "reseller/north",
            "customer/one",
            "customer/hidden",
            "tenant/one-hybrid",
        ])
        .await;
    eventually("the customer's labels are settled", || async {
        let labels = stage.get("customer/one")["metadata"]["labels"].clone();
        labels["plan.holdfast.dev/gold"].is_string()
            && labels["type.holdfast.dev/Evaluation"].is_string()
    })
    .await;
}

/// R-N4: what is exported is planned as nothing to do, with and without a cluster, always the same bytes, and is taken by
/// another cluster under another owner id without one write.
#[tokio::test(flavor = "multi_thread")]
async fn an_exported_estate_changes_nothing_here_or_elsewhere() {
    let (mut stage, served) = (
        Stage::start(HOLDFAST, "export").await,
        Served::start(HOLDFAST).await,
    );
    let estate = served.manifest("msp")
        + "\n"
        + PLANS
        + &reseller("north", "10Ti")
        + &customer(
            "one",
            "north",
            ", limits: {storage: 2Ti, clients: 12}, profile: {phone: \"012\", notes: \"NO\"}",
        )
        + &customer("hidden", "north", ", accountName: acct-1, hideName: true")
        + &tenant("one", "gold");
    stage.apply(&estate);
    exportable(&stage).await;
    let folder = TempDir::new().expect("a folder");
    let export = |to: &str| {
        let to = folder.path().join(to);
        let to = to.to_str().expect("a path").to_owned();
        let output = HOLDFAST.run(&[
            "export",
            "--platform",
            "msp",
            "-n",
            stage.namespace(),
            "-o",
            &to,
        ]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains("customer-left.yaml"), to.ends_with("old"));
        to
    };
    let old = folder.path().join("old");
    std::fs::create_dir(&old).expect("a folder");
    std::fs::write(old.join("customer-left.yaml"), "").expect("a file of an earlier export");
    export("old");
    let (first, second) = (export("first"), export("second"));
    let texts = contents(&first);
    assert_eq!(
        texts,
        contents(&second),
        "the same estate gives the same bytes"
    );
    assert!(!texts.concat().contains(&served.console.token), "no secret");
    assert!(
        texts.concat().contains("notes: \"NO\""),
        "every string is quoted"
    );

    let namespace = stage.namespace().to_owned();
    let offline = format!("{first}/msp.estate");
    for against in ["cluster", offline.as_str()] {
        let output = HOLDFAST.run(&["plan", "-f", &first, "-n", &namespace, "--against", against]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(NOTHING), "{against}: {text}");
        assert!(text.contains("Nothing changes on the platform"), "{text}");
    }

    let before = served.console.mutations().await.len();
    let elsewhere = Stage::start(HOLDFAST, "export-b").await;
    for object in [
        "tenant",
        "customer",
        "serviceplan",
        "reseller",
        "backupplatform",
    ] {
        stage.show(&["delete", object, "--all", "--timeout=60s"]);
    }
    stage.kill();
    let manifests = for_elsewhere(&first, &namespace, elsewhere.namespace());
    let platform = served
        .manifest("msp")
        .replace("0b5f7a52-3c1e", "77777777-3c1e");
    elsewhere.apply(&platform);
    elsewhere.apply(&manifests);
    elsewhere
        .await_ready(&[
            "reseller/north",
            "serviceplan/gold",
            "customer/one",
            "customer/hidden",
            "tenant/one-hybrid",
            "customer/sandbox",
            "serviceplan/default-plan",
        ])
        .await;
    assert_eq!(
        served.console.mutations().await.len(),
        before,
        "not one write"
    );
}

/// The exported resources for another namespace; the platform is declared anew there.
fn for_elsewhere(folder: &str, from: &str, to: &str) -> String {
    let manifests: Vec<String> = contents(folder)
        .into_iter()
        .filter(|text| text.starts_with("apiVersion") && !text.contains("kind: \"BackupPlatform\""))
        .collect();
    let manifests = manifests.join("---\n");
    manifests.replace(&format!("\"{from}\""), &format!("\"{to}\""))
}

fn contents(folder: &str) -> Vec<String> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("text"))
        .collect()
}

/// R-N2: the examples can be planned before anything of them exists, against the estate that the platform will start with.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_are_planned_on_an_empty_cluster() {
    let stage = Stage::start(HOLDFAST, "plan-empty").await;
    let folder = TempDir::new().expect("a folder");
    let mut files: Vec<_> = std::fs::read_dir(repository().join("examples"))
        .expect("examples")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let text: Vec<String> = files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("text"))
        .collect();
    let text = text.join("\n---\n").replace(
        "namespace: backup",
        &format!("namespace: {}", stage.namespace()),
    );
    let (code, plan) = plan(&stage, &folder, &text, &[]);
    assert_eq!(code, CHANGES, "{plan:#}");
    assert_eq!(plan["totals"]["create"], 17, "{plan:#}");
}

/// R-N2: garbage gives no plan: exit 1, nothing on standard output, and the place on standard error.
#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_no_plan() {
    let stage = Stage::start(HOLDFAST, "plan-bad").await;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("bad.yaml");
    let good = customer("one", "north", "");
    std::fs::write(&file, good.clone() + "---\nkind: [\n").expect("a file");
    let path = file.to_str().expect("a path");
    let output = HOLDFAST.run(&["plan", "-f", path, "-n", stage.namespace()]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(output.stdout.is_empty());
    assert!(error.contains("bad.yaml, document 2, line "), "{error}");
    let misspelt = HOLDFAST.run(&["plan", "--file", path]);
    assert_eq!(misspelt.status.code(), Some(1), "2 would mean changes");
}

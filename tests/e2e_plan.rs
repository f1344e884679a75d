//! What `holdfast plan` says is what happens, and what `holdfast export` writes changes nothing. R-N2, R-N4.

mod support;

use serde_json::Value;
use tempfile::TempDir;

use support::{
    console::Served,
    operator::{Stage, eventually, holdfast, repository},
};

/// Exit codes of `holdfast plan`.
const NOTHING: i32 = 0;
const CHANGES: i32 = 2;
const REFUSED: i32 = 3;

const PLANS: &str = "---
apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: gold}
spec: {platformRef: {name: msp}, planName: Gold, products: [{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, MSSQL]}]}
---
apiVersion: holdfast.dev/v1alpha1
kind: ServicePlan
metadata: {name: silver}
spec: {platformRef: {name: msp}, planName: Silver, products: [{product: HybridWorkloads, edition: Business, workloads: [FileServers]}]}
";

fn reseller(name: &str, storage: &str) -> String {
    format!(
        "---\napiVersion: holdfast.dev/v1alpha1\nkind: Reseller\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: msp}}, displayName: {name}, allotment: {{storage: {storage}}}}}\n"
    )
}

fn customer(name: &str, reseller: &str, more: &str) -> String {
    format!(
        "---\napiVersion: holdfast.dev/v1alpha1\nkind: Customer\nmetadata: {{name: {name}}}\nspec: {{resellerRef: {{name: {reseller}}}, displayName: \"Customer {name}\", country: \"DE\"{more}}}\n"
    )
}

fn tenant(customer: &str, plan: &str) -> String {
    format!(
        "---\napiVersion: holdfast.dev/v1alpha1\nkind: Tenant\nmetadata: {{name: {customer}-hybrid}}\nspec: {{customerRef: {{name: {customer}}}, servicePlanRef: {{name: {plan}}}, product: HybridWorkloads, storageRegions: [eu-central-1]}}\n"
    )
}

/// The plan of some manifests: exit code and JSON.
fn plan(stage: &Stage, folder: &TempDir, manifests: &str, more: &[&str]) -> (i32, Value) {
    let file = folder.path().join("estate.yaml");
    std::fs::write(&file, manifests).expect("a file");
    let file = file.to_str().expect("a path");
    let fixed = ["plan", "-f", file, "-n", stage.namespace(), "-o", "json"];
    let output = holdfast(&[&fixed[..], more].concat());
    let code = output.status.code().expect("an exit code");
    let error = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|problem| panic!("exit {code}, {problem}: {error}"));
    (code, json)
}

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

fn refusals(plan: &Value) -> Vec<(String, String)> {
    let rows = plan["objects"].as_array().expect("objects");
    rows.iter()
        .filter(|row| row["outcome"] == "refused")
        .map(|row| {
            let text = |member: &str| row[member].as_str().unwrap_or_default().to_owned();
            (text("name"), text("rule"))
        })
        .collect()
}

/// R-N2: each estate is planned, applied, and the platform's own log compared with the plan.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_planned_is_what_is_sent() {
    let (stage, served) = (Stage::start("plan").await, Served::start().await);
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

/// R-N4: what is exported is planned as nothing to do, with and without a cluster, always the same bytes, and is taken by
/// another cluster under another owner id without one write.
#[tokio::test(flavor = "multi_thread")]
async fn an_exported_estate_changes_nothing_here_or_elsewhere() {
    let (mut stage, served) = (Stage::start("export").await, Served::start().await);
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
    stage
        .await_ready(&[
            "reseller/north",
            "customer/one",
            "customer/hidden",
            "tenant/one-hybrid",
        ])
        .await;
    let folder = TempDir::new().expect("a folder");
    let export = |to: &str| {
        let to = folder.path().join(to);
        let to = to.to_str().expect("a path").to_owned();
        let output = holdfast(&[
            "export",
            "--platform",
            "msp",
            "-n",
            stage.namespace(),
            "-o",
            &to,
        ]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        to
    };
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
        let output = holdfast(&["plan", "-f", &first, "-n", &namespace, "--against", against]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(NOTHING), "{against}: {text}");
        assert!(text.contains("Nothing changes on the platform"), "{text}");
    }

    let before = served.console.mutations().await.len();
    let elsewhere = Stage::start("export-b").await;
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
    let stage = Stage::start("plan-empty").await;
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
    let stage = Stage::start("plan-bad").await;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("bad.yaml");
    let good = customer("one", "north", "");
    std::fs::write(&file, good.clone() + "---\nkind: [\n").expect("a file");
    let path = file.to_str().expect("a path");
    let output = holdfast(&["plan", "-f", path, "-n", stage.namespace()]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(output.stdout.is_empty());
    assert!(error.contains("bad.yaml, document 2, line "), "{error}");
    let misspelt = holdfast(&["plan", "--file", path]);
    assert_eq!(misspelt.status.code(), Some(1), "2 would mean changes");
}

/// R-N2: what a manifest names must be there, or come along in the files; else the operator could only say so afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_leads_nowhere_is_refused() {
    let (stage, served) = (Stage::start("plan-refs").await, Served::start().await);
    let base = served.manifest("msp") + "\n" + PLANS + &reseller("north", "10Ti");
    stage.apply(&base);
    stage
        .await_ready(&["backupplatform/msp", "serviceplan/gold", "reseller/north"])
        .await;
    let folder = TempDir::new().expect("a folder");
    let estate = folder.path().join("estate");
    let estate = estate.to_str().expect("a path");
    let exported = [
        "export",
        "--platform",
        "msp",
        "-n",
        stage.namespace(),
        "-o",
        estate,
    ];
    assert!(holdfast(&exported).status.success());
    let offline = format!("{estate}/msp.estate");
    let one = customer("one", "north", "");
    let on = |name: &str| {
        one.replace(
            "resellerRef: {name: north}",
            &format!("platformRef: {{name: {name}}}"),
        )
    };
    let below =
        reseller("south", "1Ti").replace("displayName", "parentRef: {name: nroth}, displayName");
    let there = [
        one.clone(),
        on("msp"),
        customer("one", "south", "") + &reseller("south", "1Ti"),
        one.clone() + &tenant("one", "gold"),
        // What is paused is left alone whatever it names.
        customer("one", "nroth", ", management: Paused"),
    ];
    let nowhere = [
        (
            on("mps"),
            "one",
            "PlatformMissing",
            "platformRef names BackupPlatform \"mps\"",
        ),
        (
            customer("one", "nroth", ""),
            "one",
            "ReferenceNotFound",
            "resellerRef names Reseller \"nroth\"",
        ),
        (
            tenant("two", "gold"),
            "two-hybrid",
            "ReferenceNotFound",
            "customerRef names Customer \"two\"",
        ),
        (
            one.clone() + &tenant("one", "glod"),
            "one-hybrid",
            "ReferenceNotFound",
            "servicePlanRef names ServicePlan \"glod\"",
        ),
        (
            below,
            "south",
            "ReferenceNotFound",
            "parentRef names Reseller \"nroth\"",
        ),
        (
            on("mps")
                .replace("name: one", "name: above")
                .replace("Customer", "Reseller")
                .replace(", country: \"DE\"", "")
                + &customer("one", "above", ""),
            "one",
            "PlatformMissing",
            "resellerRef names a resource that leads by platformRef to BackupPlatform \"mps\"",
        ),
    ];
    for against in ["cluster", &offline] {
        for manifests in &there {
            let (code, plan) = plan(&stage, &folder, manifests, &["--against", against]);
            assert_ne!(code, REFUSED, "{manifests}\n{plan:#}");
        }
        for (manifests, name, rule, message) in &nowhere {
            let (code, plan) = plan(&stage, &folder, manifests, &["--against", against]);
            assert_eq!(code, REFUSED, "{manifests}\n{plan:#}");
            let refused = (name.to_string(), rule.to_string());
            assert!(refusals(&plan).contains(&refused), "{plan:#}");
            assert!(
                plan.to_string().contains(&message.replace('"', "\\\"")),
                "{plan:#}"
            );
        }
    }

    let elsewhere = one.replace("name: one", "name: one, namespace: bakcup");
    let platform = served
        .manifest("msp")
        .replace("{name: msp}", "{name: msp, namespace: bakcup}");
    for (manifests, name) in [(elsewhere, "one"), (platform, "msp")] {
        let (code, refused) = plan(&stage, &folder, &manifests, &[]);
        assert_eq!(code, REFUSED, "{refused:#}");
        assert!(
            refusals(&refused).contains(&(name.to_owned(), "NamespaceMissing".to_owned())),
            "{refused:#}"
        );
        let made = "\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: bakcup}\n";
        let (_, taken) = plan(&stage, &folder, &(manifests + made), &[]);
        assert!(!taken.to_string().contains("NamespaceMissing"), "{taken:#}");
    }
}

/// R-N12, R-N13: what a person mistypes is said in one sentence, and never answered with nothing.
#[tokio::test(flavor = "multi_thread")]
async fn commands_say_in_one_sentence_what_is_not_there() {
    let stage = Stage::start("plan-words").await;
    let namespace = stage.namespace();
    let says = |arguments: &[&str], words: &str| {
        let output = holdfast(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(
            error.contains(words) && error.lines().count() == 1,
            "{error}"
        );
    };
    says(&["todo", "-n", "nope"], "namespace \"nope\" doesn't exist");
    says(
        &["history", "customers.holdfast.dev/x", "-n", namespace],
        "Customer \"x\" doesn't exist",
    );
    let nobody = stage.data.path().join("nobody");
    let config = std::env::var("KUBECONFIG").expect("KUBECONFIG");
    let config = std::fs::read_to_string(config).expect("a kubeconfig");
    let at = config.find("server: ").expect("a server");
    let end = at + config[at..].find('\n').expect("its end");
    let dead = config.replace(&config[at..end], "server: https://127.0.0.1:1");
    std::fs::write(&nobody, dead).expect("a file");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_holdfast"))
        .args(["todo"])
        .env("KUBECONFIG", &nobody)
        .output()
        .expect("holdfast runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.starts_with("error: the API server can't be reached: "),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
}

/// R-N2: a customer's name can't write lines of the plan, nor of an error.
#[tokio::test(flavor = "multi_thread")]
async fn no_value_writes_lines_of_its_own() {
    let (stage, served) = (Stage::start("plan-forge").await, Served::start().await);
    stage.apply(&served.manifest("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("forge.yaml");
    let forged = "Forge\\r\\e[2K\\n\\nPlan: 0 to create.\\u009b2J";
    let good = customer("forge", "north", "")
        .replace("resellerRef: {name: north}", "platformRef: {name: msp}");
    let good = good.replace("Customer forge", forged);
    let bad = good.replace("kind: Customer", &format!("kind: \"{forged}\""));
    let refused = good.replace(
        "{name: msp}",
        &format!("{{name: msp}}, stage: \"{forged}\""),
    );
    let odd = good.replace(
        "country: \"DE\"",
        &format!("limits: {{storage: 010}}, profile: {{\"{forged}\": no}}"),
    );
    for manifests in [good, bad, refused, odd] {
        std::fs::write(&file, &manifests).expect("a file");
        let path = file.to_str().expect("a path");
        let output = holdfast(&["plan", "-f", path, "-n", stage.namespace()]);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("text");
        let unseen = |character: char| character.is_control() && character != '\n';
        assert!(!text.contains(unseen), "{text:?}");
        assert!(!text.contains("\nPlan: 0 to create"), "{text:?}");
    }
}

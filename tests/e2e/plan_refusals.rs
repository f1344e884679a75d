//! What names nothing that is there is refused by a plan, and no value and no mistake gets in the way of what is said. R-N2.

use crate::HOLDFAST;
use tempfile::TempDir;

use holdfast_testkit::{
    console::Served,
    operator::Stage,
    plans::{CHANGES, NOTHING, PLANS, REFUSED, customer, plan, refusals, reseller, tenant},
};

/// R-N2: what a manifest names must be there, or come along in the files; else the operator could only say so afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_reference_that_leads_nowhere_is_refused() {
    let (stage, served) = (
        Stage::start(HOLDFAST, "plan-refs").await,
        Served::start(HOLDFAST).await,
    );
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
    assert!(HOLDFAST.run(&exported).status.success());
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
            "resellerRef names a resource whose platformRef leads to BackupPlatform \"mps\"",
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
}

/// R-N2: nothing can be applied in a namespace that neither exists nor comes along.
#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_not_there_is_refused() {
    let (stage, served) = (
        Stage::start(HOLDFAST, "plan-ns").await,
        Served::start(HOLDFAST).await,
    );
    stage.apply(&served.manifest("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let folder = TempDir::new().expect("a folder");
    let one = customer("one", "north", "");
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
    let stage = Stage::start(HOLDFAST, "plan-words").await;
    let namespace = stage.namespace();
    let says = |arguments: &[&str], words: &str| {
        let output = HOLDFAST.run(arguments);
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
    let odd = stage.data.path().join("odd.yaml");
    std::fs::write(&odd, "a: [!b, c]\n").expect("a file");
    let odd = odd.to_str().expect("a path");
    says(
        &["plan", "-f", odd],
        "document 1, line 1: this isn't YAML that kubectl can read",
    );
    let nobody = stage.data.path().join("nobody");
    let config = std::env::var("KUBECONFIG").expect("KUBECONFIG");
    let config = std::fs::read_to_string(config).expect("a kubeconfig");
    let at = config.find("server: ").expect("a server");
    let end = at + config[at..].find('\n').expect("its end");
    let dead = config.replace(&config[at..end], "server: https://127.0.0.1:1");
    std::fs::write(&nobody, dead).expect("a file");
    let output = HOLDFAST
        .command()
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
    let (stage, served) = (
        Stage::start(HOLDFAST, "plan-forge").await,
        Served::start(HOLDFAST).await,
    );
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
        let output = HOLDFAST.run(&["plan", "-f", path, "-n", stage.namespace()]);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("text");
        let unseen = |character: char| character.is_control() && character != '\n';
        assert!(!text.contains(unseen), "{text:?}");
        assert!(!text.contains("\nPlan: 0 to create"), "{text:?}");
    }
}

/// R-N2: what a platform holds that can't be observed isn't known, so no plan is whole, also where nothing else is wrong; and a
/// folder below that isn't read is said, and isn't taken for what is to be pruned.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_looked_at_is_no_plan() {
    let (stage, served) = (
        Stage::start(HOLDFAST, "plan-blind").await,
        Served::start(HOLDFAST).await,
    );
    stage.apply(&(served.manifest("msp") + "\n" + &reseller("north", "10Ti")));
    stage
        .await_ready(&["backupplatform/msp", "reseller/north"])
        .await;
    let folder = TempDir::new().expect("a folder");
    let below = folder.path().join("customers");
    std::fs::create_dir(&below).expect("a folder");
    std::fs::write(folder.path().join("north.yaml"), reseller("north", "10Ti")).expect("a file");
    std::fs::write(below.join("one.yaml"), customer("one", "north", "")).expect("a file");
    let path = folder.path().to_str().expect("a path");
    let plan = |more: &[&str]| {
        let output = HOLDFAST.run(&[&["plan", "-f", path, "-n", stage.namespace()], more].concat());
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("text");
        (output.status.code(), text)
    };
    let (code, text) = plan(&[]);
    assert_eq!(code, Some(NOTHING), "{text}");
    assert!(text.contains("not read without -R: ") && text.contains("customers"));
    let (code, text) = plan(&["-R"]);
    assert_eq!(code, Some(CHANGES), "{text}");
    assert!(text.contains("customer/one"), "{text}");
    let (code, text) = plan(&["--prune"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("Add -R"), "{text}");

    let wrong = r#"{"stringData": {"token": "wrong"}}"#;
    stage.show(&["patch", "secret", "msp-token", "--type=merge", "-p", wrong]);
    for more in [&[][..], &["-R"]] {
        let (code, text) = plan(more);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("no whole plan could be made"), "{text}");
        assert!(!text.contains("Nothing changes"), "{text}");
    }
}

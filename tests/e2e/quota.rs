//! No more is ever granted than there is, whoever asks at once.

use crate::HOLDFAST;
use futures::future::join_all;
use kube::{Api, ResourceExt, api::PostParams};
use serde_json::{Value, json};

use holdfast_api::{Customer, CustomerSpec};
use holdfast_testkit::{
    bridge::{Bridge, TOKEN, bridge_platform, secret},
    history,
    operator::{Console, Stage, embedded_platform, eventually},
    tap::Tap,
};

const CLIENTS: usize = 50;

fn reseller(name: &str, storage: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: Reseller\nmetadata: {{name: {name}}}\nspec: {{platformRef: {{name: msp}}, displayName: {name}, allotment: {{storage: {storage}}}}}\n"
    )
}

fn customer(name: &str, reseller: &str, storage: &str) -> Customer {
    let spec: CustomerSpec = serde_json::from_value(json!({
        "resellerRef": {"name": reseller},
        "displayName": name,
        "country": "DE",
        "deletionPolicy": "Delete",
        "limits": {"storage": storage},
    }))
    .expect("a spec");
    Customer::new(name, spec)
}

fn name(number: usize) -> String {
    format!("customer-{number:02}")
}

fn customers(stage: &Stage) -> Api<Customer> {
    Api::namespaced(stage.cluster.client.clone(), stage.namespace())
}

/// Names of the customers whose condition is so, oldest first.
async fn those(stage: &Stage, kind: &str, reason: &str) -> Vec<String> {
    let list = customers(stage)
        .list(&kube::api::ListParams::default())
        .await
        .expect("a list");
    let holds = |customer: &Customer| {
        let status = customer.status.as_ref();
        status.is_some_and(|status| {
            status.managed.conditions.iter().any(|condition| {
                condition.type_ == kind && condition.status == "True" && condition.reason == reason
            })
        })
    };
    let mut found: Vec<_> = list.items.into_iter().filter(holds).collect();
    found.sort_by_key(|customer| (customer.creation_timestamp(), customer.name_any()));
    found.iter().map(ResourceExt::name_any).collect()
}

async fn await_split(stage: &Stage, ready: usize, waiting: usize) {
    eventually(&format!("{ready} are Ready and {waiting} wait"), || async {
        those(stage, "Ready", "InSync").await.len() == ready
            && those(stage, "QuotaExceeded", "QuotaExceeded").await.len() == waiting
    })
    .await;
}

/// Gibibytes that a reseller's customers hold on the platform.
async fn held(console: &Console, reseller: &str) -> u64 {
    let id = console.named("resellers", reseller).await["id"].clone();
    let customers = console.list("customers").await;
    let sizes = customers
        .iter()
        .filter(|customer| customer["resellerId"] == id)
        .filter_map(|customer| customer["limits"]["storage"].as_u64());
    sizes.sum::<u64>() >> 30
}

/// The platform refuses over-allotment by itself; it was never even asked.
async fn nothing_was_refused(console: &Console) {
    let refused: Vec<Value> = console
        .mutations()
        .await
        .into_iter()
        .filter(|item| item["outcome"] != "accepted")
        .collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

/// An operator with a platform of its own and an ear on the line between them, and these resellers, all Ready.
async fn tapped(prefix: &str, resellers: &[(&str, &str)]) -> (Stage, Bridge, Tap) {
    let bridge = Bridge::start(HOLDFAST, "msp").await;
    let tap = Tap::before(&bridge.console.url).await;
    let stage = Stage::start(HOLDFAST, prefix).await;
    let mut manifests = vec![secret("msp", TOKEN), bridge_platform("msp", &tap.url, "")];
    manifests.extend(
        resellers
            .iter()
            .map(|(name, storage)| reseller(name, storage)),
    );
    stage.apply(&manifests.join("---\n"));
    for (name, _) in resellers {
        stage.await_ready(&[&format!("reseller/{name}")]).await;
    }
    (stage, bridge, tap)
}

/// At no moment of the platform's own history has a reseller handed out more than it had then.
async fn never_held_more_than_allotted(bridge: &Bridge, tap: &Tap, resellers: &[&str]) {
    let moments = history::moments(&bridge.console, tap).await;
    for (number, moment) in moments.iter().enumerate() {
        for reseller in resellers {
            if let Some((allotted, held)) = history::storage(moment, reseller) {
                assert!(
                    held <= allotted,
                    "change {number}: {reseller} has {allotted} and its customers hold {held}"
                );
            }
        }
    }
}

async fn ask_all_at_once(stage: &Stage) {
    let api = customers(stage);
    let parameters = PostParams::default();
    let asked = (0..CLIENTS).map(|number| {
        let (api, parameters) = (api.clone(), &parameters);
        async move {
            let wanted = customer(&name(number), "northwind", "10Gi");
            let mut created = api.create(parameters, &wanted).await.map(|_| ());
            // A busy server closes a connection that is about to be used again.
            while let Err(kube::Error::Service(_)) = created {
                created = match api.create(parameters, &wanted).await {
                    Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
                    created => created.map(|_| ()),
                };
            }
            created
        }
    });
    for created in join_all(asked).await {
        created.expect("admission lets it through");
    }
}

// R-N6, R-V20, R-V3
#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_ask_at_once_those_who_fit_are_made_and_the_next_follow_when_room_appears() {
    let (stage, bridge, tap) = tapped("quota", &[("northwind", "200Gi")]).await;
    ask_all_at_once(&stage).await;
    await_split(&stage, 20, 30).await;
    let console = &bridge.console;
    assert_eq!(held(console, "northwind").await, 200);

    let waiting = those(&stage, "QuotaExceeded", "QuotaExceeded").await;
    let message = stage.message(&format!("customer/{}", waiting[0]), "Ready");
    for words in [
        "limits.storage: it asks for 10Gi",
        "has 0 of its 200Gi storage left",
        "Reseller northwind",
        "(rule storage-overcommit)",
    ] {
        assert!(message.contains(words), "{words:?} isn't in {message:?}");
    }

    let first = those(&stage, "Ready", "InSync").await.remove(0);
    stage.show(&["delete", &format!("customer/{first}")]);
    let next = format!("customer/{}", waiting[0]);
    stage.await_ready(&[&next]).await;
    await_split(&stage, 20, 29).await;

    stage.apply(&reseller("northwind", "300Gi"));
    await_split(&stage, 30, 19).await;
    assert_eq!(held(console, "northwind").await, 300);

    stage.apply(&reseller("northwind", "100Gi"));
    stage
        .await_condition("reseller/northwind", "Stalled", "True/QuotaBelowUsage")
        .await;
    let message = stage.message("reseller/northwind", "Ready");
    assert!(message.contains("300Gi granted of it"), "{message}");
    let reseller = console.named("resellers", "northwind").await;
    assert_eq!(reseller["allotment"]["storage"], json!(300_u64 << 30));
    nothing_was_refused(console).await;
    never_held_more_than_allotted(&bridge, &tap, &["northwind"]).await;
}

/// Until the operator has looked at every resource as it stands.
async fn all_seen(stage: &Stage) {
    eventually("everything was looked at", || async {
        let list = stage.show(&["get", "customers,resellers", "-o", "json"]);
        let list: Value = serde_json::from_str(&list).expect("JSON");
        let mut items = list["items"].as_array().into_iter().flatten();
        items.all(|item| item["metadata"]["generation"] == item["status"]["observedGeneration"])
    })
    .await;
}

/// Customers move there and back while both resellers shrink and grow; an allotment below what is granted stays as it was.
async fn move_and_shrink(stage: &Stage, settled: &[String]) {
    for (target, tailspin, northwind) in [
        ("northwind", "60Gi", "200Gi"),
        ("northwind", "100Gi", "120Gi"),
        ("tailspin", "70Gi", "160Gi"),
        ("northwind", "80Gi", "200Gi"),
        ("tailspin", "100Gi", "200Gi"),
    ] {
        let target = json!({"spec": {"resellerRef": {"name": target}}}).to_string();
        for name in settled.iter().step_by(2) {
            stage.show(&[
                "patch",
                &format!("customer/{name}"),
                "--type=merge",
                "-p",
                &target,
            ]);
        }
        stage.apply(
            &[
                reseller("tailspin", tailspin),
                reseller("northwind", northwind),
            ]
            .join("---\n"),
        );
        all_seen(stage).await;
    }
}

// R-N6, R-V20, R-S4
#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_ask_at_once_get_no_more_while_others_move_and_allotments_shrink() {
    let resellers = [("northwind", "200Gi"), ("tailspin", "100Gi")];
    let (stage, bridge, tap) = tapped("quota-storm", &resellers).await;
    let api = customers(&stage);
    let settled: Vec<String> = (0..10).map(|number| format!("settled-{number}")).collect();
    for name in &settled {
        let wanted = customer(name, "tailspin", "10Gi");
        api.create(&PostParams::default(), &wanted)
            .await
            .expect("created");
    }
    await_split(&stage, 10, 0).await;
    tokio::join!(ask_all_at_once(&stage), move_and_shrink(&stage, &settled));

    // Whoever moved is back, both resellers are as large as before, and all of it is given to who asked first.
    await_split(&stage, 30, 30).await;
    stage
        .await_ready(&["reseller/northwind", "reseller/tailspin"])
        .await;
    let console = &bridge.console;
    assert_eq!(held(console, "northwind").await, 200);
    assert_eq!(held(console, "tailspin").await, 100);
    nothing_was_refused(console).await;
    never_held_more_than_allotted(&bridge, &tap, &["northwind", "tailspin"]).await;

    let waiting = those(&stage, "QuotaExceeded", "QuotaExceeded").await;
    let made = those(&stage, "Ready", "InSync").await;
    let leaving = made.iter().find(|name| name.starts_with("customer-"));
    stage.show(&[
        "delete",
        &format!("customer/{}", leaving.expect("one of the fifty")),
    ]);
    stage
        .await_ready(&[&format!("customer/{}", waiting[0])])
        .await;
    await_split(&stage, 30, 29).await;
    never_held_more_than_allotted(&bridge, &tap, &["northwind", "tailspin"]).await;
}

// R-N6, R-S4
#[tokio::test(flavor = "multi_thread")]
async fn moves_and_changing_allotments_never_overcommit() {
    let stage = Stage::start(HOLDFAST, "quota-moves").await;
    let manifests = [
        embedded_platform("msp"),
        reseller("northwind", "100Gi"),
        reseller("tailspin", "50Gi"),
    ];
    stage.apply(&manifests.join("---\n"));
    stage
        .await_ready(&["reseller/northwind", "reseller/tailspin"])
        .await;
    let api = customers(&stage);
    for number in 0..10 {
        let wanted = customer(&name(number), "northwind", "10Gi");
        api.create(&PostParams::default(), &wanted)
            .await
            .expect("created");
    }
    await_split(&stage, 10, 0).await;
    let console = stage.console("msp");
    let move_to = |number: usize, reseller: &str| {
        let patch = json!({"spec": {"resellerRef": {"name": reseller}}}).to_string();
        let object = format!("customer/{}", name(number));
        stage.show(&["patch", &object, "--type=merge", "-p", &patch]);
    };
    for number in 0..8 {
        move_to(number, "tailspin");
    }
    await_split(&stage, 7, 3).await;
    assert_eq!(held(&console, "tailspin").await, 50);
    assert_eq!(
        held(&console, "northwind").await,
        50,
        "who can't move stays"
    );
    stage.apply(&reseller("tailspin", "80Gi"));
    await_split(&stage, 10, 0).await;
    assert_eq!(held(&console, "tailspin").await, 80);
    assert_eq!(held(&console, "northwind").await, 20);
    nothing_was_refused(&console).await;
}

//! What a customer is: as little as may be said, people, notes, reports; and whose it is.

use crate::HOLDFAST;
use serde_json::{Value, json};

use super::look::{changes, merge, remote, remote_id, swept};
use holdfast_testkit::operator::{Console, Stage, embedded_platform, eventually};

/// A resource with this spec.
fn manifest(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: holdfast.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

/// A platform and one customer of which no more is said than must be.
async fn staged(prefix: &str) -> (Stage, Console) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    let least = "platformRef: {name: msp}, displayName: Fabrikam, profile: {email: office@fabrikam.example}";
    stage.apply(
        &[
            embedded_platform("msp"),
            manifest("Customer", "fabrikam", least),
        ]
        .join("---\n"),
    );
    stage
        .await_ready(&["backupplatform/msp", "customer/fabrikam"])
        .await;
    let console = stage.console("msp");
    (stage, console)
}

async fn fabrikam(stage: &Stage, console: &Console) -> Value {
    remote(stage, console, "fabrikam").await
}

/// Sets the spec's fields, and waits until that is applied.
async fn set(stage: &Stage, spec: Value) {
    merge(stage, "fabrikam", &json!({ "spec": spec }));
    stage.await_ready(&["customer/fabrikam"]).await;
}

/// Changes this customer at the console and has them seen.
async fn meddle(stage: &Stage, console: &Console, patch: Value) {
    let id = remote_id(stage, console, "fabrikam").await;
    console.change("customers", &id, patch).await;
    swept(stage).await;
}

// R-V1, R-V10, R-D3: a name and an address for mail are enough; reports are switched and addressed from the YAML.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_and_an_address_are_enough_and_reports_follow_the_yaml() {
    let (stage, console) = staged("least").await;
    let now = fabrikam(&stage, &console).await;
    assert_eq!(now["name"], "Fabrikam");
    assert_eq!(now["profile"], json!({"email": "office@fabrikam.example"}));
    assert_eq!(now["active"], true);
    assert_eq!(now["reports"], Value::Null, "what isn't said isn't set");

    let weekly = json!({"email": true, "consolidated": {"frequency": "Weekly", "recipients": ["b@fabrikam.example", "a@fabrikam.example"]}});
    set(&stage, json!({ "reports": weekly })).await;
    let now = fabrikam(&stage, &console).await;
    assert_eq!(now["reports"]["email"], true);
    assert_eq!(now["reports"]["consolidated"]["frequency"], "Weekly");
    let mut recipients: Vec<_> = now["reports"]["consolidated"]["recipients"]
        .as_array()
        .expect("recipients")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    recipients.sort_unstable();
    assert_eq!(recipients, ["a@fabrikam.example", "b@fabrikam.example"]);
    let before = console.mutations().await.len();

    // The order of recipients means nothing; somebody else's switch is set back.
    let turned =
        json!({"consolidated": {"recipients": ["a@fabrikam.example", "b@fabrikam.example"]}});
    set(&stage, json!({ "reports": turned })).await;
    assert_eq!(console.mutations().await.len(), before);
    meddle(&stage, &console, json!({"reports": {"email": false}})).await;
    eventually("reports are on again", || async {
        fabrikam(&stage, &console).await["reports"]["email"] == true
    })
    .await;
    let daily = json!({"email": false, "consolidated": {"frequency": "Daily", "recipients": []}});
    set(&stage, json!({ "reports": daily })).await;
    assert_eq!(
        fabrikam(&stage, &console).await["reports"],
        json!({"email": false, "consolidated": {"frequency": "Daily"}})
    );
}

// R-D4: people are known by their address, in whatever case and order; what the YAML doesn't say of one stays, one that it
// doesn't list goes.
#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_told_apart_by_their_address() {
    let (stage, console) = staged("contacts").await;
    let contacts = async || {
        let contacts = fabrikam(&stage, &console).await["contacts"].clone();
        let mut contacts = contacts.as_array().cloned().unwrap_or_default();
        contacts.sort_by_key(|contact| contact["email"].to_string().to_lowercase());
        contacts
    };
    let ann = json!({"email": "ann@fabrikam.example", "name": "Ann", "role": "Technical"});
    let ben = json!({"email": "ben@fabrikam.example", "name": "Ben"});
    set(&stage, json!({"contacts": [ann, ben]})).await;
    assert_eq!(contacts().await, [ann.clone(), ben.clone()]);
    let before = console.mutations().await.len();

    // Another order and another case are the same people.
    let shouting = json!({"email": "ANN@fabrikam.example", "name": "Ann", "role": "Technical"});
    set(&stage, json!({"contacts": [ben, shouting]})).await;
    assert_eq!(console.mutations().await.len(), before);

    // One is renamed, in one write that names nothing else.
    let benjamin = json!({"email": "ben@fabrikam.example", "name": "Benjamin"});
    set(&stage, json!({"contacts": [benjamin, ann]})).await;
    assert_eq!(contacts().await[1]["name"], "Benjamin");
    let mutations = console.mutations().await;
    assert_eq!(mutations.len(), before + 1);
    assert_eq!(mutations[before]["fields"], json!(["contacts"]));

    // At the console Ben gets a phone, which the YAML doesn't speak of, and Cyd comes from nowhere.
    let phone = json!({"email": "ben@fabrikam.example", "name": "Benjamin", "phone": "7"});
    let cyd = json!({"email": "cyd@fabrikam.example"});
    meddle(&stage, &console, json!({"contacts": [ann, phone, cyd]})).await;
    eventually("Cyd is gone", || async { contacts().await.len() == 2 }).await;
    assert_eq!(contacts().await, [ann.clone(), phone]);

    set(&stage, json!({"contacts": [ann]})).await;
    assert_eq!(contacts().await, [ann]);
    set(&stage, json!({"contacts": []})).await;
    assert!(contacts().await.is_empty());
}

// R-S6: notes about talks are added and corrected; one that is dropped stays, and so does one that somebody added at the
// console; neither is drift.
#[tokio::test(flavor = "multi_thread")]
async fn a_communication_that_is_dropped_stays_on_the_platform() {
    let (stage, console) = staged("talks").await;
    let talk = |id: &str, note: &str| json!({"id": id, "at": "2026-12-01T09:00:00Z", "kind": "Call", "note": note});
    let noted = async || {
        let talks = fabrikam(&stage, &console).await["communications"].clone();
        let talks = talks.as_array().cloned().unwrap_or_default();
        let mut notes: Vec<String> = talks
            .iter()
            .filter_map(|talk| talk["note"].as_str().map(ToOwned::to_owned))
            .collect();
        notes.sort_unstable();
        notes
    };
    let both = [talk("first", "a first talk"), talk("second", "b second")];
    set(&stage, json!({ "communications": both })).await;
    assert_eq!(noted().await, ["a first talk", "b second"]);
    let corrected = [talk("second", "b second, corrected")];
    set(&stage, json!({ "communications": corrected })).await;
    assert_eq!(noted().await, ["a first talk", "b second, corrected"]);

    let mut all = fabrikam(&stage, &console).await["communications"].clone();
    all.as_array_mut()
        .expect("a list")
        .push(talk("third", "c by hand"));
    let before = console.mutations().await.len();
    meddle(&stage, &console, json!({ "communications": all })).await;
    set(&stage, json!({"profile": {"phone": "1"}})).await;
    assert_eq!(
        noted().await,
        ["a first talk", "b second, corrected", "c by hand"]
    );
    assert_eq!(console.mutations().await.len(), before + 1, "the phone");
    let drift = stage.get("customer/fabrikam")["status"]["drift"].clone();
    assert!(drift.as_array().is_none_or(Vec::is_empty), "{drift}");

    // An empty list would say something that isn't done.
    let spec = "platformRef: {name: msp}, displayName: Fabrikam, communications: []";
    let cleared = manifest("Customer", "fabrikam-too", spec);
    stage
        .cluster
        .rejects(&cleared, "stays on the platform")
        .await;
}

// R-V21, R-V1, R-S4: several resellers, each with its own customers, and the default customer beside them; a customer changes
// hands.
#[tokio::test(flavor = "multi_thread")]
async fn several_resellers_have_their_own_customers_and_the_platform_a_default_one() {
    let stage = Stage::start(HOLDFAST, "resellers").await;
    let mut manifests = vec![embedded_platform("msp")];
    for (reseller, customers) in [("north", ["n1", "n2"]), ("south", ["s1", "s2"])] {
        let spec = format!("platformRef: {{name: msp}}, displayName: {reseller} IT");
        manifests.push(manifest("Reseller", reseller, &spec));
        for customer in customers {
            let spec = format!(
                "resellerRef: {{name: {reseller}}}, displayName: {customer}, profile: {{email: office@{customer}.example}}"
            );
            manifests.push(manifest("Customer", customer, &spec));
        }
    }
    stage.apply(&manifests.join("---\n"));
    stage
        .await_ready(&["customer/n1", "customer/n2", "customer/s1", "customer/s2"])
        .await;
    let console = stage.console("msp");
    let reseller = |name: &str| stage.get(&format!("reseller/{name}"))["status"].clone();
    let under = async |name: &str| {
        let id = reseller(name)["externalId"].clone();
        let customers = console.list("customers").await;
        let mut names: Vec<String> = customers
            .iter()
            .filter(|customer| customer["resellerId"] == id && id.is_string())
            .filter_map(|customer| customer["name"].as_str().map(ToOwned::to_owned))
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(under("north").await, ["n1", "n2"]);
    assert_eq!(under("south").await, ["s1", "s2"]);
    eventually("both are counted", || async {
        reseller("north")["customers"] == 2 && reseller("south")["customers"] == 2
    })
    .await;
    let default = console.named("customers", "Default Customer").await;
    assert_eq!(
        stage.get("backupplatform/msp")["status"]["defaultCustomer"],
        json!({"externalId": default["id"], "name": "Default Customer"})
    );

    let before = console.mutations().await.len();
    let patch = json!({"spec": {"resellerRef": {"name": "south"}}});
    merge(&stage, "n2", &patch);
    eventually("it has changed hands", || async {
        under("south").await == ["n2", "s1", "s2"]
    })
    .await;
    eventually("it is counted where it is", || async {
        reseller("south")["customers"] == 3
    })
    .await;
    // Where it was is looked at again with the next sweep.
    swept(&stage).await;
    eventually("it isn't counted where it was", || async {
        reseller("north")["customers"] == 1
    })
    .await;
    let id = remote_id(&stage, &console, "n2").await;
    let moves = changes(&console, &format!("/v1/customers/{id}")).await;
    assert_eq!(moves, [format!("PATCH /v1/customers/{id}")]);
    assert_eq!(console.mutations().await.len(), before + 1);
    let found = stage.show(&[
        "get",
        "cust",
        "-l",
        "holdfast.dev/reseller=south",
        "-o",
        "name",
    ]);
    assert_eq!(found.lines().count(), 3, "{found}");
}

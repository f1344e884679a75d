//! What exists already is taken over without touching it, and what moves, moves once.

use crate::HOLDFAST;
use holdfast_testkit::{
    operator::{Console, Stage, customer, embedded_platform, eventually},
    resources::{declared, events, merge},
};
use reqwest::Method;
use serde_json::{Value, json};

const OBJECTS: [&str; 4] = [
    "reseller/northwind",
    "serviceplan/gold",
    "customer/fabrikam",
    "tenant/fabrikam-hybrid",
];

/// Makes an item at the console that carries nobody's mark; its id.
async fn unmarked(console: &Console, kind: &str, settings: Value) -> String {
    let path = format!("/v1/{kind}/by-ref/made-at-the-console");
    let made = console.call(Method::PUT, &path, Some(settings)).await;
    let id = made["id"].as_str().expect("an id").to_owned();
    console
        .change(kind, &id, json!({"externalRef": null}))
        .await;
    id
}

/// One item of each kind, none of them ours; their ids in the order of [`OBJECTS`].
pub async fn grown(console: &Console) -> [String; 4] {
    let reseller = json!({"name": "Northwind IT", "level": "Reseller", "country": "DE", "profile": {"phone": "1"}});
    let reseller = unmarked(console, "resellers", reseller).await;
    let plan = json!({"name": "Gold", "products": [{"product": "HybridWorkloads", "edition": "Enterprise", "workloads": ["FileServers", "NAS"]}]});
    let plan = unmarked(console, "plans", plan).await;
    let customer = json!({"name": "Fabrikam GmbH", "resellerId": reseller, "country": "DE", "storageLocation": "de-1", "profile": {"phone": "1"}, "limits": {"storage": 1_u64 << 40}});
    let customer = unmarked(console, "customers", customer).await;
    let tenant = json!({"customerId": customer, "planId": plan, "product": "HybridWorkloads", "type": "Commercial", "storageRegions": ["eu-central-1"], "workloads": [{"name": "NAS"}]});
    let tenant = unmarked(console, "tenants", tenant).await;
    [reseller, plan, customer, tenant]
}

/// Resources that say what [`grown`] has made, each with its own words on adoption.
fn described(adopt: [&str; 4]) -> String {
    let [reseller, plan, customer, tenant] = adopt;
    [
        declared("Reseller", "northwind", &format!("platformRef: {{name: msp}}, displayName: Northwind IT, level: Reseller, country: \"DE\", profile: {{phone: \"1\"}}, {reseller}")),
        declared("ServicePlan", "gold", &format!("platformRef: {{name: msp}}, planName: Gold, products: [{{product: HybridWorkloads, edition: Enterprise, workloads: [FileServers, NAS]}}], {plan}")),
        declared("Customer", "fabrikam", &format!("resellerRef: {{name: northwind}}, displayName: Fabrikam GmbH, country: \"DE\", profile: {{phone: \"1\"}}, limits: {{storage: 1Ti}}, {customer}")),
        declared("Tenant", "fabrikam-hybrid", &format!("customerRef: {{name: fabrikam}}, servicePlanRef: {{name: gold}}, product: HybridWorkloads, type: Commercial, storageRegions: [eu-central-1], workloads: [{{name: NAS}}], {tenant}")),
    ]
    .join("---\n")
}

/// An operator whose platform holds [`grown`], seen by a sweep.
async fn stage_with_grown(prefix: &str) -> (Stage, Console, [String; 4]) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    stage.apply(&embedded_platform("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let console = stage.console("msp");
    let ids = grown(&console).await;
    stage.sweep("msp");
    eventually("what was made is seen", || async {
        let status = &stage.get("backupplatform/msp")["status"];
        // The four beside what every estate starts with.
        status["objects"]["unmanaged"].as_u64() >= Some(10)
    })
    .await;
    (stage, console, ids)
}

/// Every item's version, by id: any write raises it.
async fn versions(console: &Console) -> Vec<(Value, Value)> {
    let mut versions = Vec::new();
    for kind in ["resellers", "plans", "customers", "tenants"] {
        let items = console.list(kind).await.into_iter();
        versions.extend(items.map(|item| (item["id"].clone(), item["etag"].clone())));
    }
    versions
}

async fn taken_without_a_write(prefix: &str, adopt: impl Fn(&str) -> String) {
    let (stage, console, ids) = stage_with_grown(prefix).await;
    let before = versions(&console).await;
    let words = ids.each_ref().map(|id| adopt(id));
    stage.apply(&described(words.each_ref().map(String::as_str)));
    stage.await_ready(&OBJECTS).await;
    stage.sweep("msp");
    for (object, id) in OBJECTS.iter().zip(&ids) {
        let status = &stage.get(object)["status"];
        assert_eq!(status["externalId"], json!(id), "{object}");
        assert_eq!(status["changes"].as_array().map_or(0, Vec::len), 0);
        eventually("it is told", || async {
            let told = events(&stage, object);
            told.iter().any(|(reason, message, _)| {
                reason == "Claimed" && message.contains("nothing was written")
            })
        })
        .await;
    }
    assert_eq!(console.mutations().await, Vec::<Value>::new());
    assert_eq!(versions(&console).await, before);
}

// R-N4
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_adopted_by_its_name_without_one_write_where_nothing_differs() {
    taken_without_a_write("matching", |_| "adopt: Matching".into()).await;
}

// R-N4
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_is_adopted_by_its_id_without_one_write_where_nothing_differs() {
    taken_without_a_write("by-id", |id| format!("adopt: ById, externalId: \"{id}\"")).await;
}

// R-N4, R-N3
#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_a_conflict_by_name_and_by_id_it_alone_is_written() {
    let (stage, console, [_, _, id, _]) = stage_with_grown("differing").await;
    stage.apply(&described(["adopt: Matching"; 4]).replace(
        "displayName: Fabrikam GmbH, country: \"DE\", profile: {phone: \"1\"}",
        "displayName: Fabrikam GmbH, country: \"DE\", profile: {phone: \"2\"}",
    ));
    stage
        .await_condition("customer/fabrikam", "Stalled", "True/NameConflict")
        .await;
    let message = stage.message("customer/fabrikam", "Ready");
    for words in ["these fields differ: profile.phone", "Make them equal", &id] {
        assert!(message.contains(words), "{words:?} isn't in {message:?}");
    }
    assert_eq!(console.mutations().await, Vec::<Value>::new());

    let by_id = json!({"spec": {"adopt": "ById", "externalId": id}});
    merge(&stage, "customer/fabrikam", &by_id);
    stage
        .await_ready(&["customer/fabrikam", "tenant/fabrikam-hybrid"])
        .await;
    let mutations = console.mutations().await;
    assert_eq!(mutations.len(), 1, "{mutations:#?}");
    assert_eq!(mutations[0]["path"], json!(format!("/v1/customers/{id}")));
    let fields = mutations[0]["fields"].to_string();
    assert!(fields.contains("profile.phone"), "{fields}");
    assert!(!fields.contains("limits"), "{fields}");
    let told = || events(&stage, "customer/fabrikam");
    eventually("both are told", || async {
        let told = told();
        let has = |wanted: &str| told.iter().any(|(reason, ..)| reason == wanted);
        has("Updated") && has("Claimed")
    })
    .await;
    let told = told();
    let untrue = |message: &str| message.contains("nothing was written");
    assert!(
        !told.iter().any(|(_, message, _)| untrue(message)),
        "{told:#?}"
    );
}

// R-N4, R-D1
#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_a_resource_holds_is_not_given_to_another_by_id() {
    let stage = Stage::start(HOLDFAST, "held").await;
    stage.apply(&[embedded_platform("msp"), customer("first", "msp", "")].join("---\n"));
    stage.await_ready(&["customer/first"]).await;
    let console = stage.console("msp");
    let before = (versions(&console).await, console.mutations().await.len());
    let id = stage.get("customer/first")["status"]["externalId"].clone();
    let words = format!(", adopt: ById, externalId: {id}");
    stage.apply(&customer("second", "msp", &words));
    stage
        .await_condition("customer/second", "Stalled", "True/OwnedByAnother")
        .await;
    let message = stage.message("customer/second", "Ready");
    for words in [
        "already owned by",
        "first",
        "(rule one-resource-per-object)",
    ] {
        assert!(message.contains(words), "{words:?} isn't in {message:?}");
    }
    stage.await_ready(&["customer/first"]).await;
    stage.show(&["delete", "customer/second", "--timeout=60s"]);
    let after = (versions(&console).await, console.mutations().await.len());
    assert_eq!(before, after);
}

/// Two distributors, of which one has a reseller with a customer.
fn branches() -> String {
    [
        embedded_platform("msp"),
        declared("Reseller", "nordic", "platformRef: {name: msp}, displayName: Nordic, level: Distributor"),
        declared("Reseller", "alpine", "platformRef: {name: msp}, displayName: Alpine, level: Distributor, allotment: {storage: 2Ti}"),
        declared("Reseller", "northwind", "platformRef: {name: msp}, parentRef: {name: nordic}, displayName: Northwind, level: Reseller, allotment: {storage: 1Ti}"),
        declared("Reseller", "tailspin", "platformRef: {name: msp}, parentRef: {name: alpine}, displayName: Tailspin, level: Reseller, allotment: {storage: 500Gi}"),
        declared("Customer", "fabrikam", "resellerRef: {name: northwind}, displayName: Fabrikam, country: \"DE\", limits: {storage: 300Gi}"),
    ]
    .join("---\n")
}

/// An operator with [`branches`], all Ready.
async fn stage_with_branches(prefix: &str) -> (Stage, Console) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    stage.apply(&branches());
    for object in [
        "reseller/nordic",
        "reseller/alpine",
        "reseller/northwind",
        "reseller/tailspin",
        "customer/fabrikam",
    ] {
        stage.await_ready(&[object]).await;
    }
    let console = stage.console("msp");
    (stage, console)
}

// R-S4
#[tokio::test(flavor = "multi_thread")]
async fn customers_and_resellers_move_once_and_take_along_what_is_below() {
    let (stage, console) = stage_with_branches("moves").await;
    let before = console.mutations().await.len();
    let to = |field: &str, name: &str| json!({"spec": {field: {"name": name}}});
    merge(&stage, "customer/fabrikam", &to("resellerRef", "tailspin"));
    stage.await_ready(&["customer/fabrikam"]).await;
    merge(&stage, "reseller/northwind", &to("parentRef", "alpine"));
    stage.await_ready(&["reseller/northwind"]).await;
    stage.sweep("msp");
    stage
        .await_ready(&["customer/fabrikam", "reseller/northwind"])
        .await;
    let id = async |kind: &str, name: &str| console.named(kind, name).await["id"].clone();
    let fabrikam = console.named("customers", "Fabrikam").await;
    assert_eq!(fabrikam["resellerId"], id("resellers", "Tailspin").await);
    let northwind = console.named("resellers", "Northwind").await;
    assert_eq!(northwind["parentId"], id("resellers", "Alpine").await);
    let mutations = console.mutations().await.split_off(before);
    let fields: Vec<String> = mutations
        .iter()
        .map(|item| item["fields"].to_string())
        .collect();
    assert_eq!(fields, [r#"["resellerId"]"#, r#"["parentId"]"#]);
}

// R-S4, R-S20, R-V20
#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_breaks_a_rule_where_it_arrives_is_refused_and_nothing_is_sent() {
    let (stage, console) = stage_with_branches("bad-moves").await;
    let before = (versions(&console).await, console.mutations().await.len());
    let parent = |name: &str| json!({"spec": {"parentRef": {"name": name}}});
    let small = declared(
        "Customer",
        "fabrikam",
        "resellerRef: {name: tailspin}, displayName: Fabrikam, country: \"DE\", limits: {storage: 600Gi}",
    );
    for (object, condition, words) in [
        (
            "customer/fabrikam",
            "QuotaExceeded",
            "Reseller tailspin has 500Gi of its 500Gi storage left",
        ),
        (
            "reseller/northwind",
            "HierarchyRefused",
            "a Reseller can't be below Tailspin",
        ),
        (
            "reseller/nordic",
            "ReferenceInvalid",
            "is itself below this reseller",
        ),
    ] {
        match object {
            "customer/fabrikam" => stage.apply(&small),
            "reseller/northwind" => merge(&stage, object, &parent("tailspin")),
            _ => merge(&stage, object, &parent("northwind")),
        }
        eventually(&format!("{object} is refused"), || async {
            let ready = stage.condition(object, "Ready");
            ready == format!("False/{condition}")
        })
        .await;
        let message = stage.message(object, "Ready");
        assert!(message.contains(words), "{words:?} isn't in {message:?}");
    }
    stage.sweep("msp");
    let after = (versions(&console).await, console.mutations().await.len());
    assert_eq!(before, after);
}

// R-S4: a resource under a name that another one has goes on once that one has another, or says what is so once it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_because_of_another_resource_is_taken_back_when_that_one_goes() {
    let stage = Stage::start(HOLDFAST, "rename").await;
    let renamed =
        |name: &str| customer(name, "msp", "").replace(&format!("Customer {name}"), "Renamed Ltd");
    stage.apply(&[embedded_platform("msp"), renamed("old")].join("---\n"));
    stage.await_ready(&["customer/old"]).await;
    stage.apply(&renamed("new"));
    stage
        .await_condition("customer/new", "Stalled", "True/OwnedByAnother")
        .await;
    stage.apply(&renamed("old").replace("Renamed Ltd", "Old Ltd"));
    stage.await_ready(&["customer/old", "customer/new"]).await;

    stage.apply(&renamed("newer"));
    stage
        .await_condition("customer/newer", "Stalled", "True/OwnedByAnother")
        .await;
    stage.show(&["delete", "customer/new", "--timeout=60s"]);
    stage
        .await_condition("customer/newer", "Stalled", "True/NameConflict")
        .await;
    let message = stage.message("customer/newer", "Stalled");
    assert!(!message.contains("/new "), "{message}");
}

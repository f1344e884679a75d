//! R-V4, R-V5: clients move to the customer that lists them, once.

use crate::HOLDFAST;
use serde_json::{Value, json};

use super::look::{changes, merge, remote_id, swept};
use holdfast_testkit::{
    console::Console,
    operator::{Stage, customer, embedded_platform, eventually},
};

fn listing(name: &str, clients: &str) -> String {
    let more = format!(", clients: {{admission: Listed, ids: [{clients}]}}");
    customer(name, "msp", &more)
}

/// Id of the customer that a client belongs to.
async fn owner(console: &Console, client: &str) -> Value {
    let clients = console.list("clients").await;
    let found = clients.iter().find(|item| item["id"] == client);
    found.expect("the client is known")["customerId"].clone()
}

/// Waits until a client belongs to a customer.
async fn await_owner(stage: &Stage, console: &Console, client: &str, customer: &str) {
    let id = json!(remote_id(stage, console, customer).await);
    eventually(&format!("{client} is at {customer}"), || async {
        owner(console, client).await == id
    })
    .await;
}

/// Has a customer looked at again.
fn touch(stage: &Stage, customer: &str) {
    let stamp = jiff::Timestamp::now().to_string();
    let asked = json!({"metadata": {"annotations": {"holdfast.dev/reconcile-at": stamp}}});
    merge(stage, customer, &asked);
}

async fn staged(prefix: &str) -> (Stage, Console) {
    let stage = Stage::start(HOLDFAST, prefix).await;
    stage.apply(&embedded_platform("msp"));
    stage.await_ready(&["backupplatform/msp"]).await;
    let console = stage.console("msp");
    (stage, console)
}

// R-V5, R-V4: the id goes from one manifest to the other, in one commit or with the giver's first or last; the client moves
// once each time, and whoever merely drops an id moves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_moves_once_when_its_id_moves_from_one_manifest_to_another() {
    let (stage, console) = staged("clients").await;
    let moves = async || changes(&console, "/v1/clients/pc-17").await.len();
    stage.apply(&[listing("adatum", "pc-17"), listing("bellows", "")].join("---\n"));
    stage
        .await_ready(&["customer/adatum", "customer/bellows"])
        .await;
    await_owner(&stage, &console, "pc-17", "adatum").await;
    assert_eq!(moves().await, 1, "from the default customer");
    swept(&stage).await;

    // In one commit.
    stage.apply(&[listing("adatum", ""), listing("bellows", "pc-17")].join("---\n"));
    await_owner(&stage, &console, "pc-17", "bellows").await;
    stage
        .await_ready(&["customer/adatum", "customer/bellows"])
        .await;
    assert_eq!(moves().await, 2);
    swept(&stage).await;
    eventually("both say whose it is", || async {
        let ids = |name: &str| stage.get(name)["status"]["clients"]["ids"].clone();
        ids("customer/bellows") == json!(["pc-17"])
            && ids("customer/adatum").as_array().is_none_or(Vec::is_empty)
    })
    .await;

    // The one who takes first: the older keeps it until it lets go.
    stage.apply(&listing("adatum", "pc-17"));
    await_owner(&stage, &console, "pc-17", "adatum").await;
    touch(&stage, "bellows");
    stage
        .await_condition("customer/bellows", "Stalled", "True/ClientConflict")
        .await;
    stage.apply(&listing("bellows", ""));
    stage
        .await_ready(&["customer/adatum", "customer/bellows"])
        .await;
    assert_eq!(moves().await, 3);
    swept(&stage).await;

    // The one who gives first: nothing moves until somebody lists it.
    stage.apply(&listing("adatum", ""));
    stage.await_ready(&["customer/adatum"]).await;
    assert_eq!(moves().await, 3, "dropping an id moves nothing");
    stage.apply(&listing("bellows", "pc-17"));
    await_owner(&stage, &console, "pc-17", "bellows").await;

    // And then it stays: neither sweeps nor a restart move it again.
    let mut stage = stage;
    swept(&stage).await;
    stage.kill();
    stage.run().await;
    merge(
        &stage,
        "bellows",
        &json!({"spec": {"profile": {"phone": "1"}}}),
    );
    stage.await_ready(&["customer/bellows"]).await;
    let console = stage.console("msp");
    let moves = changes(&console, "/v1/clients/").await;
    assert_eq!(moves, vec!["PATCH /v1/clients/pc-17"; 4]);
}

// R-V5: of two that list a client the older keeps it, and the other says whose it is and what to do; it gets it when the older
// lets go of it.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_customers_that_list_a_client_the_older_keeps_it_and_the_other_says_so() {
    let (stage, console) = staged("contested").await;
    // Age decides, not the alphabet; it is told in whole seconds.
    stage.apply(&listing("older", "pc-18"));
    stage.await_ready(&["customer/older"]).await;
    let created = stage.get("customer/older")["metadata"]["creationTimestamp"].clone();
    let created: jiff::Timestamp = created
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("an instant");
    eventually("a second has gone by", || async {
        jiff::Timestamp::now().as_second() > created.as_second() + 1
    })
    .await;
    stage.apply(&listing("a-younger", "pc-18, pc-19"));
    stage
        .await_condition("customer/a-younger", "Stalled", "True/ClientConflict")
        .await;
    let message = stage.message("customer/a-younger", "Stalled");
    for word in ["pc-18", "older", "clients.ids"] {
        assert!(message.contains(word), "{word} is missing: {message}");
    }
    assert_eq!(
        stage.condition("customer/older", "Ready"),
        "True/InSync",
        "it isn't the older one's trouble"
    );
    await_owner(&stage, &console, "pc-18", "older").await;
    assert_eq!(
        changes(&console, "/v1/clients/pc-18").await.len(),
        1,
        "nobody pulls at it"
    );

    swept(&stage).await;
    stage.apply(&listing("older", ""));
    stage.await_ready(&["customer/older"]).await;
    touch(&stage, "a-younger");
    await_owner(&stage, &console, "pc-18", "a-younger").await;
    await_owner(&stage, &console, "pc-19", "a-younger").await;
    stage
        .await_ready(&["customer/older", "customer/a-younger"])
        .await;
    assert_eq!(changes(&console, "/v1/clients/pc-18").await.len(), 2);
    assert_eq!(changes(&console, "/v1/clients/pc-19").await.len(), 1);
}

// R-V5, I8: also when no sweep has come by since it moved here.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_just_moved_can_move_on_at_once() {
    let (stage, console) = staged("moving-on").await;
    stage.apply(&[listing("adatum", "pc-17"), listing("bellows", "")].join("---\n"));
    stage
        .await_ready(&["customer/adatum", "customer/bellows"])
        .await;
    await_owner(&stage, &console, "pc-17", "adatum").await;
    stage.apply(&[listing("adatum", ""), listing("bellows", "pc-17")].join("---\n"));
    await_owner(&stage, &console, "pc-17", "bellows").await;
    let moves = changes(&console, "/v1/clients/").await;
    assert_eq!(moves, vec!["PATCH /v1/clients/pc-17"; 2]);
}

// R-V5: who has to give a client up says so as soon as an older one lists it, and who waits for one gets it as soon as the other
// lets go of it, without anybody's help.
#[tokio::test(flavor = "multi_thread")]
async fn customers_that_contest_a_client_notice_each_other_at_once() {
    let (stage, console) = staged("noticing").await;
    stage.apply(
        &embedded_platform("msp")
            .replace("10s", "24h")
            .replace("60s", "24h"),
    );
    stage.apply(&[listing("adatum", ""), listing("bellows", "pc-17")].join("---\n"));
    stage
        .await_ready(&["customer/adatum", "customer/bellows"])
        .await;
    swept(&stage).await;
    stage.apply(&listing("adatum", "pc-17"));
    await_owner(&stage, &console, "pc-17", "adatum").await;
    stage
        .await_condition("customer/bellows", "Stalled", "True/ClientConflict")
        .await;
    swept(&stage).await;
    stage.apply(&listing("adatum", ""));
    await_owner(&stage, &console, "pc-17", "bellows").await;
}

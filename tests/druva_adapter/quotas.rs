//! The same against the embedded platform behind Druva's wire.

use holdfast_api::Kind;
use holdfast_core::estate::{Object, Snapshot};
use holdfast_simulator::DruvaOptions;
use reqwest::Client;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    dialect::Stage,
    estate::{done, update},
    server::Fake,
};

fn limits(object: &Object) -> (Option<u64>, Option<u64>) {
    let limit = |path| object.settings.whole(path);
    (limit("limits.storage"), limit("limits.clients"))
}

/// The route by which all limits are read.
const LIST: &str = "/quota/v1/customers/configurations";

fn takes_limits(observation: &Snapshot) -> bool {
    let takes = ["limits.storage", "limits.clients"]
        .map(|field| observation.capabilities.takes(Kind::Customer, field));
    assert_eq!(takes[0], takes[1]);
    takes[0]
}

fn asked(fake: &Fake) -> usize {
    let seen = fake.seen().into_iter();
    seen.filter(|seen| seen.path == format!("/msp{LIST}"))
        .count()
}

/// A quota that somebody sets at the console of the embedded platform.
async fn set_aside(stage: &Stage, customer: &Object) -> Value {
    let (client, credentials) = (Client::new(), stage.platform.credentials());
    let url = |path: &str| format!("{}/msp/{path}", stage.platform.url().trim_end_matches('/'));
    let answer = client
        .post(url("auth/v1/token"))
        .basic_auth(
            &credentials.client_id,
            Some(credentials.secret_key.expose_secret()),
        )
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    let answer: Value = answer.send().await.unwrap().json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let growing = json!({"productModuleId": 1, "consumptionParameter": "Backend Cloud Storage", "quota": 3.5, "unit": "TB",
        "incrementSettings": {"incrementBy": 1, "frequency": 4, "incrementTill": "2030-01-01T00:00:00Z"}});
    let path = format!(
        "quota/v1/customers/{}/products/1/configurations",
        customer.id
    );
    let set = client
        .put(url(&path))
        .bearer_auth(token)
        .json(&json!({"config": [growing.clone()]}));
    assert_eq!(set.send().await.unwrap().status(), 200);
    growing
}

// R-V3, R-V6: a limit of storage and one of clients, set, changed and taken away.
#[tokio::test]
async fn limits_live_on_the_vendors_wire() {
    let stage = Stage::set().await;
    let customer = stage.customer("Contoso").await;
    let growing = set_aside(&stage, &customer).await;
    let before = stage.relay.writes().len();
    let both = json!({"limits": {"storage": 5_500_000_000_000_u64, "clients": 25}});
    let object = done(update(&stage.druva, Kind::Customer, customer.id.as_str(), both).await);
    let wanted = (Some(5_500_000_000_000), Some(25));
    assert_eq!(limits(&object), wanted);
    assert_eq!(stage.read(Kind::Customer, &customer.id).await, object);
    let observation = stage.observe().await;
    assert!(takes_limits(&observation));
    assert!(observation.objects.contains(&object), "as in the sweep");
    let writes = stage.relay.writes();
    assert_eq!(writes.len(), before + 1);
    assert_eq!(writes[before].body["config"][0], growing);

    let none = json!({"limits": {"storage": null}});
    let object = done(update(&stage.druva, Kind::Customer, customer.id.as_str(), none).await);
    assert_eq!(limits(&object), (None, Some(25)));
    assert_eq!(stage.read(Kind::Customer, &customer.id).await, object);
}

#[tokio::test]
async fn the_vendors_wire_may_have_no_limits() {
    let stage = Stage::set_with(|options: &mut DruvaOptions| options.quota_configurations = false);
    let stage = stage.await;
    for _ in 0..2 {
        assert!(!takes_limits(&stage.observe().await));
    }
    assert_eq!((asked(&stage.relay), stage.relay.tokens()), (1, 1));
}

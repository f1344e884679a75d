//! Automatic deployment: asked about by itself, since no list of customers shows it. R-V4

use holdfast_api::Kind;
use holdfast_core::estate::{Object, ObjectId, Scope};
use holdfast_platforms::{Platform as _, ProblemKind};
use serde_json::{Value, json};

use crate::stage::{Stage, by_id, claim, done, map, problem};

const ADMISSION: &str = "clients.admission";
const READ: &str = "GetAutoDeploymentPartnerState";
const WRITE: &str = "ModifyAutoDeploymentPartnerState";

async fn read(stage: &Stage, id: &ObjectId) -> Object {
    let read = stage.cove.read(Kind::Customer, id).await;
    read.unwrap().unwrap()
}

fn admits(word: &str) -> Value {
    json!({"clients": {"admission": word}})
}

async fn kept(stage: &Stage, id: &ObjectId) -> Value {
    stage.held(id).await["AutoDeploymentState"].clone()
}

// R-V4
#[tokio::test]
async fn automatic_deployment_is_read_with_a_customer_and_switched_by_a_request_of_its_own() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    assert_eq!(stage.count(READ), 0, "nobody has asked");
    // Nobody has chosen: that is none of our words.
    assert_eq!(read(&stage, &made.id).await.settings.get(ADMISSION), None);
    let on = stage.change(&made, admits("Automatic")).await.unwrap();
    assert_eq!(on.settings.text(ADMISSION), Some("Automatic"));
    assert_eq!(kept(&stage, &made.id).await, "Enable");
    let sent = stage.writes();
    let sent = &sent.last().unwrap();
    assert_eq!(sent["method"], WRITE);
    assert_eq!(sent["params"]["autoDeploymentState"], "Enable");
    let off = stage.change(&on, admits("Listed")).await.unwrap();
    assert_eq!(off.settings.text(ADMISSION), Some("Listed"));
    assert_eq!(kept(&stage, &made.id).await, "Disable");
    // What is so already is sent no more.
    let before = stage.count(WRITE);
    stage.change(&off, admits("Listed")).await.unwrap();
    assert_eq!(stage.count(WRITE), before);
    // Cove can't be told that nobody has chosen.
    let refused = problem(stage.change(&off, json!({"clients": null})).await);
    assert_eq!(refused.kind, ProblemKind::Unsupported);
    assert_eq!(stage.count(WRITE), before);
}

// R-V4, R-N7: a sweep shows what is remembered, and asks about no customer by itself.
#[tokio::test]
async fn a_sweep_asks_nobody_and_shows_what_was_answered_before() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    let other = stage.customer("Wingtip", None).await;
    stage.change(&made, admits("Automatic")).await.unwrap();
    let asked = stage.count(READ);
    let swept = stage.observe().await;
    assert_eq!(stage.count(READ), asked);
    let told = |id: &ObjectId| {
        by_id(&swept, id)
            .settings
            .text(ADMISSION)
            .map(str::to_owned)
    };
    assert_eq!(told(&made.id).as_deref(), Some("Automatic"));
    assert_eq!(told(&other.id), None);
    // Another process has asked nobody yet.
    let anew = stage.anew();
    let swept = anew.observe(Scope::default()).await.unwrap();
    assert_eq!(by_id(&swept, &made.id).settings.get(ADMISSION), None);
    let read = anew.read(Kind::Customer, &made.id).await.unwrap().unwrap();
    assert_eq!(read.settings.text(ADMISSION), Some("Automatic"));
    assert!(swept.capabilities.lists_without(Kind::Customer, ADMISSION));
}

// R-V4: the first write after an adoption brings the mark, too.
#[tokio::test]
async fn a_mark_goes_along_with_the_switch() {
    let stage = Stage::set().await;
    let rows = json!([{"Name": "Living", "AutoDeploymentState": "Disable"}]);
    let ids = stage.enter("partners", rows).await;
    let id = ObjectId::new(&ids[0].to_string());
    let mark = claim("Living");
    let patch = map(admits("Automatic"));
    let written = stage
        .cove
        .update(Kind::Customer, &id, None, Some(&mark), patch);
    let written = done(written.await);
    assert_eq!(written.claim, Some(mark));
    assert_eq!(written.settings.text(ADMISSION), Some("Automatic"));
    assert_eq!(kept(&stage, &id).await, "Enable");
}

// R-V4, R-N9: whether the role may ask, and in which words Cove answers, stands against nothing else.
#[tokio::test]
async fn a_state_that_cant_be_read_is_unknown_and_the_customer_is_read_all_the_same() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    stage.change(&made, admits("Automatic")).await.unwrap();
    stage
        .platform
        .set_modes(|modes| modes.refused_methods = vec![READ.to_owned(), WRITE.to_owned()]);
    let told = read(&stage, &made.id).await;
    assert_eq!(
        (told.name.as_str(), told.settings.get(ADMISSION)),
        ("Fabrikam", None)
    );
    let refused = problem(stage.change(&made, admits("Listed")).await);
    assert!(refused.detail.contains("13501"), "{}", refused.detail);
    assert_eq!(kept(&stage, &made.id).await, "Enable");
    // Nor is it asked about what belongs to Cove, or stands above customers.
    stage
        .platform
        .set_modes(|modes| modes.refused_methods = Vec::new());
    let reseller = stage.reseller("Northwind", "Reseller", None).await;
    let asked = stage.count(READ);
    let read = stage.cove.read(Kind::Reseller, &reseller.id).await;
    assert!(read.unwrap().is_some());
    assert_eq!(stage.count(READ), asked);
}

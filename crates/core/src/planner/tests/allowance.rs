//! Where the platform keeps no quotas, Holdfast tells it when backups are allowed; and a part of a customer's record belongs to
//! the resource that refers to that customer.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixtures::{ID, Scene, noon, remote, tenant};
use crate::{
    api::{Kind, conditions::Reason, shared::Product},
    estate::{BACKUPS, Creation, Object},
    planner::Step,
};

/// Object storage on a platform without quotas.
fn storage(quota: Value) -> Scene {
    let mut scene = tenant("fabrikam-storage")
        .with(json!({"product": "ObjectStorage", "servicePlanRef": null, "quota": quota}));
    scene.references.remove("servicePlanRef");
    let capabilities = &mut scene.facts.capabilities;
    capabilities.products = [Product::ObjectStorage].into();
    capabilities
        .creation
        .insert(Kind::Tenant, Creation::OneOfParent);
    let fields = ["customerId", "product", BACKUPS].map(str::to_owned);
    capabilities.fields.insert(Kind::Tenant, fields.into());
    scene
}

fn facet(backups: bool) -> Object {
    let document =
        json!({"customerId": "7", "product": "ObjectStorage", "quota": {"backups": backups}});
    let mut object = remote(Kind::Tenant, ID, &document);
    object.facts.facet = true;
    object
}

fn held(quota: Value, backups: bool) -> Scene {
    let scene = storage(quota).finalized().noting(ID);
    scene.holding(facet(backups))
}

/// What is written about backups, and whether it is called drift.
fn written(scene: &Scene) -> Option<(Value, bool)> {
    match scene.next() {
        Step::Update {
            patch,
            reverting,
            fields,
            ..
        } => {
            assert_eq!(fields, ["quota"]);
            Some((patch["quota"]["backups"].clone(), reverting))
        }
        Step::Settle(settlement) => {
            assert_eq!(settlement.not_acted_on, Vec::<String>::new());
            assert_eq!(settlement.manual_steps, []);
            None
        }
        step => panic!("{step:?}"),
    }
}

// R-D33: by the clock alone, in both directions, and never called drift.
#[test]
fn a_window_allows_backups_while_it_is_open() {
    let window = json!({"effectiveAt": "2026-06-01T11:00:00Z", "endsAt": "2026-06-01T13:00:00Z"});
    let mut scene = held(window, true);
    assert_eq!(written(&scene), None);
    assert_eq!(scene.settlement().again, Some(Duration::from_secs(3600)));
    scene.declared.status = scene.status();
    scene.now = noon() + Duration::from_secs(3600);
    assert_eq!(
        written(&scene),
        Some((false.into(), false)),
        "from its end on"
    );
    scene.now = noon() - Duration::from_secs(3601);
    assert_eq!(
        written(&scene),
        Some((false.into(), false)),
        "before it begins"
    );
    scene.now = noon() - Duration::from_secs(3600);
    assert_eq!(written(&scene), None, "from its beginning on");
}

// R-V7: restores stay allowed, backups end with the credits.
#[test]
fn exhausted_credits_end_backups() {
    assert_eq!(
        written(&held(json!({"credits": 0}), true)),
        Some((false.into(), false))
    );
    let mut some = held(json!({"credits": 5}), true);
    assert_eq!(written(&some), None);
    some.neighbours.used[3] = Some(4_999);
    assert_eq!(written(&some), None);
    some.neighbours.used[3] = Some(5_000);
    assert_eq!(written(&some), Some((false.into(), false)));
    let cleared = held(json!({"credits": ""}), false);
    assert_eq!(written(&cleared), Some((true.into(), false)), "no limit");
}

// R-D33, R-V7: a quota that has ended and is taken out of the spec leaves backups switched off, which nobody would notice.
#[test]
fn a_quota_that_isnt_stated_isnt_managed() {
    let settlement = held(Value::Null, false).settlement();
    let [step] = settlement.manual_steps.as_slice() else {
        panic!("{settlement:?}");
    };
    assert_eq!(step.field, "quota");
    assert!(step.step.contains("credits: \"\""), "{step:?}");
    assert_eq!(written(&held(Value::Null, true)), None);
    // Where the platform keeps quotas itself, nothing of the kind is told to it.
    let mut scene = held(json!({"credits": 0}), true);
    scene.facts.capabilities.fields.clear();
    let Step::Update { patch, .. } = scene.next() else {
        panic!("{:?}", scene.next());
    };
    assert_eq!(Value::Object(patch), json!({"quota": {"credits": 0}}));
}

// R-D30, R-N11: a facet needs no adoption, since its customer is ours already; what another resource holds stays there.
#[test]
fn a_facet_belongs_to_whoever_refers_to_its_customer() {
    let scene = storage(Value::Null).finalized();
    assert!(
        matches!(scene.next(), Step::LookBeside(_)),
        "{:?}",
        scene.next()
    );
    let found = scene.clone().beside(facet(true), None);
    assert!(matches!(found.next(), Step::Mark(_)), "{:?}", found.next());
    let mut whole = facet(true);
    whole.facts.facet = false;
    scene
        .clone()
        .beside(whole, None)
        .stalled(Reason::NameConflict);
    scene
        .beside(facet(true), Some("Tenant backup/other"))
        .stalled(Reason::OwnedByAnother);
}

// R-D30
#[test]
fn a_product_that_the_platform_doesnt_offer_is_refused() {
    let servers = storage(Value::Null)
        .finalized()
        .with(json!({"product": "HybridWorkloads"}));
    let message = servers.stalled(Reason::CapabilityMissing);
    assert!(message.contains("Choose ObjectStorage"), "{message}");
    let elsewhere = tenant("t")
        .unmarked()
        .finalized()
        .with(json!({"product": "ObjectStorage"}));
    elsewhere.stalled(Reason::CapabilityMissing);
    let equipped = storage(Value::Null).finalized();
    let equipped = equipped.with(json!({"workloads": [{"name": "NAS"}]}));
    assert!(equipped.stalled(Reason::InvalidSpec).contains("workloads"));
}

//! Which remote object is taken as ours: by claim, by noted id, by the user's word; never by accident.

use serde_json::json;

use super::fixtures::{ACCOUNT, ID, Scene, customer, merged, mutates, remote, tenant};
use crate::{
    api::{Kind, conditions::Reason, shared::Adopt},
    estate::{Claim, Object, ObjectId},
    planner::{Step, Verdict},
};

fn fabrikam() -> Object {
    let document = json!({"name": "Fabrikam GmbH", "profile": {"phone": "+49 30 5550100"}});
    remote(Kind::Customer, ID, &document)
}

fn claimed_by(claim: &str, mut object: Object) -> Object {
    object.claim = Some(Claim::new(claim));
    object
}

// R-N11, F2, F3, F8
#[test]
fn what_the_look_up_finds_is_taken_back_with_no_write_at_all() {
    let asking = customer("fabrikam").finalized();
    assert_eq!(asking.next(), Step::LookUp(asking.claim()));

    let found = asking.holding(fabrikam());
    let Step::Mark(marks) = found.next() else {
        panic!("the id isn't noted: {:?}", found.next());
    };
    assert_eq!(marks.external_id, Some(format!("{ACCOUNT}/{ID}")));

    let mut noted = found.noting(ID);
    noted.declared.marks = marks;
    assert_eq!(noted.settlement().verdict, Verdict::InSync);
}

#[test]
fn the_claim_counts_more_than_the_noted_id() {
    let scene = customer("fabrikam")
        .finalized()
        .noting("old")
        .holding(fabrikam());
    assert!(
        matches!(scene.next(), Step::Mark(marks) if marks.external_id == Some(format!("{ACCOUNT}/{ID}")))
    );
}

// F7, F17
#[test]
fn a_noted_id_of_another_account_is_not_believed() {
    let scene = customer("fabrikam")
        .finalized()
        .noting_in("another", ID)
        .knowing(fabrikam(), None);
    assert_eq!(scene.next(), Step::LookUp(scene.claim()));
}

#[test]
fn a_noted_object_without_any_mark_is_ours() {
    let scene = customer("fabrikam")
        .finalized()
        .noting(ID)
        .knowing(fabrikam(), None);
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
}

// F7, F14
#[test]
fn a_noted_id_that_the_inventory_lacks_is_asked_for_by_id() {
    let scene = customer("fabrikam").finalized().noting(ID);
    assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)));
}

// F19
#[test]
fn a_vanished_object_is_not_made_anew_unasked() {
    let scene = customer("fabrikam").finalized().noting(ID).gone(ID);
    let message = scene.stalled(Reason::VanishedOnPlatform);
    assert!(message.contains("holdfast.dev/recreate=1042"), "{message}");
    let told = scene.unclaimed();
    told.stalled(Reason::VanishedOnPlatform);
}

// F19, I1
#[test]
fn the_recreate_annotation_lets_a_vanished_object_be_made_anew_and_only_that_one() {
    let mut scene = customer("fabrikam").finalized().noting(ID).gone(ID);
    scene.declared.recreate = Some(ID.into());
    assert_eq!(
        scene.next(),
        Step::LookUp(scene.claim()),
        "the platform is asked before"
    );
    assert!(matches!(
        scene.clone().unclaimed().next(),
        Step::Create { .. }
    ));

    scene.declared.recreate = Some("77".into());
    scene.unclaimed().stalled(Reason::VanishedOnPlatform);
}

// F3, F8: `kubectl replace` drops the annotation.
#[test]
fn the_id_in_status_alone_holds_back_and_takes_nothing() {
    let mut scene = customer("fabrikam").applied();
    scene.remote.claimed = None;
    (scene.declared.annotated, scene.declared.marks.external_id) = (None, None);
    assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)));
    scene.clone().gone(ID).stalled(Reason::VanishedOnPlatform);

    let unmarked = scene.clone().read_afresh();
    let message = unmarked.stalled(Reason::NameConflict);
    assert!(message.contains("externalId: \"1042\""), "{message}");
    unmarked.clone().unclaimed().stalled(Reason::NameConflict);
    let matching = unmarked
        .with(json!({"adopt": "Matching"}))
        .unclaimed()
        .beside(fabrikam(), None);
    assert!(matches!(matching.next(), Step::Mark(_)));

    let marked = scene.holding(fabrikam());
    assert!(matches!(marked.next(), Step::Mark(_)));
}

#[test]
fn a_remote_object_of_our_name_that_is_not_ours_is_a_conflict() {
    for namesake in [fabrikam(), claimed_by("hf-somebody", fabrikam())] {
        let scene = customer("fabrikam")
            .finalized()
            .unclaimed()
            .beside(namesake, None);
        let message = scene.stalled(Reason::NameConflict);
        assert!(message.contains("adopt: ById"), "{message}");
        assert!(message.contains("\"1042\""), "{message}");
    }
}

#[test]
fn a_remote_object_that_another_resource_holds_is_left_to_it() {
    let holder = Some("Customer backup/older");
    let by_name = customer("fabrikam")
        .finalized()
        .unclaimed()
        .beside(fabrikam(), holder);
    let by_note = customer("fabrikam")
        .finalized()
        .noting(ID)
        .knowing(fabrikam(), holder);
    let by_word = customer("fabrikam")
        .with(json!({"adopt": "ById", "externalId": ID}))
        .finalized()
        .knowing(fabrikam(), holder);
    for scene in [by_name, by_note, by_word] {
        let message = scene.stalled(Reason::OwnedByAnother);
        assert!(message.contains("Customer backup/older"), "{message}");
    }
}

#[test]
fn a_noted_object_with_a_foreign_mark_is_left_alone_until_the_user_says_otherwise() {
    let marked = claimed_by("hf-somebody", fabrikam());
    let scene = customer("fabrikam")
        .finalized()
        .noting(ID)
        .knowing(marked, None);
    assert!(
        scene
            .stalled(Reason::OwnedByAnother)
            .contains("adopt: ById")
    );
    let told = scene.with(json!({"adopt": "ById", "externalId": ID}));
    assert_eq!(told.settlement().verdict, Verdict::InSync);
}

fn matching() -> Scene {
    customer("fabrikam")
        .with(json!({"adopt": "Matching"}))
        .finalized()
        .unclaimed()
}

// R-N4
#[test]
fn matching_takes_an_unclaimed_namesake_in_which_nothing_managed_differs() {
    let scene = matching().beside(fabrikam(), None);
    assert!(matches!(scene.next(), Step::Mark(_)));
    let richer = merged(
        json!({"name": "Fabrikam GmbH", "profile": {"phone": "+49 30 5550100"}}),
        &json!({"profile": {"fax": "unmanaged"}, "limits": {"clients": 5}}),
    );
    let scene = matching().beside(remote(Kind::Customer, ID, &richer), None);
    assert!(matches!(scene.next(), Step::Mark(_)));
}

// R-N4
#[test]
fn matching_of_the_platform_counts_for_resources_that_say_nothing() {
    let mut scene = customer("fabrikam")
        .finalized()
        .unclaimed()
        .beside(fabrikam(), None);
    scene.facts.adopt = Adopt::Matching;
    assert!(matches!(scene.next(), Step::Mark(_)));
    scene
        .with(json!({"adopt": "Claimed"}))
        .stalled(Reason::NameConflict);
}

#[test]
fn matching_takes_nothing_that_differs_is_claimed_or_is_one_of_two() {
    let other_phone = remote(
        Kind::Customer,
        ID,
        &json!({"name": "Fabrikam GmbH", "profile": {"phone": "other"}}),
    );
    let message = matching()
        .beside(other_phone, None)
        .stalled(Reason::NameConflict);
    assert!(message.contains("profile.phone"), "{message}");
    matching()
        .beside(claimed_by("hf-somebody", fabrikam()), None)
        .stalled(Reason::NameConflict);
    let mut second = fabrikam();
    second.id = ObjectId::new("2");
    matching()
        .beside(fabrikam(), None)
        .beside(second, None)
        .stalled(Reason::NameConflict);
}

#[test]
fn matching_takes_nothing_under_another_parent() {
    let document =
        json!({"name": "Fabrikam GmbH", "profile": {"phone": "+49 30 5550100"}, "resellerId": "5"});
    let elsewhere = remote(Kind::Customer, ID, &document);
    let message = matching()
        .beside(elsewhere, None)
        .stalled(Reason::NameConflict);
    assert!(message.contains("resellerRef"), "{message}");
}

// R-N4
#[test]
fn by_id_takes_the_named_object_and_writes_only_what_differs() {
    let scene = customer("fabrikam")
        .with(json!({"adopt": "ById", "externalId": ID}))
        .finalized();
    assert_eq!(scene.next(), Step::Read(ObjectId::new(ID)));

    let same = scene.clone().knowing(fabrikam(), None);
    assert!(matches!(same.next(), Step::Mark(_)));
    assert_eq!(same.noting(ID).settlement().verdict, Verdict::InSync);

    let other = remote(
        Kind::Customer,
        ID,
        &json!({"name": "Fabrikam GmbH", "profile": {"phone": "other", "fax": "kept"}}),
    );
    let Step::Update { patch, .. } = scene.clone().knowing(other, None).noting(ID).next() else {
        panic!("what differs isn't written");
    };
    assert_eq!(
        serde_json::Value::Object(patch),
        json!({"profile": {"phone": "+49 30 5550100"}})
    );

    let wrong = scene.gone(ID);
    assert!(!mutates(&wrong.next()));
    assert!(wrong.stalled(Reason::NotFoundById).contains("externalId"));
}

// R-D11
#[test]
fn a_sandbox_tenant_can_be_adopted_by_id() {
    let document =
        json!({"customerId": "7", "planId": "3", "product": "HybridWorkloads", "type": "Sandbox"});
    let scene = tenant("sandbox")
        .with(json!({"type": "Sandbox", "adopt": "ById", "externalId": ID}))
        .finalized()
        .noting(ID)
        .knowing(remote(Kind::Tenant, ID, &document), None);
    assert_eq!(scene.settlement().verdict, Verdict::InSync);
}

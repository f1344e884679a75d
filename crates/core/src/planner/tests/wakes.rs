//! Which other resources are reconciled because of a pass.

use serde_json::json;

use super::fixtures::{ID, Scene, customer, noon, reseller};
use crate::{
    api::{
        Kind,
        shared::{Change, ChangeOutcome, ChangeStep},
    },
    estate::ObjectId,
    planner::{Step, Wake, wakes_of_settlement, wakes_of_step},
};

fn after(mut scene: Scene, step: ChangeStep, fields: &[&str]) -> Vec<Wake> {
    let wakes = |scene: &Scene| wakes_of_settlement(&scene.view(), &scene.settlement(), false);
    let idle = wakes(&scene);
    assert!(
        !idle
            .iter()
            .any(|wake| matches!(wake, Wake::Above(..) | Wake::Waiting))
    );
    scene.progress.performed.push(Change {
        at: noon(),
        step,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        outcome: ChangeOutcome::Done,
    });
    let mut achieved = scene.settlement();
    achieved.verdict = crate::planner::Verdict::InSync;
    wakes_of_settlement(&scene.view(), &achieved, false)
}

fn above(kind: Kind) -> Wake {
    Wake::Above(kind, ObjectId::new(ID))
}

// R-S4: a creation gives up nothing that another may wait for; a rename does.
#[test]
fn only_what_gives_up_a_name_wakes_those_that_wait_for_one() {
    let fabrikam = || customer("fabrikam").applied();
    assert_eq!(
        after(fabrikam(), ChangeStep::Create, &["displayName"]),
        [above(Kind::Customer)]
    );
    assert_eq!(
        after(fabrikam(), ChangeStep::Update, &["profile.phone"]),
        [above(Kind::Customer)]
    );
    assert_eq!(
        after(fabrikam(), ChangeStep::Update, &["displayName"]),
        [above(Kind::Customer), Wake::Waiting]
    );
    assert_eq!(
        after(fabrikam(), ChangeStep::MoveClient, &["clients.ids[pc-17]"]),
        [above(Kind::Customer), Wake::Waiting]
    );
}

// R-V9, R-V20
#[test]
fn what_a_reseller_gets_is_told_to_those_below_it() {
    let northwind = || reseller("northwind").applied();
    let wakes = after(northwind(), ChangeStep::Update, &["allotment.storage"]);
    assert_eq!(wakes, [above(Kind::Reseller), Wake::Referrers]);
    let scene = northwind();
    let wakes = wakes_of_settlement(&scene.view(), &scene.settlement(), true);
    assert_eq!(wakes, [Wake::Referrers]);
}

// R-V5
#[test]
fn clients_that_are_listed_and_were_not_read_call_for_a_sweep() {
    let scene =
        customer("fabrikam").with(json!({"clients": {"admission": "Listed", "ids": ["pc-17"]}}));
    let scene = scene.applied();
    let wakes = wakes_of_settlement(&scene.view(), &scene.settlement(), false);
    assert_eq!(wakes, [Wake::Sweep]);
}

#[test]
fn an_update_may_leave_what_the_object_hangs_under() {
    let edited = customer("fabrikam")
        .applied()
        .edited(json!({"profile": {"phone": "2"}}));
    let step = edited.read_afresh().next();
    assert!(matches!(step, Step::Update { .. }), "{step:?}");
    assert_eq!(
        wakes_of_step(Kind::Customer, &step),
        Some(above(Kind::Customer))
    );
    assert_eq!(wakes_of_step(Kind::Customer, &Step::Finalize), None);
}

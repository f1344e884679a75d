//! Platforms that keep values in their own form, and another writer that reverts values after each write.

use proptest::prelude::*;
use serde_json::json;

use super::{
    platform::Form,
    world::{End, World},
};
use crate::{
    api::{ConditionType, conditions::Reason},
    planner::{Verdict, tests::fixtures::customer},
};

const FIELDS: [&[&str]; 4] = [&["phone"], &["fax", "phone"], &["notes"], &[]];

fn form() -> impl Strategy<Value = Form> {
    let fields = prop::sample::select(FIELDS.to_vec());
    (fields, any::<bool>()).prop_map(|(fields, reads_only)| {
        if reads_only {
            Form::OwnInReads(fields)
        } else {
            Form::Own(fields)
        }
    })
}

fn world() -> World {
    let profile = json!({"phone": "49", "fax": "50", "notes": "51"});
    World::new(customer("fabrikam").with(json!({"profile": profile})))
}

fn is_told(world: &World) -> bool {
    let conditions = &world.declared().status.conditions;
    let told = ConditionType::DriftReturns.as_str();
    conditions.iter().any(|condition| condition.type_ == told)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    // R-D5, I4, F18: nothing depends on our knowing how a platform writes a value.
    #[test]
    fn a_platform_with_a_form_of_its_own_gets_few_writes_and_then_none(form in form()) {
        let mut world = world();
        world.platform.form = form;
        let end = world.come_to_rest();
        let (Form::Own(fields) | Form::OwnInReads(fields)) = form else {
            return Ok(());
        };
        prop_assert!(world.platform.log.len() <= 4, "{:?}", world.platform.log);
        prop_assert_eq!(world.declared().status.observed_generation, Some(1));
        if fields.is_empty() {
            prop_assert_eq!(end, End::Settled(Verdict::InSync));
            return Ok(());
        }
        let End::Settled(Verdict::Stalled(Reason::ValueNotKept, said)) = end else {
            return Err(TestCaseError::fail(format!("not told: {end:?}")));
        };
        for field in fields {
            prop_assert!(said.contains(&format!("profile.{field}")), "{said}");
        }
        // Everything else is written all the same, and just once.
        let before = world.platform.log.len();
        world.edit(&json!({"profile": {"email": "office@fabrikam.example"}}));
        world.come_to_rest();
        prop_assert_eq!(world.platform.log.len(), before + 1);
        let (_, document) = &world.platform.documents()[0];
        prop_assert_eq!(&document["profile"]["email"], "office@fabrikam.example");
        // As the platform keeps it.
        world.edit(&json!({"profile": {"phone": "0049", "fax": "0050", "notes": "0051"}}));
        prop_assert_eq!(world.come_to_rest(), End::Settled(Verdict::InSync));
        prop_assert!(world.declared().status.unkept.is_empty());
    }
}

// R-D5, I4: two clusters with the same YAML, of which one had an edit.
#[test]
fn a_value_that_somebody_sets_back_at_once_is_corrected_ever_more_seldom() {
    let mut world = world();
    world.come_to_rest();
    let mut corrections = Vec::new();
    for minute in 0..24 * 60 {
        world.scene.now += std::time::Duration::from_secs(50);
        world
            .platform
            .change_by_hand(&json!({"profile": {"phone": "of another"}}));
        world.whole_sweep();
        let before = world.platform.log.len();
        world.pass();
        if world.platform.log.len() > before {
            corrections.push(minute);
        }
    }
    assert!(is_told(&world));
    assert_eq!(corrections[..4], [0, 1, 2, 3]);
    assert!(corrections.len() < 20, "{corrections:?}");
    let last = corrections[corrections.len() - 1] - corrections[corrections.len() - 2];
    assert!((240..250).contains(&last), "{corrections:?}");
    // Left alone for a day, it is forgotten.
    world.come_to_rest();
    world.scene.now += std::time::Duration::from_secs(25 * 3600);
    world.come_to_rest();
    assert!(!is_told(&world));
    assert!(world.declared().status.drift_returns.is_empty());
}

//! Where the data of a customer is kept.

use serde_json::json;

use super::fixtures::{Scene, customer, mutates, remote, reseller};
use crate::{
    api::{Kind, conditions::Reason},
    planner::Step,
};

/// A customer that was just made, in `held`, after `country` had been asked for.
fn answered(country: &str, held: &str) -> Scene {
    let document = json!({"name": "Fabrikam GmbH", "country": country, "storageLocation": held});
    let mut object = remote(Kind::Customer, "1042", &document);
    let scene = customer("fabrikam").with(json!({"country": country}));
    object.created_at = Some(scene.declared.created_at);
    scene.finalized().holding(object)
}

// R-S2
#[test]
fn another_location_than_was_asked_for_ends_everything_until_somebody_acts() {
    let scene = answered("DE", "ch-1");
    let text = scene.stalled(Reason::LocationMismatch);
    for part in ["storageLocation: ", "\"de-1\"", "\"ch-1\"", "DE"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert_eq!(scene.settlement().rule, Some("location-answered"));
    let edited = scene.clone().with(json!({"profile": {"phone": "1"}}));
    edited.stalled(Reason::LocationMismatch);
    let accepted = scene.with(json!({"storageLocation": "ch-1"}));
    assert!(matches!(accepted.next(), Step::Mark(_)), "accepted by name");
}

// R-S2: what a reseller's country leads to is read back, too.
#[test]
fn a_reseller_in_another_location_than_its_countrys_is_told() {
    let made = |held: &str| {
        let document = json!({"name": "Northwind IT", "country": "DE", "storageLocation": held});
        let mut object = remote(Kind::Reseller, "54", &document);
        let scene = reseller("northwind").with(json!({"country": "DE"}));
        object.created_at = Some(scene.declared.created_at);
        scene.finalized().holding(object)
    };
    let text = made("ch-1").stalled(Reason::LocationMismatch);
    assert!(
        text.contains("the reseller was requested in \"de-1\""),
        "{text}"
    );
    assert!(matches!(made("de-1").next(), Step::Mark(_)));
}

// R-S2
#[test]
fn the_location_that_was_asked_for_or_another_of_the_country_is_gone_on_with() {
    assert!(matches!(answered("DE", "de-1").next(), Step::Mark(_)));
    assert!(matches!(answered("FR", "ch-1").next(), Step::Mark(_)));
    let mut scene = answered("CH", "ch-2");
    let mut second = scene.facts.locations[1].clone();
    second.id = "ch-2".into();
    scene.facts.locations.push(second);
    assert!(matches!(scene.next(), Step::Mark(_)));
}

// R-S2
#[test]
fn a_later_change_of_country_moves_nothing_and_is_no_mismatch() {
    let moved = customer("fabrikam")
        .with(json!({"country": "DE"}))
        .applied()
        .edited(json!({"country": "CH"}));
    assert!(
        mutates(&moved.next()),
        "the country is told to the platform"
    );
    // Found again after a re-install: the object is older than the resource, and may have been made in another country.
    let mut found = answered("DE", "ch-1");
    found = found.where_object(|object| {
        object.created_at = object
            .created_at
            .map(|at| at - std::time::Duration::from_secs(1));
    });
    assert!(matches!(found.next(), Step::Mark(_)));
}

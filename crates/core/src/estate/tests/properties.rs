//! For any spec and any state of the platform: one patch makes them agree and loses nothing that isn't managed.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{differing, patch, patched, settings};
use crate::{
    api::Kind,
    estate::{
        Shape, fields,
        settings::{insert, is_empty},
    },
};

/// Any value of a shape; `None` leaves the field out.
fn value(shape: Shape) -> BoxedStrategy<Option<Value>> {
    let text = || prop_oneof![Just(String::new()), "[a-cA-C]{1,2}"];
    let amount = prop_oneof![
        (0..5u64).prop_map(|n| json!(n)),
        Just(json!("")),
        Just(json!("2Ki"))
    ];
    let key = "[a-bA-B]";
    let some: BoxedStrategy<Value> = match shape {
        Shape::Text | Shape::CaselessText => text().prop_map(Value::from).boxed(),
        Shape::Flag => any::<bool>().prop_map(Value::from).boxed(),
        Shape::Count => prop_oneof![(0..5u64).prop_map(|n| json!(n)), Just(json!(""))].boxed(),
        Shape::Bytes | Shape::Rate => amount
            .prop_map(move |amount| {
                if shape == Shape::Rate && amount == "2Ki" {
                    json!("2k")
                } else {
                    amount
                }
            })
            .boxed(),
        Shape::Credits => prop_oneof![
            (0..5000i32).prop_map(|n| json!(f64::from(n) / 1000.0)),
            Just(json!("1.5"))
        ]
        .boxed(),
        Shape::Instant => prop_oneof![
            Just(json!("")),
            (0..3).prop_map(|day| json!(format!("2026-12-0{}T00:00:00.4+01:00", day + 1)))
        ]
        .boxed(),
        Shape::Set | Shape::GrowingSet => prop::collection::btree_set("[a-c]", 0..3)
            .prop_map(|texts| texts.into_iter().collect())
            .boxed(),
        Shape::Keyed(member) | Shape::GrowingKeyed(member) => {
            let entry = (key, prop::option::of(text()), prop::option::of(0..3u8));
            prop::collection::vec(entry, 0..3)
                .prop_map(move |entries| {
                    let mut seen = std::collections::BTreeSet::new();
                    let fresh = |key: &String| seen.insert(key.to_lowercase());
                    let mut fresh = fresh;
                    let kept = entries.into_iter().filter(|(key, ..)| fresh(key));
                    kept.map(
                        |(key, name, seats)| json!({member: key, "text": name, "seats": seats}),
                    )
                    .collect()
                })
                .boxed()
        }
    };
    prop_oneof![2 => Just(None), 3 => some.prop_map(Some)].boxed()
}

/// Any document of a kind.
fn document(kind: Kind) -> impl Strategy<Value = Value> {
    let values: Vec<_> = fields(kind)
        .iter()
        .map(|field| value(field.shape))
        .collect();
    values.prop_map(move |values| {
        let mut document = Map::new();
        for (field, value) in fields(kind).iter().zip(values) {
            if let Some(value) = value {
                insert(&mut document, field.path, value);
            }
        }
        Value::Object(document)
    })
}

fn kind_with_documents() -> impl Strategy<Value = (Kind, Value, Value)> {
    prop::sample::select(Kind::ALL.to_vec())
        .prop_flat_map(|kind| (Just(kind), document(kind), document(kind)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    // I4, R-D5
    #[test]
    fn one_patch_makes_them_agree((kind, desired, observed) in kind_with_documents()) {
        let after = patched(kind, &desired, &observed);
        prop_assert_eq!(differing(kind, &desired, &after), []);
        prop_assert_eq!(patch(kind, &desired, &after), json!({}));
    }

    // I2
    #[test]
    fn what_is_not_managed_stays((kind, desired, observed) in kind_with_documents()) {
        let managed = settings(kind, &desired);
        let before = settings(kind, &observed);
        let after = settings(kind, &patched(kind, &desired, &observed));
        for (path, held) in before.iter().filter(|(path, _)| managed.get(path).is_none()) {
            if !is_empty(held) {
                prop_assert_eq!(after.get(path), Some(held), "{}", path);
            }
        }
    }

    // I4: what a creation sends is what a comparison finds.
    #[test]
    fn a_creation_leaves_nothing_to_change((kind, desired, _) in kind_with_documents()) {
        let created = Value::Object(settings(kind, &desired).to_document());
        prop_assert_eq!(differing(kind, &desired, &created), []);
    }

    #[test]
    fn reading_a_document_twice_changes_nothing((kind, desired, _) in kind_with_documents()) {
        let once = settings(kind, &desired);
        let document = Value::Object(once.to_document());
        let cleared = once.iter().filter(|(_, value)| is_empty(value)).count();
        let twice = settings(kind, &document);
        prop_assert_eq!(twice.iter().count() + cleared, once.iter().count());
        for (path, value) in twice.iter() {
            prop_assert_eq!(once.get(path), Some(value));
        }
    }
}

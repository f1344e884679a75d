//! A month in parts, as it is kept.

use std::collections::{BTreeMap, BTreeSet};

use super::{GIB, figure, note, october, over};
use crate::{
    api::plan::BillingUnit,
    invoice::{Figure, Month, State, join, lines, shards},
};

/// The parts of a month of which all are there.
pub fn text(month: &Month) -> BTreeMap<u8, String> {
    let there = shards::text(month, &BTreeSet::new());
    shards::text(month, &there.into_keys().collect())
}

// R-N15: the operator ended between a new part and the others: nothing was lost, and nothing is said to be.
#[test]
fn a_part_that_was_never_written_is_none_that_is_lost() {
    let mut month = october();
    let of = |name: &str| Figure {
        customer: name.to_owned(),
        ..figure(BillingUnit::Seat, Some(1))
    };
    note(&mut month, 1, &[of("backup/contoso")]);
    let stored = text(&month);
    note(
        &mut month,
        2,
        &["backup/contoso", "backup/fabrikam", "backup/trey"].map(of),
    );
    let there = stored.keys().copied().collect();
    let mut new = shards::text(&month, &there);
    new.retain(|number, _| !stored.contains_key(number));
    assert!(new.len() > 1, "{:?}", new.keys());
    let mut written = stored;
    for (number, text) in new {
        written.insert(number, text);
        let joined = join(&written).expect("readable").expect("a month");
        assert!(!joined.lost, "after part {number}");
    }
}

// R-N15: nothing is computed again: a part that is lost is noticed, and said for ever.
#[test]
fn a_month_that_lacks_a_part_is_incomplete() {
    let mut month = october();
    for day in 1..=31 {
        let of = |name: &str| Figure {
            customer: name.to_owned(),
            ..figure(BillingUnit::Seat, Some(1))
        };
        note(
            &mut month,
            day,
            &["backup/contoso", "backup/fabrikam", "backup/trey"].map(of),
        );
    }
    month.freeze(&[]);
    let mut parts = text(&month);
    assert!(parts.len() > 1, "{:?}", parts.keys());
    assert_eq!(join(&parts), Ok(Some(month.clone())));
    assert!(lines(&month).iter().all(|line| line.state == State::Final));
    parts.pop_first();
    let joined = join(&parts).expect("readable").expect("a month");
    assert!(joined.lost);
    assert!(
        lines(&joined)
            .iter()
            .all(|line| line.state == State::Incomplete)
    );
    let again = join(&text(&joined)).expect("readable").expect("a month");
    assert!(again.lost, "also when it is written again");
}

// R-N15: what is written is read by later versions, and gives the same lines: these bytes never change.
#[test]
fn the_kept_form_stays_as_it_is() {
    let month = over(BillingUnit::GiBMonth, &[(1, GIB)]);
    let kept = r#"{"version":1,"shards":[9],"month":{"platform":"backup/msp","month":"2026-10","frozen":true,"lost":false,"seen":[1],"customers":{"backup/fabrikam":{"reference":"CWM:4711","counted":[{"tenant":"fabrikam-hybrid","reseller":"northwind","sku":"HF-GOLD","unit":"GiBMonth","included":5,"days":{"1":1073741824}}]}}}}"#;
    assert_eq!(text(&month).into_values().collect::<Vec<_>>(), [kept]);
    let later = kept.replace("\"version\":1", "\"version\":2");
    let refused = join(&BTreeMap::from([(9, later)])).expect_err("another version");
    assert!(refused.1.to_string().contains("version 2"), "{}", refused.1);
}

// R-N15: an object of the cluster holds 1 MiB at most.
#[test]
fn five_thousand_customers_stay_below_a_quarter_of_a_mebibyte_a_part() {
    let mut month = october();
    for day in 1..=31 {
        let figures: Vec<Figure> = (0..5000)
            .map(|number| Figure {
                customer: format!("customers-of-northwind/customer-number-{number:04}"),
                tenant: Some(format!("customer-number-{number:04}-hybrid")),
                object: Some(format!("7c9e6679-7425-40de-944b-e07fc1f9{number:04}")),
                ..figure(BillingUnit::GiBMonth, Some(123_456_789_012_345 + number))
            })
            .collect();
        note(&mut month, day, &figures);
    }
    let largest = text(&month).into_values().map(|text| text.len()).max();
    assert!(largest < Some(256 << 10), "{largest:?}");
}

//! Days and lines of a month.

mod kept;
mod sure;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Day, Figure, Final, Line, Month, State, join, lines};

use crate::api::plan::BillingUnit;
use kept::text;

const GIB: u64 = 1 << 30;

fn figure(unit: BillingUnit, quantity: Option<u64>) -> Figure {
    Figure {
        customer: "backup/fabrikam".into(),
        reference: Some("CWM:4711".into()),
        tenant: Some("fabrikam-hybrid".into()),
        object: None,
        reseller: Some("northwind".into()),
        sku: "HF-GOLD".into(),
        unit,
        included: 5,
        quantity,
    }
}

fn october() -> Month {
    Month::new("backup/msp", "2026-10")
}

/// A month of these days, over.
fn over(unit: BillingUnit, days: &[(u8, u64)]) -> Month {
    let mut month = october();
    for (day, quantity) in days {
        note(&mut month, *day, &[figure(unit, Some(*quantity))]);
    }
    month.freeze(&[]);
    month
}

fn note(month: &mut Month, day: u8, figures: &[Figure]) {
    month.note(day, figures, &BTreeSet::new());
}

fn only(month: &Month) -> Line {
    let mut lines = lines(month);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines.remove(0)
}

// R-N15
#[test]
fn storage_is_the_mean_of_the_days_that_were_seen_rounded_half_up() {
    let line = only(&over(
        BillingUnit::GiBMonth,
        &[(1, 10 * GIB), (2, 20 * GIB)],
    ));
    assert_eq!(
        (line.quantity, line.included, line.to_bill),
        (15_000, 5_000, 10_000)
    );
    assert_eq!((line.days, line.state), (2, State::Incomplete));
    assert_eq!(line.missing, (3..=31).collect::<Vec<u8>>());
    // Exactly half a hundredth: up. One byte less: down.
    let half = GIB / 200;
    assert_eq!(GIB % 200, 24, "so that the half lies between two bytes");
    let of = |bytes| only(&over(BillingUnit::GiBMonth, &[(1, bytes)])).quantity;
    assert_eq!((of(half), of(half + 1)), (0, 10));
    let even = only(&over(BillingUnit::GiBMonth, &[(1, GIB / 8), (2, 0)])).quantity;
    assert_eq!(even, 60, "0.0625 GiB");
    let exact = only(&over(
        BillingUnit::GiBMonth,
        &[(1, GIB / 4 + GIB / 8), (2, 0), (3, 0), (4, 0), (5, 0)],
    ))
    .quantity;
    assert_eq!(
        exact, 80,
        "0.075 GiB is exactly half between two hundredths"
    );
}

// R-N15
#[test]
fn credits_are_added_up_and_seats_and_clients_count_on_the_highest_day() {
    // So far in the month: what it says falls when the platform corrects itself, and nothing is counted twice.
    let month = over(
        BillingUnit::Credit,
        &[(1, 1_500), (2, 4_000), (3, 3_000), (4, 7_250)],
    );
    let line = only(&month);
    assert_eq!((line.quantity, line.to_bill), (7_250, 2_250));
    for unit in [BillingUnit::Seat, BillingUnit::Client] {
        let line = only(&over(unit, &[(1, 3), (2, 9), (3, 4)]));
        assert_eq!((line.quantity, line.to_bill), (9_000, 4_000));
    }
}

// R-N15
#[test]
fn what_the_platform_says_of_credits_afterwards_completes_the_month_once() {
    let mut month = october();
    note(&mut month, 30, &[figure(BillingUnit::Credit, Some(2_000))]);
    let last = Final {
        customer: "backup/fabrikam".into(),
        tenant: Some("fabrikam-hybrid".into()),
        object: None,
        milli: 2_750,
    };
    month.freeze(std::slice::from_ref(&last));
    assert_eq!(only(&month).quantity, 2_750);
    month.freeze(&[Final {
        milli: 9_000,
        ..last
    }]);
    assert_eq!(only(&month).quantity, 2_750);
}

// R-N15: the day stays with what it was seen under first; the mean is over all days that were seen.
#[test]
fn another_plan_or_reseller_begins_another_line() {
    let mut month = october();
    let gold = figure(BillingUnit::GiBMonth, Some(30 * GIB));
    note(&mut month, 1, std::slice::from_ref(&gold));
    let moved = Figure {
        reseller: None,
        sku: "HF-SILVER".into(),
        ..gold.clone()
    };
    note(&mut month, 1, std::slice::from_ref(&moved));
    note(&mut month, 2, std::slice::from_ref(&moved));
    note(&mut month, 3, &[moved]);
    let lines = lines(&month);
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line.reseller.as_deref(),
                line.sku.as_str(),
                line.quantity,
                line.days,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (None, "HF-SILVER", 20_000, 2),
            (Some("northwind"), "HF-GOLD", 10_000, 1)
        ]
    );
    assert!(
        lines
            .iter()
            .all(|line| line.state == State::Open && line.missing.is_empty())
    );
}

// R-N15
#[test]
fn a_day_without_a_figure_is_missing_and_not_zero() {
    let mut month = october();
    note(&mut month, 1, &[figure(BillingUnit::GiBMonth, Some(GIB))]);
    note(&mut month, 2, &[figure(BillingUnit::GiBMonth, None)]);
    let line = only(&month);
    assert_eq!((line.quantity, line.missing), (1_000, Vec::new()));
    note(&mut month, 3, &[figure(BillingUnit::GiBMonth, Some(GIB))]);
    assert_eq!(only(&month).missing, [2]);
    // Later on the same day it is known.
    note(
        &mut month,
        2,
        &[figure(BillingUnit::GiBMonth, Some(4 * GIB))],
    );
    assert_eq!(
        (only(&month).quantity, only(&month).missing),
        (2_000, Vec::new())
    );
}

// R-N15: one tenant without figures makes the others' neither more nor less; it is said that days are missing.
#[test]
fn a_tenant_of_which_nothing_is_known_changes_nothing_for_the_others() {
    let known = figure(BillingUnit::GiBMonth, Some(100 * GIB));
    let other = |sku: &str, quantity| Figure {
        tenant: Some("fabrikam-saas".into()),
        sku: sku.to_owned(),
        quantity,
        ..known.clone()
    };
    for sku in ["HF-SAAS", &known.sku] {
        let mut month = october();
        for day in 1..=31 {
            note(&mut month, day, &[known.clone(), other(sku, None)]);
        }
        month.freeze(&[]);
        let line = only(&month);
        assert_eq!((line.quantity, line.days), (100_000, 31), "{sku}");
        assert_eq!((line.missing.len(), line.state), (31, State::Incomplete));
    }
    // Where both count alike, a day is sure when both are known.
    let mut month = october();
    note(&mut month, 1, &[known.clone(), other(&known.sku, None)]);
    note(
        &mut month,
        2,
        &[known.clone(), other(&known.sku, Some(50 * GIB))],
    );
    assert_eq!(only(&month).quantity, 150_000);
}

// R-N15
#[test]
fn two_tenants_on_a_plan_are_one_line() {
    let mut month = october();
    let one = figure(BillingUnit::Seat, Some(7));
    let other = Figure {
        tenant: Some("fabrikam-saas".into()),
        quantity: Some(4),
        ..one.clone()
    };
    note(&mut month, 1, &[one, other]);
    assert_eq!(only(&month).quantity, 11_000);
}

#[test]
fn a_day_is_one_of_utc() {
    let day = |text: &str| Day::of(text.parse().expect("an instant"));
    let last = Day {
        month: "2026-10".into(),
        day: 31,
    };
    assert_eq!(day("2026-10-31T23:59:59Z"), last);
    assert_eq!(day("2026-11-01T00:30:00+01:00"), last);
}

fn unit() -> impl Strategy<Value = BillingUnit> {
    prop::sample::select(BillingUnit::ALL)
}

proptest! {
    // R-N15: writing and reading change nothing, whatever was noted in whatever order; and noting a day again changes nothing.
    #[test]
    fn a_month_survives_being_kept(
        noted in prop::collection::vec((1u8..=31, 0u8..6, 0u8..3, unit(), prop::option::of(0u64..1 << 50)), 1..40),
        frozen: bool,
    ) {
        let mut month = october();
        let mut each = Vec::new();
        for (day, customer, sku, unit, quantity) in noted {
            let figure = Figure {
                customer: format!("backup/c{customer}"),
                sku: format!("SKU-{sku}"),
                ..figure(unit, quantity)
            };
            note(&mut month, day, std::slice::from_ref(&figure));
            each.push((day, figure));
        }
        let before = month.clone();
        for (day, figure) in each.iter().filter(|(_, figure)| figure.quantity.is_some()) {
            note(&mut month, *day, std::slice::from_ref(figure));
        }
        let counted = |month: &Month| -> Vec<_> {
            let lines = lines(month).into_iter();
            lines.map(|line| (line.customer, line.sku, line.quantity, line.days)).collect()
        };
        prop_assert_eq!(counted(&month), counted(&before));
        if frozen {
            month.freeze(&[]);
        }
        let kept = text(&month);
        let read = join(&kept).expect("readable").expect("a month");
        prop_assert_eq!(lines(&read), lines(&month));
        prop_assert_eq!(text(&read), kept);
    }

    // R-N15: within half a hundredth of the true mean, and never beyond the highest day.
    #[test]
    fn a_mean_is_near_the_true_one(days in prop::collection::btree_map(1u8..=31, 0u64..1 << 50, 1..31)) {
        let noted: Vec<(u8, u64)> = days.iter().map(|(day, bytes)| (*day, *bytes)).collect();
        let line = only(&over(BillingUnit::GiBMonth, &noted));
        let sum: u128 = noted.iter().map(|(_, bytes)| u128::from(*bytes)).sum();
        let counted = u128::from(line.quantity) * (noted.len() as u128) * u128::from(GIB);
        let off = counted.abs_diff(sum * 1000);
        prop_assert!(off <= 5 * (noted.len() as u128) * u128::from(GIB));
        let highest = noted.iter().map(|(_, bytes)| u128::from(*bytes)).max().unwrap_or(0);
        prop_assert!(u128::from(line.quantity) * u128::from(GIB) <= highest * 1000 + 5 * u128::from(GIB));
        prop_assert_eq!(line.quantity % 10, 0);
    }

    // R-N15
    #[test]
    fn what_is_billed_is_what_goes_beyond_what_is_included(unit in unit(), quantity in 0u64..1 << 40) {
        let line = only(&over(unit, &[(1, quantity)]));
        prop_assert_eq!(line.to_bill, line.quantity.max(line.included) - line.included);
        let days: BTreeSet<u8> = line.missing.into_iter().collect();
        prop_assert_eq!(days.len(), 30);
    }
}

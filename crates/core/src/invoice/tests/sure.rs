//! What isn't known is missing, and nothing is billed twice.

use std::collections::BTreeSet;

use super::{GIB, figure, kept::text, note, october, only};
use crate::{
    api::plan::BillingUnit,
    invoice::{Figure, Final, Month, State, join, lines},
};

fn unread(customer: &str) -> BTreeSet<String> {
    BTreeSet::from([customer.to_owned()])
}

// R-N15: a plan or a tenant that can't be read on a day makes it missing, not free of charge; unless the day was known already.
#[test]
fn a_day_on_which_something_can_not_be_read_is_missing() {
    let mut month = october();
    let known = figure(BillingUnit::GiBMonth, Some(GIB));
    let other = Figure {
        customer: "backup/contoso".into(),
        ..known.clone()
    };
    note(&mut month, 1, std::slice::from_ref(&known));
    month.note(2, std::slice::from_ref(&other), &unread("backup/fabrikam"));
    note(&mut month, 3, std::slice::from_ref(&known));
    month.note(3, &[other], &unread("backup/fabrikam"));
    let lines = lines(&month);
    let line = lines.iter().find(|line| line.customer == known.customer);
    let line = line.expect("a line");
    assert_eq!((line.quantity, line.missing.as_slice()), (1_000, &[2][..]));
    // Of two tenants one can't be read until noon.
    let mut month = october();
    let second = Figure {
        tenant: Some("fabrikam-saas".into()),
        ..known.clone()
    };
    month.note(1, std::slice::from_ref(&known), &unread(&known.customer));
    month.note(1, std::slice::from_ref(&known), &unread(&known.customer));
    note(&mut month, 2, std::slice::from_ref(&known));
    assert_eq!(only(&month).missing, [1]);
    note(&mut month, 1, &[known, second]);
    assert_eq!(only(&month).missing, Vec::<u8>::new());
}

// R-N15: where the platform never tells what a plan counts, the line says so, and isn't just absent.
#[test]
fn what_is_never_told_is_a_line_without_days() {
    let mut month = october();
    for day in 1..=31 {
        note(&mut month, day, &[figure(BillingUnit::Client, None)]);
    }
    month.freeze(&[]);
    let line = only(&month);
    assert_eq!((line.quantity, line.days, line.missing.len()), (0, 0, 31));
    assert_eq!(line.state, State::Incomplete);
    let month = so_far(&[(1, 0)]);
    assert_eq!(only(&month).days, 1);
}

// R-N15: what was consumed while storage was billed isn't billed as credits besides.
#[test]
fn another_unit_within_the_month_bills_nothing_twice() {
    let stored = figure(BillingUnit::GiBMonth, Some(GIB));
    let credits = |milli| figure(BillingUnit::Credit, Some(milli));
    let billed = |month: &Month| {
        let lines = lines(month).into_iter();
        let mut of_credits = lines.filter(|line| line.unit == BillingUnit::Credit);
        of_credits.next().map(|line| line.quantity)
    };
    let mut month = october();
    note(&mut month, 1, std::slice::from_ref(&stored));
    note(&mut month, 2, &[credits(40_000)]);
    note(&mut month, 3, &[credits(43_000)]);
    assert_eq!(billed(&month), Some(3_000));
    let kept = text(&month);
    let mut month = join(&kept).expect("readable").expect("a month");
    note(&mut month, 4, std::slice::from_ref(&stored));
    note(&mut month, 5, &[credits(60_000)]);
    note(&mut month, 6, &[credits(61_000)]);
    assert_eq!(billed(&month), Some(4_000));
    let last = Final {
        customer: stored.customer.clone(),
        tenant: stored.tenant.clone(),
        object: None,
        milli: 62_500,
    };
    let mut over = month.clone();
    over.freeze(std::slice::from_ref(&last));
    assert_eq!(billed(&over), Some(5_500));
    note(&mut month, 7, &[stored]);
    month.freeze(&[last]);
    assert_eq!(billed(&month), Some(4_000), "storage is billed by then");
}

// R-N15: a resource that was made anew under another name is billed once.
#[test]
fn what_has_another_name_is_the_same_object() {
    for (unit, first, second) in [
        (BillingUnit::Credit, 40_000, 43_000),
        (BillingUnit::GiBMonth, 3 * GIB, 3 * GIB),
    ] {
        let before = Figure {
            object: Some("p-4711".into()),
            ..figure(unit, Some(first))
        };
        let after = Figure {
            customer: "backup/fabrikam-inc".into(),
            tenant: Some("hybrid".into()),
            quantity: Some(second),
            ..before.clone()
        };
        let mut month = october();
        note(&mut month, 1, &[before]);
        note(&mut month, 1, std::slice::from_ref(&after));
        note(&mut month, 2, &[after]);
        let quantities: Vec<u64> = lines(&month).iter().map(|line| line.quantity).collect();
        let expected = match unit {
            BillingUnit::Credit => [40_000, 3_000],
            _ => [1_500, 1_500],
        };
        assert_eq!(quantities, expected, "{unit}");
    }
}

// R-N15: seats and clients count on the highest day of the month, not once under each name.
#[test]
fn the_highest_day_of_an_object_is_billed_once_under_its_later_name() {
    for unit in [BillingUnit::Seat, BillingUnit::Client] {
        let before = Figure {
            tenant: (unit == BillingUnit::Seat).then(|| "hybrid".into()),
            object: Some("p-4711".into()),
            ..figure(unit, Some(9))
        };
        let after = Figure {
            customer: "backup/contoso".into(),
            quantity: Some(8),
            ..before.clone()
        };
        let other = Figure {
            customer: "backup/adatum".into(),
            object: Some("p-1".into()),
            ..before.clone()
        };
        let mut month = october();
        note(&mut month, 1, &[before.clone(), other.clone()]);
        let unread = BTreeSet::from(["backup/fabrikam".to_owned()]);
        month.note(2, std::slice::from_ref(&other), &unread);
        note(&mut month, 3, &[after.clone(), other.clone()]);
        let told = |month: &Month| {
            let lines = lines(month).into_iter();
            let told = lines.map(|line| (line.customer, line.quantity, line.days, line.missing));
            told.collect::<Vec<_>>()
        };
        let adatum = ("backup/adatum".to_owned(), 9_000, 3, vec![]);
        let renamed = ("backup/contoso".to_owned(), 9_000, 2, vec![2]);
        assert_eq!(told(&month), [adatum, renamed], "{unit}");
        // Another article is another line.
        let dearer = Figure {
            sku: "HF-PLATINUM".into(),
            ..after
        };
        note(&mut month, 4, &[dearer, other]);
        let quantities = lines(&month).into_iter().map(|line| line.quantity);
        assert_eq!(
            quantities.collect::<Vec<_>>(),
            [9_000, 9_000, 8_000],
            "{unit}"
        );
    }
}

// R-N15: a platform may number its customers and its tenants apart.
#[test]
fn a_customer_and_a_tenant_of_one_id_are_two() {
    let clients = Figure {
        tenant: None,
        object: Some("7".into()),
        ..figure(BillingUnit::Client, Some(9))
    };
    let storage = Figure {
        customer: "backup/contoso".into(),
        object: Some("7".into()),
        ..figure(BillingUnit::GiBMonth, Some(GIB))
    };
    let both = [clients, storage];
    for reversed in [false, true] {
        let mut figures = both.to_vec();
        if reversed {
            figures.reverse();
        }
        let mut month = october();
        note(&mut month, 1, &figures);
        note(&mut month, 2, &figures);
        let told = lines(&month).into_iter();
        let told: Vec<_> = told.map(|line| (line.customer, line.quantity)).collect();
        let expected = [("backup/contoso", 1_000), ("backup/fabrikam", 9_000)];
        let expected = expected.map(|(name, quantity)| (name.to_owned(), quantity));
        assert_eq!(told, expected, "{reversed}");
    }
}

// R-N15: what the platform has corrected by the end of the month is billed as corrected.
#[test]
fn credits_that_were_taken_back_are_not_billed() {
    let mut month = so_far(&[(1, 1_000), (2, 9_000), (3, 9_500)]);
    let last = Final {
        customer: "backup/fabrikam".into(),
        tenant: Some("fabrikam-hybrid".into()),
        object: None,
        milli: 5_000,
    };
    month.freeze(&[last]);
    assert_eq!(only(&month).quantity, 5_000);
}

/// A month of credits so far, not over yet.
fn so_far(days: &[(u8, u64)]) -> Month {
    let mut month = october();
    for (day, milli) in days {
        note(
            &mut month,
            *day,
            &[figure(BillingUnit::Credit, Some(*milli))],
        );
    }
    month
}

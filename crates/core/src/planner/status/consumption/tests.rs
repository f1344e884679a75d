//! Figures as status shows them.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn seen(previous: Option<&Usage>, bytes: u64, when: &str) -> Usage {
    Usage {
        months: sampled(previous, bytes, at(when)),
        ..Usage::default()
    }
}

// R-N16: from the same figures the same is foretold, whatever the day, so that nothing is written; an edit, or a day that has
// come, has it foretold anew.
#[test]
fn the_same_figures_foretell_the_same_day_until_it_comes() {
    let month = |month: &str, storage_max_bytes| estate::MonthlyConsumption {
        month: month.into(),
        storage_max_bytes,
        credits: 0.0,
    };
    let row = estate::Consumption {
        customer_id: estate::ObjectId::new("c"),
        tenant_id: None,
        storage_bytes: 130,
        credits: Some(0.0),
        months: vec![
            month("2026-08", 100),
            month("2026-09", 110),
            month("2026-10", 120),
        ],
    };
    let told = |previous: Option<&Usage>, when: &str, settled| {
        let quotas = Quotas {
            storage: Some(140),
            credits: None,
            settled,
        };
        usage(previous, Some(&row), Some(at(when)), quotas).expect("usage")
    };
    let first = told(None, "2026-11-26T00:00:00Z", true);
    let day = first.quota_exhausted_on.expect("a day").to_string();
    assert!(
        day.as_str() > "2026-12-20" && day.as_str() < "2027-01-01",
        "{day}"
    );
    assert_eq!(told(Some(&first), "2026-11-29T00:00:00Z", true), first);
    let edited = told(Some(&first), "2026-11-29T00:00:00Z", false);
    assert!(edited.quota_exhausted_on > first.quota_exhausted_on);
    let come = told(Some(&first), "2027-01-02T00:00:00Z", true);
    assert!(come.quota_exhausted_on > first.quota_exhausted_on);
    // A report that leaves the customer out takes nothing back.
    let silent = Some(at("2026-11-29T00:00:00Z"));
    let kept = usage(Some(&first), None, silent, Quotas::default());
    assert_eq!(kept, Some(first));
}

// R-N16: what is full still was full on the day on which that was seen first.
#[test]
fn the_day_on_which_it_was_full_is_kept() {
    let told = |previous: Option<&Usage>, when: &str, bytes| {
        let row = estate::Consumption {
            customer_id: estate::ObjectId::new("c"),
            tenant_id: None,
            storage_bytes: bytes,
            credits: Some(0.0),
            months: Vec::new(),
        };
        let quotas = Quotas {
            storage: Some(100),
            credits: None,
            settled: true,
        };
        usage(previous, Some(&row), Some(at(when)), quotas).expect("usage")
    };
    let full = told(None, "2026-11-26T00:00:00Z", 100);
    assert_eq!(told(Some(&full), "2026-11-27T00:00:00Z", 100), full);
    let fuller = told(Some(&full), "2026-11-28T00:00:00Z", 110);
    assert_eq!(fuller.quota_exhausted_on, full.quota_exhausted_on);
}

// R-D15: of a platform that keeps no months, status keeps the most that was seen; those that are over stay as they were.
#[test]
fn months_are_sampled_where_the_platform_keeps_none() {
    let first = seen(None, 5, "2026-10-30T00:00:00Z");
    let higher = seen(Some(&first), 9, "2026-10-31T00:00:00Z");
    let lower = seen(Some(&higher), 3, "2026-10-31T12:00:00Z");
    let next = seen(Some(&lower), 4, "2026-11-01T00:00:00Z");
    let told: Vec<_> = next
        .months
        .iter()
        .map(|month| (month.month.as_str(), month.storage_max.clone()))
        .collect();
    let size = |bytes| Some(Size::from_bytes(bytes));
    assert_eq!(told, [("2026-10", size(9)), ("2026-11", size(4))]);
}

fn row(months: &[(&str, u64, f64)]) -> estate::Consumption {
    let months = months
        .iter()
        .map(|(month, bytes, credits)| estate::MonthlyConsumption {
            month: (*month).to_owned(),
            storage_max_bytes: *bytes,
            credits: *credits,
        });
    estate::Consumption {
        customer_id: estate::ObjectId::new("c"),
        tenant_id: None,
        storage_bytes: 1,
        credits: Some(0.0),
        months: months.collect(),
    }
}

fn kept(known: Option<&Usage>, row: &estate::Consumption, when: &str) -> Usage {
    let row = remembering(row, known);
    usage(known, Some(&row), Some(at(when)), Quotas::default()).expect("usage")
}

// R-D15, R-N6, R-N16: a report of 90 days begins within a month, and forgets the months before: status keeps both as they were.
#[test]
fn months_that_a_report_tells_no_longer_stay_as_they_were() {
    let mut known: Option<Usage> = None;
    for month in 1..=9 {
        let name = |month: u32| format!("2026-{month:02}");
        let (first, next) = (name(month), name(month + 1));
        let whole = row(&[(&first, 10, 12.345), (&next, 20, 1.0)]);
        let told = kept(known.as_ref(), &whole, &format!("{next}-02T00:00:00Z"));
        let partly = row(&[(&first, 9, 2.0), (&next, 20, 5.0)]);
        known = Some(kept(Some(&told), &partly, &format!("{next}-28T00:00:00Z")));
    }
    let known = known.expect("usage");
    let told: Vec<_> = known
        .months
        .iter()
        .map(|month| (month.month.as_str(), month.credits.as_ref()))
        .collect();
    assert_eq!(known.months.len(), 10, "{told:?}");
    let of = |milli| Credits::from_milli(milli);
    assert_eq!(told[0], ("2026-01", Some(&of(12_345))));
    assert_eq!(told[8], ("2026-09", Some(&of(12_345))));
    assert_eq!(told[9], ("2026-10", Some(&of(5_000))));
    // What the platform corrects of the month that isn't over is corrected.
    let corrected = row(&[("2026-10", 20, 4.0)]);
    let corrected = kept(Some(&known), &corrected, "2026-10-29T00:00:00Z");
    assert_eq!(corrected.months[9].credits, Some(of(4_000)));
    let names: std::collections::BTreeSet<_> =
        known.months.iter().map(|month| &month.month).collect();
    assert_eq!(names.len(), 10);
}

// R-D15: an unknown is absent, never zero: a platform without credits tells neither them nor the days that they are of.
#[test]
fn where_there_are_no_credits_neither_they_nor_their_days_are_told() {
    let without = estate::Consumption {
        credits: None,
        ..row(&[])
    };
    let told = kept(None, &without, "2026-11-26T00:00:00Z");
    assert_eq!((told.credits.as_ref(), told.days), (None, None));
    assert_eq!(told.storage, Some(Size::from_bytes(1)));
    let again = last_known(&without.customer_id, &told, true).expect("its storage is known");
    assert_eq!(again.credits, None);
    let sum = |rows: &[&estate::Consumption]| summed(rows.iter().copied()).expect("a sum").credits;
    assert_eq!(sum(&[&without, &without]), None);
    assert_eq!(sum(&[&without, &row(&[])]), Some(0.0));
    let limited = Quotas {
        credits: Some(50_000),
        ..Quotas::default()
    };
    let when = Some(at("2026-11-26T00:00:00Z"));
    let told = usage(None, Some(&without), when, limited).expect("usage");
    assert_eq!((told.quota_exhausted_on, told.credits), (None, None));
}

//! What is used of an allotment, and when it will be used up.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    api::{ConditionType, shared::Forecast},
    estate::{Consumption, MonthlyConsumption, ObjectId, Protection},
    planner::tests::fixtures::remote,
};

const MONTHS: [&str; 4] = ["2026-07", "2026-08", "2026-09", "2026-10"];

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// What somebody stored at the ends of some months, and now.
fn row(customer: &str, months: &[u64], now: u64) -> Consumption {
    let named = MONTHS[MONTHS.len() - months.len()..].iter().zip(months);
    let months = named.map(|(month, bytes)| MonthlyConsumption {
        month: (*month).to_owned(),
        storage_max_bytes: *bytes,
        credits: 0.5,
    });
    Consumption {
        customer_id: ObjectId::new(customer),
        tenant_id: None,
        storage_bytes: now,
        credits: Some(1.5),
        months: months.collect(),
    }
}

/// The surroundings of a reseller with customers that have used so much.
fn using(rows: Vec<Consumption>, when: &str) -> Around {
    let customer = |row: &Consumption| {
        let object = remote(Kind::Customer, row.customer_id.as_str(), &json!({}));
        Arc::new(object)
    };
    Around {
        children: rows.iter().map(customer).collect(),
        usage: rows.into_iter().map(Arc::new).collect(),
        usage_as_of: Some(at(when)),
        ..Around::default()
    }
}

fn allotted(allotment: &serde_json::Value) -> Object {
    remote(Kind::Reseller, "7", &json!({"allotment": allotment}))
}

fn told(
    object: &Object,
    around: &Around,
    previous: Option<&ResellerStatus>,
    at: Option<u32>,
) -> (ResellerStatus, Vec<HealthCondition>) {
    let settled = previous.is_some();
    reseller(Some(object), around, previous, Warned { at, settled })
}

// R-N6, R-N16: what all below use together is held against what was allotted, and foretold by their months together.
#[test]
fn an_allotment_runs_out_by_what_all_below_use() {
    let rows = vec![
        row("a", &[10, 20, 30, 40], 50),
        row("b", &[100, 100], 100),
        row("c", &[], 30),
    ];
    let around = using(rows, "2026-11-30T00:00:00Z");
    let object = allotted(&json!({"storage": 200, "credits": 9}));
    let (status, conditions) = told(&object, &around, None, Some(90));
    let usage = status.usage.expect("usage");
    assert_eq!(usage.storage, Some(Size::from_bytes(180)));
    assert_eq!(usage.credits, Some(Credits::from_milli(4500)));
    assert_eq!(usage.storage_percent, Some(90));
    let months: Vec<_> = usage
        .months
        .iter()
        .map(|month| (&*month.month, month.storage_max.clone()))
        .collect();
    let sums = [10, 20, 130, 140].map(|bytes| Some(Size::from_bytes(bytes)));
    assert_eq!(months, MONTHS.into_iter().zip(sums).collect::<Vec<_>>());
    assert_eq!(usage.forecast, Some(Forecast::RunsOut));
    let day = usage.quota_exhausted_on.expect("a day").to_string();
    assert!(("2026-12-10".."2027-01-10").contains(&&*day), "{day}");
    let allotment = status.allotment.expect("an allotment");
    assert_eq!(
        allotment.storage.and_then(|storage| storage.used),
        usage.storage
    );
    assert_eq!(
        allotment.credits.and_then(|credits| credits.used),
        usage.credits
    );
    let (kind, holds, _, message) = &conditions[0];
    assert_eq!((*kind, *holds), (ConditionType::LimitNear, true));
    assert!(
        message.contains("(allotment.warnAtPercent) is used of the allotment of storage. Raise allotment.storage, or have the customers below"),
        "{message}"
    );
}

// R-N16: too little, not in sight, and no limit are told apart.
#[test]
fn what_is_not_foretold_says_why() {
    let forecast = |allotment, months: &[u64]| {
        let around = using(vec![row("a", months, 50)], "2026-11-30T00:00:00Z");
        let (status, conditions) = told(&allotted(&allotment), &around, None, None);
        assert_eq!(conditions, []);
        let usage = status.usage.expect("usage");
        assert_eq!(
            usage.quota_exhausted_on.is_some(),
            usage.forecast == Some(Forecast::RunsOut)
        );
        usage.forecast
    };
    let storage = json!({"storage": 100});
    let growing = &[10, 20, 30, 40];
    assert_eq!(forecast(storage.clone(), growing), Some(Forecast::RunsOut));
    assert_eq!(
        forecast(storage.clone(), &[40]),
        Some(Forecast::TooLittleKnown)
    );
    assert_eq!(forecast(storage, &[50, 50]), Some(Forecast::NotInSight));
    assert_eq!(forecast(json!({}), growing), None);
}

// R-N6: customers of other tools are shown elsewhere, as what nobody manages.
#[test]
fn what_belongs_to_another_tool_is_in_no_count() {
    let mut around = using(vec![row("a", &[], 5)], "2026-11-20T00:00:00Z");
    let mut foreign = remote(Kind::Customer, "b", &json!({}));
    foreign.protection = Protection::Foreign;
    around.children.push(Arc::new(foreign.clone()));
    let object = allotted(&json!({"storage": 100}));
    let (status, _) = told(&object, &around, None, None);
    assert_eq!(status.customers, Some(1));
    // Alone it makes nobody below.
    let alone = Around {
        children: vec![Arc::new(foreign)],
        usage: Vec::new(),
        ..around
    };
    let (status, _) = told(&object, &alone, Some(&status), None);
    assert_eq!((status.customers, status.usage), (Some(0), None));
}

// R-N16, I4: the same figures are no news; nor is a report that is late, nor one that leaves everybody out.
#[test]
fn the_same_figures_below_write_nothing() {
    let rows = || vec![row("a", &[10, 20, 30, 40], 50), row("b", &[1, 2], 3)];
    let object = allotted(&json!({"storage": 100}));
    let (first, _) = told(&object, &using(rows(), "2026-11-20T00:00:00Z"), None, None);
    let later = using(rows(), "2026-11-21T00:00:00Z");
    assert_eq!(told(&object, &later, Some(&first), None).0, first);
    let mut backwards = later.clone();
    backwards.usage.reverse();
    assert_eq!(told(&object, &backwards, Some(&first), None).0, first);
    let unread = Around {
        usage: Vec::new(),
        usage_as_of: None,
        ..later.clone()
    };
    assert_eq!(told(&object, &unread, Some(&first), None).0, first);
    let left_out = Around {
        usage: Vec::new(),
        ..later
    };
    assert_eq!(told(&object, &left_out, Some(&first), None).0, first);
    // Who has nobody below any more uses nothing.
    let nobody = Around {
        usage_as_of: Some(at("2026-11-22T00:00:00Z")),
        ..Around::default()
    };
    let (alone, _) = told(&object, &nobody, Some(&first), None);
    assert_eq!(alone.usage, None);
    let storage = alone.allotment.and_then(|allotment| allotment.storage);
    assert_eq!(
        storage.and_then(|storage| storage.used),
        Some(Size::from_bytes(0))
    );
}

// R-N16: where the platform keeps no months, the most that was in use below is kept as it was seen.
#[test]
fn months_of_a_reseller_are_sampled_where_the_platform_keeps_none() {
    let object = allotted(&json!({"storage": 100}));
    let rows = |bytes| vec![row("a", &[], bytes), row("b", &[], 1)];
    let (first, _) = told(&object, &using(rows(5), "2026-10-31T00:00:00Z"), None, None);
    let next = using(rows(9), "2026-11-01T00:00:00Z");
    let usage = told(&object, &next, Some(&first), None).0.usage;
    let months = usage.expect("usage").months;
    let told: Vec<_> = months
        .iter()
        .map(|month| (&*month.month, month.storage_max.clone()))
        .collect();
    let size = |bytes| Some(Size::from_bytes(bytes));
    assert_eq!(told, [("2026-10", size(6)), ("2026-11", size(10))]);
}

proptest! {
    // R-N6, R-N16: so many customers of the same kind use up so many times as much on the same day as one, whatever it is, and in
    // whichever order they come.
    #[test]
    fn many_fare_as_one_with_its_share(
        used in prop::collection::vec(0_u64..1 << 40, 2..5),
        limit in 1_u64..1 << 42,
        count in 1_u64..20,
    ) {
        let foretold = |count: u64, limit: u64| {
            let (now, months) = used.split_last().expect("a figure");
            let rows = (0..count).map(|at| row(&format!("c{at}"), months, *now));
            let around = using(rows.collect(), "2026-11-30T00:00:00Z");
            let (status, _) = told(&allotted(&json!({"storage": limit})), &around, None, None);
            let usage = status.usage.expect("usage");
            (usage.forecast, usage.quota_exhausted_on, usage.storage_percent)
        };
        prop_assert_eq!(foretold(count, limit * count), foretold(1, limit));
    }
}

//! What it takes to foretell when limits and allotments run out: the status of each customer and reseller, from months that differ.
//!
//! `N=10000 cargo bench --bench forecast` (`make bench-forecast`).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use holdfast_api::Kind;
use holdfast_core::{
    estate::{Consumption, Facts, MonthlyConsumption, Object, ObjectId, Protection, Settings},
    planner::{self, Around, Warned},
};
use serde_json::{Value, json};

const RESELLERS: usize = 50;
const MONTHS: [&str; 13] = [
    "2025-11", "2025-12", "2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06",
    "2026-07", "2026-08", "2026-09", "2026-10", "2026-11",
];

fn main() {
    let count: usize = std::env::var("N")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(10_000);
    let rows: Vec<Arc<Consumption>> = (0..count).map(|at| Arc::new(row(at))).collect();
    println!("{count} customers of 13 months each, below {RESELLERS} resellers");

    let customer = object(
        Kind::Customer,
        &json!({"limits": {"storage": "1Ti", "credits": 900}}),
    );
    let (took, told) = measured(&rows, |row| {
        let around = around(vec![row.clone()]);
        let (status, _) = planner::customer(Some(&customer), &around, None, Warned::default());
        status
            .usage
            .is_some_and(|usage| usage.quota_exhausted_on.is_some())
    });
    report("customers", took, count, told);

    let shares: Vec<Vec<Arc<Consumption>>> = (0..RESELLERS)
        .map(|at| rows.iter().skip(at).step_by(RESELLERS).cloned().collect())
        .collect();
    let (took, told) = measured(&shares, |rows| reseller_runs_out(rows.clone(), "900Ti"));
    report("resellers", took, RESELLERS, told);

    let (took, told) = measured(&[rows], |rows| reseller_runs_out(rows.clone(), "20Pi"));
    report("a distributor above all", took, 1, told);
}

/// How long it took, and how many run out.
fn measured<T>(all: &[T], runs_out: impl Fn(&T) -> bool) -> (Duration, usize) {
    let started = Instant::now();
    let told = all.iter().filter(|one| runs_out(one)).count();
    (started.elapsed(), told)
}

fn report(what: &str, took: Duration, count: usize, told: usize) {
    let millis = took.as_secs_f64() * 1000.0;
    let each = took / u32::try_from(count.max(1)).unwrap_or(u32::MAX);
    println!(
        "  {what}: {millis:.1} ms, {each:.1?} each; {told} of {count} run out within ten years"
    );
}

fn reseller_runs_out(rows: Vec<Arc<Consumption>>, storage: &str) -> bool {
    let reseller = object(
        Kind::Reseller,
        &json!({"allotment": {"storage": storage, "credits": 9_000_000}}),
    );
    let around = Around {
        resellers: vec![Arc::new(reseller.clone())],
        ..around(rows)
    };
    let (status, _) = planner::reseller(Some(&reseller), &around, None, Warned::default());
    status
        .usage
        .is_some_and(|usage| usage.quota_exhausted_on.is_some())
}

fn around(usage: Vec<Arc<Consumption>>) -> Around {
    Around {
        usage,
        usage_as_of: Some("2026-11-26T00:00:00Z".parse().expect("an instant")),
        ..Around::default()
    }
}

/// Grows, each customer at its own rate, and not evenly; every seventh shrinks.
fn row(at: usize) -> Consumption {
    let at = at as u64;
    let stored = |month: u64| {
        let grown = month * (at * 7_919 % 97 + 1);
        let odd = (at * 31 + month * 17) % 5;
        let shrinks = at.is_multiple_of(7);
        let units = if shrinks { 1_500 - grown } else { 100 + grown };
        ((units + odd) << 30) / 2
    };
    let months = MONTHS
        .iter()
        .zip(0..)
        .map(|(name, month)| MonthlyConsumption {
            month: (*name).to_owned(),
            storage_max_bytes: stored(month),
            credits: f64::from(u32::try_from(stored(month) >> 30).unwrap_or(u32::MAX)),
        });
    Consumption {
        customer_id: ObjectId::new(&format!("c{at}")),
        tenant_id: None,
        storage_bytes: stored(12),
        credits: Some(3.0 * f64::from(u32::try_from(stored(12) >> 30).unwrap_or(u32::MAX))),
        months: months.collect(),
    }
}

fn object(kind: Kind, settings: &Value) -> Object {
    Object {
        unreadable: None,
        kind,
        id: ObjectId::new("7"),
        name: "one".into(),
        claim: None,
        etag: None,
        protection: Protection::None,
        created_at: None,
        settings: Settings::from_document(kind, settings).expect("settings"),
        facts: Facts::default(),
    }
}

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

fn source(name: &str, writes_only: bool, snapshot: Option<&str>) -> estate::DataSource {
    let document = serde_json::json!({
        "name": name, "writesOnly": writes_only, "lastSuccessAt": snapshot,
        "lastWriteAt": "2026-11-26T16:00:00Z",
    });
    serde_json::from_value(document).expect("a data source")
}

// R-N10: a write is no backup. What only writes are known of is shown, is held to no objective, and isn't called healthy; a
// snapshot is held to it.
#[test]
fn writes_are_not_called_backups() {
    let row = |data_sources| estate::DataSources {
        customer_id: estate::ObjectId::new("c"),
        tenant_id: None,
        jobs: None,
        restores: None,
        restores_since: None,
        alerts: None,
        data_sources,
    };
    let level = ServiceLevel {
        recovery_point_objective: Some(serde_json::from_value("24h".into()).expect("a duration")),
        ..ServiceLevel::default()
    };
    let as_of = at("2026-11-26T16:30:00Z");
    let told = |sources| {
        let mut tally = Tally::default();
        tally.add(&row(sources), Some(&level), as_of);
        (tally.conditions(), tally.into_health(as_of))
    };
    let (conditions, health) = told(vec![source("veeam", true, None)]);
    assert_eq!(conditions, []);
    assert_eq!(
        health.worst[0].last_write_at,
        Some(at("2026-11-26T16:00:00Z"))
    );
    assert_eq!(health.worst[0].last_success_at, None);
    let young = source("young", false, Some("2026-11-26T01:00:00Z"));
    let old = source("old", false, Some("2026-11-25T01:00:00Z"));
    let (conditions, health) = told(vec![young, old, source("veeam", true, None)]);
    let kinds: Vec<_> = conditions.iter().map(|told| (told.0, told.1)).collect();
    assert_eq!(kinds, [(ConditionType::ServiceLevelMet, false)]);
    assert_eq!(
        conditions[0].3,
        "1 of 2 data sources meet the service level of their plan."
    );
    assert_eq!(health.worst[0].name, "old");
}

// R-N17: the last restore is held against the promise, as far back as the platform tells of restores, and not beyond.
#[test]
fn a_restore_test_is_missed_only_where_the_platform_would_have_told_it() {
    let level: ServiceLevel =
        serde_json::from_value(serde_json::json!({"restoreTestInterval": "720h"}))
            .expect("a level");
    let as_of = at("2026-11-26T16:30:00Z");
    let (young, old) = ("2026-10-27T16:30:00Z", "2026-10-27T16:29:59Z");
    let told = |restored: Option<&str>, since: Option<&str>| {
        let document = serde_json::json!({"name": "sql01", "lastRestoreAt": restored});
        let source: estate::DataSource = serde_json::from_value(document).expect("a data source");
        missed(&level, &source, since.map(at), as_of)
    };
    let ever = Some("-009999-01-02T01:59:59Z");
    assert_eq!(told(Some(young), ever), Some(vec![]));
    assert_eq!(told(Some(old), ever), Some(vec![Missed::RestoreTest]));
    assert_eq!(told(None, ever), Some(vec![Missed::RestoreTest]));
    assert_eq!(
        told(None, Some("2026-10-27T16:30:01Z")),
        None,
        "an older one may have been young enough"
    );
    assert_eq!(told(Some(young), None), Some(vec![]));
    assert_eq!(told(None, None), None, "the platform tells no restores");
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
        credits: 0.0,
        months: vec![
            month("2026-08", 100),
            month("2026-09", 110),
            month("2026-10", 120),
        ],
    };
    let told = |previous: Option<&Usage>, when: &str, settled| {
        let around = Around {
            usage_as_of: Some(at(when)),
            usage: vec![std::sync::Arc::new(row.clone())],
            ..Around::default()
        };
        let quotas = Quotas {
            storage: Some(140),
            credits: None,
            settled,
        };
        usage(previous, &around, quotas).expect("usage")
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
    let silent = Around {
        usage_as_of: Some(at("2026-11-29T00:00:00Z")),
        ..Around::default()
    };
    assert_eq!(usage(Some(&first), &silent, Quotas::default()), Some(first));
}

// R-N16: what is full still was full on the day on which that was seen first.
#[test]
fn the_day_on_which_it_was_full_is_kept() {
    let told = |previous: Option<&Usage>, when: &str, bytes| {
        let row = estate::Consumption {
            customer_id: estate::ObjectId::new("c"),
            tenant_id: None,
            storage_bytes: bytes,
            credits: 0.0,
            months: Vec::new(),
        };
        let around = Around {
            usage_as_of: Some(at(when)),
            usage: vec![std::sync::Arc::new(row)],
            ..Around::default()
        };
        let quotas = Quotas {
            storage: Some(100),
            credits: None,
            settled: true,
        };
        usage(previous, &around, quotas).expect("usage")
    };
    let full = told(None, "2026-11-26T00:00:00Z", 100);
    assert_eq!(told(Some(&full), "2026-11-27T00:00:00Z", 100), full);
    let fuller = told(Some(&full), "2026-11-28T00:00:00Z", 110);
    assert_eq!(fuller.quota_exhausted_on, full.quota_exhausted_on);
}

// I4: of the same sources only the times have changed, and their order with them: nothing is written.
#[test]
fn an_order_that_changes_by_itself_is_no_news() {
    let level: ServiceLevel =
        serde_json::from_value(serde_json::json!({"minimumSuccessPercent": 100})).expect("a level");
    let told = |previous: Option<&Health>, times: [&str; 2]| {
        let sources = ["a", "b"].into_iter().zip(times).map(|(name, time)| {
            let document = serde_json::json!({
                "name": name, "lastStatus": "Successful", "lastSuccessAt": time, "jobs": {"total": 2, "successful": 1},
            });
            serde_json::from_value(document).expect("a data source")
        });
        let row = estate::DataSources {
            customer_id: estate::ObjectId::new("c"),
            tenant_id: None,
            jobs: None,
            restores: None,
            restores_since: None,
            alerts: None,
            data_sources: sources.collect(),
        };
        let around = Around {
            health_as_of: Some(at(times[0].max(times[1]))),
            health: vec![std::sync::Arc::new(row)],
            ..Around::default()
        };
        health(previous, None, &around, |_| Some(level.clone()))
            .0
            .expect("health")
    };
    let (early, late) = ("2026-11-26T01:00:00Z", "2026-11-26T02:00:00Z");
    let first = told(None, [early, late]);
    assert_eq!(first.worst.len(), 2);
    assert_eq!(told(Some(&first), [late, early]), first);
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

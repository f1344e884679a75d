//! Health as status shows it, and what follows.

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
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
        "1 of the 2 data sources that are held to a service level meet it; 1 more of 3 are held to none."
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

// R-N8, R-N10: all data sources without a recent enough backup are counted, also those that `worst` has no room for; those that
// miss something else aren't.
#[test]
fn late_data_sources_are_counted_beyond_those_that_are_named() {
    let row = |sources: Vec<serde_json::Value>| -> estate::DataSources {
        let document = serde_json::json!({"customerId": "c", "dataSources": sources});
        serde_json::from_value(document).expect("a row")
    };
    let late = |index: usize| {
        let days = ["2026-11-20T01:00:00Z", "2026-11-21T01:00:00Z"];
        let success = days.get(index % 3);
        serde_json::json!({"name": format!("late{index}"), "lastSuccessAt": success})
    };
    let mut sources: Vec<_> = (0..WORST + 5).map(late).collect();
    let young = "2026-11-26T01:00:00Z";
    sources.push(serde_json::json!({
        "name": "unsteady", "lastSuccessAt": young, "jobs": {"total": 2, "successful": 1},
    }));
    sources.push(serde_json::json!({"name": "veeam", "writesOnly": true}));
    let row = row(sources);
    let counted = |level: serde_json::Value| {
        let level: ServiceLevel = serde_json::from_value(level).expect("a level");
        let as_of = at("2026-11-26T16:30:00Z");
        let mut tally = Tally::default();
        tally.add(&row, Some(&level), as_of);
        let health = tally.into_health(as_of);
        let sources = health.data_sources.expect("counts");
        (sources.missing_recovery_point, health.worst.len())
    };
    let promised =
        serde_json::json!({"recoveryPointObjective": "24h", "minimumSuccessPercent": 100});
    assert_eq!(counted(promised), (Some(15), WORST));
    let generous = serde_json::json!({"recoveryPointObjective": "240h"});
    assert_eq!(
        counted(generous),
        (Some(5), WORST),
        "those that never had one"
    );
    let other = serde_json::json!({"minimumSuccessPercent": 100});
    assert_eq!(counted(other).0, None, "nothing is promised of it");
}

// R-N10: the months of a service level are kept where no platform keeps them: a report that leaves a customer out ends none.
#[test]
fn a_report_without_a_word_of_it_takes_no_month_away() {
    let month = crate::api::shared::Attainment {
        month: "2026-10".into(),
        meeting: 30,
        total: 31,
        ..Default::default()
    };
    let previous = Health {
        attainment: vec![month],
        ..Health::default()
    };
    let around = Around {
        health_as_of: Some(at("2026-11-26T01:00:00Z")),
        ..Around::default()
    };
    let told = |previous: &Health| health(Some(previous), None, &around, |_| None);
    assert_eq!(told(&previous), (Some(previous.clone()), Vec::new()));
    assert_eq!(told(&Health::default()), (None, Vec::new()));
}

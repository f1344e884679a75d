//! Column codes: which are asked for, and what becomes of those that are dropped, refused or not asked for. R-D15, R-D16, R-N10

use std::sync::atomic::Ordering;

use holdfast_platforms::Reports as _;
use holdfast_testkit::cove::server_with_database;
use serde_json::{Value, json};

use crate::{
    reports::{fleet, now, sources},
    stage::Stage,
};

#[tokio::test]
async fn a_column_that_no_row_has_is_told_as_a_wrong_code() {
    let stage =
        Stage::set_with(|options| options.modes.dropped_columns = vec!["D10F09".into()]).await;
    fleet(&stage, &[server_with_database(now(), (5, now()))]).await;
    let report = stage.cove.health(30).await.unwrap();
    let named = &report.unreadable.named;
    assert!(
        named.len() == 1 && named[0].why.contains("D10F09"),
        "{named:?}"
    );
    let mut sources = report.rows[0].data_sources.iter();
    let database = sources
        .find(|source| source.workload.as_deref() == Some("MSSQL"))
        .unwrap();
    assert_eq!(database.last_success_at, None);
}

#[tokio::test]
async fn names_and_states_that_no_row_has_are_told_as_wrong_codes() {
    for code in ["I1", "D10F00"] {
        let stage = Stage::set_with(|options| {
            options.modes.dropped_columns = vec![code.to_owned()];
        })
        .await;
        fleet(&stage, &[server_with_database(now(), (5, now()))]).await;
        let report = stage.cove.health(30).await.unwrap();
        let named = &report.unreadable.named;
        assert!(named.len() == 1 && named[0].why.contains(code), "{named:?}");
    }
}

#[tokio::test]
async fn a_column_that_is_refused_is_left_out_of_the_next_query() {
    let stage =
        Stage::set_with(|options| options.modes.restricted_columns = vec!["D02F09".into()]).await;
    fleet(&stage, &[server_with_database(now(), (5, now()))]).await;
    assert_eq!(sources(&stage).await.len(), 2);
}

// R-N10: any of them may be refused; everything else is told all the same.
#[tokio::test]
async fn a_refused_column_of_any_source_leaves_out_that_source_and_says_so() {
    let stage =
        Stage::set_with(|options| options.modes.restricted_columns = vec!["D10F09".into()]).await;
    fleet(&stage, &[server_with_database(now(), (5, now()))]).await;
    let report = stage.cove.health(30).await.unwrap();
    let told: Vec<&str> = report.rows[0]
        .data_sources
        .iter()
        .filter_map(|source| source.workload.as_deref())
        .collect();
    assert_eq!(told, ["FilesAndFolders"]);
    let named = &report.unreadable.named;
    assert!(
        named.len() == 1 && named[0].why.contains("D10"),
        "{named:?}"
    );
    assert_eq!(stage.cove.usage(90).await.unwrap().rows.len(), 1);
    // Without what every device has nothing can be told.
    stage
        .platform
        .set_modes(|modes| modes.restricted_columns = vec!["I14".into()]);
    let refused = crate::stage::problem(stage.anew().usage(90).await);
    assert!(
        refused.detail.contains("I14") && refused.detail.contains("13501"),
        "{}",
        refused.detail
    );
}

#[tokio::test]
async fn column_codes_are_padded_and_the_password_is_never_asked_for() {
    let stage = Stage::set().await;
    fleet(&stage, &[server_with_database(now(), (5, now()))]).await;
    sources(&stage).await;
    let heard = stage.tap.heard();
    let asked: Vec<&str> = heard
        .iter()
        .filter_map(|heard| heard.body.pointer("/params/query/Columns")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    assert!(
        asked.contains(&"D01F09") && !asked.contains(&"I3"),
        "{asked:?}"
    );
    let of_sources = asked.iter().filter(|code| code.starts_with('D'));
    assert!(of_sources.clone().count() > 40 && of_sources.into_iter().all(|code| code.len() == 6));
    // What the service says to one that isn't padded: nothing.
    let ask = |code: &str| serde_json::json!({"query": {"PartnerId": crate::stage::ROOT, "StartRecordNumber": 0, "RecordsCount": 5, "Columns": [code]}});
    for (code, told) in [("D1F9", false), ("D01F09", true)] {
        let answer = stage.call("EnumerateAccountStatistics", ask(code)).await;
        let settings = &answer["result"]["result"][0]["Settings"];
        assert_eq!(settings.is_array(), told, "{answer}");
    }
}

// I7: whoever asks for one column may be sent others, and some of them are secret.
#[tokio::test]
async fn columns_that_nobody_asked_for_are_dropped() {
    let stage = Stage::set().await;
    let columns = json!({"I14": "7777", "I78": "D01", "D01F00": "5", "D01F09": "1767225600"});
    fleet(&stage, &[columns]).await;
    let (asked, unasked) = (r#"{"I14":"7777"}"#, r#"{"I3":"hidden"},{"I14":"7777"}"#);
    stage.tap.spoil(Some((asked, unasked)));
    stage.spoilt.store(true, Ordering::Relaxed);
    let usage = stage.cove.usage(90).await.unwrap();
    assert_eq!(usage.rows[0].storage_bytes, 7777);
    let health = stage.cove.health(30).await.unwrap();
    assert_eq!(health.rows[0].data_sources[0].name, "srv00");
    let told = format!("{usage:?} {health:?}");
    let heard = stage.tap.heard();
    let mut answers = heard.iter().map(|heard| heard.answer.to_string());
    assert!(answers.any(|answer| answer.contains("hidden")));
    assert!(!told.contains("hidden"), "{told}");
}

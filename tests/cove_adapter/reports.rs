//! Consumption and health: what is missing is unknown, never zero. R-D15, R-D16, R-N10

use std::sync::atomic::Ordering;

use holdfast_core::estate::{DataSource, ObjectId};
use holdfast_platforms::Reports as _;
use holdfast_testkit::cove::server_with_database;
use serde_json::{Value, json};

use crate::stage::{ROOT, Stage, number};

pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

pub async fn fleet(stage: &Stage, columns: &[Value]) -> ObjectId {
    let made = stage.customer("Fabrikam", None).await;
    let device = |(place, columns): (usize, &Value)| json!({"Name": format!("srv{place:02}"), "PartnerId": number(&made.id), "columns": columns});
    let devices: Value = columns.iter().enumerate().map(device).collect();
    stage.enter("devices", devices).await;
    made.id
}

pub async fn sources(stage: &Stage) -> Vec<DataSource> {
    let report = stage.cove.health(30).await.unwrap();
    let mut rows = report.rows.into_iter();
    rows.next().map(|row| row.data_sources).unwrap_or_default()
}

// The total is fresh, and the database has been dead for a week.
#[tokio::test]
async fn a_dead_source_shows_behind_a_healthy_total() {
    let stage = Stage::set().await;
    let week = now() - 7 * 86_400;
    fleet(&stage, &[server_with_database(now(), (2, week))]).await;
    let sources = sources(&stage).await;
    let of = |workload: &str| {
        let mut sources = sources.iter();
        sources
            .find(|source| source.workload.as_deref() == Some(workload))
            .unwrap()
    };
    assert_eq!(sources.len(), 2, "the total is none of them");
    assert_eq!(
        of("FilesAndFolders").last_status.as_deref(),
        Some("Successful")
    );
    assert_eq!(of("MSSQL").last_status.as_deref(), Some("Failed"));
    let success = of("MSSQL").last_success_at.unwrap().as_second();
    assert_eq!(success, week);
}

#[tokio::test]
async fn used_storage_adds_up_and_a_missing_figure_isnt_zero() {
    let stage = Stage::set().await;
    let customer = fleet(
        &stage,
        &[
            json!({"I14": "1000", "I78": "D01", "D01F00": "5", "D01F09": "1767225600"}),
            json!({"I14": "500", "I78": "D01", "D01F00": "5", "D01F09": "1767225600"}),
        ],
    )
    .await;
    let report = stage.cove.usage(90).await.unwrap();
    assert_eq!(report.rows.len(), 1);
    assert_eq!(
        (&report.rows[0].customer_id, report.rows[0].storage_bytes),
        (&customer, 1500)
    );
    assert_eq!(report.unreadable.count(), 0);

    // Neither when the column is missing, nor when all are.
    for second in [
        json!({"I78": "D01", "D01F00": "5", "D01F09": "1767225600"}),
        json!({}),
    ] {
        let stage = Stage::set().await;
        let first = json!({"I14": "1000", "I78": "D01", "D01F00": "5", "D01F09": "1767225600"});
        fleet(&stage, &[first, second]).await;
        let report = stage.cove.usage(90).await.unwrap();
        assert!(report.rows.is_empty(), "{:?}", report.rows);
        assert_eq!(report.unreadable.count(), 1);
    }
}

#[tokio::test]
async fn pages_that_are_shorter_than_asked_for_lose_no_device() {
    for uneven in [false, true] {
        let modes = |options: &mut holdfast_simulator::CoveOptions| {
            options.modes.largest_page = 3;
            options.modes.uneven_pages = uneven;
        };
        let stage = Stage::set_with(modes).await;
        let columns: Vec<Value> = (0..10)
            .map(|_| json!({"I14": "1", "I78": "D01", "D01F00": "5", "D01F09": "1767225600"}))
            .collect();
        let customer = fleet(&stage, &columns).await;
        let snapshot = stage.with_clients().await;
        assert_eq!(snapshot.clients.len(), 10);
        assert_eq!(
            crate::stage::by_id(&snapshot, &customer).facts.clients,
            Some(10)
        );
        let report = stage.cove.usage(90).await.unwrap();
        assert_eq!(report.rows[0].storage_bytes, 10);
    }
}

// The device is there, and its customer's figure isn't known; what is odd may be a secret, and isn't repeated.
#[tokio::test]
async fn odd_settings_are_one_device_of_which_nothing_is_known_and_everything_else_goes_on() {
    let stage = Stage::set().await;
    let customer = fleet(&stage, &[json!({"I14": "7777"}), json!({"I14": "1"})]).await;
    let other = stage.customer("Northwind", None).await;
    stage
        .tap
        .spoil(Some((r#"{"I14":"7777"}"#, r#""I3=hidden""#)));
    stage.spoilt.store(true, Ordering::Relaxed);
    let snapshot = stage.with_clients().await;
    assert_eq!(
        crate::stage::by_id(&snapshot, &customer).facts.clients,
        Some(2)
    );
    let report = stage.cove.usage(90).await.unwrap();
    let known: Vec<&ObjectId> = report.rows.iter().map(|row| &row.customer_id).collect();
    assert_eq!(known, [&other.id]);
    let health = stage.cove.health(30).await.unwrap();
    for unread in [
        format!("{:?}", report.unreadable),
        format!("{:?}", health.unreadable),
    ] {
        assert!(unread.contains("settings"), "{unread}");
        assert!(!unread.contains("hidden"), "{unread}");
    }
    let renamed = stage.change(&other, json!({"name": "Northwind Traders"}));
    assert_eq!(renamed.await.unwrap().name, "Northwind Traders");
}

// Its customer's sum would lack it.
#[tokio::test]
async fn a_device_at_a_site_that_is_newer_than_the_tree_counts_for_its_customer() {
    let stage = Stage::set().await;
    let made = stage.customer("Fabrikam", None).await;
    stage.observe().await;
    let site = json!([{"Name": "Berlin", "ParentId": number(&made.id), "Level": "Site"}]);
    let site = stage.enter("partners", site).await[0];
    let device = json!([{"Name": "srv", "PartnerId": site, "columns": {"I14": "5", "I78": "D01", "D01F00": "5", "D01F09": "1767225600"}}]);
    stage.enter("devices", device).await;
    let report = stage.cove.usage(90).await.unwrap();
    let rows: Vec<(&ObjectId, u64)> = report
        .rows
        .iter()
        .map(|row| (&row.customer_id, row.storage_bytes))
        .collect();
    assert_eq!(rows, [(&made.id, 5)]);
    let health = stage.cove.health(30).await.unwrap();
    assert_eq!(health.rows[0].customer_id, made.id);
}

#[tokio::test]
async fn settings_that_are_null_are_a_device_of_which_nothing_is_known() {
    let stage = Stage::set_with(|options| options.modes.dropped_columns = vec!["I1".into()]).await;
    let customer = fleet(&stage, &[json!({})]).await;
    let snapshot = stage.with_clients().await;
    let heard = stage.tap.heard();
    let mut rows = heard
        .iter()
        .filter_map(|heard| heard.answer.pointer("/result/result/0/Settings"));
    assert!(rows.next_back().unwrap().is_null());
    assert_eq!(
        crate::stage::by_id(&snapshot, &customer).facts.clients,
        Some(1)
    );
    assert_eq!(stage.cove.usage(90).await.unwrap().rows.len(), 0);
    assert_eq!(sources(&stage).await.len(), 0);
}

#[tokio::test]
async fn a_list_of_active_sources_is_read_as_a_run_of_them_is() {
    let columns = |active: Value| json!({"I14": "1", "I78": active, "D01F09": "1767225600", "D10F09": "1767225600"});
    for active in [json!("D01D10"), json!(["D01", "D10"])] {
        let stage = Stage::set().await;
        fleet(&stage, &[columns(active)]).await;
        let sources = sources(&stage).await;
        let names: Vec<&str> = sources
            .iter()
            .filter_map(|source| source.workload.as_deref())
            .collect();
        assert_eq!(names, ["FilesAndFolders", "MSSQL"]);
        assert!(
            sources
                .iter()
                .all(|source| source.last_success_at.is_some())
        );
    }
}

// Otherwise it would look as if it had never succeeded.
#[tokio::test]
async fn a_source_whose_columns_arent_asked_for_is_left_out_and_told() {
    let stage = Stage::set().await;
    fleet(
        &stage,
        &[json!({"I14": "1", "I78": "D01D88", "D01F00": "5", "D01F09": "1767225600"})],
    )
    .await;
    let report = stage.cove.health(30).await.unwrap();
    assert_eq!(report.rows[0].data_sources.len(), 1);
    let named = &report.unreadable.named;
    assert!(
        named.len() == 1 && named[0].why.contains("D88"),
        "{named:?}"
    );
}

// While a session runs, the time of the last one is absent and the last success stays.
#[tokio::test]
async fn a_source_that_runs_now_has_no_status_and_keeps_its_last_success() {
    let stage = Stage::set().await;
    fleet(
        &stage,
        &[json!({"I14": "1", "I78": "D01", "D01F00": "1", "D01F09": "1767225600"})],
    )
    .await;
    let running = &sources(&stage).await[0];
    assert_eq!((&running.last_status, running.last_run_at), (&None, None));
    assert_eq!(running.last_success_at.unwrap().as_second(), 1_767_225_600);
}

// R-D15: nothing is stored by a customer without devices; that is known.
#[tokio::test]
async fn a_customer_without_devices_stores_nothing_and_one_query_serves_both_reports() {
    let stage = Stage::set().await;
    stage.customer("Fabrikam", None).await;
    stage.observe().await;
    let before = stage.count("EnumerateAccountStatistics");
    let usage = stage.cove.usage(90).await.unwrap();
    let health = stage.cove.health(30).await.unwrap();
    assert_eq!(
        (
            usage.rows.len(),
            usage.rows[0].storage_bytes,
            health.rows.len()
        ),
        (1, 0, 0)
    );
    assert_eq!(stage.count("EnumerateAccountStatistics"), before + 1);
}

// R-N4, R-D15: figures of what belongs to Cove or to another tool aren't ours to tell.
#[tokio::test]
async fn recycle_bins_and_customers_of_other_tools_have_no_figures() {
    let stage = Stage::set().await;
    let partners = json!([
        {"Name": "Plain"},
        {"Name": "Managed", "ExternalCode": "0123456789ab - 0f8fad5b-d9cb-469f-a165-70867728950e"},
        {"Name": "001-acme - Recycle Bin"},
    ]);
    let partners = stage.enter("partners", partners).await;
    let columns = json!({"I14": "5", "I78": "D01", "D01F00": "5", "D01F09": "1767225600"});
    let mut devices: Vec<Value> = partners
        .iter()
        .map(|id| json!({"PartnerId": id, "columns": columns}))
        .collect();
    devices.push(json!({"PartnerId": partners[1], "columns": {}}));
    stage.enter("devices", devices.into()).await;
    let plain = ObjectId::new(&partners[0].to_string());
    let usage = stage.cove.usage(90).await.unwrap();
    let told: Vec<&ObjectId> = usage.rows.iter().map(|row| &row.customer_id).collect();
    assert_eq!(told, [&plain]);
    assert_eq!(usage.unreadable.count(), 0, "{:?}", usage.unreadable);
    let health = stage.cove.health(30).await.unwrap();
    let told: Vec<&ObjectId> = health.rows.iter().map(|row| &row.customer_id).collect();
    assert_eq!(told, [&plain]);
}

// R-D16: otherwise one that always fails would never be judged, as long as it runs whenever it is asked about.
#[tokio::test]
async fn a_source_that_runs_now_is_judged_by_its_last_session_that_ended() {
    for running in ["1", "9", "12"] {
        for (ended, told) in [(Some("2"), Some("Failed")), (None, None)] {
            let stage = Stage::set().await;
            let columns = json!({"I14": "1", "I78": "D01", "D01F00": running, "D01F17": ended, "D01F09": "1767225600"});
            fleet(&stage, &[columns]).await;
            let source = &sources(&stage).await[0];
            assert_eq!(source.last_status.as_deref(), told, "{running} {ended:?}");
        }
    }
    // What has ended says it itself.
    let stage = Stage::set().await;
    let columns = json!({"I14": "1", "I78": "D01", "D01F00": "5", "D01F17": "2"});
    fleet(&stage, &[columns]).await;
    let source = &sources(&stage).await[0];
    assert_eq!(source.last_status.as_deref(), Some("Successful"));
}

// R-D15, R-D16: no customer's figures have it, and nothing is told of a customer that there isn't.
#[tokio::test]
async fn devices_that_are_directly_at_a_reseller_or_the_top_are_told() {
    let stage = Stage::set().await;
    let reseller = stage.reseller("Northwind", "Reseller", None).await;
    let columns = json!({"I14": "5", "I78": "D01", "D01F00": "5", "D01F09": "1767225600"});
    let devices: Value = [number(&reseller.id), number(&reseller.id), ROOT]
        .iter()
        .enumerate()
        .map(|(place, owner)| json!({"Name": format!("stray{place}"), "PartnerId": owner, "columns": columns}))
        .collect();
    stage.enter("devices", devices).await;
    let usage = stage.cove.usage(90).await.unwrap();
    let health = stage.cove.health(30).await.unwrap();
    assert!(usage.rows.is_empty() && health.rows.is_empty());
    for unreadable in [&usage.unreadable, &health.unreadable] {
        let told: Vec<&str> = unreadable
            .named
            .iter()
            .map(|one| one.why.as_str())
            .collect();
        let of_reseller = format!("Reseller {} (Northwind", reseller.id);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(
            told.iter()
                .any(|why| why.contains(&of_reseller) && why.contains("2 in number")),
            "{told:?}"
        );
        assert!(
            told.iter()
                .any(|why| why.contains("partner 70010, 1 in number")),
            "{told:?}"
        );
    }
}

// R-D15: Cove has no credits, which isn't that none were used.
#[tokio::test]
async fn there_are_no_credits_rather_than_none() {
    let stage = Stage::set().await;
    stage.customer("Fabrikam", None).await;
    let report = stage.cove.usage(90).await.unwrap();
    assert_eq!(report.rows.len(), 1);
    assert_eq!(report.rows[0].credits, None);
}

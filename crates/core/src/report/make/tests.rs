//! Sums of reports.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api::{Customer, shared::Edition};

fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().expect("an instant")
}

fn customer(namespace: &str, name: &str, reseller: Option<&str>, milli: u64) -> Customer {
    let credits = format!("{}.{:03}", milli / 1000, milli % 1000);
    let reseller = reseller.map(|reseller| json!({"name": reseller}));
    let document = json!({
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"resellerRef": reseller, "displayName": name},
        "status": {"platform": "msp", "usage": {"storage": "1Gi", "credits": credits}},
    });
    serde_json::from_value(document).expect("a customer")
}

fn made(customers: Vec<Customer>) -> Report {
    let resources = Resources {
        customers,
        ..Resources::default()
    };
    let wish = Wish {
        subject: Subject::Usage,
        basis: Basis::Status,
        filter: Filter::default(),
        period: Period::default(),
        columns: Vec::new(),
        all_columns: true,
    };
    make(&[resources], &wish, now()).expect("a report")
}

// R-D40: the sum of one isn't that of its namesake.
#[test]
fn namesakes_in_two_namespaces_are_summed_up_apart() {
    let report = made(vec![
        customer("one", "a", Some("north"), 1),
        customer("two", "b", Some("north"), 2),
        customer("two", "c", None, 4),
        customer("one", "d", None, 8),
    ]);
    let titles: Vec<&str> = report
        .by_reseller
        .iter()
        .map(|group| group.title.as_str())
        .collect();
    assert_eq!(titles, ["", "one/north", "two/north"]);
    let counts: Vec<u64> = report
        .by_reseller
        .iter()
        .map(|group| group.customers)
        .collect();
    assert_eq!(counts, [2, 1, 1]);
    let alone = made(vec![customer("one", "a", Some("north"), 1)]);
    assert_eq!(alone.by_reseller[0].title, "north");
}

// R-D16: what several tenants stored most together, and not what each did in a month of its own.
#[test]
fn tenants_in_a_period_are_added_up_month_by_month() {
    let tenant = |name: &str, of: [&str; 2]| {
        let month = |month: &str, stored: &str| json!({"month": month, "storageMax": stored, "credits": "1"});
        let document = json!({
            "metadata": {"name": name, "namespace": "one"},
            "spec": {"customerRef": {"name": "a"}, "product": "HybridWorkloads"},
            "status": {"edition": "Enterprise", "usage": {"storage": "1Gi", "months": [month("2026-09", of[0]), month("2026-10", of[1])]}},
        });
        serde_json::from_value(document).expect("a tenant")
    };
    let resources = Resources {
        customers: vec![customer("one", "a", None, 1)],
        tenants: vec![tenant("t1", ["10", "1"]), tenant("t2", ["2", "10"])],
        ..Resources::default()
    };
    let wish = Wish {
        subject: Subject::Usage,
        basis: Basis::Status,
        filter: Filter {
            edition: Some(Edition::Enterprise),
            ..Filter::default()
        },
        period: Period::parse(Some("2026-09"), Some("2026-10")).expect("a period"),
        columns: vec!["storage".into(), "credits".into()],
        all_columns: false,
    };
    let report = make(&[resources], &wish, now()).expect("a report");
    assert!(
        report.total.sums.contains(&Cell::Size(12)),
        "{:?}",
        report.total
    );
    assert!(
        report.total.sums.contains(&Cell::Credits(4000)),
        "{:?}",
        report.total
    );
}

// R-D40: of whom figures are known doesn't depend on which of them are shown.
#[test]
fn who_has_figures_does_not_depend_on_the_columns() {
    let resources = Resources {
        customers: vec![customer("one", "a", None, 1), {
            let document = json!({"metadata": {"name": "b", "namespace": "one"}, "spec": {"displayName": "b"}});
            serde_json::from_value(document).expect("a customer")
        }],
        ..Resources::default()
    };
    for columns in [&[][..], &["reference"], &["limit"], &["storage"]] {
        let wish = Wish {
            subject: Subject::Usage,
            basis: Basis::Status,
            filter: Filter::default(),
            period: Period::default(),
            columns: columns.iter().map(ToString::to_string).collect(),
            all_columns: false,
        };
        let report = make(std::slice::from_ref(&resources), &wish, now()).expect("a report");
        assert_eq!(
            (report.total.customers, report.total.known),
            (2, 1),
            "{columns:?}"
        );
        let groups = report.by_platform.iter().map(|group| group.known);
        assert_eq!(groups.sum::<u64>(), 1, "{columns:?}");
    }
}

// R-D40, R-N10: those that can't be judged miss nothing, so those that meet the objective are told beside those that are held to it.
#[test]
fn those_that_meet_are_told_of_those_that_are_held() {
    let document = json!({
        "metadata": {"name": "a", "namespace": "one"}, "spec": {"displayName": "a"},
        "status": {"health": {"dataSources": {"total": 34, "heldToObjective": 24, "meetingObjective": 19}}},
    });
    let resources = Resources {
        customers: vec![serde_json::from_value(document).expect("a customer")],
        ..Resources::default()
    };
    let wish = Wish {
        subject: Subject::Health,
        basis: Basis::Status,
        filter: Filter::default(),
        period: Period::default(),
        columns: Vec::new(),
        all_columns: false,
    };
    let report = make(&[resources], &wish, now()).expect("a report");
    let shown = |name: &str| {
        let at = report
            .table
            .headings
            .iter()
            .position(|heading| heading.name == name);
        at.map(|at| report.total.sums[at].clone())
    };
    assert_eq!(shown("dataSourcesHeld"), Some(Cell::Count(24)));
    assert_eq!(shown("dataSourcesMeeting"), Some(Cell::Count(19)));
    let page = crate::report::html(&report);
    assert!(
        page.contains("<dt>Meeting objective</dt><dd>19 of 24</dd>"),
        "{page}"
    );
    assert!(!page.contains("<dt>Held</dt>"), "{page}");
}

// R-D40
#[test]
fn the_first_column_of_a_page_has_its_sum() {
    let resources = Resources {
        customers: vec![customer("one", "a", None, 1500)],
        ..Resources::default()
    };
    let named = ["credits", "name", "customer", "plan", "product"];
    let wish = Wish {
        subject: Subject::Usage,
        basis: Basis::Status,
        filter: Filter::default(),
        period: Period::default(),
        columns: named.map(ToOwned::to_owned).to_vec(),
        all_columns: false,
    };
    let report = make(&[resources], &wish, now()).expect("a report");
    let page = crate::report::html(&report);
    assert!(
        page.contains("<th scope=\"row\" class=\"n\">Total: 1.5</th>"),
        "{page}"
    );
}

// R-D16, R-N10: asked for some tenants, all of a row is about those.
#[test]
fn health_of_some_tenants_is_theirs() {
    let health = |jobs: u64, sources: u64, meeting: u64| {
        json!({"jobs": {"total": jobs, "successful": jobs, "failed": 0},
            "dataSources": {"total": sources, "heldToObjective": sources, "meetingObjective": meeting},
            "attainment": [{"month": "2026-11", "meeting": meeting, "total": sources, "percent": meeting * 100 / sources, "days": 1}]})
    };
    let tenant = |name: &str, edition: &str, health: serde_json::Value| {
        let document = json!({
            "metadata": {"name": name, "namespace": "one"},
            "spec": {"customerRef": {"name": "a"}, "product": "HybridWorkloads"},
            "status": {"edition": edition, "health": health},
        });
        serde_json::from_value(document).expect("a tenant")
    };
    let mut whole = customer("one", "a", None, 1);
    let own = serde_json::from_value(health(100, 9, 3)).expect("health");
    whole.status.get_or_insert_default().health = Some(own);
    let resources = Resources {
        customers: vec![whole],
        tenants: vec![
            tenant("t1", "Elite", health(10, 2, 1)),
            tenant("t2", "Elite", health(5, 2, 2)),
            tenant("t3", "Business", health(85, 5, 0)),
        ],
        ..Resources::default()
    };
    let shown = |edition: Option<Edition>| {
        let filter = Filter {
            edition,
            ..Filter::default()
        };
        let columns = [
            "jobs",
            "dataSources",
            "dataSourcesMeeting",
            "attainmentPercent",
        ];
        let wish = Wish {
            subject: Subject::Health,
            basis: Basis::Status,
            filter,
            period: Period::default(),
            columns: columns.map(ToOwned::to_owned).into(),
            all_columns: false,
        };
        let report = make(std::slice::from_ref(&resources), &wish, now()).expect("a report");
        let row = report.table.rows[0].iter().rev().take(4).rev();
        row.map(Cell::plain).collect::<Vec<_>>()
    };
    assert_eq!(shown(Some(Edition::Elite)), ["15", "4", "3", "75"]);
    assert_eq!(shown(Some(Edition::Business)), ["85", "5", "0", "0"]);
    assert_eq!(shown(None), ["100", "9", "3", "33"], "as status says it");
}

proptest! {
    // R-D40: credits are thousandths all the way, so what is shown adds up as it stands, by reseller and by platform.
    #[test]
    fn credits_add_up_to_the_thousandth(used in prop::collection::vec((0_u64..1_000_000_000_000, 0_usize..3), 1..30)) {
        let resellers = [None, Some("north"), Some("south")];
        let customers = used.iter().enumerate().map(|(at, (milli, reseller))| {
            customer("backup", &format!("c{at}"), resellers[*reseller], *milli)
        });
        let report = made(customers.collect());
        let at = report.table.headings.iter().position(|heading| heading.name == "credits").expect("credits");
        let milli = |cell: &Cell| {
            let shown = cell.shown();
            let (whole, part) = shown.split_once('.').unwrap_or((&shown, ""));
            let part = format!("{part:0<3}");
            whole.parse::<u64>().expect("a number") * 1000 + part.parse::<u64>().expect("thousandths")
        };
        let total: u64 = used.iter().map(|(milli, _)| milli).sum();
        prop_assert_eq!(milli(&report.total.sums[at]), total);
        for groups in [&report.by_reseller, &report.by_platform] {
            prop_assert_eq!(groups.iter().map(|group| milli(&group.sums[at])).sum::<u64>(), total);
        }
        prop_assert_eq!(report.table.rows.iter().map(|row| milli(&row[at])).sum::<u64>(), total);
    }
}

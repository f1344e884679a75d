//! Reports over a small estate.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().expect("an instant")
}

fn read<K: serde::de::DeserializeOwned>(name: &str, spec: Value, status: Value) -> K {
    let document =
        json!({"metadata": {"name": name, "namespace": "backup"}, "spec": spec, "status": status});
    serde_json::from_value(document).expect("a resource")
}

fn customer(
    name: &str,
    display: &str,
    reseller: &str,
    stored: &str,
    credits: &str,
) -> crate::api::Customer {
    read(
        name,
        json!({"resellerRef": {"name": reseller}, "displayName": display, "limits": {"storage": "10Gi"},
            "administrators": [{"email": format!("ops@{name}.example"), "name": "Night desk"}]}),
        json!({
            "platform": "msp",
            "usage": {"asOf": "2026-11-26T00:00:00Z", "days": 90, "storage": stored, "credits": credits, "months": [
                {"month": "2026-05", "storageMax": "9Gi", "credits": "1"},
                {"month": "2026-10", "storageMax": "2Gi", "credits": "3"},
                {"month": "2026-11", "storageMax": stored, "credits": "4.5"}]},
            "health": {"jobs": {"total": 10, "successful": 9, "failed": 1}, "dataSources": {"total": 2, "meetingObjective": 1},
                "worst": [{"name": "fine", "lastStatus": "Successful"}, {"name": format!("sql-{name}"), "lastStatus": "Failed", "missed": ["RecoveryPoint"]}]},
        }),
    )
}

fn estate() -> Resources {
    let reseller = |name: &str, parent: Option<&str>| {
        let parent = parent.map(|parent| json!({"name": parent}));
        read(
            name,
            json!({"platformRef": {"name": "msp"}, "displayName": name, "parentRef": parent}),
            json!({}),
        )
    };
    let tenant = |name: &str, customer: &str, edition: &str, stored: &str| {
        read(
            name,
            json!({"customerRef": {"name": customer}, "servicePlanRef": {"name": "gold"}, "product": "HybridWorkloads", "storageRegions": ["eu-central-1"]}),
            json!({"edition": edition, "summary": {"plan": "gold", "type": "Commercial"},
                "usage": {"storage": stored, "credits": "2", "months": [{"month": "2026-10", "storageMax": "1Gi", "credits": "2"}]}}),
        )
    };
    Resources {
        platforms: vec![read(
            "msp",
            json!({"ownerId": "0123456789abcdef", "embedded": {}}),
            json!({}),
        )],
        resellers: vec![
            reseller("nordic", None),
            reseller("northwind", Some("nordic")),
            reseller("tailspin", None),
        ],
        plans: vec![read(
            "gold",
            json!({"platformRef": {"name": "msp"}, "planName": "Gold"}),
            json!({}),
        )],
        customers: vec![
            customer("fabrikam", "Fabrikam GmbH", "northwind", "4Gi", "41.5"),
            customer("contoso", "Contoso AG", "tailspin", "6Gi", "1.25"),
        ],
        tenants: vec![
            tenant("fabrikam-hybrid", "fabrikam", "Enterprise", "3Gi"),
            tenant("fabrikam-more", "fabrikam", "Business", "1Gi"),
        ],
    }
}

fn wish(subject: Subject) -> Wish {
    Wish {
        subject,
        basis: Basis::Status,
        filter: Filter::default(),
        period: Period::default(),
        columns: Vec::new(),
        all_columns: false,
    }
}

fn made(wish: &Wish) -> Report {
    make(&[estate()], wish, now()).expect("a report")
}

fn names(report: &Report) -> Vec<String> {
    let at = report
        .table
        .headings
        .iter()
        .position(|heading| heading.name == "name");
    let at = at.expect("a name");
    report
        .table
        .rows
        .iter()
        .map(|row| row[at].plain())
        .collect()
}

fn value(report: &Report, row: usize, column: &str) -> String {
    let at = report
        .table
        .headings
        .iter()
        .position(|heading| heading.name == column);
    report.table.rows[row][at.expect("a column")].plain()
}

const GI: u64 = 1 << 30;

// R-D40, R-D15
#[test]
fn usage_is_sorted_by_what_is_stored_and_summed_up() {
    let report = made(&wish(Subject::Usage));
    assert_eq!(names(&report), ["contoso", "fabrikam"]);
    assert_eq!(value(&report, 1, "storage"), (4 * GI).to_string());
    assert_eq!(value(&report, 1, "usedPercent"), "40");
    assert_eq!(value(&report, 1, "credits"), "41.5");
    assert_eq!((report.total.customers, report.total.known), (2, 2));
    assert!(report.total.sums.contains(&Cell::Size(10 * GI)));
    assert!(report.total.sums.contains(&Cell::Credits(42_750)));
    let resellers: Vec<_> = report
        .by_reseller
        .iter()
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(resellers, ["northwind", "tailspin"]);
    let months: Vec<_> = report.months.keys().map(String::as_str).collect();
    assert_eq!(months, ["2026-10", "2026-11"], "90 days, and no more");
}

// R-D40
#[test]
fn a_period_takes_whole_months() {
    let mut wish = wish(Subject::Usage);
    wish.period = Period::parse(Some("2026-10-15"), Some("2026-11")).expect("a period");
    let report = made(&wish);
    assert_eq!(value(&report, 1, "credits"), "7.5");
    assert_eq!(value(&report, 1, "storage"), (4 * GI).to_string());
    wish.period = Period::parse(None, Some("2026-06")).expect("a period");
    assert_eq!(value(&made(&wish), 0, "storage"), (9 * GI).to_string());
    let backwards = Period::parse(Some("2026-11"), Some("2026-10")).expect_err("backwards");
    assert_eq!(
        backwards.to_string(),
        "the period ends in 2026-10, before it begins in 2026-11. Give --from the earlier one."
    );
    for wrong in [
        "2026-13",
        "2026",
        "yesterday",
        "2026-02-30",
        "2026-11-01T00:00:00",
    ] {
        assert!(
            matches!(
                Period::parse(Some(wrong), None),
                Err(MonthError::Malformed(_))
            ),
            "{wrong}"
        );
    }
}

// R-D7, R-D8, R-D40
#[test]
fn a_filter_takes_what_it_names_and_all_below() {
    let found = |filter: Filter| {
        names(&made(&Wish {
            filter,
            ..wish(Subject::Customers)
        }))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        found(Filter {
            reseller: some("nordic"),
            ..Filter::default()
        }),
        ["fabrikam"]
    );
    assert_eq!(
        found(Filter {
            reseller: some("tailspin"),
            ..Filter::default()
        }),
        ["contoso"]
    );
    assert_eq!(
        found(Filter {
            search: some("oso a"),
            ..Filter::default()
        }),
        ["contoso"]
    );
    assert_eq!(
        found(Filter {
            administrator: some("OPS@fab"),
            ..Filter::default()
        }),
        ["fabrikam"]
    );
    assert_eq!(
        found(Filter {
            administrator: some("night"),
            ..Filter::default()
        }),
        ["contoso", "fabrikam"]
    );
    assert_eq!(
        found(Filter {
            platform: some("msp"),
            plan: some("gold"),
            ..Filter::default()
        }),
        ["fabrikam"]
    );
    assert_eq!(
        found(Filter {
            region: some("us-east-1"),
            ..Filter::default()
        }),
        [""; 0]
    );
    assert_eq!(
        found(Filter {
            namespace: some("other"),
            ..Filter::default()
        }),
        [""; 0]
    );
}

// R-D40
#[test]
fn figures_of_an_edition_are_those_of_its_tenants() {
    let mut wish = wish(Subject::Usage);
    wish.filter.edition = Some(crate::api::shared::Edition::Enterprise);
    let report = made(&wish);
    assert_eq!(names(&report), ["fabrikam"]);
    assert_eq!(value(&report, 0, "storage"), (3 * GI).to_string());
    assert_eq!(value(&report, 0, "credits"), "2");
}

// R-D7, R-D9
#[test]
fn what_does_not_exist_is_refused_with_what_does() {
    let filter = Filter {
        reseller: Some("contoso".into()),
        ..Filter::default()
    };
    let refused = filter.check(&[estate()]).expect_err("refused").to_string();
    assert_eq!(
        refused,
        "--reseller \"contoso\": there is no such Reseller. Choose one of: nordic, northwind, tailspin."
    );
    let mut wish = wish(Subject::Health);
    wish.columns = vec!["storage".into()];
    let refused = make(&[estate()], &wish, now())
        .expect_err("refused")
        .to_string();
    assert!(
        refused.starts_with(
            "this report has no column \"storage\". Choose of: namespace, name, customer, "
        ),
        "{refused}"
    );
}

// R-D9, R-D10
#[test]
fn columns_are_chosen_and_name_product_and_plan_stay() {
    let shown = |wish: &Wish| -> Vec<&str> {
        made(wish)
            .table
            .headings
            .iter()
            .map(|heading| heading.name)
            .collect()
    };
    let mut wish = wish(Subject::Usage);
    wish.columns = vec!["credits".into(), "customer".into()];
    assert_eq!(
        shown(&wish),
        ["name", "plan", "product", "credits", "customer"]
    );
    wish.columns.clear();
    wish.all_columns = true;
    assert_eq!(shown(&wish).len(), 18);
}

// R-D16
#[test]
fn sources_that_missed_their_objective_come_first() {
    let report = made(&wish(Subject::Health));
    let sources = report.sources.as_ref().expect("sources");
    let named: Vec<String> = sources.rows.iter().map(|row| row[1].plain()).collect();
    assert_eq!(named, ["sql-contoso", "sql-fabrikam", "fine", "fine"]);
    assert_eq!(report.missed, 2);
    assert_eq!(value(&report, 0, "successPercent"), "90");
}

// R-D9
#[test]
fn what_a_spreadsheet_would_run_is_text_and_numbers_stay_numbers() {
    let cell = |text: &str| {
        let row = vec![Cell::Text(text.into()), Cell::Credits(1500)];
        let headings = ["customer", "credits"].map(|name| Heading {
            name,
            title: name,
            doc: name,
        });
        String::from_utf8(csv(&Table {
            headings: headings.into(),
            rows: vec![row],
        }))
        .expect("text")
    };
    for name in [
        "=1+1", "@SUM(A1)", "-2+3", "＝1", "+a", "-inf", " =1+1", "\u{a0}=1",
    ] {
        assert_eq!(cell(name), format!("customer,credits\r\n'{name},1.5\r\n"));
    }
    for name in ["-5", "+49", "-1.5", "Fabrikam", "a=b"] {
        assert_eq!(cell(name), format!("customer,credits\r\n{name},1.5\r\n"));
    }
    assert_eq!(
        cell("a\r\nb,\"c\""),
        "customer,credits\r\n\"a\r\nb,\"\"c\"\"\",1.5\r\n"
    );
}

// R-D40
#[test]
fn json_has_a_version_and_numbers() {
    let document = json(&made(&wish(Subject::Usage)));
    assert_eq!(document["version"], 1);
    assert_eq!(document["report"], "usage");
    assert_eq!(document["items"][1]["storage"], 4 * GI);
    assert_eq!(document["items"][1]["credits"], json!(41.5));
    assert_eq!(document["items"][0]["plan"], json!([]));
    assert_eq!(document["total"]["sums"]["storage"], 10 * GI);
    assert_eq!(document["byReseller"][0]["name"], "northwind");
    let health = json(&made(&wish(Subject::Health)));
    assert_eq!(health["dataSources"][0]["missed"], json!(["RecoveryPoint"]));
}

// R-D40: what is on a page is what was written, and nothing moves its direction.
#[test]
fn a_page_shows_words_as_they_are() {
    let mut estate = estate();
    estate.customers[0].spec.display_name = "Acme,Ltd \u{61c}x".into();
    let mut wish = wish(Subject::Usage);
    wish.columns = vec!["customer".into()];
    let report = make(&[estate], &wish, now()).expect("a report");
    let page = html(&report);
    assert!(page.contains("Acme,Ltd \u{fffd}x"), "{page}");
    // A chart doesn't depend on the columns of the table.
    assert!(page.contains("Storage, by reseller"), "{page}");
    assert_eq!(page.matches("<svg").count(), 4);
}

// R-D40
#[test]
fn a_page_loads_nothing_and_its_tables_and_charts_have_names() {
    for subject in [
        Subject::Usage,
        Subject::Customers,
        Subject::Health,
        Subject::Sources,
    ] {
        let page = html(&made(&wish(subject)));
        for never in [
            "http://", "https://", "<script", "@import", "url(", "<img", "<link",
        ] {
            assert!(!page.contains(never), "{never}");
        }
        for always in [
            "<html lang=\"en\">",
            "prefers-color-scheme: dark",
            "@media print",
            "<caption>",
            "scope=\"col\"",
            "scope=\"row\"",
        ] {
            assert!(page.contains(always), "{always}");
        }
        let count = |text: &str| page.matches(text).count();
        assert_eq!(count("<svg role=\"img\" aria-labelledby"), count("<svg"));
        assert_eq!(count("<svg"), if subject == Subject::Usage { 4 } else { 0 });
        assert_eq!(count("<desc"), count("<svg"));
    }
}

/// The columns that docs/reports.md lists are those that there are.
// R-D9
#[test]
fn the_documentation_lists_every_column() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reports.md");
    let page = std::fs::read_to_string(path).expect("docs/reports.md");
    let marker = "<!-- columns -->\n";
    let (before, _) = page.split_once(marker).expect("the place of the columns");
    let wanted = format!("{before}{marker}{}", explained());
    if std::env::var_os("UPDATE").is_some() {
        return std::fs::write(path, &wanted).expect("written");
    }
    assert!(
        page == wanted,
        "docs/reports.md is old: UPDATE=1 cargo test -p holdfast-core report"
    );
}

proptest! {
    // R-D9: whatever a name is, the file has one record a row, no cell is a formula, and what is read back is what was written but for apostrophes.
    #[test]
    fn any_name_survives_csv(names in prop::collection::vec(any::<String>(), 1..5)) {
        let headings = vec![Heading { name: "customer", title: "", doc: "" }, Heading { name: "x", title: "", doc: "" }];
        let rows = names.iter().map(|name| vec![Cell::Text(name.clone()), Cell::Empty]).collect();
        let written = csv(&Table { headings, rows });
        let mut reader = ::csv::ReaderBuilder::new().from_reader(written.as_slice());
        let read: Vec<String> = reader.records().map(|record| record.expect("a record")[0].to_owned()).collect();
        prop_assert_eq!(read.len(), names.len());
        for (name, read) in names.iter().zip(read) {
            let is_number = read.parse::<f64>().is_ok();
            prop_assert!(is_number || !read.starts_with(['=', '+', '-', '@', '\t', '\r']), "{read:?}");
            // Nothing but apostrophes is added.
            prop_assert_eq!(read.replace('\'', ""), name.replace('\'', ""));
        }
    }

    // R-D40: whatever a name is, the page has no tag of its making.
    #[test]
    fn any_name_is_only_text_on_a_page(name in any::<String>()) {
        let hostile = format!("{name}<script>alert(1)</script>\"' onload=x");
        let mut estate = estate();
        estate.customers[0].spec.display_name = hostile;
        let tags = |page: &str| page.matches('<').count();
        let report = make(&[estate], &wish(Subject::Usage), now()).expect("a report");
        let page = html(&report);
        prop_assert_eq!(tags(&page), tags(&html(&made(&wish(Subject::Usage)))));
        prop_assert!(!page.contains("<script"));
        prop_assert!(!page.contains("\"' onload"));
    }

    // R-D40: subtotals add up to the total, by reseller and by platform.
    #[test]
    fn subtotals_add_up(stored in prop::collection::vec((0_u64..1 << 40, 0_usize..4), 0..30)) {
        let mut estate = estate();
        let resellers = ["nordic", "northwind", "tailspin", "gone"];
        estate.customers = stored.iter().enumerate().map(|(at, (bytes, reseller))| {
            customer(&format!("c{at}"), "C", resellers[*reseller], &bytes.to_string(), "1")
        }).collect();
        let report = make(&[estate], &wish(Subject::Usage), now()).expect("a report");
        for groups in [&report.by_reseller, &report.by_platform] {
            prop_assert_eq!(groups.iter().map(|group| group.customers).sum::<u64>(), report.total.customers);
            for (at, total) in report.total.sums.iter().enumerate() {
                let sum = groups.iter().fold(Cell::Empty, |sum, group| sum.plus(&group.sums[at]));
                prop_assert_eq!(&sum, total);
            }
        }
    }
}

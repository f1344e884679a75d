//! Sums of reports.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api::Customer;

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

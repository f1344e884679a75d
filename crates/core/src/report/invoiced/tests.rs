//! Invoice lines on a page.

use super::*;

fn line(customer: &str, unit: BillingUnit, quantity: u64, to_bill: u64, state: State) -> Line {
    Line {
        platform: "backup/msp".into(),
        customer: format!("backup/{customer}"),
        reference: None,
        reseller: None,
        sku: "HF-GOLD".into(),
        unit,
        quantity,
        included: quantity - to_bill,
        to_bill,
        days: 30,
        missing: Vec::new(),
        state,
    }
}

// R-N15: quantities are added up by SKU and unit, exactly, and the same lines give the same bytes.
#[test]
fn lines_are_summed_up_by_reseller_sku_and_unit() {
    let lines = [
        line("a", BillingUnit::Credit, 1_001, 1, State::Final),
        line("b", BillingUnit::Credit, 2_499, 499, State::Incomplete),
        line("b", BillingUnit::Seat, 7_000, 7_000, State::Final),
    ];
    let mut lines = lines.to_vec();
    lines.push(Line {
        reseller: Some("northwind".into()),
        ..lines[2].clone()
    });
    let rows = invoice("2026-10", &lines, &[]).expect("all columns");
    let page = invoice_html("2026-10", &rows, &lines);
    assert!(
        page.contains("4 lines of 2026-10, of which 1 aren&#39;t final.")
            || page.contains("of which 1 aren't final."),
        "{page}"
    );
    let [(_, by_reseller), ..] = invoice_sums(&lines);
    assert_eq!(
        shown(&by_reseller),
        [
            " HF-GOLD Credit 2 3.5 0.5",
            " HF-GOLD Seat 1 7 7",
            "northwind HF-GOLD Seat 1 7 7"
        ]
    );
    assert_eq!(page, invoice_html("2026-10", &rows, &lines));
}

fn shown(table: &Table) -> Vec<String> {
    let words = |row: &Vec<Cell>| row.iter().map(Cell::plain).collect::<Vec<_>>().join(" ");
    table.rows.iter().map(words).collect()
}

// R-N15: the sum of one reseller isn't that of its namesake.
#[test]
fn resellers_of_one_name_are_summed_up_apart() {
    let one = Line {
        reseller: Some("northwind".into()),
        ..line("a", BillingUnit::Seat, 7_000, 7_000, State::Final)
    };
    let other = Line {
        customer: "another/b".into(),
        platform: "another/msp".into(),
        ..one.clone()
    };
    let lines = [one, other];
    let [(_, by_reseller), (_, by_platform), (_, total)] = invoice_sums(&lines);
    assert_eq!(
        shown(&by_platform),
        [
            "another/msp HF-GOLD Seat 1 7 7",
            "backup/msp HF-GOLD Seat 1 7 7"
        ]
    );
    assert_eq!(shown(&total), ["HF-GOLD Seat 2 14 14"]);
    let rows = invoice("2026-10", &lines, &[]).expect("all columns");
    let json = invoice_json("2026-10", &rows, &lines);
    let sum = |namespace: Option<&str>, name: Option<&str>, lines: u32, amount: u32| json!({"namespace": namespace, "name": name, "sku": "HF-GOLD", "unit": "Seat", "lines": lines, "quantity": amount, "toBill": amount});
    assert_eq!(json["total"], json!([sum(None, None, 2, 14)]));
    let apart = |name| {
        json!([
            sum(Some("another"), Some(name), 1, 7),
            sum(Some("backup"), Some(name), 1, 7)
        ])
    };
    assert_eq!(json["byReseller"], apart("northwind"));
    assert_eq!(json["byPlatform"], apart("msp"));
    assert_eq!(
        shown(&by_reseller),
        [
            "another/northwind HF-GOLD Seat 1 7 7",
            "backup/northwind HF-GOLD Seat 1 7 7"
        ]
    );
}

/// A month as version 1 kept it, in two parts: days before objects had ids, an object under two names, a day without a figure.
const KEPT: [(u8, &str); 2] = [
    (3, include_str!("kept/03.json")),
    (17, include_str!("kept/17.json")),
];

// R-N15: whatever is changed in how days become lines: what was printed of a month that is over stays as it was. If this fails, the
// program is wrong, not the files: mend it, or keep the old way for months of that version.
#[test]
fn a_month_of_an_earlier_version_gives_the_lines_that_it_gave_then() {
    let parts = KEPT.map(|(number, text)| (number, text.to_owned())).into();
    let month = crate::invoice::join(&parts)
        .expect("it is read")
        .expect("a month");
    let lines = crate::invoice::lines(&month);
    let rows = invoice("2025-02", &lines, &[]).expect("all columns");
    let csv = String::from_utf8(crate::report::csv(&rows)).expect("text");
    assert_eq!(csv.replace("\r\n", "\n"), include_str!("kept/lines.csv"));
}

// R-N15, R-D9: columns that are named stand alone, in that order.
#[test]
fn named_columns_of_an_invoice_are_all_that_there_is() {
    let lines = [line("a", BillingUnit::Credit, 1_001, 1, State::Final)];
    let named = ["toBill", "reference", "name", "toBill"].map(ToOwned::to_owned);
    let rows = invoice("2026-10", &lines, &named).expect("columns");
    let csv = String::from_utf8(crate::report::csv(&rows)).expect("text");
    assert_eq!(csv, "toBill,reference,name\r\n0.001,,a\r\n");
    let error = invoice("2026-10", &lines, &["price".to_owned()]).expect_err("there is none");
    assert!(
        error
            .to_string()
            .starts_with("this report has no column \"price\". Choose of: month, namespace, name"),
        "{error}"
    );
}

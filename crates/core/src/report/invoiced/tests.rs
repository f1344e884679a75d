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
    let rows = invoice("2026-10", &lines);
    let page = invoice_html("2026-10", &rows, &lines);
    assert!(
        page.contains("4 lines of 2026-10, of which 1 aren&#39;t final.")
            || page.contains("of which 1 aren't final."),
        "{page}"
    );
    let sums = invoice_sums(&lines);
    let shown: Vec<String> = sums
        .rows
        .iter()
        .map(|row| row.iter().map(Cell::plain).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        shown,
        [
            " HF-GOLD Credit 2 3.5 0.5",
            " HF-GOLD Seat 1 7 7",
            "northwind HF-GOLD Seat 1 7 7"
        ]
    );
    assert_eq!(page, invoice_html("2026-10", &rows, &lines));
}

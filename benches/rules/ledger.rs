//! The ledger: entering everybody, serving them, and what one more word costs afterwards.

use std::time::Instant;

use holdfast_core::rules::quota::{Ledger, Membership, Rank};

const CUSTOMERS: usize = 10_000;
/// Bytes that each customer asks for.
const CLAIM: u64 = 10;

/// Prints the figures for one reseller, and for five hundred.
pub fn measure() {
    for resellers in [1, 500] {
        let (entered, served, word) = once(resellers, CUSTOMERS);
        println!(
            "ledger, {resellers} reseller(s), {CUSTOMERS} customers: all entered {entered:.1} ms, served {served:.1} ms, one declaration {word:.2} µs"
        );
    }
    let (_, _, few) = once(1, 100);
    println!("ledger, 1 reseller, 100 customers: one declaration {few:.2} µs");
}

/// Milliseconds to enter and to serve all, and microseconds of one declaration among them. Half of them don't fit.
fn once(resellers: usize, customers: usize) -> (f64, f64, f64) {
    let mut ledger: Ledger<usize, usize> = Ledger::default();
    let allotted = (customers / resellers) as u64 * CLAIM / 2;
    for reseller in 0..resellers {
        ledger.allot(&reseller, [Some(allotted), None, None, None]);
    }
    let rank = |customer: usize| Rank {
        created: jiff::Timestamp::UNIX_EPOCH,
        name: format!("backup/customer-{customer:05}"),
    };
    let claim = |customer: usize| {
        [Membership {
            pool: customer % resellers,
            held: [None; 4],
            wanted: [Some(CLAIM), None, None, None],
            perhaps: [None; 4],
        }]
    };
    let started = Instant::now();
    for customer in 0..customers {
        ledger.enrol(&customer, &rank(customer), &claim(customer));
    }
    let entered = started.elapsed();
    let started = Instant::now();
    let granted = ledger.serve_all().len();
    let served = started.elapsed();
    assert_eq!(granted, customers / 2, "half of them fit");
    let started = Instant::now();
    for customer in 0..customers {
        ledger.declare(&customer, &rank(customer), &claim(customer), true);
    }
    let each = started.elapsed() / u32::try_from(customers).expect("not that many");
    let word = each.as_secs_f64() * 1e6;
    (
        entered.as_secs_f64() * 1000.0,
        served.as_secs_f64() * 1000.0,
        word,
    )
}

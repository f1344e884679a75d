//! Sweeps by the adapter alone.

use holdfast_platforms::Reports as _;
use std::{num::NonZeroU32, time::Instant};

use holdfast_api::Kind;
use holdfast_core::estate::{Scope, Snapshot};
use holdfast_platforms::{Platform, RateLimit, druva::Druva};

use super::{
    account::Account,
    counters::{Counts, since, total},
};

/// Days that the operator asks for.
const USAGE_DAYS: u16 = 90;
const HEALTH_DAYS: u16 = 30;

/// A sweep.
struct Sweep {
    requests: Counts,
    seconds: f64,
}

/// Prints the table: an adapter's first sweep and the next one, without a limit and with the one of the examples.
pub async fn measure(account: &Account) {
    let number = |number| NonZeroU32::new(number).expect("a number");
    let limited = RateLimit {
        requests_per_second: number(5),
        burst: number(10),
    };
    let mut sweeps = Vec::new();
    for limit in [None, Some(limited)] {
        let adapter = account.adapter(limit);
        for which in ["first", "next"] {
            let of = limit.map_or("no limit", |_| "5/s, burst 10");
            eprintln!("bench: a sweep: {which}, {of}");
            sweeps.push((format!("{which}, {of}"), sweep(account, &adapter).await));
        }
    }
    let mut routes: Vec<&String> = sweeps
        .iter()
        .flat_map(|(_, sweep)| sweep.requests.keys())
        .collect();
    routes.sort();
    routes.dedup();
    print!("\n| Sweep |");
    for (title, _) in &sweeps {
        print!(" {title} |");
    }
    print!("\n|---|{}\n| time |", "---|".repeat(sweeps.len()));
    for (_, sweep) in &sweeps {
        print!(" {:.1} s |", sweep.seconds);
    }
    print!("\n| requests |");
    for (_, sweep) in &sweeps {
        print!(" {} |", total(&sweep.requests));
    }
    for route in routes {
        print!("\n| `{route}` |");
        for (_, sweep) in &sweeps {
            print!(
                " {} |",
                sweep.requests.get(route).copied().unwrap_or_default()
            );
        }
    }
    println!();
    reports(account).await;
}

/// Prints what the two reports cost that the operator reads after a sweep, once an hour.
async fn reports(account: &Account) {
    let adapter = account.adapter(None);
    adapter.identify().await.expect("an account");
    let before = account.requests().await;
    eprintln!("bench: the reports");
    let started = Instant::now();
    adapter.usage(USAGE_DAYS).await.expect("consumption");
    let (usage, used) = (started.elapsed(), account.requests().await);
    let started = Instant::now();
    adapter.health(HEALTH_DAYS).await.expect("health");
    let (health, read) = (started.elapsed(), account.requests().await);
    println!(
        "\n| Report | requests | time, no limit | at least, by the budget |\n|---|---|---|---|"
    );
    for (title, requests, time) in [
        ("consumption of 90 days", since(&before, &used), usage),
        ("health of 30 days", since(&used, &read), health),
    ] {
        let requests = total(&requests);
        println!(
            "| {title} | {requests} | {:.1} s | {} s |",
            time.as_secs_f64(),
            requests / 5
        );
    }
}

async fn sweep(account: &Account, adapter: &Druva) -> Sweep {
    let before = account.requests().await;
    let started = Instant::now();
    let seen = adapter.observe(Scope::default()).await.expect("a sweep");
    let seconds = started.elapsed().as_secs_f64();
    // Its own sandbox is the platform's.
    assert!(
        count(&seen, Kind::Customer) > super::CUSTOMERS
            && count(&seen, Kind::Tenant) > super::TENANTS,
        "everything is seen"
    );
    Sweep {
        requests: since(&before, &account.requests().await),
        seconds,
    }
}

fn count(seen: &Snapshot, kind: Kind) -> usize {
    let objects = seen.objects.iter();
    objects.filter(|object| object.kind == kind).count()
}

//! What a sweep of an account at Druva costs, and what customers cost that are created there, under a budget of requests.
//!
//! The platform is the embedded one behind Druva's wire, in this process and with 20 ms a request; sweeps are the adapter's
//! own, creations those of the operator, a process of its own against a real API server. Run by `make bench-druva`. Nothing
//! is asserted against the clock.

mod account;
#[allow(dead_code, reason = "the bench of customers uses the rest")]
#[path = "../customers/counters.rs"]
mod counters;
mod creations;
#[allow(dead_code, reason = "the bench of customers uses the rest")]
#[path = "../customers/process.rs"]
mod process;
mod sweeps;

use std::time::Duration;

use account::{Account, LATENCY};
use creations::Course;
use tempfile::TempDir;

/// The account that is swept: half of the customers have both products.
const CUSTOMERS: usize = 2_000;
const TENANTS: usize = 3_000;

/// How long a task takes by default, and one that isn't over at the first look.
const SHORT_TASK: Duration = Duration::from_millis(300);
const LONG_TASK: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() {
    let created = std::env::var("N").ok().filter(|text| !text.is_empty());
    let created = created.map_or(100, |text| text.parse().expect("N: a number"));
    let directory = TempDir::new().expect("a directory");
    let large = directory.path().join("large.sqlite");
    eprintln!("bench: an account of {CUSTOMERS} customers and {TENANTS} tenants");
    let account = Account::start(&large, None, SHORT_TASK).await;
    account.fill(CUSTOMERS, TENANTS).await;
    account.shutdown().await;

    let account = Account::start(&large, Some(LATENCY), SHORT_TASK).await;
    sweeps::measure(&account).await;
    account.shutdown().await;

    let mut courses = Vec::new();
    for (rate, burst, beside, tenants, task) in [
        (5, 10, 0, 0, SHORT_TASK),
        (5, 10, CUSTOMERS, 0, SHORT_TASK),
        (50, 100, 0, 0, SHORT_TASK),
        (50, 100, CUSTOMERS, 0, SHORT_TASK),
        (50, 100, 0, 0, LONG_TASK),
        (50, 100, 0, created, SHORT_TASK),
    ] {
        let data = directory
            .path()
            .join(format!("account-{}.sqlite", courses.len()));
        if beside > 0 {
            std::fs::copy(&large, &data).expect("a copy");
        }
        let account = Account::start(&data, Some(LATENCY), task).await;
        if beside == 0 {
            account.plan().await;
        }
        let course = Course {
            customers: created,
            tenants,
            beside,
            rate,
            burst,
            task,
        };
        courses.push(creations::measure(course, &account).await);
        account.shutdown().await;
    }
    creations::print(&courses);
}

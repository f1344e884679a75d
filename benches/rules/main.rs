//! What the rules cost: the ledger by itself, and what the policies add to a request at the API server.
//!
//! Run by `make bench-rules`. Nothing is asserted against the clock.

mod admission;
mod ledger;

#[tokio::main]
async fn main() {
    ledger::measure();
    admission::measure().await;
}

/// Median and worst of some times, in milliseconds.
fn shown(mut times: Vec<std::time::Duration>) -> String {
    times.sort_unstable();
    let milliseconds = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let worst = times.last().copied().unwrap_or_default();
    format!(
        "median {:.1} ms, worst {:.1} ms",
        milliseconds(median),
        milliseconds(worst)
    )
}

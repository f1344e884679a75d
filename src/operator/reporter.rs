//! Reading a platform's bulk reports, consumption and health, at their own interval. Creations bring it forward once within an
//! interval: a large account's reports take minutes.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{clock, context::Context, invoices, platforms::Handle};
use crate::{
    estate::Capability,
    planner::retry_delay,
    platform::{PlatformError, Reports},
};

/// Days that consumption is reported for. R-D15.
const USAGE_DAYS: u16 = 90;
/// Days that health is reported for. R-D16.
const HEALTH_DAYS: u16 = 30;
/// How long after a creation another counts as of the same burst.
const QUIET: Duration = Duration::from_secs(3);
/// How long after a report whose figures couldn't be kept for invoices, since nothing may be written, that is tried again.
const HELD: Duration = Duration::from_secs(5);
/// How long a burst may put the reports off.
const LONGEST_BURST: Duration = Duration::from_secs(60);

/// The months that are kept for invoices, and whether they have what the last report said.
struct Books {
    book: invoices::Book,
    kept: bool,
}

impl Default for Books {
    fn default() -> Self {
        Self {
            book: invoices::Book::default(),
            kept: true,
        }
    }
}

/// Reads reports until the handle is retired, from the first complete sweep on.
pub async fn run(context: Arc<Context>, handle: Arc<Handle>) {
    while handle.site.facts().is_none() {
        handle.report_now.notified().await;
    }
    let mut failures = 0;
    let mut advanced = false;
    let mut books = Books::default();
    loop {
        // This reading is what was asked for until now.
        let _ = handle.report_now.notified().now_or_never();
        let _ = handle.created.notified().now_or_never();
        let started = Instant::now();
        let reading = AssertUnwindSafe(reports(&context, &handle, &mut books)).catch_unwind();
        let outcome = reading.await.unwrap_or_else(|_| {
            let fault = "a fault of Holdfast stopped reading the reports; the log has more";
            Err(PlatformError::Garbled(fault.into()))
        });
        failures = if outcome.is_err() { failures + 1 } else { 0 };
        let retry = outcome.err().map(|error| match error {
            PlatformError::Throttled { retry_after } => retry_after.max(retry_delay(failures)),
            _ => retry_delay(failures),
        });
        // A change of the interval takes effect at once.
        let mut terms = handle.terms_changed.subscribe();
        loop {
            let interval = handle.site.terms().usage_interval;
            let pause = retry.map_or(interval, |retry| retry.min(interval));
            tokio::select! {
                () = sleep_until(started + pause) => { advanced = false; break }
                () = handle.report_now.notified() => break,
                () = handle.created.notified(), if !advanced => {
                    quiet(&handle).await;
                    advanced = true;
                    break;
                }
                () = sleep(HELD), if !books.kept => {
                    let keeping = invoices::keep(&context, &handle, &mut books.book);
                    let kept = AssertUnwindSafe(keeping).catch_unwind().await;
                    books.kept = kept.unwrap_or(true);
                }
                _ = terms.changed() => {}
            }
        }
    }
}

/// Creations come in bursts: waits until none has followed for a while.
async fn quiet(handle: &Handle) {
    let latest = Instant::now() + LONGEST_BURST;
    while timeout(QUIET, handle.created.notified()).await.is_ok() && Instant::now() < latest {}
}

/// Reads both reports; what can be read is kept. Resources are enqueued where a report says something new.
async fn reports(
    context: &Context,
    handle: &Handle,
    books: &mut Books,
) -> Result<(), PlatformError> {
    let (Some(facts), Some(reports)) = (handle.site.facts(), handle.adapter.reports()) else {
        return Ok(());
    };
    let can = |capability| facts.capabilities.can(capability);
    let (mut used, mut healthy) = (Ok(false), Ok(false));
    if can(Capability::ReadUsage) {
        used = usage(handle, reports).await;
        if used.is_ok() {
            books.kept = invoices::keep(context, handle, &mut books.book).await;
        }
    }
    if can(Capability::ReadHealth) {
        healthy = health(handle, reports).await;
    }
    if [&used, &healthy].contains(&&Ok(true)) {
        context.show_all(&handle.site.key);
    }
    context.wake_platform(&handle.site.key);
    used.and(healthy).map(drop)
}

async fn usage(handle: &Handle, reports: &dyn Reports) -> Result<bool, PlatformError> {
    let report = reports.usage(USAGE_DAYS).await;
    let mut report = report.inspect_err(|error| skipped(handle, "usage", error))?;
    report.as_of = not_ahead(report.as_of);
    let news = handle
        .site
        .set_reports(|reports| reports.note_usage(report));
    Ok(news)
}

async fn health(handle: &Handle, reports: &dyn Reports) -> Result<bool, PlatformError> {
    let report = reports.health(HEALTH_DAYS).await;
    let mut report = report.inspect_err(|error| skipped(handle, "health", error))?;
    report.as_of = not_ahead(report.as_of);
    let news = handle
        .site
        .set_reports(|reports| reports.note_health(report));
    Ok(news)
}

/// A platform whose clock is ahead begins no month early, and none of its days is counted before it is there.
fn not_ahead(as_of: jiff::Timestamp) -> jiff::Timestamp {
    as_of.min(clock::now())
}

fn skipped(handle: &Handle, report: &str, error: &PlatformError) {
    tracing::warn!(platform = %handle.site.key, report, %error, "the report can't be read; Holdfast reads it again later");
}

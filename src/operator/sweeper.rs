//! The sweep of one platform: one bulk observation an interval, compared with the last; only a change enqueues its resource.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    context::Context,
    metrics::{ObjectLabels, PlatformLabels},
    platforms::{Handle, Trouble},
};
use crate::{
    api::Kind,
    estate::{Capability, Scope},
    planner::retry_delay,
    platform::PlatformError,
};

/// Days that consumption is reported for. R-D15.
const USAGE_DAYS: u16 = 90;
/// Days that health is reported for. R-D16.
const HEALTH_DAYS: u16 = 30;

/// The minimum time between two sweeps.
const SHORTEST: Duration = Duration::from_millis(200);

/// Sweeps a platform until the handle is retired.
pub async fn run(context: Arc<Context>, handle: Arc<Handle>) {
    context.filling.done().await;
    let mut failures = 0;
    let mut reported_at = None;
    // In parallel to the sweeps: a large account's reports take minutes. Ends with this sweeper.
    let mut reading: JoinSet<bool> = JoinSet::new();
    loop {
        let started = Instant::now();
        let sweeping = AssertUnwindSafe(sweep(&context, &handle)).catch_unwind();
        let outcome = sweeping.await.unwrap_or_else(|_| {
            let fault = "a fault of Holdfast stopped the sweep; the operator's log has more";
            Err(PlatformError::Garbled(fault.into()))
        });
        while let Some(read) = reading.try_join_next() {
            if read.unwrap_or(false) {
                reported_at = Some(Instant::now());
            }
        }
        let retry = match outcome {
            Ok(()) => {
                failures = 0;
                if reading.is_empty()
                    && (handle.take_unreported() || reports_are_due(&handle, reported_at))
                {
                    reading.spawn(reports(context.clone(), handle.clone()));
                }
                None
            }
            Err(error) => {
                failures += 1;
                note_trouble(&context, &handle, &error);
                Some(match error {
                    PlatformError::Throttled { retry_after } => {
                        retry_after.max(retry_delay(failures))
                    }
                    _ => retry_delay(failures).min(handle.site.terms().sweep_interval),
                })
            }
        };
        until_due(&handle, started, retry).await;
    }
}

fn reports_are_due(handle: &Handle, reported_at: Option<Instant>) -> bool {
    reported_at.is_none_or(|at| Instant::now() >= at + handle.site.terms().usage_interval)
}

/// Waits until the next sweep is due, or requested. A change of the interval takes effect at once.
async fn until_due(handle: &Handle, started: Instant, retry: Option<Duration>) {
    loop {
        let pause = retry.unwrap_or_else(|| handle.site.terms().sweep_interval);
        tokio::select! {
            () = sleep_until(started + pause.max(SHORTEST)) => return,
            () = handle.sweep_now.notified() => return,
            () = handle.terms_changed.notified() => {}
        }
    }
}

async fn sweep(context: &Context, handle: &Handle) -> Result<(), PlatformError> {
    let started = Instant::now();
    context.prune();
    let ticket = handle.site.inventory_mut().begin_sweep();
    let scope = Scope {
        clients: context.survey.lists_clients(&handle.site.key),
    };
    let observation = handle.adapter.observe(scope).await?;
    let changes = handle.site.install(ticket, observation, scope.clients);
    let first = handle.site.facts().is_none();
    let now = jiff::Timestamp::now();
    let woken = if first {
        context.survey.open(&handle.site, now)
    } else {
        if changes.surroundings {
            handle.site.refresh_facts();
        }
        let changed: Vec<_> = changes.objects.iter().map(|(key, _)| key.clone()).collect();
        context.survey.note_sweep(&handle.site, &changed, now)
    };
    context.wake_each(&woken);
    handle.set_swept();
    let recovered = handle.set_trouble(None);
    measure(context, handle, started.elapsed());
    tracing::debug!(platform = %handle.site.key, changed = changes.objects.len(), milliseconds = started.elapsed().as_millis(), "swept");
    if first || recovered {
        context.wake_all(&handle.site.key);
    } else {
        for ((kind, id), claim) in &changes.objects {
            context.wake_object(handle, *kind, id, claim.as_ref());
        }
        if changes.surroundings {
            context.wake_all(&handle.site.key);
        }
    }
    if first || recovered || changes.surroundings || !changes.objects.is_empty() {
        context.wake_platform(&handle.site.key);
    }
    Ok(())
}

/// Reads the bulk reports. True when they need not be retried before the next interval.
async fn reports(context: Arc<Context>, handle: Arc<Handle>) -> bool {
    let Some(facts) = handle.site.facts() else {
        return false;
    };
    let Some(reports) = handle.adapter.reports() else {
        return true;
    };
    let mut complete = true;
    if facts.capabilities.can(Capability::ReadUsage) {
        match reports.usage(USAGE_DAYS).await {
            Ok(report) => handle
                .site
                .set_reports(|reports| reports.note_usage(report)),
            Err(error) => complete = skipped(&handle, "usage", &error),
        }
    }
    if facts.capabilities.can(Capability::ReadHealth) {
        match reports.health(HEALTH_DAYS).await {
            Ok(report) => handle
                .site
                .set_reports(|reports| reports.note_health(report)),
            Err(error) => complete = skipped(&handle, "health", &error),
        }
    }
    if complete {
        context.show_all(&handle.site.key);
    }
    context.wake_platform(&handle.site.key);
    complete
}

fn skipped(handle: &Handle, report: &str, error: &PlatformError) -> bool {
    tracing::warn!(platform = %handle.site.key, report, %error, "the report can't be read; the next sweep tries again");
    false
}

/// A failed sweep changes nothing that is known; it is only reported.
fn note_trouble(context: &Context, handle: &Handle, error: &PlatformError) {
    let trouble = match error {
        PlatformError::Unauthorised(_) => Trouble::Credentials(error.to_string()),
        _ => Trouble::Unreachable(error.to_string()),
    };
    if handle.set_trouble(Some(trouble)) {
        tracing::warn!(platform = %handle.site.key, %error, "the sweep failed");
        context.wake_platform(&handle.site.key);
        if !handle.site.inventory().is_complete() {
            context.wake_all(&handle.site.key);
        }
    }
}

fn measure(context: &Context, handle: &Handle, duration: Duration) {
    let platform = handle.site.key.to_string();
    context
        .metrics
        .sweep_seconds
        .get_or_create(&PlatformLabels {
            platform: platform.clone(),
        })
        .observe(duration.as_secs_f64());
    let mut counts: HashMap<(Kind, &str), i64> = HashMap::new();
    for kind in Kind::ALL {
        counts.insert((*kind, "managed"), 0);
        counts.insert((*kind, "unmanaged"), 0);
    }
    let account = handle
        .site
        .facts()
        .map(|facts| facts.capabilities.account.id.clone())
        .unwrap_or_default();
    for object in handle.site.inventory().objects() {
        let state = if context.survey.index.holder(&account, object).is_some() {
            "managed"
        } else {
            "unmanaged"
        };
        *counts.entry((object.kind, state)).or_default() += 1;
    }
    for ((kind, state), count) in counts {
        let labels = ObjectLabels {
            platform: platform.clone(),
            kind: kind.as_str().into(),
            state: state.into(),
        };
        context.metrics.objects.get_or_create(&labels).set(count);
    }
}

//! The sweep of one platform: one bulk observation an interval, compared with the last; only what changed wakes its resource.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    context::Context,
    filling::filled,
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

/// Sweeps a platform until the handle is retired.
pub async fn run(context: Arc<Context>, handle: Arc<Handle>) {
    filled(&context.survey.stores).await;
    let mut failures = 0;
    let mut next_reports = Instant::now();
    // Beside the sweeps: a large account's reports take minutes. Ends with this sweeper.
    let mut reading: JoinSet<bool> = JoinSet::new();
    loop {
        let started = Instant::now();
        let outcome = sweep(&context, &handle).await;
        let terms = handle.site.terms();
        let pause = match outcome {
            Ok(()) => {
                failures = 0;
                while let Some(read) = reading.try_join_next() {
                    if read.unwrap_or(false) {
                        next_reports = Instant::now() + terms.usage_interval;
                    }
                }
                if reading.is_empty()
                    && (handle.take_unreported() || Instant::now() >= next_reports)
                {
                    reading.spawn(reports(context.clone(), handle.clone()));
                }
                terms.sweep_interval
            }
            Err(error) => {
                failures += 1;
                note_trouble(&context, &handle, &error);
                match error {
                    PlatformError::Throttled { retry_after } => {
                        retry_after.max(retry_delay(failures))
                    }
                    _ => retry_delay(failures).min(terms.sweep_interval),
                }
            }
        };
        tokio::select! {
            () = sleep_until(started + pause.max(Duration::from_millis(200))) => {}
            () = handle.sweep_now.notified() => {}
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
    let first = !handle.site.inventory().is_complete();
    let changes = handle
        .site
        .inventory_mut()
        .install(ticket, observation, scope.clients);
    if first {
        context.survey.index_platform(&handle.site);
    }
    if changes.surroundings || first {
        handle.site.refresh_facts();
    }
    let now = jiff::Timestamp::now();
    let promoted = context
        .survey
        .quotas
        .note_sweep(&context.survey, &handle.site, now);
    context.wake_each(&promoted);
    if first {
        context
            .survey
            .quotas
            .enrol_all(&context.survey, &handle.site, now);
    }
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

/// Reads the bulk reports. True when they need not be tried again before the next interval.
async fn reports(context: Arc<Context>, handle: Arc<Handle>) -> bool {
    let Some(facts) = handle.site.facts() else {
        return false;
    };
    let mut complete = true;
    if facts.capabilities.can(Capability::ReadUsage) {
        match handle.adapter.usage(USAGE_DAYS).await {
            Ok(report) => handle
                .site
                .set_reports(|reports| reports.note_usage(report)),
            Err(error) => complete = skipped(&handle, "usage", &error),
        }
    }
    if facts.capabilities.can(Capability::ReadHealth) {
        match handle.adapter.health(HEALTH_DAYS).await {
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
    tracing::warn!(platform = %handle.site.key, report, %error, "the report can't be read; trying again with the next sweep");
    false
}

/// A failed sweep changes nothing that we know; it is only said.
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

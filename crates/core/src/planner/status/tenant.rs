//! The status of a `Tenant`.

use jiff::Timestamp;

use super::{Around, HealthCondition, NOTHING, consumption, health, is_of, joined, limits::Quotas};
use crate::{
    api::{
        Moment,
        quantity::Credits,
        shared::ManagedStatus,
        tenant::{QuotaStatus, TenantStatus, TenantSummary},
    },
    estate::{Object, Settings},
    rules::quota::{Phase, Window},
};

/// A tenant's own part of the status, and its health conditions. Serves R-D30, R-D33.
pub fn tenant(
    object: Option<&Object>,
    around: &Around,
    previous: Option<&TenantStatus>,
    now: Timestamp,
) -> (TenantStatus, Vec<HealthCondition>) {
    let Some(object) = object else {
        let kept = previous.map(|previous| TenantStatus {
            managed: ManagedStatus::default(),
            ..previous.clone()
        });
        return (kept.unwrap_or_default(), Vec::new());
    };
    let settings = &object.settings;
    let known = previous.filter(|previous| is_of(&previous.managed, object));
    let known = known.and_then(|previous| previous.usage.as_ref());
    let row = around.usage.first();
    let row = row.map(|row| consumption::remembering(row, known));
    let usage = consumption::usage(known, row.as_ref(), around.usage_as_of, Quotas::default());
    let level = around
        .plan_of(object)
        .and_then(|plan| plan.service_level.clone());
    let (health, conditions) = health::health(
        previous.and_then(|previous| previous.health.as_ref()),
        previous.map(|previous| &previous.managed),
        around,
        |_| level.clone(),
    );
    let kept = around.quota.as_ref();
    let quota = kept.map_or_else(|| quota(settings, now), |kept| kept_quota(kept, now));
    let edition = object.facts.edition.clone();
    let regions = settings
        .get("storageRegions")
        .and_then(serde_json::Value::as_array);
    let summary = TenantSummary {
        plan: Some(
            around
                .plan_of(object)
                .map_or_else(|| NOTHING.into(), |plan| plan.name.clone()),
        ),
        tenant_type: Some(settings.text("type").unwrap_or(NOTHING).to_owned()),
        state: Some(
            if object.active() {
                "Active"
            } else {
                "Suspended"
            }
            .to_owned(),
        ),
        quota: Some(quota_column(quota.as_ref())),
        used: Some(
            usage
                .as_ref()
                .and_then(|usage| usage.credits.as_ref())
                .map_or_else(|| NOTHING.into(), ToString::to_string),
        ),
        edition: Some(edition.clone().unwrap_or_else(|| NOTHING.into())),
        regions: Some(joined(
            regions
                .into_iter()
                .flatten()
                .filter_map(|region| region.as_str()),
        )),
        expires: Some(match settings.moment("licenceExpiresAt") {
            None | Some(Moment::Never) => "never".into(),
            Some(Moment::At(expires)) => expires.to_string().chars().take(10).collect(),
        }),
        health: Some(health::success(health.as_ref())),
    };
    let status = TenantStatus {
        managed: ManagedStatus::default(),
        edition: edition.and_then(|edition| edition.parse().ok()),
        phase: object.facts.phase.clone(),
        quota,
        usage,
        health,
        summary: Some(summary),
    };
    (status, conditions)
}

/// R-D33: nothing is allotted before the effective date or after the end date, nor once the licence has expired.
fn quota(settings: &Settings, now: Timestamp) -> Option<QuotaStatus> {
    let milli = settings.thousandths("quota.credits")?;
    let window = Window::of(settings);
    let in_effect = window.phase(now) == Phase::InEffect;
    Some(QuotaStatus {
        allotted: Some(Credits::from_milli(if in_effect { milli } else { 0 })),
        in_effect: Some(in_effect),
        next_change_at: window.next_change(now),
    })
}

/// The same of a spec, where the platform keeps no quotas: a window alone is one too.
fn kept_quota(spec: &Settings, now: Timestamp) -> Option<QuotaStatus> {
    let window = Window::of(spec);
    let in_effect = window.phase(now) == Phase::InEffect;
    quota(spec, now).or_else(|| {
        (window != Window::default()).then(|| QuotaStatus {
            allotted: (!in_effect).then(|| Credits::from_milli(0)),
            in_effect: Some(in_effect),
            next_change_at: window.next_change(now),
        })
    })
}

fn quota_column(quota: Option<&QuotaStatus>) -> String {
    quota
        .and_then(|quota| quota.allotted.as_ref())
        .map_or_else(|| "unlimited".into(), ToString::to_string)
}

/// When a tenant's status changes by time alone.
pub fn next_change(object: &Object, now: Timestamp) -> Option<Timestamp> {
    quota(&object.settings, now).and_then(|quota| quota.next_change_at)
}

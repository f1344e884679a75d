//! Platforms that keep no quotas, and can be told whether backups are allowed now: the window and the credits are kept here.

use jiff::Timestamp;

use super::View;
use crate::{
    api::{Kind, shared::ManualStep},
    estate::{BACKUPS, Capabilities, Object, Settings},
    rules::quota::{Measure, Phase, Window},
};

/// Settings that have their effect through [`BACKUPS`] where the platform leaves quotas to Holdfast.
pub const KEPT: [&str; 4] = [
    "quota.credits",
    "quota.effectiveAt",
    "quota.endsAt",
    "licenceExpiresAt",
];

/// Whether the quota of a resource of this kind is kept here.
pub fn is_kept_here(capabilities: &Capabilities, kind: Kind) -> bool {
    kind == Kind::Tenant && capabilities.leaves_quotas_to_us()
}

/// Adds whether backups are allowed now, where the spec says anything about a quota. R-D33, R-V7: they are allowed within the
/// window, and while credits are left.
pub fn add(view: &View<'_>, capabilities: &Capabilities, settings: &mut Settings) {
    let stated = KEPT.iter().any(|setting| settings.get(setting).is_some());
    if !stated || !is_kept_here(capabilities, view.declared.kind) {
        return;
    }
    let used = view.neighbours.used[Measure::Credits as usize].unwrap_or(0);
    let left = settings
        .thousandths("quota.credits")
        .is_none_or(|granted| u64::try_from(granted).is_ok_and(|granted| granted > used));
    let allowed = Window::of(settings).phase(view.now()) == Phase::InEffect && left;
    settings.set(Kind::Tenant, BACKUPS, allowed.into());
}

/// Backups that are switched off at the platform, where the spec states no quota: one that has ended was taken out of it, or a
/// person did it. Holdfast leaves that as it is, and says so.
pub fn left_off(desired: &Settings, object: &Object) -> Option<ManualStep> {
    let is_off = object.settings.flag(BACKUPS) == Some(false);
    (is_off && desired.get(BACKUPS).is_none()).then(|| ManualStep {
        field: "quota".into(),
        step: "backups are switched off at the platform, and the spec states no quota that says so: to allow them, state quota: {credits: \"\"}, which is no limit, or leave it so".into(),
    })
}

/// When that changes by time alone.
pub fn next_change(view: &View<'_>) -> Option<Timestamp> {
    let spec = Settings::from_document(view.declared.kind, &view.declared.spec).ok()?;
    Window::of(&spec).next_change(view.now())
}

//! Platforms that keep no quotas, and can be told whether backups are allowed now: the window and the credits are kept here.

use jiff::Timestamp;

use super::View;
use crate::{
    api::Kind,
    estate::{BACKUPS, Capabilities, Settings},
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

/// When that changes by time alone.
pub fn next_change(view: &View<'_>) -> Option<Timestamp> {
    let spec = Settings::from_document(view.declared.kind, &view.declared.spec).ok()?;
    Window::of(&spec).next_change(view.now())
}

//! What differs between spec and platform, as it is reported.

use serde_json::Value;

use super::{
    PlatformFacts, Step, View, console,
    desired::{desired, spec_field},
};
use crate::{
    api::{Kind, shared::Drift},
    estate::{Difference, Object, Settings, differences},
};

/// Drift entries kept in status.
pub const DRIFT_SHOWN: usize = 20;
/// Settings with a value that must not be shown.
pub const SECRET: [&str; 1] = ["webAccess.passwordTag"];

/// What differs in the fields that the platform's interface accepts; `None` when that can't be determined.
pub fn differing(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
) -> Option<Vec<Difference>> {
    let declared = view.declared;
    let mut settings = desired(view, platform).ok()?;
    console::sort_out(&mut settings, platform, declared);
    Some(comparable(platform, declared.kind, &settings, object))
}

/// What differs between a resource's settings and an object. A field that this platform fixes at creation and doesn't show
/// afterwards can't be compared, and is no difference.
pub fn comparable(
    platform: &PlatformFacts,
    kind: Kind,
    settings: &Settings,
    object: &Object,
) -> Vec<Difference> {
    let mut differing = differences(kind, settings, &object.settings);
    differing.retain(|difference| {
        difference.observed.is_some() || !platform.capabilities.fixes(kind, difference.field)
    });
    differing
}

/// The look at an object by itself that has to come first, where something differs only because no list shows it.
pub fn look_closer(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    differing: &[Difference],
) -> Option<Step> {
    let capabilities = &platform.capabilities;
    let is_untold = |difference: &Difference| {
        difference.observed.is_none() && capabilities.lists_without(object.kind, difference.field)
    };
    let fresh = view.progress.fresh.as_ref() == Some(&object.id);
    (!fresh && differing.iter().any(is_untold)).then(|| Step::Read(object.id.clone()))
}

/// A difference as it may be shown.
pub fn drift(kind: Kind, difference: &Difference) -> Drift {
    let secret = SECRET.contains(&difference.field);
    let show = |value: Option<&Value>| match value {
        _ if secret => "(secret)".to_owned(),
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    let told = |value: Option<&Value>| Some(show(value)).filter(|text| !text.is_empty());
    Drift {
        field: spec_field(kind, difference.field),
        desired: told(Some(&difference.desired)),
        observed: told(difference.observed.as_ref()),
    }
}

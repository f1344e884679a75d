//! What the platform should hold for one resource, with references resolved to remote ids.

use serde_json::{Value, json};

use super::{
    allowance,
    hidden::is_hidden,
    view::{PlatformFacts, Reference, View},
};
use crate::{
    api::{Kind, conditions::Reason},
    estate::{BACKUPS, CREATE, Capability, Settings},
    rules::{self, Refusal, registry},
};

/// Why the desired state can't be determined yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Something else has to happen first.
    Wait(Reason, String),
    /// A person has to correct the spec or the object that it refers to.
    Stall(Reason, String),
    /// A rule forbids it.
    Refuse(Refusal),
}

/// The field of the spec that a setting comes from, as users know it.
pub fn spec_field(kind: Kind, setting: &str) -> String {
    let field = match (kind, setting) {
        (Kind::ServicePlan, "name") => "planName",
        (_, "name") => "displayName",
        (_, "parentId") => "parentRef",
        (_, "resellerId") => "resellerRef",
        (_, "customerId") => "customerRef",
        (_, "planId") => "servicePlanRef",
        (Kind::Tenant, "active") => "state",
        (Kind::Tenant, BACKUPS) => "quota",
        (_, "webAccess.passwordTag") => "webAccess.passwordRef",
        (_, "branding.logo") => "branding.logoRef",
        (_, "branding.icon") => "branding.iconRef",
        (_, other) => other,
    };
    field.to_owned()
}

/// Settings that hold references, by kind: setting and field of the spec.
fn reference_settings(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Reseller => &[("parentId", "parentRef")],
        Kind::Customer => &[("resellerId", "resellerRef")],
        Kind::Tenant => &[("customerId", "customerRef"), ("planId", "servicePlanRef")],
        Kind::ServicePlan => &[],
    }
}

/// The settings that the spec manages. Absent fields stay absent; `ignore` takes fields out.
///
/// # Errors
/// An [`Obstacle`] when a reference, a Secret or a value isn't good (yet).
pub fn desired(view: &View<'_>, platform: &PlatformFacts) -> Result<Settings, Obstacle> {
    let declared = view.declared;
    let kind = declared.kind;
    let mut settings = Settings::from_document(kind, &declared.spec).map_err(|error| {
        Obstacle::Stall(
            Reason::InvalidSpec,
            format!("{error}. Correct the field and apply again."),
        )
    })?;
    settings.remove("name");
    if let Some(name) = remote_name(kind, &declared.spec) {
        settings.set(kind, "name", name.into());
    }
    if kind == Kind::Customer && settings.text("accountName").is_none() {
        settings.remove("accountName");
    }
    if kind == Kind::Tenant {
        settings.remove("active");
        if let Some(state) = declared.spec.get("state").and_then(Value::as_str) {
            settings.set(kind, "active", (state == "Active").into());
        }
    }
    if is_hidden(declared) {
        refuse_telltales(&settings)?;
    }
    clear_alternatives(kind, &mut settings);
    add_references(view, platform, &mut settings)?;
    add_supplements(view, &mut settings);
    allowance::add(view, &platform.capabilities, &mut settings);
    settings.retain(|setting| !is_ignored(view, kind, setting));
    Ok(settings)
}

/// R-D2: admission refuses these too; an object that passed admission anyway reveals nothing.
fn refuse_telltales(settings: &Settings) -> Result<(), Obstacle> {
    for field in ["profile.billing.legalName", "branding.companyName"] {
        if settings.text(field).is_some() {
            return Err(Obstacle::Refuse(Refusal::new(
                &registry::HIDDEN_NAME_TELLTALE,
                field,
                "it would tell the platform the name that hideName hides",
                "Remove it, or remove hideName",
            )));
        }
    }
    if settings.text("accountName").is_none() {
        return Err(Obstacle::Refuse(Refusal::new(
            &registry::HIDDEN_NAME_TELLTALE,
            "hideName",
            "it requires an accountName, which is sent to the platform instead of displayName",
            "Set accountName, or remove hideName",
        )));
    }
    Ok(())
}

/// The name that goes to the platform: for a hidden customer its account name, never the display name.
pub fn remote_name(kind: Kind, spec: &Value) -> Option<&str> {
    let text = |field: &str| {
        spec.get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    match kind {
        Kind::ServicePlan => text("planName"),
        Kind::Customer if spec.get("hideName") == Some(&json!(true)) => text("accountName"),
        Kind::Customer | Kind::Reseller => text("displayName"),
        Kind::Tenant => None,
    }
}

/// The account name that a customer's spec states.
pub fn account_name(spec: &Value) -> Option<&str> {
    spec.get("accountName")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
}

/// Settings of a new object beyond the spec: choices that the platform would otherwise make silently.
///
/// # Errors
/// An [`Obstacle`] when the storage location can't be determined, or a value can't be read: an object is created whole.
pub fn at_creation(
    view: &View<'_>,
    platform: &PlatformFacts,
    settings: &mut Settings,
) -> Result<(), Obstacle> {
    if let Some(obstacle) = missing_value(view) {
        return Err(obstacle);
    }
    match view.declared.kind {
        // On other platforms the location belongs to the customer's tenants, not to the customer.
        Kind::Customer
            if !platform
                .capabilities
                .takes(Kind::Customer, "storageLocation") => {}
        Kind::Customer => {
            let (named, country) = (settings.text("storageLocation"), settings.text("country"));
            let chosen = rules::storage_location(named, country, &platform.locations);
            if let Some(location) = chosen.map_err(Obstacle::Refuse)? {
                settings.set(Kind::Customer, "storageLocation", location.into());
            }
        }
        // A sandbox customer has products of the platform's own type only.
        Kind::Tenant if settings.text("type").is_none() && !view.neighbours.in_sandbox() => {
            settings.set(Kind::Tenant, "type", "Evaluation".into());
        }
        Kind::Reseller if settings.text("level").is_none() => {
            settings.set(Kind::Reseller, "level", "Reseller".into());
        }
        _ => {}
    }
    Ok(())
}

/// Where two settings express the same, stating one clears the other.
fn clear_alternatives(kind: Kind, settings: &mut Settings) {
    const ADDRESS: [&str; 5] = [
        "profile.address.street",
        "profile.address.city",
        "profile.address.postalCode",
        "profile.address.state",
        "profile.address.country",
    ];
    const WINDOW: [&str; 4] = [
        "bandwidth.window.from",
        "bandwidth.window.to",
        "bandwidth.window.timeZone",
        "bandwidth.window.exceptWeekends",
    ];
    let cleared = |settings: &mut Settings, paths: &[&str]| {
        for path in paths {
            settings.set(kind, path, Value::Null);
        }
    };
    if settings.text("profile.address.text").is_some() {
        cleared(settings, &ADDRESS);
    } else if ADDRESS.iter().any(|path| settings.text(path).is_some()) {
        cleared(settings, &["profile.address.text"]);
    }
    if settings
        .text("bandwidth.mode")
        .is_some_and(|mode| mode != "Window")
    {
        cleared(settings, &WINDOW);
        if settings.text("bandwidth.mode") != Some("Always") {
            cleared(settings, &["bandwidth.maxRate"]);
        }
    }
    if settings.text("limits.licences.mode") == Some("Automatic") {
        cleared(settings, &["limits.licences.count"]);
    }
}

/// What a reference of the spec leads to.
fn target(field: &str) -> Kind {
    match field {
        "customerRef" => Kind::Customer,
        "servicePlanRef" => Kind::ServicePlan,
        _ => Kind::Reseller,
    }
}

fn add_references(
    view: &View<'_>,
    platform: &PlatformFacts,
    settings: &mut Settings,
) -> Result<(), Obstacle> {
    let kind = view.declared.kind;
    for (setting, field) in reference_settings(kind) {
        let Some((name, reference)) = view.references.get(field) else {
            continue;
        };
        match reference {
            Reference::Missing => {
                return Err(Obstacle::Stall(
                    Reason::ReferenceNotFound,
                    format!(
                        "{field} names {name:?}, which doesn't exist in namespace {:?}. Create it, or correct the name.",
                        view.declared.namespace
                    ),
                ));
            }
            Reference::Found {
                platform: Some(other),
                ..
            } if *other != platform.name => {
                return Err(Obstacle::Refuse(Refusal::new(
                    &registry::SAME_PLATFORM,
                    *field,
                    format!(
                        "{name:?} is on platform {other:?}, not on {:?}",
                        platform.name
                    ),
                    "Refer to one on the same platform",
                )));
            }
            Reference::Found { deleting: true, .. } => {
                return Err(Obstacle::Wait(
                    Reason::WaitingForReference,
                    format!("{field} names {name:?}, which is being deleted."),
                ));
            }
            // A kind without objects on the platform exists in the cluster alone.
            Reference::Found { .. } if !platform.capabilities.knows(target(field)) => {}
            Reference::Found { id: None, .. } => {
                let message = format!(
                    "{field} names {name:?}, which doesn't exist on the platform yet.{}",
                    by_hand(platform, target(field))
                );
                return Err(Obstacle::Wait(Reason::ReferenceNotReady, message));
            }
            Reference::Found { id: Some(id), .. } => {
                settings.set(kind, setting, id.as_str().into());
            }
        }
    }
    Ok(())
}

/// Where a person creates what the platform's API can't.
fn by_hand(platform: &PlatformFacts, kind: Kind) -> String {
    let capabilities = &platform.capabilities;
    if capabilities.can(Capability::create(kind)) {
        return String::new();
    }
    let page = capabilities.console_page(kind, CREATE);
    let page = page.map_or_else(String::new, |page| format!(": {page}"));
    format!(" The platform's API can't create it. Create it at the platform's console{page}.")
}

/// A value that can't be read from its Secret holds back the settings that it belongs to, and no others.
fn add_supplements(view: &View<'_>, settings: &mut Settings) {
    for field in view.supplements.missing.keys() {
        let group = field.split('.').next().unwrap_or(field);
        settings.retain(|setting| setting.split('.').next() != Some(group));
    }
    for (setting, value) in &view.supplements.settings {
        settings.set(view.declared.kind, setting, value.clone().into());
    }
}

/// Why settings are held back: a value can't be read from its Secret.
pub fn missing_value(view: &View<'_>) -> Option<Obstacle> {
    let mut missing = view.supplements.missing.iter();
    let (field, (reason, problem)) =
        missing.find(|(field, _)| !view.declared.lifecycle.ignores(field))?;
    let message = format!("{field}: {problem}");
    Some(match reason {
        Reason::ReferenceNotReady => Obstacle::Wait(*reason, message),
        _ => Obstacle::Stall(*reason, message),
    })
}

/// Whether `spec.ignore` names the field or one of its parents.
fn is_ignored(view: &View<'_>, kind: Kind, setting: &str) -> bool {
    let field = spec_field(kind, setting);
    view.declared.lifecycle.ignores(&field)
}

//! What a platform's interface doesn't accept: a person sets it at the console, Holdfast keeps it here, or the platform has no
//! counterpart.

use jiff::SignedDuration;

use super::{
    Declared, PlatformFacts, View, allowance,
    desired::{account_name, spec_field},
};
use crate::{
    api::{
        Kind,
        shared::{Change, ChangeOutcome, ChangeStep, ManualStep},
    },
    estate::{Capability, Creation, ObjectId, Settings},
};

/// How long it is told what follows from a new name.
const TOLD: SignedDuration = SignedDuration::from_hours(24);

/// Settings that have an effect without the platform: which name is sent, and what the ledger allots.
fn is_kept_here(platform: &PlatformFacts, kind: Kind, setting: &str) -> bool {
    let of_a_quota =
        allowance::is_kept_here(&platform.capabilities, kind) && allowance::KEPT.contains(&setting);
    of_a_quota
        || matches!(
            (kind, setting),
            (Kind::Customer, "hideName" | "limits.credits")
        )
}

/// Removes from the settings what the interface doesn't accept. Returns what a person has to do at the console, and the fields
/// that have no counterpart on the platform.
pub fn sort_out(
    settings: &mut Settings,
    platform: &PlatformFacts,
    declared: &Declared,
) -> (Vec<ManualStep>, Vec<String>) {
    let (mut steps, mut nowhere) = (Vec::new(), Vec::new());
    let kind = declared.kind;
    let asked: Vec<&str> = settings.filled().collect();
    settings.retain(|setting| platform.capabilities.takes(kind, setting));
    for setting in asked {
        if platform.capabilities.takes(kind, setting) || is_kept_here(platform, kind, setting) {
            continue;
        }
        match step(platform, kind, setting) {
            Some(step) => steps.push(step),
            None => nowhere.push(spec_field(kind, setting)),
        }
    }
    // The platform receives only the account name; an adopted object may hold another display name, which Holdfast doesn't
    // manage.
    if account_name(&declared.spec).is_some()
        && super::hidden::is_hidden(declared)
        && !platform.capabilities.takes(kind, "hideName")
    {
        settings.remove("name");
    }
    (steps, nowhere)
}

/// What a person does after Holdfast has given an object another name, where the driver names a page for that: on some platforms
/// the name is part of its users' login.
pub fn after_rename(view: &View<'_>, platform: &PlatformFacts) -> Option<ManualStep> {
    const FIELD: &str = "displayName";
    let page = platform
        .capabilities
        .console_page(view.declared.kind, FIELD)?;
    let logged = view.declared.status.changes.iter();
    let changes: Vec<&Change> = logged.chain(view.progress.unlogged()).collect();
    let is_naming = |change: &Change| {
        change.step == ChangeStep::Update
            && change.outcome == ChangeOutcome::Done
            && change.fields.iter().any(|field| field == FIELD)
    };
    let renamed = changes.iter().rposition(|change| is_naming(change))?;
    let made = changes
        .iter()
        .rposition(|change| change.step == ChangeStep::Create);
    // The second request of a creation gives the object its first name.
    let made = made
        .filter(|_| platform.capabilities.creation(view.declared.kind) == Creation::ListAndMark);
    let first = made.and_then(|made| (made..renamed).find(|place| is_naming(changes[*place])));
    let is_another = made.is_none_or(|made| made > renamed || first.is_some());
    let is_told = is_another && view.age(changes[renamed].at) < TOLD;
    is_told.then(|| ManualStep {
        field: FIELD.into(),
        step: page.to_owned(),
    })
}

/// What a person does to move a client to a customer.
pub fn move_step(platform: &PlatformFacts, client: &str, customer: &ObjectId) -> ManualStep {
    let field = "clients.ids";
    let step = match platform.capabilities.console_page(Kind::Customer, field) {
        Some(page) => page
            .replace("{client}", client)
            .replace("{customer}", customer.as_str()),
        None => format!("move client {client} to this customer at the platform's console"),
    };
    ManualStep {
        field: field.into(),
        step,
    }
}

/// What a person does at the console for a field; `None` where the platform has no counterpart.
pub fn step(platform: &PlatformFacts, kind: Kind, setting: &str) -> Option<ManualStep> {
    let field = spec_field(kind, setting);
    let capabilities = &platform.capabilities;
    let right = capabilities.lacking.get(&Capability::update(kind));
    let step = if let Some(right) = right.filter(|_| capabilities.takes(kind, setting)) {
        format!("the credential has no right to change {field}; to give it: {right}")
    } else if capabilities.console.is_empty() {
        format!(
            "the platform's API can't set {field}: set it at the platform's console, on the page of this {}",
            kind.as_str()
        )
    } else {
        capabilities.console_page(kind, &field)?.to_owned()
    };
    Some(ManualStep { field, step })
}

//! Creating the remote object: only where no object carries our claim. Either the platform has said so outright, or it refuses
//! by itself to create a second one.

use std::collections::BTreeSet;

use super::{
    PATIENCE, PlatformFacts, Step, Verdict, View, converge,
    desired::{at_creation, desired, spec_field},
    drift::{comparable, look_closer},
    lately::unanswered,
    refusals::{of_creation, refuse, settle_obstacle},
    step::settle,
    unmarked,
};
use crate::{
    api::{
        Kind,
        conditions::Reason,
        shared::{Adopt, Management},
    },
    estate::{CREATE, Capability, Creation, Object, Settings},
    rules::{self, Refusal, registry},
};

/// The next step for a resource that has no remote object.
pub fn next(view: &View<'_>, platform: &PlatformFacts, management: Management) -> Step {
    let declared = view.declared;
    let mut settings = match desired(view, platform) {
        Ok(settings) => settings,
        Err(obstacle) => return settle_obstacle(obstacle),
    };
    // An object that a lost creation of ours may have created doesn't belong to another owner.
    let creation = platform.capabilities.creation(declared.kind);
    let lost = !creation.is_marked() && unmarked::open(view).is_some();
    if !lost && let Some(step) = adopt_namesake(view, platform, management, &settings) {
        return step;
    }
    if management == Management::Observe {
        let message = format!(
            "The platform has no object with the ownership mark of {}, and none is created because management is Observe. Create the object elsewhere, or set management: Manage.",
            declared.title()
        );
        return settle(Verdict::Stalled(Reason::Observing, message), None);
    }
    if let Some(refusal) = rules::words(&declared.spec) {
        return refuse(&refusal);
    }
    if let Err(obstacle) = at_creation(view, platform, &mut settings) {
        return settle_obstacle(obstacle);
    }
    if let Some(refusal) = of_creation(view, platform, &settings) {
        return refuse(&refusal);
    }
    let capability = Capability::create(declared.kind);
    if !platform.capabilities.can(capability) {
        let message = at_the_console(platform, declared.kind);
        return settle(Verdict::Stalled(Reason::CapabilityMissing, message), None);
    }
    if let Some((reason, hold)) = &view.hold {
        return settle(Verdict::Waiting(*reason, hold.clone()), Some(PATIENCE));
    }
    let waits = creation == Creation::AskFirst;
    if let Some(sent) = unanswered(view).filter(|_| waits) {
        let message = format!(
            "The create request sent at {sent} was not answered and may still be carried out. Holdfast looks for the object until two minutes after that time before it retries."
        );
        return settle(
            Verdict::Waiting(Reason::CreateOutcomeUnknown, message),
            Some(PATIENCE),
        );
    }
    settings.retain(|setting| {
        let capabilities = &platform.capabilities;
        capabilities.takes(declared.kind, setting)
            && capabilities.apart(declared.kind, setting).is_none()
    });
    let document = settings.to_document();
    if unmarked::is_noted_before(view)
        && let Some(step) = unmarked::before_creation(view, platform, management, &document)
    {
        return step;
    }
    Step::Create {
        claim: platform.claim(declared.kind, &declared.namespace, &declared.name),
        fields: settings
            .filled()
            .map(|setting| spec_field(declared.kind, setting))
            .collect(),
        document,
    }
}

/// The settlement where the interface can't create an object of this kind.
fn at_the_console(platform: &PlatformFacts, kind: Kind) -> String {
    let capabilities = &platform.capabilities;
    if let Some(right) = capabilities.lacking.get(&Capability::create(kind)) {
        return format!(
            "The credential has no right to create a {}. To give it: {right}. Holdfast then goes on by itself.",
            kind.as_str()
        );
    }
    let place = match capabilities.console_page(kind, CREATE) {
        Some(page) => format!("at the platform's console: {page}"),
        None => "at the platform's console".to_owned(),
    };
    let then = if kind == Kind::ServicePlan && !capabilities.can(Capability::update(kind)) {
        "Holdfast adopts it by its name at the next sweep"
    } else {
        "then set adopt: ById with its id"
    };
    format!(
        "The platform's API can't create a {}. Create it {place}; {then}.",
        kind.as_str()
    )
}

/// The next step without looking up our claim first, where that is safe. A platform that creates at most one object for a
/// claim detects an existing one by itself: it refuses, and Holdfast reads and adopts the object. A resource that waits for a
/// reference decides nothing yet. Anything else is reported about an absent object only after the look-up.
pub fn unasked(view: &View<'_>, platform: &PlatformFacts, management: Management) -> Option<Step> {
    let creation = platform.capabilities.creation(view.declared.kind);
    if !creation.is_repeatable() {
        return None;
    }
    let step = next(view, platform, management);
    let safe = match &step {
        Step::Create { .. } => true,
        Step::Settle(settlement) => matches!(
            settlement.verdict,
            Verdict::Waiting(Reason::ReferenceNotReady | Reason::WaitingForReference, _)
        ),
        _ => false,
    };
    safe.then_some(step)
}

/// Another object has our name under our parent: a conflict, unless `adopt: Matching` is set and no managed field differs.
fn adopt_namesake(
    view: &View<'_>,
    platform: &PlatformFacts,
    management: Management,
    settings: &Settings,
) -> Option<Step> {
    let seen = view.remote.namesakes.first()?;
    let (kind, id) = (view.declared.kind, &seen.object.id);
    if let Some(holder) = &seen.holder {
        let refusal = match kind {
            Kind::Tenant => Refusal::new(
                &registry::ONE_TENANT_PER_PRODUCT,
                "product",
                format!(
                    "the customer already has a tenant of this product: {id}, owned by {holder}"
                ),
                "Delete one of the two resources, or choose another product",
            ),
            _ => Refusal::new(
                &registry::ONE_RESOURCE_PER_OBJECT,
                spec_field(kind, "name"),
                format!(
                    "{} {id} has this name and is owned by {holder}",
                    kind.as_str()
                ),
                "Choose another name, or delete one of the two resources",
            ),
        };
        return Some(refuse(&refusal));
    }
    let differing = comparable(platform, kind, settings, &seen.object);
    // An object that the interface can neither create nor change is bound by its name; differences are reported. A part of a
    // customer's record is bound too: the resource that refers to that customer owns it.
    let is_unwritable_plan = kind == Kind::ServicePlan
        && !platform.capabilities.can(Capability::create(kind))
        && !platform.capabilities.can(Capability::update(kind));
    let bound = is_unwritable_plan || seen.object.facts.facet;
    if bound && view.remote.namesakes.len() == 1 {
        return Some(converge::next(view, platform, management, &seen.object));
    }
    let matching =
        platform.adopt(&view.declared.lifecycle) == Adopt::Matching && seen.object.claim.is_none();
    if matching && let Some(step) = look_closer(view, platform, &seen.object, &differing) {
        return Some(step);
    }
    let parent = Object::parent_field(kind)
        .filter(|field| settings.text(field) != seen.object.settings.text(field));
    let differing: BTreeSet<&str> = differing
        .iter()
        .map(|difference| difference.field)
        .chain(parent)
        .collect();
    if matching && differing.is_empty() && view.remote.namesakes.len() == 1 {
        return Some(converge::next(view, platform, management, &seen.object));
    }
    let remedy = if matching && !differing.is_empty() {
        let fields: Vec<String> = differing
            .iter()
            .map(|setting| spec_field(kind, setting))
            .collect();
        format!(
            "adopt: Matching doesn't adopt it because these fields differ: {}. Make them equal, or set adopt: ById with externalId: {:?}",
            fields.join(", "),
            id.as_str()
        )
    } else {
        format!(
            "To adopt it, set adopt: ById with externalId: {:?}; otherwise choose another name",
            id.as_str()
        )
    };
    let what = match kind {
        Kind::Tenant => "of this customer and product",
        _ => "of this name",
    };
    let message = format!(
        "The platform already has a {} {what} ({id}) that this resource doesn't own. {remedy}.",
        kind.as_str()
    );
    Some(settle(
        Verdict::Stalled(Reason::NameConflict, message),
        None,
    ))
}

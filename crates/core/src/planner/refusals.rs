//! The rules' decision on what is about to be created or changed, before anything is sent.

use super::{
    Declared, PATIENCE, PlatformFacts, Step, Verdict, View,
    desired::{Obstacle, spec_field},
    step::{LONG_BACKOFF, settle, under_rule},
};
use crate::{
    api::{Kind, conditions::Reason, names::HIDDEN_LABEL, shared::ChangeStep},
    estate::{Difference, Object, Settings},
    rules::{self, Refusal, quota, registry},
};

/// Settings that decide what an object may hang under.
const PLACE: [&str; 4] = ["parentId", "resellerId", "level", "serviceType"];
/// Settings that a plan has to fit.
const PLAN: [&str; 3] = ["planId", "product", "workloads"];
/// Settings that what hangs below relies on.
const RELIED_ON: [&str; 3] = ["level", "childServiceTypes", "products"];
/// Settings that have an order.
const DATES: [&str; 3] = ["quota.effectiveAt", "quota.endsAt", "licenceExpiresAt"];

/// Why no object may be created with these settings, if so.
pub fn of_creation(
    view: &View<'_>,
    platform: &PlatformFacts,
    settings: &Settings,
) -> Option<Refusal> {
    let kind = view.declared.kind;
    if kind == Kind::Tenant && settings.text("type") == Some("Sandbox") {
        let message = "a Sandbox is never created, only adopted";
        let remedy = if view.neighbours.in_sandbox() {
            "Set adopt: ById with its externalId; or, for a product that the sandbox lacks, leave type out"
        } else {
            "Set adopt: ById with its externalId, or choose another type"
        };
        let rule = &registry::SANDBOX_NEVER_CREATED;
        return Some(Refusal::new(rule, "type", message, remedy));
    }
    if kind == Kind::Tenant
        && view.neighbours.in_sandbox()
        && let Some(other) = settings.text("type")
    {
        let message = format!(
            "this tenant belongs to the platform's sandbox customer, so its type can't be set to {other} or any other value"
        );
        let rule = &registry::SANDBOX_TYPE;
        return Some(Refusal::new(rule, "type", message, "Leave type out"));
    }
    rules::offered(&platform.capabilities, kind, settings)
        .or_else(|| rules::bare(kind, settings))
        .or_else(|| rules::quota_dates(settings, None))
        .or_else(|| rules::hierarchy(kind, settings, None, None, &view.neighbours.above))
        .or_else(|| fits_its_plan(view, settings, None))
        .or_else(|| edition(kind, settings))
        .or_else(|| limited(view, settings, None))
        .or_else(|| quota::overcommit(kind, &view.neighbours.shortages))
}

/// Why these differences may not be written, if so. Settings for which the ledger has no free share are left out of the write
/// instead.
pub fn of_change(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    settings: &Settings,
    differing: &[Difference],
) -> Option<Refusal> {
    let kind = view.declared.kind;
    let touches = |group: &[&str]| {
        let mut fields = differing.iter().map(|difference| difference.field);
        fields.any(|field| group.contains(&field))
    };
    let held = Some(&object.settings);
    let placed = || {
        let above = &view.neighbours.above;
        let refusal = rules::hierarchy(kind, settings, held, Some(&object.id), above);
        refusal.filter(|_| touches(&PLACE))
    };
    let fitting = || fits_its_plan(view, settings, held).filter(|_| touches(&PLAN));
    let relied_on = || {
        let refusal = rules::below(kind, settings, &view.neighbours.below);
        refusal.filter(|_| touches(&RELIED_ON))
    };
    let offered = || edition(kind, settings).filter(|_| touches(&["products"]));
    let bare = || rules::bare(kind, settings).filter(|_| touches(&["products", "workloads"]));
    let dated = || rules::quota_dates(settings, held).filter(|_| touches(&DATES));
    let worded = || rules::words(&view.declared.spec).filter(|refusal| touches(&[&refusal.field]));
    unhidden(view, object)
        .or_else(|| rules::fixed(&platform.capabilities, kind, differing, object))
        .or_else(|| rules::protected(object, differing, |setting| spec_field(kind, setting)))
        .or_else(worded)
        .or_else(|| rules::administrators(differing))
        .or_else(dated)
        .or_else(placed)
        .or_else(fitting)
        .or_else(offered)
        .or_else(bare)
        .or_else(relied_on)
        .or_else(|| limited(view, settings, Some(object)))
        .or_else(|| shrinking(view, object, settings, differing))
}

/// R-D2: with a spec that no longer says hideName the next write would send the name.
fn unhidden(view: &View<'_>, object: &Object) -> Option<Refusal> {
    let says = view.declared.spec.get("hideName") == Some(&true.into());
    let remembered = view.declared.marks.labels.contains_key(HIDDEN_LABEL);
    let held = object.settings.flag("hideName") == Some(true);
    let hides = object.kind == Kind::Customer && (held || remembered);
    (hides && !says).then(|| {
        let message = "the name of this customer is hidden from the platform and stays hidden";
        let remedy = "State hideName: true, or create a new resource";
        Refusal::new(&registry::HIDE_NAME_FIXED, "hideName", message, remedy)
    })
}

/// The object that status notes, or that may be being created, on another `BackupPlatform` than this: its id, and where.
pub fn noted_elsewhere(declared: &Declared, platform: &str) -> Option<(String, String)> {
    let status = &declared.status;
    let open = status.intent.as_ref();
    let open = open.filter(|intent| intent.step == ChangeStep::Create);
    let held = status.external_id.clone();
    let held = held.or_else(|| open.map(|_| "(being created)".to_owned()));
    held.zip(status.platform.clone())
        .filter(|(_, home)| home != platform)
}

/// Why a resource that has an object on another platform can't be looked up on this one.
pub fn elsewhere(view: &View<'_>, platform: &PlatformFacts) -> Option<Refusal> {
    let declared = view.declared;
    let account = &platform.capabilities.account.id;
    let by_status = noted_elsewhere(declared, &platform.name)
        .map(|(id, home)| (id, format!("platform {home:?}")));
    let by_annotation = || {
        let (home, id) = declared.annotated.as_ref()?;
        // Where status knows the platform, a different account of that platform is one that was confirmed.
        let asked = view.progress.unclaimed || !platform.capabilities.marks(view.declared.kind);
        let asked_in_vain = asked && declared.status.platform.is_none();
        (home != account && asked_in_vain).then(|| (id.to_string(), format!("account {home:?}")))
    };
    let (id, home) = by_status
        .or_else(by_annotation)
        .filter(|_| view.remote.claimed.is_none())?;
    let message = format!(
        "{} {id} is on {home} and can't be moved to {:?}",
        declared.kind.as_str(),
        platform.name
    );
    let remedy = "Refer to the platform that it is on, or create a new resource";
    let rule = &registry::PLATFORM_FIXED;
    Some(Refusal::new(rule, "platformRef", message, remedy))
}

/// What a plan's own edition doesn't offer.
fn edition(kind: Kind, settings: &Settings) -> Option<Refusal> {
    rules::edition(settings).filter(|_| kind == Kind::ServicePlan)
}

/// Not only upon a change of limits: a limit may be required of those that are there already.
fn limited(view: &View<'_>, settings: &Settings, held: Option<&Object>) -> Option<Refusal> {
    rules::required_limits(settings, held, &view.neighbours.requirements)
}

fn fits_its_plan(view: &View<'_>, settings: &Settings, held: Option<&Settings>) -> Option<Refusal> {
    rules::plan_fit(settings, held, view.neighbours.plan.as_deref()?)
}

/// An allotment that would shrink below what is granted or used of it.
fn shrinking(
    view: &View<'_>,
    object: &Object,
    settings: &Settings,
    differing: &[Difference],
) -> Option<Refusal> {
    let kind = object.kind;
    let desired = quota::amounts(kind, settings, view.now());
    let held = quota::amounts(kind, &object.settings, view.now());
    let taken = view.neighbours.granted_below;
    let below_granted = quota::below_granted(kind, differing, &desired, &held, taken);
    below_granted.or_else(|| {
        let used = &view.neighbours.used;
        let used = quota::below_use(differing, settings, &object.settings, used);
        used.filter(|_| kind == Kind::Customer)
    })
}

/// Ends the pass with a rule's refusal.
pub fn refuse(refusal: &Refusal) -> Step {
    let text = refusal.text();
    let verdict = match refusal.rule.reason {
        Reason::QuotaExceeded => Verdict::OverQuota(text),
        reason => Verdict::Stalled(reason, text),
    };
    under_rule(settle(verdict, Some(LONG_BACKOFF)), refusal)
}

/// Where parents form a circle, none of their objects can be created.
pub fn circle(view: &View<'_>) -> Option<Refusal> {
    let circle = view.neighbours.circle.as_ref()?;
    Some(Refusal::new(
        &registry::NO_CYCLE,
        "parentRef",
        format!("the parent references form a cycle: {circle}"),
        "Remove the parentRef of one of them",
    ))
}

/// The obstacle as a settlement.
pub fn settle_obstacle(obstacle: Obstacle) -> Step {
    match obstacle {
        Obstacle::Wait(reason, message) => {
            settle(Verdict::Waiting(reason, message), Some(PATIENCE))
        }
        Obstacle::Refuse(refusal) => refuse(&refusal),
        Obstacle::Stall(reason, message) => settle(Verdict::Stalled(reason, message), None),
    }
}

//! Converging an existing remote object: marks, settings, the switch, clients, the welcome mail, one at a time.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    Marks, PATIENCE, PlatformFacts, PlatformState, Settlement, Step, Verdict, View, allowance,
    console,
    desired::{desired, missing_value, remote_name, spec_field},
    drift::{SECRET, comparable, drift, look_closer},
    hidden::is_hidden,
    mail,
    refusals::{of_change, refuse, settle_obstacle},
    status::{fitting, next_change},
    step::settle,
    unkept::{self, Withheld},
};
use crate::{
    api::{
        Kind,
        conditions::{ConditionType, Reason},
        names::HIDDEN_LABEL,
        shared::{ChangeStep, Management, ManualStep},
    },
    estate::{BACKUPS, Capability, Claim, Difference, Object, merge_patch},
    rules::{self, Refusal, quota},
};

/// The next step for a resource with a known remote object.
pub fn next(
    view: &View<'_>,
    platform: &PlatformFacts,
    management: Management,
    object: &Arc<Object>,
) -> Step {
    let declared = view.declared;
    if let Some(refusal) = misplaced(view, platform, object) {
        return refuse(&refusal);
    }
    let marks = marks(view, platform, object).without(&view.insisted);
    // Once a pass: marks that another writer reverts at once must not block the other steps.
    if marks != declared.marks.without(&view.insisted)
        && view.progress.marked.as_ref() != Some(&marks)
    {
        return Step::Mark(marks);
    }
    let mut settings = match desired(view, platform) {
        Ok(settings) => settings,
        Err(obstacle) => return settle_obstacle(obstacle),
    };
    let (mut manual_steps, no_place) = console::sort_out(&mut settings, platform, declared);
    manual_steps.extend(allowance::left_off(&settings, object));
    manual_steps.extend(console::after_rename(view, platform));
    let differing = comparable(platform, declared.kind, &settings, object);
    if let Some(step) = look_closer(view, platform, object, &differing) {
        return step;
    }
    if management == Management::Observe {
        let verdict = Verdict::Observing;
        return report(view, object, verdict, &differing, manual_steps, no_place);
    }
    if let Some(refusal) = of_change(view, platform, object, &settings, &differing) {
        return refuse(&refusal);
    }
    if object.facts.provisional {
        return finish(view, platform, object);
    }
    let shortage = quota::overcommit(declared.kind, &view.neighbours.shortages);
    let (mut writable, unwritable) =
        rules::writable(&platform.capabilities, declared.kind, differing);
    if shortage.is_some() {
        writable.retain(|difference| !quota::held_back(difference.field));
    }
    let mut withheld = unkept::withhold(view, platform, &mut writable);
    manual_steps.extend(
        unwritable
            .iter()
            .filter_map(|difference| console::step(platform, declared.kind, difference.field)),
    );
    if let Some(step) = write(view, platform, object, &writable) {
        return step;
    }
    if let Some(step) = unkept::read_back(view, object) {
        return step;
    }
    if let Some(step) = customer_extras(view, platform, object, &mut manual_steps, &mut withheld) {
        return step;
    }
    if let Some(refusal) = shortage {
        return refuse(&refusal);
    }
    if let Some(obstacle) = missing_value(view) {
        return settle_obstacle(obstacle);
    }
    let verdict = leaving(object).or_else(|| unkept::verdict(&withheld));
    let verdict = verdict.unwrap_or(Verdict::InSync);
    let mut step = report(view, object, verdict, &unwritable, manual_steps, no_place);
    if let Step::Settle(settlement) = &mut step {
        unkept::tell(view, withheld, settlement);
    }
    step
}

/// The second request of a creation: the true name and the claim, for an object that was read afresh.
fn finish(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Step {
    if let Some(wait) = held(view).or_else(|| busy(object)) {
        return wait;
    }
    if view.progress.fresh.as_ref() != Some(&object.id) {
        return Step::Read(object.id.clone());
    }
    let declared = view.declared;
    let name = remote_name(declared.kind, &declared.spec).unwrap_or_default();
    Step::Update {
        id: object.id.clone(),
        etag: object.etag.clone(),
        mark: Some(platform.claim(declared.kind, &declared.namespace, &declared.name)),
        patch: [("name".to_owned(), name.into())].into_iter().collect(),
        fields: vec![spec_field(declared.kind, "name")],
        reverting: false,
    }
}

/// R-S2: whether the object that Holdfast has just created is in another location than requested. It isn't marked then, so
/// that this condition stays until a person acts; an object older than its resource was created by an earlier resource, in the
/// country of that time.
fn misplaced(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Option<Refusal> {
    let declared = view.declared;
    let made_in_this_pass = || {
        let mut performed = view.progress.performed.iter();
        performed.any(|change| change.step == ChangeStep::Create)
    };
    let made_for_this = || {
        object
            .created_at
            .is_none_or(|made| made >= declared.created_at)
    };
    let ours = object.claim.is_some() && view.remote.claimed.is_some();
    if !matches!(declared.kind, Kind::Customer | Kind::Reseller)
        || declared.annotated.is_some()
        || !ours
        || !(made_in_this_pass() || made_for_this())
        || declared
            .spec
            .get("storageLocation")
            .is_some_and(Value::is_string)
    {
        return None;
    }
    let country = declared.spec.get("country")?.as_str()?;
    let held = object.settings.text("storageLocation")?;
    rules::answered_elsewhere(object, country, held, &platform.locations)
}

/// The annotation and labels that the resource should carry.
fn marks(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Marks {
    let declared = view.declared;
    let (mut labels, _) = fitting(&view.labels);
    // A hidden name stays hidden: where the platform can't record it, the label does.
    let remembers = !platform.capabilities.takes(declared.kind, "hideName");
    if remembers && (is_hidden(declared) || declared.marks.labels.contains_key(HIDDEN_LABEL)) {
        labels.insert(HIDDEN_LABEL.into(), "true".into());
    }
    Marks {
        external_id: Some(format!(
            "{}/{}",
            platform.capabilities.account.id, object.id
        )),
        labels,
    }
}

/// The next write: the switch first when the object is suspended, last when it is activated, settings in between.
fn write(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    differing: &[Difference],
) -> Option<Step> {
    if differing.is_empty() {
        return None;
    }
    let wait = held(view).or_else(|| busy(object));
    if let Some(step) = wait.or_else(|| unkept::look_first(view, platform, object, differing)) {
        return Some(step);
    }
    let reverting = reverting(view, differing);
    let switch = differing
        .iter()
        .find(|difference| difference.field == "active")
        .map(|difference| difference.write == Value::Bool(true));
    let settings: Vec<Difference> = differing
        .iter()
        .filter(|difference| difference.field != "active")
        .cloned()
        .collect();
    let settings = of_one_request(platform, view.declared.kind, settings);
    match switch {
        Some(active) if !active || settings.is_empty() => Some(Step::SetActive {
            id: object.id.clone(),
            active,
            field: spec_field(view.declared.kind, "active"),
            reverting,
        }),
        _ => Some(Step::Update {
            id: object.id.clone(),
            etag: object.etag.clone(),
            mark: mark(view, platform, object),
            patch: merge_patch(&settings, &object.settings),
            fields: settings
                .iter()
                .map(|difference| spec_field(view.declared.kind, difference.field))
                .collect(),
            reverting,
        }),
    }
}

/// What one request can carry: first what travels together, then each group that needs a request of its own.
fn of_one_request(
    platform: &PlatformFacts,
    kind: Kind,
    mut settings: Vec<Difference>,
) -> Vec<Difference> {
    let group = |difference: &Difference| platform.capabilities.apart(kind, difference.field);
    let next = settings.iter().map(group).min().flatten();
    settings.retain(|difference| group(difference) == next);
    settings
}

/// Our claim for an object without a claim. Another owner's claim stays: only a person at the console can remove it.
fn mark(view: &View<'_>, platform: &PlatformFacts, object: &Object) -> Option<Claim> {
    let declared = view.declared;
    let ours = || platform.claim(declared.kind, &declared.namespace, &declared.name);
    (platform.capabilities.marks(object.kind) && object.claim.is_none()).then(ours)
}

/// The settlement while the platform is still working on the object.
fn busy(object: &Object) -> Option<Step> {
    let doing = object.facts.busy.as_ref()?;
    let message = format!(
        "{} {} {doing}. Differences are written once that has finished.",
        object.kind.as_str(),
        object.id
    );
    let verdict = Verdict::Waiting(Reason::WaitingForPlatform, message);
    Some(settle(verdict, Some(PATIENCE)))
}

/// The settlement for an object that is marked for deletion at the platform: it is not Ready until it is gone.
fn leaving(object: &Object) -> Option<Verdict> {
    let marked = object.facts.phase.as_deref() == Some("Deleting");
    let doing = object.facts.busy.as_ref().filter(|_| marked)?;
    let (kind, id) = (object.kind.as_str(), &object.id);
    let message = format!("{kind} {id} {doing}.");
    Some(Verdict::Waiting(Reason::WaitingForPlatform, message))
}

/// The settlement while writes are on hold.
fn held(view: &View<'_>) -> Option<Step> {
    let (reason, hold) = view.hold.clone()?;
    Some(settle(Verdict::Waiting(reason, hold), Some(PATIENCE)))
}

/// Whether the platform's object has drifted: the spec was in effect, and neither it, a Secret nor the time has changed since.
fn reverting(view: &View<'_>, differing: &[Difference]) -> bool {
    let status = &view.declared.status;
    let was_in_effect = status.conditions.iter().any(|condition| {
        let said = (condition.status.as_str(), condition.reason.as_str());
        condition.type_ == ConditionType::Ready.as_str()
            && (said == ("True", Reason::InSync.as_str())
                || said == ("False", Reason::DriftReturns.as_str())
                || said == ("False", Reason::ValueNotKept.as_str()))
    });
    was_in_effect
        && !unkept::is_sent_again(view, differing)
        && status.observed_generation == Some(view.declared.generation)
        && !differing
            .iter()
            .any(|difference| SECRET.contains(&difference.field) || difference.field == BACKUPS)
}

/// Listed clients, and the mail with the account details.
fn customer_extras(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    manual_steps: &mut Vec<ManualStep>,
    withheld: &mut Vec<Withheld>,
) -> Option<Step> {
    if view.declared.kind != Kind::Customer {
        return None;
    }
    if let Some(step) = move_clients(view, platform, object, manual_steps, withheld) {
        return Some(step);
    }
    let mail = mail::due(view, platform, object, manual_steps)?;
    Some(held(view).unwrap_or(mail))
}

/// Whether the spec lists clients.
fn lists_clients(view: &View<'_>) -> bool {
    let listed = view.declared.spec.pointer("/clients/ids");
    listed
        .and_then(Value::as_array)
        .is_some_and(|ids| !ids.is_empty())
}

/// R-V5: each listed client that belongs to another customer moves here, one at a time.
fn move_clients(
    view: &View<'_>,
    platform: &PlatformFacts,
    object: &Object,
    manual_steps: &mut Vec<ManualStep>,
    withheld: &mut Vec<Withheld>,
) -> Option<Step> {
    let Some(listed) = view.remote.clients.as_ref() else {
        return lists_clients(view).then(|| {
            let message = "Waiting for the platform's list of clients.".into();
            let verdict = Verdict::Waiting(Reason::WaitingForPlatform, message);
            settle(verdict, Some(PATIENCE))
        });
    };
    let able = platform.capabilities.can(Capability::MoveClient) && !rules::hands_off(object);
    let before = withheld.len();
    for (id, client) in listed {
        if let Some(older) = view.remote.contested.get(id) {
            let message = format!(
                "clients.ids lists {id:?}, which {older} lists too and keeps because it is older. Remove the id from one of the two lists."
            );
            return Some(settle(
                Verdict::Stalled(Reason::ClientConflict, message),
                None,
            ));
        }
        match client {
            Some(client) if client.customer_id == object.id => {}
            Some(_) if able && withheld.len() - before >= unkept::CLIENTS => break,
            Some(client) if able => {
                if let Some(one) = unkept::withhold_move(view, platform, client, &object.id) {
                    withheld.push(one);
                    continue;
                }
                let step = Step::MoveClient { client: client.id.clone(), etag: client.etag.clone(), customer: object.id.clone() };
                return Some(held(view).unwrap_or(step));
            }
            Some(_) => manual_steps.push(console::move_step(platform, id, &object.id)),
            None => manual_steps.push(ManualStep {
                field: "clients.ids".into(),
                step: format!("client {id} isn't known to the platform: let it connect once, or correct the id; Holdfast moves it to this customer when it appears"),
            }),
        }
    }
    None
}

/// Nothing is left to write.
fn report(
    view: &View<'_>,
    object: &Object,
    verdict: Verdict,
    differing: &[Difference],
    manual_steps: Vec<ManualStep>,
    not_acted_on: Vec<String>,
) -> Step {
    let kind = view.declared.kind;
    let drift = differing
        .iter()
        .map(|difference| drift(kind, difference))
        .collect();
    Step::Settle(Box::new(Settlement {
        verdict,
        drift,
        manual_steps,
        not_acted_on,
        rule: None,
        again: until_next_change(view, object),
    }))
}

/// R-D33: a quota window begins or ends with time alone, so the resource is requeued for that instant.
fn until_next_change(view: &View<'_>, object: &Object) -> Option<Duration> {
    if view.declared.kind != Kind::Tenant {
        return None;
    }
    let here = matches!(&view.platform, PlatformState::Observed(platform)
        if allowance::is_kept_here(&platform.capabilities, Kind::Tenant));
    let at = if here {
        allowance::next_change(view)
    } else {
        next_change(object, view.now())
    };
    let at = at?;
    Duration::try_from(at.duration_since(view.now())).ok()
}

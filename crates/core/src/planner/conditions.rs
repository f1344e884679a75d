//! From the settlement to the status that every managed kind shares.

use std::fmt::Write;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{
    PlatformState, Settlement, Verdict, View, change_log::change_log, remote_object,
    restraint::deletion_status, returns, status::fitting, unkept, unmarked,
};
use crate::api::{
    conditions::{ConditionType, Reason},
    shared::{ChangeStep, DriftReturn, Intent, ManagedStatus, ManualStep},
};

/// For how long `Ready` stays as last known while the platform can't be reached.
const READY_KEPT_SECONDS: i64 = 3600;
/// Entries of drift and of manual steps in status.
const SHOWN: usize = 20;
/// Fields named in a message.
const NAMED: usize = 24;

/// The shared part of status at the end of a pass. Conditions that don't apply are left out, except that `more` (health and
/// service level) is added as given. Serves R-N1, R-N3, R-N13, I8.
pub fn managed_status(
    view: &View<'_>,
    settlement: &Settlement,
    more: Vec<(ConditionType, bool, Reason, String)>,
) -> ManagedStatus {
    let declared = view.declared;
    let previous = &declared.status;
    let object = remote_object(declared, &view.remote);
    let observed = match &view.platform {
        PlatformState::Observed(platform) => Some(platform),
        _ => None,
    };
    // What holds nothing here has its object, or one that may have been made, where it was.
    let elsewhere =
        object.is_none() && (previous.external_id.is_some() || previous.intent.is_some());
    let stays = previous.platform.as_ref().filter(|_| elsewhere);
    let unkept = unkept::remembered(view);
    let drift_returns = returns::returns(view, &unkept);
    ManagedStatus {
        observed_generation: Some(declared.generation),
        external_id: object
            .map(|object| object.id.to_string())
            .or_else(|| previous.external_id.clone()),
        account: observed
            .filter(|_| object.is_some())
            .map(|platform| platform.capabilities.account.id.clone())
            .or_else(|| previous.account.clone()),
        claim: observed
            .filter(|platform| platform.capabilities.marks(declared.kind))
            .map(|platform| {
                platform
                    .claim(declared.kind, &declared.namespace, &declared.name)
                    .to_string()
            })
            .or_else(|| {
                previous
                    .claim
                    .clone()
                    .filter(|_| !unmarked::is_unmarked(view))
            }),
        platform: stays
            .or(observed.map(|platform| &platform.name))
            .or(previous.platform.as_ref())
            .cloned(),
        conditions: conditions(view, settlement, &drift_returns, more),
        protection: object
            .filter(|object| object.unreadable.is_none())
            .map(|object| object.protection)
            .or(previous.protection),
        drift: settlement.drift.iter().take(SHOWN).cloned().collect(),
        manual_steps: folded(&settlement.manual_steps),
        changes: change_log(declared, view.progress, object.map(|object| &**object)),
        intent: intent(view),
        deletion: deletion_status(declared, view.progress),
        unkept,
        drift_returns,
    }
}

/// The operation that the platform has accepted and not finished, so that polling continues after a restart; or a creation
/// with an outcome that isn't known yet.
fn intent(view: &View<'_>) -> Option<Intent> {
    let Some(operation) = view.progress.operation.clone() else {
        let noted = view.declared.status.intent.as_ref();
        let open = noted.filter(|intent| {
            intent.step == ChangeStep::Create
                && unmarked::stays_open(view, remote_object(view.declared, &view.remote).is_some())
        });
        // The task of that request has ended, or is no longer known.
        return open.map(|intent| Intent {
            operation: None,
            ..intent.clone()
        });
    };
    let previous = view
        .declared
        .status
        .intent
        .as_ref()
        .filter(|intent| intent.operation.as_ref() == Some(&operation));
    let sent = view.progress.performed.last();
    Some(previous.cloned().unwrap_or_else(|| Intent {
        id: operation.clone(),
        step: sent.map_or(ChangeStep::Update, |change| change.step),
        at: sent.map_or(view.now(), |change| change.at),
        operation: Some(operation),
        fields: sent.map_or_else(Vec::new, |change| change.fields.clone()),
        parent: None,
        names: Vec::new(),
        request_hash: None,
    }))
}

/// A condition before it has a time.
type Said = (ConditionType, &'static str, Reason, String);

fn conditions(
    view: &View<'_>,
    settlement: &Settlement,
    drift_returns: &[DriftReturn],
    more: Vec<(ConditionType, bool, Reason, String)>,
) -> Vec<Condition> {
    let mut said = verdict_conditions(view, settlement);
    if let Some((reason, message)) = returns::condition(drift_returns) {
        said.push((ConditionType::DriftReturns, "True", reason, message));
    }
    said.extend(more.into_iter().map(|(kind, holds, reason, message)| {
        (kind, if holds { "True" } else { "False" }, reason, message)
    }));
    let (_, left_out) = fitting(&view.labels);
    for (kind, _, _, message) in &mut said {
        if left_out > 0 && *kind == ConditionType::Ready {
            // Writing to a String never fails.
            let _ = write!(
                message,
                " Labels omitted because there are too many: {left_out}."
            );
        }
    }
    said.sort_by_key(|(kind, ..)| *kind);
    said.into_iter()
        .map(|condition| dated(view, condition))
        .collect()
}

/// The same reason and message under several types.
fn all(conditions: &[(ConditionType, &'static str)], reason: Reason, message: &str) -> Vec<Said> {
    let said = |(kind, status): &(ConditionType, &'static str)| {
        (*kind, *status, reason, message.to_owned())
    };
    conditions.iter().map(said).collect()
}

fn verdict_conditions(view: &View<'_>, settlement: &Settlement) -> Vec<Said> {
    use ConditionType::{DriftDetected, ManualStepPending, Ready};
    let mut said = match &settlement.verdict {
        Verdict::InSync => in_sync(),
        Verdict::ClusterOnly(message) => {
            let types = [(Ready, "True"), (ConditionType::Synced, "True")];
            all(&types, Reason::ClusterOnly, message)
        }
        Verdict::Observing => observing(settlement),
        Verdict::Paused => paused(view),
        Verdict::Waiting(reason, message) => all(
            &[(Ready, "False"), (ConditionType::Reconciling, "True")],
            *reason,
            message,
        ),
        Verdict::Unreachable(message) => unreachable(view, message),
        Verdict::Stalled(reason, message) => all(
            &[(Ready, "False"), (ConditionType::Stalled, "True")],
            *reason,
            message,
        ),
        Verdict::OverQuota(message) => {
            let types = [(Ready, "False"), (ConditionType::QuotaExceeded, "True")];
            all(&types, Reason::QuotaExceeded, message)
        }
        Verdict::DeletionBlocked(reason, message) => {
            let mut said = all(
                &[(Ready, "False")],
                Reason::Deleting,
                "The deletion is accepted but blocked. See condition DeletionBlocked.",
            );
            said.extend(all(
                &[(ConditionType::DeletionBlocked, "True")],
                *reason,
                message,
            ));
            said
        }
        Verdict::Released | Verdict::NotLookedYet => Vec::new(),
    };
    if let Verdict::Waiting(reason, message) | Verdict::Stalled(reason, message) =
        &settlement.verdict
        && matches!(reason, Reason::ValueNotKept | Reason::DriftReturns)
    {
        said.push((ConditionType::Synced, "False", *reason, message.clone()));
    }
    if !settlement.drift.is_empty() {
        let message = format!(
            "The remote object differs from the spec in: {}. See status.drift.",
            drifted(settlement)
        );
        said.push((DriftDetected, "True", Reason::Differs, message));
    }
    if let Some((reason, message)) = manual_steps(settlement) {
        said.push((ManualStepPending, "True", reason, message));
    }
    said
}

fn in_sync() -> Vec<Said> {
    let ready = all(
        &[(ConditionType::Ready, "True")],
        Reason::InSync,
        "The remote object matches the spec.",
    );
    let synced = all(
        &[(ConditionType::Synced, "True")],
        Reason::InSync,
        "No change is pending.",
    );
    [ready, synced].concat()
}

fn observing(settlement: &Settlement) -> Vec<Said> {
    let message = "management is Observe: drift is reported and not corrected.";
    let mut said = all(
        &[(ConditionType::Ready, "True")],
        Reason::Observing,
        message,
    );
    said.push(if settlement.drift.is_empty() {
        (
            ConditionType::Synced,
            "True",
            Reason::InSync,
            "The remote object matches the spec.".into(),
        )
    } else {
        let message = format!(
            "Not written because management is Observe: {}.",
            drifted(settlement)
        );
        (ConditionType::Synced, "False", Reason::Differs, message)
    });
    said
}

fn paused(view: &View<'_>) -> Vec<Said> {
    let message = "management is Paused: the remote object is neither observed nor written.";
    let mut said = all(&[(ConditionType::Paused, "True")], Reason::Paused, message);
    let changed = "management is Paused: it is unknown whether the remote object matches this version of the spec.";
    said.push(kept_ready(view, Reason::Paused, changed, true));
    said
}

fn unreachable(view: &View<'_>, message: &str) -> Vec<Said> {
    let types = [
        (ConditionType::PlatformReachable, "False"),
        (ConditionType::Reconciling, "True"),
    ];
    let mut said = all(&types, Reason::PlatformUnreachable, message);
    said.push(kept_ready(
        view,
        Reason::PlatformUnreachable,
        message,
        !outage_is_long(view),
    ));
    said
}

fn drifted(settlement: &Settlement) -> String {
    named(settlement.drift.iter().map(|drift| drift.field.as_str()))
}

/// Fields in words, each once, with the number of its occurrences; beyond the limit the remaining ones are counted.
fn named<'a>(fields: impl Iterator<Item = &'a str>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for field in fields {
        match counts.iter_mut().find(|(name, _)| *name == field) {
            Some((_, count)) => *count += 1,
            None => counts.push((field, 1)),
        }
    }
    let rest = counts.len().saturating_sub(NAMED);
    let shown = counts.iter().take(NAMED).map(|(field, count)| match count {
        1 => (*field).to_owned(),
        count => format!("{field} ({count})"),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match rest {
        0 => shown,
        rest => format!("{shown} and {rest} more"),
    }
}

/// The manual steps that fit into status; where there are more, the last entry says what the others are.
fn folded(steps: &[ManualStep]) -> Vec<ManualStep> {
    if steps.len() <= SHOWN {
        return steps.to_vec();
    }
    let (shown, rest) = steps.split_at(SHOWN - 1);
    let texts: Vec<&str> = rest.iter().map(|step| step.step.as_str()).collect();
    let mut fields: Vec<&str> = rest.iter().map(|step| step.field.as_str()).collect();
    fields.dedup();
    let last = ManualStep {
        field: fields.join(", "),
        step: format!("and {} more: {}", rest.len(), texts.join("; ")),
    };
    shown.iter().cloned().chain([last]).collect()
}

fn manual_steps(settlement: &Settlement) -> Option<(Reason, String)> {
    let nowhere = format!(
        "Not supported by this platform: {}.",
        named(settlement.not_acted_on.iter().map(String::as_str))
    );
    if !settlement.manual_steps.is_empty() {
        let steps = settlement.manual_steps.iter();
        return Some((
            Reason::ConsoleStepRequired,
            format!(
                "These fields require a manual step at the platform's console: {}. See status.manualSteps.{}",
                named(steps.map(|step| step.field.as_str())),
                if settlement.not_acted_on.is_empty() {
                    String::new()
                } else {
                    format!(" {nowhere}")
                }
            ),
        ));
    }
    if !settlement.not_acted_on.is_empty() {
        return Some((Reason::FieldUnsupported, nowhere));
    }
    None
}

/// `Ready` as last known, or `Unknown` when the last value doesn't apply to this spec.
fn kept_ready(view: &View<'_>, reason: Reason, message: &str, keep: bool) -> Said {
    let status = &view.declared.status;
    let last = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == ConditionType::Ready.as_str());
    let known =
        last.filter(|_| keep && status.observed_generation == Some(view.declared.generation));
    match known.map(|condition| condition.status.as_str()) {
        // That it was only observed says nothing of whether it matches.
        Some("True") if known.is_some_and(is_observing) => {
            let message = "As last observed, when drift was reported and not corrected.";
            (
                ConditionType::Ready,
                "True",
                Reason::Observing,
                message.into(),
            )
        }
        Some("True") => {
            let message = "As last observed, the remote object matches the spec.";
            (ConditionType::Ready, "True", Reason::InSync, message.into())
        }
        Some("False") => (ConditionType::Ready, "False", reason, message.to_owned()),
        _ => (ConditionType::Ready, "Unknown", reason, message.to_owned()),
    }
}

fn is_observing(condition: &Condition) -> bool {
    condition.reason == Reason::Observing.as_str()
}

fn outage_is_long(view: &View<'_>) -> bool {
    view.declared
        .status
        .conditions
        .iter()
        .find(|condition| {
            condition.type_ == ConditionType::PlatformReachable.as_str()
                && condition.status == "False"
        })
        .is_some_and(|condition| {
            view.now().as_second() - condition.last_transition_time.0.as_second()
                > READY_KEPT_SECONDS
        })
}

/// Sets a condition's times: the transition time changes only when the status does.
fn dated(view: &View<'_>, (kind, status, reason, message): Said) -> Condition {
    let last = view
        .declared
        .status
        .conditions
        .iter()
        .find(|condition| condition.type_ == kind.as_str() && condition.status == status);
    Condition {
        type_: kind.as_str().to_owned(),
        status: status.to_owned(),
        reason: reason.as_str().to_owned(),
        message,
        last_transition_time: last.map_or_else(
            || Time(view.now()),
            |condition| condition.last_transition_time.clone(),
        ),
        observed_generation: Some(view.declared.generation),
    }
}

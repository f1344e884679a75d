//! The status of a `BackupPlatform`.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::{
    api::{
        ConditionType, Reason,
        bounds::shortened,
        platform::{
            Account, AdministratorCounts, BackupPlatformSpec, BackupPlatformStatus,
            BackupPlatformSummary, LicencePool, ObjectCounts, RemoteName, StorageLocation,
            UnmanagedObject, UnreadableItem,
        },
        quantity::Count,
        shared::{Bandwidth, BandwidthMode, Management},
    },
    estate::{Protection, Unread, Unreadable},
    planner::Note,
};

use super::NOTHING;

/// Longest id and message of what can't be read.
const LONGEST_ID: usize = 128;
const LONGEST_MESSAGE: usize = 512;

/// Unmanaged objects named in status.
const UNMANAGED: usize = 20;

/// The state of a platform, as the operator found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformHealth {
    /// It can't be asked: a person has to correct the spec or a Secret.
    Unconfigured(Reason, String),
    /// It hasn't been observed yet.
    Unobserved,
    /// It answers.
    Reachable,
    /// It refuses the credential.
    CredentialsRefused(String),
    /// It doesn't answer, or its answers can't be used.
    Unreachable(String),
}

/// What a complete observation says about the platform itself.
#[derive(Debug, Clone)]
pub struct PlatformSummary {
    /// Capabilities, locations, administrators, licences.
    pub surroundings: crate::inventory::Surroundings,
    /// Objects by kind.
    pub objects: ObjectCounts,
    /// Objects that no resource declares.
    pub unmanaged: Vec<UnmanagedObject>,
    /// What can't be read.
    pub unread: Unread,
    /// The customer that receives clients that no resource lists.
    pub default_customer: Option<RemoteName>,
    /// Resources with a deletion that is held because there were too many.
    pub held_deletions: usize,
    /// The credential belongs to another account than the confirmed one.
    pub account_mismatch: Option<String>,
}

/// A platform's whole status. `departure` is what its deletion waits for. Until the first observation the earlier status
/// stays.
pub fn platform(
    spec: &BackupPlatformSpec,
    generation: i64,
    previous: Option<&BackupPlatformStatus>,
    health: &PlatformHealth,
    summary: Option<&PlatformSummary>,
    departure: Option<&str>,
    now: jiff::Timestamp,
) -> BackupPlatformStatus {
    let mut status = previous.cloned().unwrap_or_default();
    if *health == PlatformHealth::Unobserved && status.account.is_some() && departure.is_none() {
        return status;
    }
    status.observed_generation = Some(generation);
    if let Some(summary) = summary {
        describe(&mut status, summary);
    }
    let account = status
        .account
        .as_ref()
        .map(|account| account.name.clone().unwrap_or_else(|| account.id.clone()));
    let licences = status.licences.as_ref().map(|pool| pool.free.to_string());
    status.summary = Some(BackupPlatformSummary {
        driver: Some(
            spec.driver()
                .map_or(NOTHING, |driver| driver.as_str())
                .to_owned(),
        ),
        account: Some(account.unwrap_or_else(|| NOTHING.into())),
        free_licences: Some(licences.unwrap_or_else(|| NOTHING.into())),
    });
    let mut said = conditions(spec, health, summary);
    said.extend(deletion_waits(departure));
    said.sort_by_key(|(kind, ..)| *kind);
    let dated = |(kind, holds, reason, message): Said| {
        let value = match holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let conditions = previous
            .map(|previous| previous.conditions.as_slice())
            .unwrap_or_default();
        let last = conditions
            .iter()
            .find(|condition| condition.type_ == kind.as_str() && condition.status == value);
        Condition {
            type_: kind.as_str().to_owned(),
            status: value.to_owned(),
            reason: reason.as_str().to_owned(),
            message,
            last_transition_time: last.map_or(Time(now), |last| last.last_transition_time.clone()),
            observed_generation: Some(generation),
        }
    };
    status.conditions = said.into_iter().map(dated).collect();
    status
}

/// Copies what was observed. Everything is sorted, so that the same platform gives the same status.
fn describe(status: &mut BackupPlatformStatus, summary: &PlatformSummary) {
    let surroundings = &summary.surroundings;
    let capabilities = &surroundings.capabilities;
    if summary.account_mismatch.is_none() {
        let account = &capabilities.account;
        status.account = Some(Account {
            id: account.id.clone(),
            name: Some(account.name.clone()),
        });
    }
    status.capabilities = capabilities.verbs.iter().copied().collect();
    let location = |location: &crate::estate::StorageLocation| StorageLocation {
        id: location.id.clone(),
        name: Some(location.name.clone()),
        countries: location.countries.clone(),
        products: location
            .products
            .iter()
            .filter_map(|product| product.parse().ok())
            .collect(),
    };
    status.storage_locations = surroundings.locations.iter().map(location).collect();
    status
        .storage_locations
        .sort_by(|one, other| one.id.cmp(&other.id));
    status
        .default_customer
        .clone_from(&summary.default_customer);
    status.objects = Some(summary.objects);
    status.unmanaged.clone_from(&summary.unmanaged);
    let protected_first = |object: &UnmanagedObject| {
        let ordinary = object
            .protection
            .is_none_or(|protection| protection == Protection::None);
        (
            ordinary,
            object.kind,
            object.name.clone(),
            object.external_id.clone(),
        )
    };
    status.unmanaged.sort_by_key(protected_first);
    status.unmanaged.truncate(UNMANAGED);
    let item = |item: &Unreadable| UnreadableItem {
        kind: item.kind,
        external_id: item.id.as_ref().map(|id| shortened(id, LONGEST_ID)),
        message: shortened(&item.why, LONGEST_MESSAGE),
    };
    status.unreadable = summary.unread.named.iter().map(item).collect();
    let active = surroundings
        .administrators
        .iter()
        .filter(|administrator| administrator.active)
        .count();
    status.administrators = Some(AdministratorCounts {
        active: active as u64,
    });
    let pool = |pool: &crate::estate::Licences| LicencePool {
        total: Count::from_count(pool.total),
        free: Count::from_count(pool.free),
    };
    status.licences = surroundings.licences.as_ref().map(pool);
}

type Said = (ConditionType, Option<bool>, Reason, String);

fn conditions(
    spec: &BackupPlatformSpec,
    health: &PlatformHealth,
    summary: Option<&PlatformSummary>,
) -> Vec<Said> {
    use ConditionType::{CredentialsValid, PlatformReachable, Ready, Reconciling, Stalled};
    let all = |types: &[(ConditionType, bool)], reason: Reason, message: &str| -> Vec<Said> {
        types
            .iter()
            .map(|(kind, holds)| (*kind, Some(*holds), reason, message.to_owned()))
            .collect()
    };
    let mut said = match health {
        PlatformHealth::Unconfigured(reason, message) => {
            all(&[(Ready, false), (Stalled, true)], *reason, message)
        }
        PlatformHealth::Unobserved => {
            let message = "Waiting for the first complete observation of the platform.";
            all(
                &[(Ready, false), (Reconciling, true)],
                Reason::WaitingForPlatform,
                message,
            )
        }
        PlatformHealth::CredentialsRefused(message) => {
            let message = format!(
                "{message}. Correct the Secret that credentialsRef names; it is read again at once."
            );
            all(
                &[(Ready, false), (Stalled, true), (CredentialsValid, false)],
                Reason::CredentialsInvalid,
                &message,
            )
        }
        PlatformHealth::Unreachable(message) => {
            let message = format!("{message}. No change is lost: Holdfast retries by itself.");
            all(
                &[
                    (Ready, false),
                    (Reconciling, true),
                    (PlatformReachable, false),
                ],
                Reason::PlatformUnreachable,
                &message,
            )
        }
        PlatformHealth::Reachable => reachable(spec, summary),
    };
    said.extend(paused(spec));
    said.extend(single_administrator(summary));
    said.extend(deletions_held(summary));
    said.extend(unreadable(summary));
    said.extend(set_at_console(spec));
    said
}

/// The platform answers; whether it is the right account is another question.
fn reachable(spec: &BackupPlatformSpec, summary: Option<&PlatformSummary>) -> Vec<Said> {
    use ConditionType::{AccountMatches, CredentialsValid, PlatformReachable, Ready, Stalled};
    let yes = |kind, reason, message: &str| (kind, Some(true), reason, message.to_owned());
    let mut said = vec![
        yes(
            PlatformReachable,
            Reason::Reachable,
            "The platform is reachable.",
        ),
        yes(
            CredentialsValid,
            Reason::CredentialsAccepted,
            &accepted(summary),
        ),
    ];
    if let Some(message) = summary.and_then(|summary| summary.account_mismatch.as_ref()) {
        for (kind, holds) in [(AccountMatches, false), (Ready, false), (Stalled, true)] {
            said.push((kind, Some(holds), Reason::AccountMismatch, message.clone()));
        }
    } else {
        said.push(yes(
            AccountMatches,
            Reason::AccountConfirmed,
            "The credentials open the confirmed account.",
        ));
        let observed = "The platform has been observed completely.";
        let message = match spec.management {
            Some(Management::Observe) => {
                format!("{observed} management is Observe: it is never written to.")
            }
            _ => observed.to_owned(),
        };
        said.push(yes(Ready, Reason::Applied, &message));
    }
    said
}

/// What nobody would notice otherwise: the resources below say it, the platform works.
fn paused(spec: &BackupPlatformSpec) -> Option<Said> {
    let message = "management is Paused: no resource on this platform is reconciled, and nothing is written to it.";
    (spec.management == Some(Management::Paused)).then(|| {
        let (kind, reason) = (ConditionType::Paused, Reason::Paused);
        (kind, Some(true), reason, message.to_owned())
    })
}

/// R-N12: what the credentials may not do is said with what gives them the right.
fn accepted(summary: Option<&PlatformSummary>) -> String {
    let lacking = summary.map(|summary| &summary.surroundings.capabilities.lacking);
    let rights: BTreeSet<&str> = lacking
        .into_iter()
        .flat_map(|lacking| lacking.values().map(String::as_str))
        .collect();
    let accepted = "The platform accepts the credentials.";
    if rights.is_empty() {
        return accepted.to_owned();
    }
    let rights: Vec<&str> = rights.into_iter().collect();
    format!(
        "{accepted} They lack rights, so that capabilities are missing. To give them: {}.",
        rights.join("; ")
    )
}

/// R-D41: the loss of one login must not lock out every administrator.
fn single_administrator(summary: Option<&PlatformSummary>) -> Option<Said> {
    let administrators = &summary?.surroundings.administrators;
    let active = administrators
        .iter()
        .filter(|administrator| administrator.active)
        .count();
    let message = "The platform account has a single active administrator. Add another one at the platform's console: if this login is lost, the account is inaccessible.";
    (active == 1).then(|| {
        (
            ConditionType::SingleAdministrator,
            Some(true),
            Reason::SingleAdministrator,
            message.to_owned(),
        )
    })
}

/// R-N7: too many deletions within the hour, and some wait.
fn deletions_held(summary: Option<&PlatformSummary>) -> Option<Said> {
    let held = summary?.held_deletions;
    let message = format!(
        "Deletions held by safety.maxDeletionsPerHour: {held}. Each begins when the limit allows it. To delete sooner, raise the limit or annotate single resources with holdfast.dev/allow-deletion; to keep the remote objects, set deletionPolicy: Retain."
    );
    (held > 0).then_some((
        ConditionType::DeletionsHeld,
        Some(true),
        Reason::TooManyDeletions,
        message,
    ))
}

/// F22: the platform is being deleted, and the resources on it that are being deleted need it until then.
fn deletion_waits(departure: Option<&str>) -> Option<Said> {
    let message = departure?.to_owned();
    let reason = Reason::WaitingForDependents;
    Some((ConditionType::DeletionBlocked, Some(true), reason, message))
}

/// What can't be read is left unchanged, and is reported once for all.
fn unreadable(summary: Option<&PlatformSummary>) -> Option<Said> {
    let unread = &summary?.unread;
    let first = unread.named.first()?;
    let id = first.id.as_ref().map(|id| format!(" {id}"));
    let message = format!(
        "{} on the platform can't be read, first {}{}: {}. Holdfast ignores what it can't read and reconciles everything else; status.unreadable lists up to 20. Correct it at the platform's console, or ask the platform's support.",
        unread.count(),
        first.kind,
        shortened(&id.unwrap_or_default(), LONGEST_ID),
        shortened(first.why.trim_end_matches('.'), LONGEST_MESSAGE),
    );
    Some((
        ConditionType::ObjectsUnreadable,
        Some(true),
        Reason::PlatformAnswerInvalid,
        message,
    ))
}

/// The event for what can't be read: one when it begins.
pub fn unreadable_note(
    before: Option<&BackupPlatformStatus>,
    now: &BackupPlatformStatus,
) -> Option<Note> {
    let of = |status: &BackupPlatformStatus| {
        let mut conditions = status.conditions.iter();
        let kind = ConditionType::ObjectsUnreadable.as_str();
        let found = conditions.find(|condition| condition.type_ == kind);
        found.map(|condition| condition.message.clone())
    };
    let message = of(now)?;
    before.and_then(of).is_none().then(|| Note {
        warning: true,
        reason: ConditionType::ObjectsUnreadable.to_string(),
        message,
    })
}

/// R-V9, R-S7: settings that apply to a platform as a whole are inherited in status, and a person sets them: the platform's
/// interface has no such settings.
fn set_at_console(spec: &BackupPlatformSpec) -> Option<Said> {
    let throttles = |bandwidth: &&Bandwidth| bandwidth.mode != BandwidthMode::Inherit;
    let fields: Vec<&str> = [
        spec.bandwidth
            .as_ref()
            .filter(throttles)
            .map(|_| "bandwidth"),
        spec.branding.as_ref().map(|_| "branding"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let message = format!(
        "{}: inherited in status.effective of the resources below, but not sent, because the platform's API has no setting for the account as a whole. Set it at the platform's console, or in the spec of each Reseller and Customer directly below, where it is sent.",
        fields.join(", ")
    );
    (!fields.is_empty()).then_some((
        ConditionType::ManualStepPending,
        Some(true),
        Reason::ConsoleStepRequired,
        message,
    ))
}

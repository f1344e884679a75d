//! The result of a preview: for each resource the actions, and what forbids them.

use std::collections::BTreeMap;

use kube::core::ObjectMeta;
use serde::Serialize;

use crate::{api::Reason, survey::PlatformKey};

/// An action, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ActionKind {
    /// An object is created.
    Create,
    /// An existing object is adopted by the resource; nothing is written to it.
    Adopt,
    /// Settings change.
    Update,
    /// It moves below another parent.
    Move,
    /// It is switched off.
    Suspend,
    /// It is switched on.
    Activate,
    /// A client moves to this customer.
    MoveClient,
    /// The account details are mailed.
    SendWelcomeMail,
    /// It is deleted, with its data.
    Delete,
    /// It stays on the platform unchanged, and no resource holds it.
    Release,
}

impl ActionKind {
    /// The word, as JSON has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Move => "move",
            Self::Suspend => "suspend",
            Self::Activate => "activate",
            Self::MoveClient => "moveClient",
            Self::SendWelcomeMail => "sendWelcomeMail",
            Self::Delete => "delete",
            Self::Release => "release",
        }
    }
}

/// One field, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field of the spec.
    pub field: String,
    /// What the platform holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What it would hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// One thing that would be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// What.
    pub action: ActionKind,
    /// The object on the platform, where there is one already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Which fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Change>,
    /// Whether it undoes a change that was made on the platform, rather than following an edit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reverts: bool,
}

/// The outcome for a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum Ending {
    /// The platform holds what the spec says, after the actions if there are any.
    Settled,
    /// A rule, or the current state, forbids it; a person has to act.
    Refused {
        /// The rule of `docs/rules.md`; the reason of the condition where it is none of these.
        rule: String,
        /// Which field, why, and what to do.
        message: String,
    },
    /// Something has to happen first that the plan doesn't bring about.
    Waiting {
        /// In one word, as in the condition.
        reason: String,
        /// What for.
        message: String,
    },
}

/// The plan for one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What would be done, in this order.
    pub actions: Vec<Action>,
    /// How it ends.
    #[serde(flatten)]
    pub ending: Ending,
    /// Differences that aren't written, and what a person has to do at the console.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

impl Row {
    /// Nothing is known of it yet.
    pub(super) fn new(kind: &'static str, metadata: &ObjectMeta) -> Self {
        Self {
            kind,
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            actions: Vec::new(),
            ending: Ending::Settled,
            remarks: Vec::new(),
        }
    }

    /// Whether there is no action and no obstacle.
    pub fn is_unchanged(&self) -> bool {
        self.actions.is_empty() && self.ending == Ending::Settled
    }
}

/// One measure of one reseller, before and after. Sizes are quantities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotaChange {
    /// The reseller.
    pub reseller: String,
    /// `storage`, `licences`, `clients` or `credits`.
    pub measure: String,
    /// What it has, before and after.
    pub allotted: [Option<String>; 2],
    /// What is allotted of it, before and after.
    pub granted: [Option<String>; 2],
    /// What is left of it, before and after.
    pub free: [Option<String>; 2],
}

/// All that would happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Each resource, in the order in which kinds depend on each other.
    pub objects: Vec<Row>,
    /// Resellers with figures that change.
    pub quotas: Vec<QuotaChange>,
    /// How many of each action; and `refused`, `waiting`, `unchanged` resources.
    pub totals: BTreeMap<&'static str, usize>,
    /// What the reader should know of how far the plan can be trusted.
    pub notes: Vec<String>,
}

impl Preview {
    /// Whether anything would change on a platform. An adoption or a release writes nothing there.
    pub fn has_changes(&self) -> bool {
        let mut actions = self.objects.iter().flat_map(|row| &row.actions);
        actions.any(|action| !matches!(action.action, ActionKind::Adopt | ActionKind::Release))
    }

    /// Whether anything is refused.
    pub fn has_refusals(&self) -> bool {
        self.objects
            .iter()
            .any(|row| matches!(row.ending, Ending::Refused { .. }))
    }

    /// How many resources are on a platform that couldn't be observed: nobody knows what would change for them.
    pub fn unknown(&self) -> usize {
        let blind = |row: &&Row| matches!(&row.ending, Ending::Waiting { reason, .. } if reason == Reason::PlatformUnreachable.as_str());
        self.objects.iter().filter(blind).count()
    }

    /// Counts what the rows say.
    pub(super) fn count(rows: &[Row]) -> BTreeMap<&'static str, usize> {
        let mut totals = BTreeMap::new();
        for row in rows {
            for action in &row.actions {
                *totals.entry(action.action.as_str()).or_default() += 1;
            }
            let word = match row.ending {
                Ending::Refused { .. } => "refused",
                Ending::Waiting { .. } => "waiting",
                Ending::Settled if row.actions.is_empty() => "unchanged",
                Ending::Settled => continue,
            };
            *totals.entry(word).or_default() += 1;
        }
        totals
    }
}

/// Records that a platform couldn't be observed.
pub(super) fn unobserved(key: &PlatformKey, trouble: &str) -> String {
    format!("BackupPlatform {key} wasn't observed: {trouble}")
}

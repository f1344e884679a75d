//! What the operator reports on every managed object.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BandwidthMode, BandwidthWindow, ConfigMapKeyRef, RequiredLimit};
use crate::{closed_enum::closed_enum, quantity::Rate, schema};

closed_enum! {
    /// Why a remote object may not be changed or removed at will.
    Protection {
        /// Nothing protects it.
        None,
        /// The platform's sandbox customer or a product of it: few fields may change, nothing is removed.
        Sandbox,
        /// A default of the platform: the default customer, reseller or plan.
        Default,
        /// The platform's own: root, recycle bin, the login that we use.
        System,
        /// Managed by another tool.
        Foreign,
    }
}

closed_enum! {
    /// One kind of change sent to a platform.
    ChangeStep {
        /// The remote object is made.
        Create,
        /// Settings are changed.
        Update,
        /// It is put under another parent.
        Move,
        /// It is switched off, reversibly.
        Suspend,
        /// It is switched on again.
        Activate,
        /// It is removed.
        Delete,
        /// A client is moved here from another customer.
        MoveClient,
        /// The account details are mailed to the customer.
        SendWelcomeMail,
    }
}

closed_enum! {
    /// How a change sent to a platform ended.
    ChangeOutcome {
        /// Sent, and no answer recorded yet.
        Sent,
        /// The platform confirmed it.
        Done,
        /// The platform refused it.
        Refused,
        /// It failed without effect.
        Failed,
        /// The answer was lost; the next look at the platform tells.
        Unknown,
    }
}

/// The part of a status that every managed kind has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManagedStatus {
    /// The `metadata.generation` that this status speaks about; -1 until the operator has seen the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Id of the remote object. It is also kept in the annotation `holdfast.dev/external-id`, as account and id.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Id of the account that `externalId` belongs to.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The mark left on the remote object: a keyed hash of kind, namespace and name. The same YAML yields it again, and it
    /// says nothing about names.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Name of the `BackupPlatform` in charge, found through the parents where the spec doesn't name it.
    #[schemars(length(max = 63))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Conditions: `Ready`, `Reconciling`, `Stalled`, `Synced` and others; types and reasons are listed in `docs/conditions.md`.
    #[schemars(schema_with = "schema::conditions")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What protects the remote object: `None`, `Sandbox`, `Default` (default customer, reseller or plan), `System` (root,
    /// recycle bin, our own login) or `Foreign` (managed by another tool).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<Protection>,
    /// Managed fields in which the remote object differs, at most 20. Secrets and hidden names are never shown.
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<Drift>,
    /// What a person has to do at the platform's console, because its API can't. `Ready` stays True meanwhile, and the
    /// condition `ManualStepPending` is True.
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub manual_steps: Vec<ManualStep>,
    /// The last 20 changes that the operator sent to the platform for this object, oldest first.
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// What is about to be sent to the platform, written down beforehand and settled before anything else happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// What the deletion of the remote object has done so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion: Option<DeletionStatus>,
    /// Values that the platform took and doesn't keep as they were sent. After the second time none is sent again before the
    /// spec or the platform's value changes.
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unkept: Vec<Unkept>,
    /// Fields that differed again after we had written them, within the last day and since the last edit of the spec. From
    /// the third time on each is written ever more seldom.
    #[schemars(length(max = 100), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift_returns: Vec<DriftReturn>,
}

/// A value that the platform took and doesn't keep as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unkept {
    /// Dotted path below `spec`. Example: `profile.phone`.
    #[schemars(length(max = 256))]
    pub field: String,
    /// A short keyed hash of the value that was sent.
    #[schemars(length(max = 16))]
    pub sent: String,
    /// A short keyed hash of the value that the platform keeps.
    #[schemars(length(max = 16))]
    pub kept: String,
    /// How often it was sent.
    pub times: u32,
}

/// A field that differed again after we had written it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftReturn {
    /// Dotted path below `spec`. Example: `profile.phone`.
    #[schemars(length(max = 256))]
    pub field: String,
    /// How often it has come back within a day of being written.
    pub times: u32,
    /// When it was written again last.
    pub last_at: Timestamp,
}

/// What a deletion has done so far, written down before it is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionStatus {
    /// When the deletion was counted against `safety.maxDeletionsPerHour`; it is counted once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permitted_at: Option<Timestamp>,
    /// Id of the remote object that Holdfast suspended for this deletion and hasn't activated again. With
    /// `deletionPolicy: Retain` it is activated before it is released.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended: Option<String>,
}

/// One managed field that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Dotted path below `spec`. Example: `profile.phone`.
    #[schemars(length(max = 256))]
    pub field: String,
    /// What the spec says, shortened to 256 characters.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired: Option<String>,
    /// What the platform holds, shortened to 256 characters; absent where it holds nothing.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
}

/// One thing for a person to do at the platform's console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManualStep {
    /// Dotted path below `spec` of what can't be written. Example: `contacts`.
    #[schemars(length(max = 256))]
    pub field: String,
    /// Where to click. Example: `Managed Services Center > Customers > Fabrikam > Add Contact`.
    #[schemars(length(max = 1024))]
    pub step: String,
}

/// One change sent to the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// When it was sent.
    pub at: Timestamp,
    /// What it was: `Create`, `Update`, `Move`, `Suspend`, `Activate`, `Delete`, `MoveClient` or `SendWelcomeMail`.
    pub step: ChangeStep,
    /// Dotted paths below `spec` of what was written; names only, never values.
    #[schemars(length(max = 64), inner(length(max = 256)), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// How it ended: `Sent` (no answer recorded yet), `Done`, `Refused`, `Failed` or `Unknown` (the answer was lost).
    pub outcome: ChangeOutcome,
}

/// A request written down before it is sent, so that a crash at any moment leaves a trace of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// Id of the intent, to be named in the annotation `holdfast.dev/retry-create`.
    #[schemars(length(max = 64))]
    pub id: String,
    /// What is about to be sent: `Create`, `Update`, `Move`, `Suspend`, `Activate`, `Delete`, `MoveClient` or `SendWelcomeMail`.
    pub step: ChangeStep,
    /// When it was written down, by the platform's clock where it tells the time.
    pub at: Timestamp,
    /// Dotted paths below `spec` of what is about to be written; names only, never values.
    #[schemars(length(max = 64), inner(length(max = 256)), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Id of the platform's operation or task, once it gave one.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Id of the remote parent under which the object is made.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Names given to the object; of a customer with a hidden name only the account name.
    #[schemars(length(max = 4), inner(length(max = 256)), extend("x-kubernetes-list-type" = "atomic"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// SHA-256 of the request, so that a repeated one can be told from another.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_hash: Option<String>,
}

/// Inherited settings, as they come out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Effective {
    /// Throttling in effect, and where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<EffectiveBandwidth>,
    /// Branding in effect, and where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branding: Option<EffectiveBranding>,
    /// Limits that a customer must have here.
    #[schemars(length(max = 4), extend("x-kubernetes-list-type" = "set"))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_limits: Vec<RequiredLimit>,
}

/// Throttling in effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveBandwidth {
    /// When traffic is throttled: `Unlimited`, `Always` or `Window`; `Inherit` where no level has a setting.
    pub mode: BandwidthMode,
    /// The hours, with mode `Window`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<BandwidthWindow>,
    /// Highest rate in bits per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rate: Option<Rate>,
    /// The object whose setting it is. Example: `Reseller/northwind`.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Branding in effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EffectiveBranding {
    /// Company name shown instead of the vendor's.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// Main colour, `#rgb` or `#rrggbb`.
    #[schemars(length(max = 7))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_colour: Option<String>,
    /// Where the logo is taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_ref: Option<ConfigMapKeyRef>,
    /// Where the icon is taken from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_ref: Option<ConfigMapKeyRef>,
    /// Sender address of reports and mails.
    #[schemars(length(max = 254))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_address: Option<String>,
    /// The objects whose settings these are, nearest first. Example: `Customer/fabrikam, Reseller/northwind`.
    #[schemars(length(max = 512))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

//! One object of the estate as it is stored: settings, and what the platform itself knows about it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::druva::Extra;

/// The kinds of items that the contract has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Kind {
    Reseller,
    Customer,
    Plan,
    Tenant,
    Client,
    Location,
    Administrator,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::Reseller,
        Self::Customer,
        Self::Plan,
        Self::Tenant,
        Self::Client,
        Self::Location,
        Self::Administrator,
    ];

    /// Its name in routes and in the store.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Reseller => "resellers",
            Self::Customer => "customers",
            Self::Plan => "plans",
            Self::Tenant => "tenants",
            Self::Client => "clients",
            Self::Location => "locations",
            Self::Administrator => "administrators",
        }
    }

    /// Its name in a sentence.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Reseller => "reseller",
            Self::Customer => "customer",
            Self::Plan => "service plan",
            Self::Tenant => "tenant",
            Self::Client => "client",
            Self::Location => "storage location",
            Self::Administrator => "administrator",
        }
    }

    pub fn from_plural(plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plural() == plural)
    }

    /// Whether callers may create, change and remove it.
    pub const fn is_managed(self) -> bool {
        matches!(
            self,
            Self::Reseller | Self::Customer | Self::Plan | Self::Tenant
        )
    }

    /// Whether it can be switched off.
    pub const fn is_switchable(self) -> bool {
        matches!(self, Self::Reseller | Self::Customer | Self::Tenant)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.noun())
    }
}

/// What the platform keeps for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Protection {
    #[default]
    None,
    Sandbox,
    Default,
}

impl Protection {
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Sandbox => "Sandbox",
            Self::Default => "Default",
        }
    }

    pub fn from_name(name: &str) -> Self {
        match name {
            "Sandbox" => Self::Sandbox,
            "Default" => Self::Default,
            _ => Self::None,
        }
    }
}

/// A time in which something was switched off; open while it still is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pause {
    pub from: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// What a simulated client backs up; fixed when it appears, so that a later change of limits can't move its figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Load {
    pub workload: String,
    /// Bytes that it has stored about when it appears.
    pub storage: u64,
    /// Millionths of a credit that it consumes in a day.
    pub credits: u64,
}

/// What only the platform knows about an item; no caller can set it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct State {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub welcome_mail_sent_at: Option<Timestamp>,
    /// A web password was given. The password itself is kept nowhere: nobody logs in to a simulated console.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub password_set: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// What only Druva's dialect knows.
    #[serde(skip_serializing_if = "Extra::is_empty")]
    pub druva: Box<Extra>,
}

/// A stored item.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// Order of creation over all kinds; never used twice.
    pub sequence: i64,
    pub kind: Kind,
    pub id: String,
    pub external_ref: Option<String>,
    pub version: i64,
    pub protection: Protection,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub settings: Map<String, Value>,
    pub state: State,
}

impl Item {
    /// A new item, before it has a place in the store.
    pub fn new(kind: Kind, settings: Map<String, Value>, now: Timestamp) -> Self {
        Self {
            sequence: 0,
            kind,
            id: String::new(),
            external_ref: None,
            version: 1,
            protection: Protection::None,
            created_at: now,
            updated_at: now,
            settings,
            state: State::default(),
        }
    }

    /// Opaque to callers: moves with every change of settings and differs between an item and its successor.
    pub fn etag(&self) -> String {
        format!("{}.{}", self.sequence, self.version)
    }

    /// A text setting by dotted path.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.value(path).and_then(Value::as_str)
    }

    /// A whole number by dotted path.
    pub fn whole(&self, path: &str) -> Option<u64> {
        self.value(path).and_then(Value::as_u64)
    }

    /// A number of credits by dotted path, in thousandths.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the schema keeps credits within 0..1e9"
    )]
    pub fn thousandths(&self, path: &str) -> Option<u64> {
        self.value(path)
            .and_then(Value::as_f64)
            .map(|number| (number * 1000.0).round() as u64)
    }

    /// Any setting by dotted path.
    pub fn value(&self, path: &str) -> Option<&Value> {
        let (first, rest) = path
            .split_once('.')
            .map_or((path, None), |(first, rest)| (first, Some(rest)));
        let value = self.settings.get(first)?;
        rest.map_or(Some(value), |rest| {
            rest.split('.')
                .try_fold(value, |value, member| value.get(member))
        })
    }

    /// Whether it is switched on itself.
    pub fn active(&self) -> bool {
        self.settings
            .get("active")
            .and_then(Value::as_bool)
            .unwrap_or(true)
    }

    /// What it is called; tenants have no name of their own.
    pub fn name(&self) -> &str {
        self.text("name").unwrap_or_default()
    }

    /// `customer 17 (Fabrikam)`, for messages.
    pub fn label(&self) -> String {
        match self.name() {
            "" => format!("{} {}", self.kind, self.id),
            name => format!("{} {} ({name})", self.kind, self.id),
        }
    }

    /// Fixed number of licences that a customer takes from the pools.
    pub fn fixed_licences(&self) -> Option<u64> {
        (self.text("limits.licences.mode") == Some("Fixed"))
            .then(|| self.whole("limits.licences.count").unwrap_or(0))
    }
}

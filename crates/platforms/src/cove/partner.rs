//! A partner as Cove writes it: a reseller or a customer, or something that only Cove makes.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::mark::Reference;
use crate::estate::{Claim, Protection};

/// Members without which a partner can't be placed.
pub(super) const NEEDED: [&str; 2] = ["Id", "ParentId"];

/// Every part of a partner. Ten numbers are documented; scripts by an employee of the vendor send the whole range.
pub(super) const ALL_FIELDS: std::ops::RangeInclusive<u8> = 0..=22;

/// A partner, without what isn't used.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Partner {
    pub(super) id: i64,
    pub(super) parent_id: i64,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) level: Option<String>,
    #[serde(default)]
    pub(super) service_type: Option<String>,
    #[serde(default)]
    pub(super) child_service_types: Option<Vec<String>>,
    #[serde(default)]
    pub(super) state: Option<String>,
    #[serde(default)]
    pub(super) location_id: Option<i64>,
    #[serde(default)]
    pub(super) external_code: Option<String>,
    #[serde(default)]
    pub(super) company: Option<Map<String, Value>>,
    #[serde(default)]
    pub(super) device_country: Option<String>,
    #[serde(default)]
    pub(super) trial_expiration_time: Option<i64>,
    #[serde(default)]
    pub(super) creation_time: Option<i64>,
}

impl Partner {
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(super) fn reference(&self) -> Reference {
        Reference::read(self.external_code.as_deref().unwrap_or_default())
    }

    /// The claim that it carries: in its customer reference, or, right after its creation, in its name.
    pub(super) fn claim(&self) -> Option<Claim> {
        let marked = self.reference().claim;
        marked.or_else(|| super::mark::claim_in(self.name()))
    }

    pub(super) fn level(&self) -> Level {
        Level::of(self.level.as_deref().unwrap_or_default())
    }

    /// To whom it belongs, if not to us.
    pub(super) fn protection(&self, discarded: bool) -> Protection {
        if discarded {
            Protection::System
        } else if self.reference().is_of_n_central()
            || matches!(self.level(), Level::Theirs | Level::Other)
        {
            Protection::Foreign
        } else {
            Protection::None
        }
    }

    /// The pseudo-customer that holds removed devices. Source: the filters of scripts by an employee of the vendor.
    pub(super) fn is_recycle_bin(&self) -> bool {
        self.name().starts_with("001") && self.name().trim_end().ends_with("- Recycle Bin")
    }
}

/// Where in the hierarchy a partner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// May have customers below it, and we may write it.
    Reseller,
    /// Has devices.
    Customer,
    /// Stands between resellers and customers and belongs to N-able.
    Theirs,
    /// Below a customer, or not known.
    Other,
}

impl Level {
    fn of(word: &str) -> Self {
        match word {
            "Distributor" | "SubDistributor" | "Reseller" => Self::Reseller,
            "EndCustomer" => Self::Customer,
            "Root" | "SubRoot" | "ServiceOrganization" => Self::Theirs,
            _ => Self::Other,
        }
    }

    /// Whether it is shown among the resellers.
    pub(super) fn is_above_customers(self) -> bool {
        matches!(self, Self::Reseller | Self::Theirs)
    }
}

/// How far down a level stands. Source: "Customer management in Management Console".
pub(super) fn rank(level: &str) -> Option<usize> {
    const ORDER: [&str; 8] = [
        "Root",
        "SubRoot",
        "Distributor",
        "SubDistributor",
        "Reseller",
        "ServiceOrganization",
        "EndCustomer",
        "Site",
    ];
    ORDER.iter().position(|known| *known == level)
}

//! Closed sets of words of the trade that more than one kind uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::closed_enum::closed_enum;

closed_enum! {
    /// Who stores the data.
    ServiceType {
        /// The platform's vendor stores the data.
        AllInclusive,
        /// The provider brings storage of its own.
        SoftwareOnly,
    }
}

closed_enum! {
    /// Where a customer or reseller stands commercially.
    Stage {
        /// A trial, 30 days on most platforms.
        Trial,
        /// In production; there is no way back.
        Production,
    }
}

closed_enum! {
    /// What can be subscribed to.
    Product {
        /// Servers, databases, virtual machines and NAS.
        HybridWorkloads,
        /// Microsoft 365, Google Workspace and endpoints.
        SaaSAppsAndEndpoints,
        /// Room for backups that other programs make; it has neither edition nor workloads.
        ObjectStorage,
    }
}

closed_enum! {
    /// How much of a product a plan offers.
    Edition {
        /// The base.
        Business,
        /// More features than Business.
        Enterprise,
        /// Everything.
        Elite,
    }
}

/// A limit of a customer, where one can be required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RequiredLimit {
    /// `limits.storage`.
    Storage,
    /// `limits.licences` with a fixed count.
    Licences,
    /// `limits.clients`.
    Clients,
    /// `limits.credits`.
    Credits,
}

impl RequiredLimit {
    /// The field of a customer's spec that holds the number.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Storage => "limits.storage",
            Self::Licences => "limits.licences.count",
            Self::Clients => "limits.clients",
            Self::Credits => "limits.credits",
        }
    }
}

impl JsonSchema for RequiredLimit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RequiredLimit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "enum": ["storage", "licences", "clients", "credits"] })
    }
}

//! What no source says for sure, and a test may turn either way.

use serde::{Deserialize, Serialize};

/// Whether two partners may have one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Names {
    /// Any number may.
    #[default]
    Collide,
    /// Under different parents only.
    UniqueUnderParent,
    /// Never.
    Unique,
}

/// How the platform behaves where its documents are silent.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CoveModes {
    /// Whether `AddPartner` takes an `ExternalCode`; otherwise it is ignored.
    pub external_code_at_creation: bool,
    /// Which names may be taken twice.
    pub names: Names,
    /// Whether only the newest visa is good.
    pub newest_visa_only: bool,
    /// Whether a modified `Company` replaces the old one; otherwise its members are merged.
    pub company_is_replaced: bool,
    /// Whether what doesn't exist is refused as what may not be seen is (13501).
    pub unknown_is_forbidden: bool,
    /// Whether partners are shown with `DeviceCountry` and their trial's end.
    pub shows_undocumented_fields: bool,
    /// Rows that statistics give at most.
    pub largest_page: usize,
    /// Whether pages after the first have a row less than that, as where a server stops by time.
    pub uneven_pages: bool,
    /// Columns that are refused with 13501.
    pub restricted_columns: Vec<String>,
    /// Methods that are refused with 13501, as where the user's role forbids them.
    pub refused_methods: Vec<String>,
    /// Columns that nothing answers: dropped like unknown ones.
    pub dropped_columns: Vec<String>,
    /// Whether a row without values has `Settings: null`.
    pub settings_may_be_null: bool,
    /// Creates customers in this location, whatever was asked for.
    pub forced_location: Option<i64>,
    /// Whether the next moves would lose values of custom columns, and are refused unless that is allowed.
    pub custom_columns_in_scope: bool,
    /// Every second row of a list of partners is missing.
    pub partial_lists: bool,
}

impl Default for CoveModes {
    fn default() -> Self {
        Self {
            external_code_at_creation: false,
            names: Names::Collide,
            newest_visa_only: false,
            company_is_replaced: false,
            unknown_is_forbidden: false,
            shows_undocumented_fields: true,
            largest_page: 5_000,
            uneven_pages: false,
            restricted_columns: Vec::new(),
            refused_methods: Vec::new(),
            dropped_columns: Vec::new(),
            settings_may_be_null: true,
            forced_location: None,
            custom_columns_in_scope: false,
            partial_lists: false,
        }
    }
}

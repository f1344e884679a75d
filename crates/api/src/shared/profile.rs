//! The identity of a customer or reseller: company profile, contacts, administrators.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::{COUNTRY, EMAIL, EMAIL_OR_EMPTY};

/// Company profile. Each field: absent is left as it is, empty is cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// General e-mail address of the company. Absent: left as it is. Empty: cleared. Example: `office@fabrikam.example`.
    #[schemars(length(max = 254), regex(pattern = EMAIL_OR_EMPTY))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number, best with country code (Druva takes at most 30 characters). Absent: left as it is. Empty: cleared.
    /// Example: `"+49 30 5550100"`.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Fax number. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fax: Option<String>,
    /// Web site. Absent: left as it is. Empty: cleared. Example: `https://fabrikam.example`.
    #[schemars(length(max = 2048))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Free notes for the people at the platform's console. Absent: left as they are. Empty: cleared.
    #[schemars(length(max = 4096))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Postal address, either as one `text` or in parts, never both. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Billing particulars. Absent: left as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing: Option<Billing>,
}

/// A postal address: one text, for platforms that keep one string, or its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.text) || !(has(self.street) || has(self.city) || has(self.postalCode) || has(self.state) || has(self.country))")
    .message("an address is either one text or its parts (street, city, postalCode, state, country), because a platform keeps only one of the two: remove text, or remove the parts"))]
pub struct Address {
    /// The whole address as one text, for platforms that keep one string. Excludes the parts. Absent: left as it is.
    /// Empty: cleared. Example: `Hauptstr. 1, 10115 Berlin`.
    #[schemars(length(max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Street and number. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 255))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// City. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postal code, quoted, since it is text. Absent: left as it is. Empty: cleared. Example: `"10115"`.
    #[schemars(length(max = 32))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// State, province or region. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Country of the address, ISO 3166-1 alpha-2, quoted, since YAML reads a bare NO as false. It decides nothing about
    /// storage. Absent: left as it is. Example: `"DE"`.
    #[schemars(length(max = 2), regex(pattern = COUNTRY))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// Billing particulars. Each field: absent is left as it is, empty is cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Billing {
    /// Legal name of the company. Refused on a customer with a hidden name. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 255))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_name: Option<String>,
    /// Value added tax number. Absent: left as it is. Empty: cleared. Example: `DE123456789`.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_number: Option<String>,
    /// Number in the register of companies. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_number: Option<String>,
    /// Where bills are mailed to. Absent: left as it is. Empty: cleared. Example: `billing@fabrikam.example`.
    #[schemars(length(max = 254), regex(pattern = EMAIL_OR_EMPTY))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A person to talk to, known by the e-mail address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// E-mail address, the key: another address is another contact. Example: `it@fabrikam.example`.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
    /// Name of the person or desk. Absent: left as it is. Empty: cleared. Example: `Service desk`.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Phone number. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// What the contact is for, in the provider's own words. Absent: left as it is. Empty: cleared. Example: `Technical`.
    #[schemars(length(max = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A tenant administrator of a customer, known by the e-mail address of the account at the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Administrator {
    /// E-mail address of the administrator's account at the platform, the key. Example: `ops@fabrikam.example`.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
    /// Name of the person or desk. Absent: left as it is. Empty: cleared.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

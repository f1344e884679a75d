//! Settings that customers and resellers share: bandwidth, reports, branding, web access.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigMapKeyRef, SecretKeyRef};
use crate::{
    bounds::{COLOUR_OR_EMPTY, EMAIL, EMAIL_OR_EMPTY, TIME_OF_DAY, TIME_ZONE},
    closed_enum::closed_enum,
    quantity::Rate,
};

closed_enum! {
    /// When backup traffic is throttled.
    BandwidthMode {
        /// As the level above says: customer, then reseller, then its parents, then the platform.
        Inherit,
        /// Never. It was called `Off`, which kubectl reads as `false`.
        #[serde(alias = "Off")]
        Unlimited,
        /// At all hours.
        Always,
        /// Between two times of day.
        Window,
    }
}

/// Throttling of backup traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.mode == 'Window') == has(self.window)")
        .message("bandwidth.window belongs to mode: Window and to no other, since only then are there hours to keep: add the window, remove it, or change the mode")
        .field_path(".mode"),
    validation = Rule::new("!has(self.maxRate) || self.mode in ['Always', 'Window']")
        .message("bandwidth.maxRate has no effect with mode Inherit or Unlimited: set mode: Always or Window, or remove maxRate")
        .field_path(".maxRate"),
    validation = Rule::new("!has(self.maxRate) || string(self.maxRate) == '' || quantity(string(self.maxRate)).compareTo(quantity('0')) > 0")
        .message("bandwidth.maxRate is 0, which would stop every backup: set a rate in bits per second such as 20M, or mode: Unlimited for no limit; to stop a customer set active: false")
        .field_path(".maxRate"),
)]
pub struct Bandwidth {
    /// When backup traffic is throttled. `Inherit`: as the level above says (customer, then reseller, then its parents, then
    /// the `BackupPlatform`); on a `BackupPlatform` it means that there is no setting. `Unlimited`: never, whatever the levels
    /// above say. `Always`: at all hours. `Window`: between two times of day. What is in effect, and from where, is in
    /// `status.effective.bandwidth`.
    pub mode: BandwidthMode,
    /// The hours during which traffic is throttled. Only with `mode: Window`, and needed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<BandwidthWindow>,
    /// Highest rate while throttled, in bits per second, as a quantity. Only with mode `Always` or `Window`. Some platforms
    /// apply it to each backup job rather than to the whole customer. Absent: left as it is. Example: `20M`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_rate: Option<Rate>,
}

/// Hours of the day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.from != self.to")
    .message("the window begins and ends at the same time, so it has no hours: correct from or to, or use mode: Always")
    .field_path(".to"))]
pub struct BandwidthWindow {
    /// Beginning, 24-hour time of day, quoted. Example: `"08:00"`.
    #[schemars(length(max = 5), regex(pattern = TIME_OF_DAY))]
    pub from: String,
    /// End, 24-hour time of day, quoted; before `from` it means the next day. Example: `"18:00"`.
    #[schemars(length(max = 5), regex(pattern = TIME_OF_DAY))]
    pub to: String,
    /// Time zone of the hours, of the IANA database. Absent: left as it is (a new setting gets the platform's own zone).
    /// Example: `Europe/Berlin`.
    #[schemars(length(max = 64), regex(pattern = TIME_ZONE))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Whether Saturday and Sunday are free of throttling. Absent: left as it is (a new setting throttles every day).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except_weekends: Option<bool>,
}

closed_enum! {
    /// How often a consolidated report is mailed.
    ReportFrequency {
        /// Every day.
        Daily,
        /// Every week.
        Weekly,
        /// Every month.
        Monthly,
    }
}

/// E-mail reports of the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reports {
    /// Whether backup, restore, delete and replication reports are mailed to `profile.email`. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<bool>,
    /// One report over all clients, mailed at an interval. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consolidated: Option<ConsolidatedReport>,
}

/// One report over all clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsolidatedReport {
    /// How often it is mailed: `Daily`, `Weekly` or `Monthly`.
    pub frequency: ReportFrequency,
    /// E-mail addresses that get it. Absent: left as they are. Empty: nobody gets it. Example: `[ops@fabrikam.example]`.
    #[schemars(length(max = 20), inner(length(max = 254), regex(pattern = EMAIL)), extend("x-kubernetes-list-type" = "set"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipients: Option<Vec<String>>,
}

/// How the platform's console, agents and mails look; what is absent is inherited from the level above.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Branding {
    /// Company name shown instead of the vendor's. Refused on a customer with a hidden name. Absent: left as it is.
    /// Empty: cleared.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_name: Option<String>,
    /// Main colour, `#rgb` or `#rrggbb`, quoted, since YAML reads a bare # as a comment. Absent: left as it is.
    /// Empty: cleared. Example: `"#0a7"`.
    #[schemars(length(max = 7), regex(pattern = COLOUR_OR_EMPTY))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_colour: Option<String>,
    /// Logo: a key of a `ConfigMap` that holds the image (`binaryData`; PNG, JPEG, GIF, WebP, SVG or ICO, at most 512 KiB). Absent:
    /// left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_ref: Option<ConfigMapKeyRef>,
    /// Icon: a key of a `ConfigMap` that holds the image (`binaryData`; as for the logo). Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon_ref: Option<ConfigMapKeyRef>,
    /// Sender address of the platform's reports and mails. Absent: left as it is. Empty: cleared.
    /// Example: `backup@northwind.example`.
    #[schemars(length(max = 254), regex(pattern = EMAIL_OR_EMPTY))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sender_address: Option<String>,
}

/// A login at the platform's web console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.passwordRef) || (has(self.username) && self.username != '')")
    .message("webAccess.passwordRef is set without a username, so there is no login that it could belong to: set username, or remove passwordRef")
    .field_path(".passwordRef"))]
pub struct WebAccess {
    /// User name of the login. Absent: left as it is. Empty: the login is removed. Example: `fabrikam`.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Key of a Secret that holds the password. It is written when the Secret's value changes and can't be read back, so a
    /// password changed at the console is not noticed. Absent: the password is left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_ref: Option<SecretKeyRef>,
}

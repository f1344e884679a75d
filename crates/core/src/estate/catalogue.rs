//! The catalogue of settings: which exist for a kind, and how their values compare.

use crate::api::Kind;

/// How a setting's values are normalised, compared and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text, compared exactly.
    Text,
    /// Text that platforms may re-case: e-mail addresses, host names.
    CaselessText,
    /// Yes or no.
    Flag,
    /// A whole number.
    Count,
    /// Bytes; the spec writes a quantity such as `500Gi`.
    Bytes,
    /// Bits per second; the spec writes a quantity such as `20M`.
    Rate,
    /// Credits, to a thousandth; the spec writes a quantity such as `"12.5"`.
    Credits,
    /// An instant, to a second.
    Instant,
    /// A set of texts; order means nothing.
    Set,
    /// A set that can only grow: what the platform has besides stays.
    GrowingSet,
    /// A list keyed by one member. The whole list is ours, members that the spec leaves out of an entry aren't.
    Keyed(&'static str),
    /// As `Keyed`, but entries that the spec no longer has stay on the platform.
    GrowingKeyed(&'static str),
}

/// One setting of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Dotted path, the same in spec, platform, `ignore` and `drift`.
    pub path: &'static str,
    /// How its values compare.
    pub shape: Shape,
}

const fn field(path: &'static str, shape: Shape) -> Field {
    Field { path, shape }
}

/// Settings that resellers and customers share.
macro_rules! organisation {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            field("name", Shape::Text),
            field("reference", Shape::Text),
            field("active", Shape::Flag),
            field("serviceType", Shape::Text),
            field("stage", Shape::Text),
            field("country", Shape::Text),
            field("storageLocation", Shape::Text),
            field("profile.email", Shape::CaselessText),
            field("profile.phone", Shape::Text),
            field("profile.fax", Shape::Text),
            field("profile.website", Shape::Text),
            field("profile.notes", Shape::Text),
            field("profile.address.text", Shape::Text),
            field("profile.address.street", Shape::Text),
            field("profile.address.city", Shape::Text),
            field("profile.address.postalCode", Shape::Text),
            field("profile.address.state", Shape::Text),
            field("profile.address.country", Shape::Text),
            field("profile.billing.legalName", Shape::Text),
            field("profile.billing.vatNumber", Shape::Text),
            field("profile.billing.registrationNumber", Shape::Text),
            field("profile.billing.email", Shape::CaselessText),
            field("contacts", Shape::Keyed("email")),
            field("bandwidth.mode", Shape::Text),
            field("bandwidth.window.from", Shape::Text),
            field("bandwidth.window.to", Shape::Text),
            field("bandwidth.window.timeZone", Shape::Text),
            field("bandwidth.window.exceptWeekends", Shape::Flag),
            field("bandwidth.maxRate", Shape::Rate),
            field("reports.email", Shape::Flag),
            field("reports.consolidated.frequency", Shape::Text),
            field("reports.consolidated.recipients", Shape::Set),
            field("branding.companyName", Shape::Text),
            field("branding.primaryColour", Shape::Text),
            field("branding.senderAddress", Shape::CaselessText),
            field("branding.logo", Shape::Text),
            field("branding.icon", Shape::Text),
            field("webAccess.username", Shape::Text),
            field("webAccess.passwordTag", Shape::Text),
        ]
    };
}

static RESELLER: &[Field] = organisation![
    field("parentId", Shape::Text),
    field("level", Shape::Text),
    field("childServiceTypes", Shape::Set),
    field("allotment.storage", Shape::Bytes),
    field("allotment.licences", Shape::Count),
    field("allotment.clients", Shape::Count),
    field("allotment.credits", Shape::Credits),
];

static CUSTOMER: &[Field] = organisation![
    field("resellerId", Shape::Text),
    field("accountName", Shape::Text),
    field("hideName", Shape::Flag),
    field("administrators", Shape::Keyed("email")),
    field("limits.storage", Shape::Bytes),
    field("limits.licences.mode", Shape::Text),
    field("limits.licences.count", Shape::Count),
    field("limits.clients", Shape::Count),
    field("limits.credits", Shape::Credits),
    field("clients.admission", Shape::Text),
    field("communications", Shape::GrowingKeyed("id")),
];

static SERVICE_PLAN: &[Field] = &[
    field("name", Shape::Text),
    field("reference", Shape::Text),
    field("products", Shape::Keyed("product")),
    field("usageReport", Shape::Text),
];

static TENANT: &[Field] = &[
    field("customerId", Shape::Text),
    field("planId", Shape::Text),
    field("reference", Shape::Text),
    field("product", Shape::Text),
    field("type", Shape::Text),
    field("storageRegions", Shape::GrowingSet),
    field("workloads", Shape::Keyed("name")),
    field("quota.credits", Shape::Credits),
    field("quota.effectiveAt", Shape::Instant),
    field("quota.endsAt", Shape::Instant),
    field("quota.backups", Shape::Flag),
    field("licenceExpiresAt", Shape::Instant),
    field("active", Shape::Flag),
];

/// Every setting of a kind.
pub fn fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Reseller => RESELLER,
        Kind::ServicePlan => SERVICE_PLAN,
        Kind::Customer => CUSTOMER,
        Kind::Tenant => TENANT,
    }
}

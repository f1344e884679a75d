//! Partners as objects.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    locations::country_of,
    partner::{Level, Partner, rank},
    tree::{Children, Listed},
};
use crate::{
    api::Kind,
    estate::{Facts, Object, ObjectId, Settings},
};

/// Clients that an object names.
const CLIENTS: usize = 50;

/// Settings of both kinds that Cove has, by their paths here and as members of `Company`.
pub(super) const COMPANY: [(&str, &str); 6] = [
    ("profile.phone", "PhoneNumber"),
    ("profile.fax", "FaxNumber"),
    ("profile.website", "WebsiteAddress"),
    ("profile.billing.legalName", "LegalCompanyName"),
    ("profile.billing.vatNumber", "VatNumber"),
    (
        "profile.billing.registrationNumber",
        "ChamberOfCommerceNumber",
    ),
];

/// The same as members of `PostAddress`.
pub(super) const ADDRESS: [(&str, &str); 5] = [
    ("profile.address.street", "Address"),
    ("profile.address.city", "City"),
    ("profile.address.state", "State"),
    ("profile.address.postalCode", "ZipCode"),
    ("profile.address.country", "Country"),
];

/// Whether devices join a customer by themselves, as the catalogue has it.
pub(super) const ADMISSION: &str = "clients.admission";
/// Our words for that, and those of Cove that can be written. It answers others, too, where nobody has chosen.
pub(super) const WORDS: [(&str, &str); 2] = [("Automatic", "Enable"), ("Listed", "Disable")];

/// What hangs below a partner.
#[derive(Debug, Clone, Default)]
pub(super) struct Holdings {
    pub(super) children: Children,
    pub(super) clients: u32,
    /// Some of them.
    pub(super) ids: Vec<i64>,
    /// Whether devices join by themselves, where that is known.
    pub(super) admission: Option<&'static str>,
}

/// What a partner is in our terms. A level that we don't know is shown as a customer, and left alone.
pub(super) fn kind(partner: &Partner) -> Kind {
    if partner.level().is_above_customers() {
        Kind::Reseller
    } else {
        Kind::Customer
    }
}

/// A partner as an object.
pub(super) fn object(listed: &Listed, top: i64, discarded: bool, holdings: Holdings) -> Object {
    let (partner, odd) = listed;
    let kind = kind(partner);
    let (mut settings, wrong) = Settings::salvage(kind, &document(partner, kind, top));
    if let Some(word) = holdings.admission {
        settings.set(kind, ADMISSION, word.into());
    }
    let marked = partner.reference().claim.is_some();
    let claim = partner.claim();
    let wrong = wrong.first().map(ToString::to_string);
    Object {
        kind,
        id: ObjectId::new(&partner.id.to_string()),
        name: partner.name().to_owned(),
        etag: None,
        protection: partner.protection(discarded),
        created_at: partner.creation_time.and_then(moment),
        settings,
        facts: facts(partner, kind, holdings, !marked && claim.is_some()),
        claim,
        unreadable: odd.clone().or(wrong).or_else(|| nameless(partner)),
    }
}

/// Without `Name` nothing tells what it is: it comes back null where the fields weren't asked for rightly.
fn nameless(partner: &Partner) -> Option<String> {
    let without = partner.name().is_empty() || partner.level.is_none();
    without.then(|| "Name or Level is missing".to_owned())
}

fn facts(partner: &Partner, kind: Kind, holdings: Holdings, provisional: bool) -> Facts {
    let in_trial = partner.state.as_deref() == Some("InTrial");
    let ends = partner.trial_expiration_time.filter(|_| in_trial);
    let clients = holdings.ids.iter().take(CLIENTS);
    Facts {
        clients: Some(holdings.clients),
        client_ids: clients.map(ToString::to_string).collect(),
        customers: holdings.children.customers,
        resellers: holdings.children.resellers,
        trial_ends_at: ends.and_then(moment).map(Into::into),
        phase: partner.state.clone(),
        provisional: provisional && kind_is_ours(kind, partner),
        ..Facts::default()
    }
}

/// Whether Holdfast may have created it.
fn kind_is_ours(kind: Kind, partner: &Partner) -> bool {
    match kind {
        Kind::Customer => partner.level() == Level::Customer,
        _ => partner.level() == Level::Reseller,
    }
}

/// Seconds since 1970; zero means that it isn't set.
pub(super) fn moment(seconds: i64) -> Option<Timestamp> {
    (seconds > 0)
        .then(|| Timestamp::from_second(seconds).ok())
        .flatten()
}

/// The settings of a partner as the catalogue spells them.
fn document(partner: &Partner, kind: Kind, top: i64) -> Value {
    let mut document = Map::new();
    let mut put = |path: &str, value: Option<Value>| {
        if let Some(value) = value {
            crate::estate::insert(&mut document, path, value);
        }
    };
    let text = |text: &str| (!text.is_empty()).then(|| Value::from(text));
    put("name", text(partner.name()));
    put("reference", text(&partner.reference().foreign));
    let service = partner.service_type.as_deref();
    put(
        "serviceType",
        service.filter(|word| *word != "Undefined").map(Into::into),
    );
    put("stage", stage(partner).map(Into::into));
    let location = partner.location_id.filter(|id| *id > 0);
    put("storageLocation", location.map(|id| id.to_string().into()));
    let country = partner.device_country.as_deref().and_then(country_of);
    put("country", country.map(Into::into));
    let parent = (partner.parent_id != top).then(|| partner.parent_id.to_string().into());
    match kind {
        Kind::Reseller => {
            put("parentId", parent);
            let level = partner.level.as_deref();
            let level = level.filter(|_| partner.level() == Level::Reseller);
            put("level", level.map(Into::into));
            put("childServiceTypes", passed_on(partner).map(Into::into));
        }
        _ => put("resellerId", parent),
    }
    if let Some(company) = &partner.company {
        let member = |of: &Map<String, Value>, name: &str| {
            of.get(name).filter(|value| !value.is_null()).cloned()
        };
        for (path, name) in COMPANY {
            put(path, member(company, name));
        }
        let address = company.get("PostAddress").and_then(Value::as_object);
        for (path, name) in ADDRESS {
            let value = address.and_then(|address| member(address, name));
            let value = match value {
                // A name that can't be read is left as it is: the resource takes codes only.
                Some(Value::String(country)) if name == "Country" => {
                    country_of(&country).map(Into::into)
                }
                value => value,
            };
            put(path, value);
        }
    }
    Value::Object(document)
}

/// The service types that a partner may give; the sentinel is none.
fn passed_on(partner: &Partner) -> Option<Vec<Value>> {
    let words = partner.child_service_types.iter().flatten();
    let defined = words.filter(|word| *word != "Undefined");
    let defined: Vec<Value> = defined.map(|word| word.as_str().into()).collect();
    (!defined.is_empty()).then_some(defined)
}

/// The stage of the two states that are documented; any other is told as the phase.
fn stage(partner: &Partner) -> Option<&'static str> {
    match partner.state.as_deref()? {
        "InTrial" => Some("Trial"),
        "InProduction" => Some("Production"),
        _ => None,
    }
}

/// Whether a partner may not stand below another of this level.
pub(super) fn is_too_high(level: &str, above: &str) -> bool {
    matches!((rank(level), rank(above)), (Some(own), Some(above)) if own <= above)
}

//! A partner's members: what may be written, what `fields` select, and the values that are words.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{fault::Fault, modes::CoveModes, world::Document};

/// Levels from the top.
pub(super) const LEVELS: [&str; 8] = [
    "Root",
    "SubRoot",
    "Distributor",
    "SubDistributor",
    "Reseller",
    "ServiceOrganization",
    "EndCustomer",
    "Site",
];
/// Levels that can be written. Source: "Adding customers". The others belong to N-able, or nobody has seen them written.
const WRITABLE: [&str; 4] = ["Distributor", "SubDistributor", "Reseller", "EndCustomer"];
/// Members that a creation takes. Any other is dropped without a word, as by a modification: no source says more.
const ADDABLE: [&str; 11] = [
    "ParentId",
    "Name",
    "Level",
    "ServiceType",
    "ChildServiceTypes",
    "State",
    "DeviceCountry",
    "Country",
    "LocationId",
    "Flags",
    "ExternalCode",
];
const COMPANY: [&str; 9] = [
    "LegalCompanyName",
    "PhoneNumber",
    "FaxNumber",
    "WebsiteAddress",
    "ChamberOfCommerceNumber",
    "VatNumber",
    "BankAccountNumber",
    "BillingContactPersonId",
    "PostAddress",
];
const ADDRESS: [&str; 6] = ["Address", "City", "State", "District", "ZipCode", "Country"];
/// A trial's 30 days.
const TRIAL: i64 = 2_592_000;

/// Locations: id, name, and the country that is kept there. The list is that of release 17.12; the ids are invented, but for 18.
pub(super) const LOCATIONS: [(i64, &str, &str); 12] = [
    (18, "United States", "US"),
    (2, "Brazil", "BR"),
    (3, "Canada", "CA"),
    (4, "Australia", "AU"),
    (5, "United Kingdom", "GB"),
    (6, "Germany", "DE"),
    (7, "Netherlands", "NL"),
    (8, "Switzerland", "CH"),
    (9, "France", "FR"),
    (10, "Italy", "IT"),
    (11, "Norway", "NO"),
    (12, "South Africa", "ZA"),
];

/// Every location. Of an entry's form only id and name are known.
pub(super) fn locations() -> Value {
    let rows = LOCATIONS.map(|(id, name, _)| json!({"Id": id, "Name": name}));
    json!({"result": rows})
}

/// How far down a level stands.
pub(super) fn rank(level: &str) -> Option<usize> {
    LEVELS.iter().position(|known| *known == level)
}

/// The location of a country, written as code or name.
pub(super) fn location_of(country: &str) -> Option<i64> {
    let of = |(_, name, code): &&(i64, &str, &str)| country == *name || country == *code;
    LOCATIONS.iter().find(of).map(|(id, _, _)| *id)
}

/// The members that a number of `fields` selects. Source: "Enumerating customers"; numbers with no source are invented.
fn selected(number: i64, modes: &CoveModes) -> &'static [&'static str] {
    match number {
        0 => &["Name"],
        1 => &["Level"],
        3 => &["ChildServiceTypes"],
        4 => &["ServiceType"],
        5 => &["State"],
        8 => &["LocationId"],
        9 => &["Flags"],
        10 => &["Company"],
        18 => &["ExternalCode", "MailFrom"],
        20 => &["CreationTime"],
        6 if modes.shows_undocumented_fields => &["TrialRegistrationTime", "TrialExpirationTime"],
        7 => &["Uid"],
        11 if modes.shows_undocumented_fields => &["DeviceCountry"],
        _ => &[],
    }
}

/// A partner with the selected parts of it; id and parent come anyway. Without a selection the name is null.
pub(super) fn shown(document: &Document, fields: Option<&Value>, modes: &CoveModes) -> Value {
    let mut shown = Map::new();
    for member in ["Id", "ParentId"] {
        shown.insert(member.into(), document[member].clone());
    }
    let Some(fields) = fields.and_then(Value::as_array) else {
        shown.insert("Name".into(), Value::Null);
        return shown.into();
    };
    for member in fields
        .iter()
        .filter_map(Value::as_i64)
        .flat_map(|number| selected(number, modes))
    {
        let value = document.get(*member).cloned().unwrap_or_default();
        shown.insert((*member).into(), value);
    }
    shown.into()
}

/// A partner in full.
pub(super) fn whole(document: &Document, modes: &CoveModes) -> Value {
    let all: Value = (0..=22).collect();
    shown(document, Some(&all), modes)
}

fn word<'a>(of: &'a Document, member: &str, known: &[&str]) -> Result<Option<&'a str>, Fault> {
    match of.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(word)) if known.contains(&word.as_str()) => Ok(Some(word)),
        Some(other) => Err(Fault::value(format!("{member}: {other} isn't known"))),
    }
}

/// A text that is there isn't empty, also in the company and its address.
fn not_empty(info: &Document) -> Result<(), Fault> {
    for (member, value) in info {
        match value {
            Value::String(text) if text.is_empty() => {
                return Err(Fault::value(format!("{member} is empty")));
            }
            Value::Object(group) => not_empty(group)?,
            _ => {}
        }
    }
    Ok(())
}

fn only(of: &Document, known: &[&str]) -> Document {
    let members = of.iter().filter(|(member, value)| {
        !value.is_null() && known.iter().any(|known| known == &member.as_str())
    });
    members
        .map(|(member, value)| (member.clone(), value.clone()))
        .collect()
}

/// The members of a new partner that are kept: those that are known, in their exact case.
pub(super) fn added(info: &Document) -> Document {
    let mut document = only(info, &ADDABLE);
    if let Some(company) = info.get("Company").and_then(Value::as_object) {
        document.insert("Company".into(), company_of(company).into());
    }
    document
}

/// The members of a company profile that are known.
pub(super) fn company_of(company: &Document) -> Document {
    let mut kept = only(company, &COMPANY);
    if let Some(address) = kept.get_mut("PostAddress").and_then(Value::as_object_mut) {
        *address = only(address, &ADDRESS);
    }
    kept
}

/// Checks the values of a write: names of enums are case-sensitive, and a text that is there isn't empty.
pub(super) fn check(info: &Document) -> Result<(), Fault> {
    word(info, "Level", &WRITABLE)?;
    word(info, "ServiceType", &["AllInclusive", "SoftwareOnly"])?;
    word(info, "State", &["InTrial", "InProduction"])?;
    not_empty(info)?;
    let listed = info
        .get("ChildServiceTypes")
        .filter(|value| !value.is_null());
    let words = listed.map(|listed| listed.as_array().cloned().unwrap_or_default());
    let known = |word: &Value| word == "AllInclusive" || word == "SoftwareOnly";
    if words.is_some_and(|words| words.is_empty() || !words.iter().all(known)) {
        return Err(Fault::value("ChildServiceTypes holds an unknown word"));
    }
    match info.get("LocationId") {
        None | Some(Value::Null) => Ok(()),
        Some(id) if LOCATIONS.iter().any(|(known, _, _)| id == *known) => Ok(()),
        Some(id) => Err(Fault::value(format!("there is no location {id}"))),
    }
}

/// What a creation adds by itself.
pub(super) fn settle(document: &mut Document, now: Timestamp, uid: String) -> Result<(), Fault> {
    let country = document.get("DeviceCountry").or(document.get("Country"));
    let country = country.and_then(Value::as_str).and_then(location_of);
    if !document.contains_key("LocationId") {
        let location =
            country.ok_or_else(|| Fault::value("neither a location nor a country that has one"))?;
        document.insert("LocationId".into(), location.into());
    }
    document.entry("State").or_insert_with(|| "InTrial".into());
    if document["State"] == "InTrial" {
        let now = now.as_second();
        document.insert("TrialRegistrationTime".into(), now.into());
        document.insert("TrialExpirationTime".into(), (now + TRIAL).into());
    }
    document.insert("CreationTime".into(), now.as_second().into());
    document.insert("Uid".into(), uid.into());
    document.insert("Flags".into(), Value::Null);
    document.insert("MailFrom".into(), json!("backup@n-able.example"));
    Ok(())
}

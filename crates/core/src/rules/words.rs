//! Values that have the right form and can't be right: entries of a list that are one and the same to a platform, and words of
//! registries that don't contain them.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::Value;

use super::{Refusal, registry};

/// Lists of a spec, and the member that tells their entries apart; empty where the entries are texts.
const LISTS: [(&str, &str); 7] = [
    ("administrators", "email"),
    ("contacts", "email"),
    ("reports.consolidated.recipients", ""),
    ("clients.ids", ""),
    ("workloads", "name"),
    ("storageRegions", ""),
    ("communications", "id"),
];

/// Fields with a country, ISO 3166-1 alpha-2.
const COUNTRIES: [&str; 2] = ["country", "profile.address.country"];

/// The field with a time zone of the IANA's database.
const ZONE: &str = "bandwidth.window.timeZone";

/// The codes of ISO 3166-1 alpha-2, and XK, which its users assign to Kosovo. Source: ISO 3166 Maintenance Agency, 2024.
const ISO_3166: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

fn at<'a>(spec: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(spec, |value, name| value.get(name))
}

/// What a platform takes two entries by: case and blanks around make no difference to it.
fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Why a spec can't be meant as it is, if so.
pub fn words(spec: &Value) -> Option<Refusal> {
    same_entries(spec)
        .or_else(|| unknown_zone(spec))
        .or_else(|| unknown_country(spec))
}

fn same_entries(spec: &Value) -> Option<Refusal> {
    LISTS.iter().find_map(|(field, member)| {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for entry in at(spec, field)?.as_array()? {
            let entry = if member.is_empty() {
                Some(entry)
            } else {
                entry.get(member)
            };
            let Some(text) = entry.and_then(Value::as_str) else {
                continue;
            };
            if let Some(first) = seen.insert(folded(text), text) {
                let message =
                    format!("{first:?} and {text:?} are one and the same to the platform");
                let remedy = "Keep one of the two";
                return Some(Refusal::new(
                    &registry::ENTRIES_DISTINCT,
                    *field,
                    message,
                    remedy,
                ));
            }
        }
        None
    })
}

fn unknown_zone(spec: &Value) -> Option<Refusal> {
    let zone = at(spec, ZONE)?.as_str().filter(|zone| !zone.is_empty())?;
    TimeZone::get(zone).err()?;
    let message = format!("there is no time zone {zone:?}");
    let remedy = "Name one of the IANA's time zones, for instance Europe/Berlin";
    Some(Refusal::new(
        &registry::TIME_ZONE_EXISTS,
        ZONE,
        message,
        remedy,
    ))
}

fn unknown_country(spec: &Value) -> Option<Refusal> {
    let (field, code) = COUNTRIES.iter().find_map(|field| {
        let code = at(spec, field)?.as_str().filter(|code| !code.is_empty())?;
        let known = ISO_3166.split(' ').any(|known| known == code);
        (!known).then_some((*field, code))
    })?;
    let message = format!("there is no country with the code {code:?}");
    let remedy = "State its two letters by ISO 3166-1, for instance GB for the United Kingdom";
    Some(Refusal::new(
        &registry::COUNTRY_EXISTS,
        field,
        message,
        remedy,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(spec: &Value) -> Option<(String, String)> {
        let refusal = words(spec)?;
        Some((refusal.field, refusal.message))
    }

    #[test]
    fn entries_that_differ_in_case_or_blanks_alone_are_one() {
        for (field, list) in [
            (
                "administrators",
                json!([{"email": "Ops@example.com"}, {"email": "ops@Example.com"}]),
            ),
            (
                "contacts",
                json!([{"email": "a@b.de"}, {"email": "A@B.DE"}]),
            ),
            ("storageRegions", json!(["eu-central-1", "EU-Central-1"])),
            ("workloads", json!([{"name": "MSSQL"}, {"name": "mssql"}])),
        ] {
            let (named, said) = refused(&json!({field: list})).expect(field);
            assert_eq!(named, field);
            assert!(said.contains("one and the same"), "{said}");
        }
        let clients = json!({"clients": {"ids": ["pc-17", "pc-17 "]}});
        assert_eq!(refused(&clients).expect("refused").0, "clients.ids");
        let recipients = json!({"reports": {"consolidated": {"recipients": ["a@b.de", "A@b.de"]}}});
        assert!(refused(&recipients).is_some());
        assert_eq!(
            refused(&json!({"clients": {"ids": ["pc-17", "pc-18"]}})),
            None
        );
    }

    #[test]
    fn words_of_registries_are_looked_up() {
        let window = |zone: &str| json!({"bandwidth": {"window": {"timeZone": zone}}});
        assert_eq!(refused(&window("Europe/Berlin")), None);
        assert_eq!(refused(&window("UTC")), None);
        assert!(refused(&window("Europe/Berlinn")).is_some());
        assert_eq!(refused(&json!({"country": "DE"})), None);
        assert!(
            refused(&json!({"country": "UK"}))
                .expect("refused")
                .1
                .contains("\"UK\"")
        );
        let address = json!({"profile": {"address": {"country": "XX"}}});
        assert_eq!(
            refused(&address).expect("refused").0,
            "profile.address.country"
        );
        assert_eq!(ISO_3166.split(' ').count(), 250);
    }
}

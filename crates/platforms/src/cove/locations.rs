//! Where data is kept. Cove lists the locations with their names alone; which country each hosts is told by the name, for the
//! countries that the vendor's guide names.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value, json, value::RawValue};

use super::{Cove, envelope};
use crate::{
    Lane, PlatformError,
    estate::{ItemKind, StorageLocation, Unread, Unreadable},
    rows::{self, Lost},
};

/// The countries with a data centre as of release 17.12, "subject to change". Source: "Customer management in Management
/// Console".
const COUNTRIES: [(&str, &str); 15] = [
    ("US", "United States"),
    ("US", "USA"),
    ("BR", "Brazil"),
    ("CA", "Canada"),
    ("AU", "Australia"),
    ("GB", "United Kingdom"),
    ("GB", "UK"),
    ("DE", "Germany"),
    ("NL", "Netherlands"),
    ("NL", "The Netherlands"),
    ("CH", "Switzerland"),
    ("FR", "France"),
    ("IT", "Italy"),
    ("NO", "Norway"),
    ("ZA", "South Africa"),
];

const COUNTRY: &str = "country";
const LOCATION: &str = "storageLocation";

/// A location. Only its id and its name are known to exist.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Location {
    id: i64,
    name: String,
}

/// The code of a country that Cove writes as a code or as a name; `None` where it can't be told.
pub(super) fn country_of(text: &str) -> Option<String> {
    let text = text.trim();
    let mut known = COUNTRIES.iter();
    // Names first: one of them looks like a code, and isn't one.
    if let Some((code, _)) = known.find(|(_, name)| name.eq_ignore_ascii_case(text)) {
        return Some((*code).to_owned());
    }
    let is_code = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_code.then(|| text.to_ascii_uppercase())
}

/// What is told where Cove doesn't list its locations: those of the vendor's guide, which have no ids.
fn not_listed(why: &str) -> String {
    let countries: BTreeSet<&str> = COUNTRIES.iter().map(|(code, _)| *code).collect();
    let countries: Vec<&str> = countries.into_iter().collect();
    format!(
        "Cove doesn't list its storage locations, so no customer can be created ({why}); the vendor's guide of release 17.12, which may be out of date, has data centres in {}",
        countries.join(", ")
    )
}

impl Cove {
    /// Adds to a new partner's document which of country and location isn't said, where the other tells it: a creation without any
    /// country hasn't been seen to work, and one without a location leaves the choice to Cove. What is said stays as it is.
    pub(super) async fn place(
        &self,
        mut document: Map<String, Value>,
    ) -> Result<Map<String, Value>, PlatformError> {
        let text = |member: &str| {
            let text = document.get(member).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (country, location) = (text(COUNTRY), text(LOCATION));
        if country.is_some() == location.is_some() {
            return Ok(document);
        }
        let (locations, _) = self.locations(Lane::Edit).await?;
        let hosts = |place: &&StorageLocation| match (&country, &location) {
            (Some(country), _) => place.countries.contains(country),
            (_, location) => Some(&place.id) == location.as_ref(),
        };
        if let Some(place) = locations.iter().find(hosts) {
            let told = place.countries.first().cloned();
            let missing = [
                (
                    LOCATION,
                    Some(place.id.clone()).filter(|_| location.is_none()),
                ),
                (COUNTRY, told.filter(|_| country.is_none())),
            ];
            for (member, value) in missing {
                document.extend(value.map(|value| (member.to_owned(), value.into())));
            }
        }
        Ok(document)
    }

    /// The locations that customers can be created in, and those that can't be read.
    pub(super) async fn locations(
        &self,
        lane: Lane,
    ) -> Result<(Vec<StorageLocation>, Unread), PlatformError> {
        const LIST: &str = "EnumerateLocations";
        let decode = |result: &RawValue| {
            let rows = envelope::rows(LIST, result)?;
            Ok(rows
                .into_iter()
                .map(|row| rows::whole(row, &["Id", "Name"]))
                .collect::<Vec<Result<Location, Lost>>>())
        };
        let (mut locations, mut unread) = (Vec::new(), Unread::default());
        let rows = match self.ask(LIST, lane, &json!({}), decode).await {
            // Without their ids no customer can be created; what is there can be looked after all the same.
            Err(PlatformError::Refused(problem)) => {
                unread.note(Unreadable {
                    kind: ItemKind::StorageLocation,
                    id: None,
                    why: not_listed(&problem.detail),
                });
                return Ok((locations, unread));
            }
            rows => rows?,
        };
        for row in rows {
            match row {
                Ok(location) => locations.push(StorageLocation {
                    id: location.id.to_string(),
                    countries: country_of(&location.name).into_iter().collect(),
                    name: location.name,
                    products: Vec::new(),
                }),
                Err(lost) => unread.note(Unreadable {
                    kind: ItemKind::StorageLocation,
                    id: lost.id,
                    why: lost.why,
                }),
            }
        }
        Ok((locations, unread))
    }
}

#[cfg(test)]
mod tests {
    use super::country_of;

    #[test]
    fn a_country_is_told_by_its_code_or_by_a_name_of_the_vendors_guide() {
        let of = |text: &str| country_of(text);
        assert_eq!(of("de").as_deref(), Some("DE"));
        assert_eq!(of("The Netherlands").as_deref(), Some("NL"));
        assert_eq!(of("UK").as_deref(), Some("GB"), "UK isn't a country code");
        assert_eq!(of("Europe West"), None);
    }
}

//! Where data is kept: decided once, when the object is created.

use super::registry::{self, Refusal};
use crate::estate::{Object, StorageLocation};

const FIELD: &str = "storageLocation";
/// Ids that a message lists.
const SHOWN: usize = 20;

/// Whether a location hosts a country's data.
fn hosts(location: &StorageLocation, country: &str) -> bool {
    location.countries.iter().any(|hosted| hosted == country)
}

/// The location that hosts a country's data, where the platform has one.
fn hosting<'a>(country: &str, locations: &'a [StorageLocation]) -> Option<&'a StorageLocation> {
    locations.iter().find(|location| hosts(location, country))
}

/// R-S2: the country decides where the platform hosts one; otherwise a location has to be named, and has to exist.
///
/// # Errors
/// What stands in the way of a choice.
pub fn storage_location(
    named: Option<&str>,
    country: Option<&str>,
    locations: &[StorageLocation],
) -> Result<Option<String>, Refusal> {
    let hosting = country.and_then(|country| hosting(country, locations));
    let choose = || {
        // The others are regions of products, where tenants have their data.
        let homes = locations
            .iter()
            .filter(|location| location.products.is_empty());
        let ids: Vec<&str> = homes.map(|location| location.id.as_str()).collect();
        let more = if ids.len() > SHOWN { ", …" } else { "" };
        format!(
            "Choose an id of status.storageLocations of the BackupPlatform: {}{more}",
            ids[..ids.len().min(SHOWN)].join(", ")
        )
    };
    let Some(named) = named else {
        return match (hosting, country) {
            (Some(hosting), _) => Ok(Some(hosting.id.clone())),
            (None, Some(country)) => Err(Refusal::new(
                &registry::LOCATION_REQUIRED,
                FIELD,
                format!(
                    "the platform hosts no data in country {country:?}, so storageLocation must be stated"
                ),
                choose(),
            )),
            (None, None) => Ok(None),
        };
    };
    let Some(location) = locations.iter().find(|location| location.id == named) else {
        let message = format!("{named:?} is not one of the platform's locations");
        let rule = &registry::LOCATION_UNKNOWN;
        return Err(Refusal::new(rule, FIELD, message, choose()));
    };
    match (hosting, country) {
        (Some(hosting), Some(country)) if !hosts(location, country) => Err(Refusal::new(
            &registry::LOCATION_OF_COUNTRY,
            FIELD,
            format!(
                "{named:?} can't be chosen: the platform hosts country {country:?} in {:?}",
                hosting.id
            ),
            format!("Leave storageLocation out, or state {:?}", hosting.id),
        )),
        _ => Ok(Some(named.to_owned())),
    }
}

/// R-S2: the location that the platform chose for a country that it hosts. Of a new object only: a later change of country
/// moves nothing.
pub fn answered_elsewhere(
    object: &Object,
    country: &str,
    held: &str,
    locations: &[StorageLocation],
) -> Option<Refusal> {
    let asked = hosting(country, locations)?;
    let held_hosts = locations
        .iter()
        .any(|location| location.id == held && hosts(location, country));
    if asked.id == held || held_hosts {
        return None;
    }
    let message = format!(
        "the {} was requested in {:?}, which hosts country {country:?}, but the platform created {} in {held:?}; Holdfast sends nothing more to it, so that no data is stored there",
        object.kind.as_str().to_lowercase(),
        asked.id,
        object.id
    );
    let remedy = format!(
        "Ask the platform's support to correct it, or delete this resource and its remote object; to accept the location, state storageLocation: {held}"
    );
    Some(Refusal::new(
        &registry::LOCATION_ANSWERED,
        FIELD,
        message,
        remedy,
    ))
}

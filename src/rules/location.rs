//! Where data is kept: decided once, when the object is made.

use super::registry::{self, Refusal};
use crate::estate::StorageLocation;

/// R-S2: the country decides where the platform hosts one; otherwise a location has to be named, and has to exist.
///
/// # Errors
/// What stands in the way of a choice.
pub fn storage_location(
    named: Option<&str>,
    country: Option<&str>,
    locations: &[StorageLocation],
) -> Result<Option<String>, Refusal> {
    const FIELD: &str = "storageLocation";
    let hosts = |location: &StorageLocation, country: &str| {
        location.countries.iter().any(|hosted| hosted == country)
    };
    let hosting =
        country.and_then(|country| locations.iter().find(|location| hosts(location, country)));
    let choose = "Choose an id listed in status.storageLocations of the BackupPlatform";
    let Some(named) = named else {
        return match (hosting, country) {
            (Some(hosting), _) => Ok(Some(hosting.id.clone())),
            (None, Some(country)) => Err(Refusal::new(
                &registry::LOCATION_REQUIRED,
                FIELD,
                format!(
                    "the platform hosts no data in country {country:?}, so storageLocation must be stated"
                ),
                choose,
            )),
            (None, None) => Ok(None),
        };
    };
    let Some(location) = locations.iter().find(|location| location.id == named) else {
        let message = format!("{named:?} is not one of the platform's locations");
        let rule = &registry::LOCATION_UNKNOWN;
        return Err(Refusal::new(rule, FIELD, message, choose));
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

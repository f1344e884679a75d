//! Where a customer's backups are stored (S1, S2).

use serde_json::Value;

use crate::{
    item::Item,
    problem::{Problem, Slug},
};

/// Whether a location is where a country's customers are hosted.
fn hosts(location: &Item, country: &str) -> bool {
    location
        .value("countries")
        .and_then(Value::as_array)
        .is_some_and(|countries| countries.iter().any(|hosted| hosted == country))
}

/// The location that an item gets: its country decides where the country is hosted, otherwise it must be chosen. With
/// neither a country nor a choice there is none yet.
pub(crate) fn choose(
    country: Option<&str>,
    chosen: Option<&str>,
    locations: &[Item],
) -> Result<Option<String>, Problem> {
    if let Some(chosen) = chosen
        && !locations.iter().any(|location| location.id == chosen)
    {
        return Err(unknown("storageLocation", chosen));
    }
    let Some(country) = country else {
        return Ok(chosen.map(str::to_owned));
    };
    let host = locations.iter().find(|location| hosts(location, country));
    match (host, chosen) {
        (Some(host), Some(chosen)) if host.id != chosen => Err(Problem::invalid(
            "storageLocation",
            format!(
                "{country} is hosted in {}, so {chosen} can't be chosen",
                host.label()
            ),
        )
        .remedy(format!(
            "Leave storageLocation out or set it to {}",
            host.id
        ))),
        (Some(host), _) => Ok(Some(host.id.clone())),
        (None, Some(chosen)) => Ok(Some(chosen.to_owned())),
        (None, None) => Err(Problem::new(
            Slug::LocationRequired,
            format!("no storage location hosts {country}"),
        )
        .field("storageLocation")
        .remedy("Choose a storageLocation; /v1/locations lists them")),
    }
}

/// Refuses regions that don't exist or don't store the product.
pub(crate) fn check_regions(tenant: &Item, locations: &[Item]) -> Result<(), Problem> {
    let regions = tenant.value("storageRegions").and_then(Value::as_array);
    for region in regions.into_iter().flatten().filter_map(Value::as_str) {
        let Some(location) = locations.iter().find(|location| location.id == region) else {
            return Err(unknown("storageRegions", region));
        };
        let products = location
            .value("products")
            .and_then(Value::as_array)
            .filter(|products| !products.is_empty());
        if let (Some(products), Some(product)) = (products, tenant.value("product"))
            && !products.contains(product)
        {
            let product = product.as_str().unwrap_or_default();
            return Err(Problem::invalid(
                "storageRegions",
                format!("{region} doesn't store {product}"),
            )
            .remedy("Choose another region"));
        }
    }
    Ok(())
}

fn unknown(field: &str, id: &str) -> Problem {
    Problem::invalid(field, format!("there is no storage location {id}"))
        .remedy("Choose one of /v1/locations")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use jiff::Timestamp;
    use serde_json::json;

    fn locations() -> Vec<Item> {
        let location = |id: &str, settings: Value| {
            let settings = serde_json::from_value(settings).expect("an object");
            Item {
                id: id.into(),
                ..Item::new(Kind::Location, settings, Timestamp::UNIX_EPOCH)
            }
        };
        vec![
            location("de-1", json!({"countries": ["DE", "AT"]})),
            location("us-1", json!({"countries": ["US"]})),
            location("eu-west-1", json!({"products": ["HybridWorkloads"]})),
        ]
    }

    #[test]
    fn the_country_decides_where_it_is_hosted() {
        // R-S2
        assert_eq!(
            choose(Some("AT"), None, &locations()),
            Ok(Some("de-1".into()))
        );
        assert_eq!(
            choose(Some("AT"), Some("de-1"), &locations()),
            Ok(Some("de-1".into()))
        );
        let other = choose(Some("AT"), Some("us-1"), &locations()).expect_err("refused");
        assert_eq!(
            (other.slug, other.field.as_deref()),
            (Slug::Invalid, Some("storageLocation"))
        );
    }

    #[test]
    fn elsewhere_the_location_must_be_chosen() {
        // R-S2
        assert_eq!(
            choose(Some("IN"), None, &locations())
                .expect_err("refused")
                .slug,
            Slug::LocationRequired
        );
        assert_eq!(
            choose(Some("IN"), Some("us-1"), &locations()),
            Ok(Some("us-1".into()))
        );
        assert_eq!(choose(None, None, &locations()), Ok(None));
        assert_eq!(
            choose(None, Some("mars-1"), &locations())
                .expect_err("refused")
                .slug,
            Slug::Invalid
        );
    }

    #[test]
    fn regions_must_exist_and_store_the_product() {
        let tenant = |settings: Value| {
            Item::new(
                Kind::Tenant,
                serde_json::from_value(settings).expect("an object"),
                Timestamp::UNIX_EPOCH,
            )
        };
        let check = |settings: Value| {
            check_regions(&tenant(settings), &locations()).map_err(|problem| problem.field)
        };
        assert_eq!(
            check(json!({"product": "HybridWorkloads", "storageRegions": ["eu-west-1", "de-1"]})),
            Ok(())
        );
        let refused = Err(Some("storageRegions".into()));
        assert_eq!(
            check(json!({"product": "SaaSAppsAndEndpoints", "storageRegions": ["eu-west-1"]})),
            refused
        );
        assert_eq!(
            check(json!({"product": "HybridWorkloads", "storageRegions": ["mars-1"]})),
            refused
        );
    }
}

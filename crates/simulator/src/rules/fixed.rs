//! What can't change any more, or only in one direction.

use serde_json::Value;

use crate::{Kind, item::Item, problem::Problem};

/// Settings that stay as they were created.
fn fixed_fields(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Reseller | Kind::Plan => &["name"],
        Kind::Customer => &["accountName", "hideName"],
        Kind::Tenant => &["customerId", "product"],
        Kind::Client | Kind::Location | Kind::Administrator => &[],
    }
}

/// Refuses a change of what is fixed (D2, D20, S1, S2, D12).
pub(crate) fn check(before: &Item, after: &Item) -> Result<(), Problem> {
    for field in fixed_fields(before.kind) {
        if before.value(field) != after.value(field) {
            return Err(Problem::invalid(
                field,
                format!("{field} of a {} doesn't change after creation", before.kind),
            )
            .remedy("Keep the value it has, or create another one"));
        }
    }
    if before.value("storageLocation").is_some()
        && before.value("storageLocation") != after.value("storageLocation")
    {
        return Err(Problem::invalid(
            "storageLocation",
            format!("{} stores its backups where it started", before.label()),
        )
        .remedy("Keep the location; a customer elsewhere is another customer"));
    }
    if before.text("stage") == Some("Production") && after.text("stage") != Some("Production") {
        return Err(Problem::invalid(
            "stage",
            format!(
                "{} is in production, which never becomes a trial again",
                before.label()
            ),
        )
        .remedy("Set stage to Production"));
    }
    growing(before, after, "storageRegions")
}

fn growing(before: &Item, after: &Item, field: &str) -> Result<(), Problem> {
    let entries = |item: &Item| {
        item.value(field)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let kept = entries(after);
    match entries(before).iter().find(|entry| !kept.contains(entry)) {
        None => Ok(()),
        Some(gone) => {
            let gone = gone.as_str().unwrap_or_default();
            Err(Problem::invalid(
                field,
                format!(
                    "region {gone} of {} holds backups and can't be removed",
                    before.label()
                ),
            )
            .remedy(format!(
                "Keep {gone} in the list; regions can only be added"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn item(kind: Kind, settings: Value) -> Item {
        Item::new(
            kind,
            serde_json::from_value(settings).expect("an object"),
            Timestamp::UNIX_EPOCH,
        )
    }

    fn refused(kind: Kind, before: Value, after: Value) -> Option<String> {
        check(&item(kind, before), &item(kind, after))
            .err()
            .and_then(|problem| problem.field)
    }

    #[test]
    fn names_and_links_that_are_fixed_stay() {
        // R-D2, R-D20
        assert_eq!(
            refused(
                Kind::Customer,
                json!({"accountName": "a"}),
                json!({"accountName": "b"})
            )
            .as_deref(),
            Some("accountName")
        );
        assert_eq!(
            refused(Kind::Plan, json!({"name": "a"}), json!({"name": "b"})).as_deref(),
            Some("name")
        );
        assert_eq!(
            refused(
                Kind::Tenant,
                json!({"customerId": "1"}),
                json!({"customerId": "2"})
            )
            .as_deref(),
            Some("customerId")
        );
        assert_eq!(
            refused(Kind::Customer, json!({"name": "a"}), json!({"name": "b"})),
            None
        );
    }

    #[test]
    fn a_location_can_be_set_once_and_regions_only_grow() {
        // R-S2, R-D12
        assert_eq!(
            refused(
                Kind::Customer,
                json!({}),
                json!({"storageLocation": "de-1"})
            ),
            None
        );
        assert_eq!(
            refused(
                Kind::Customer,
                json!({"storageLocation": "de-1"}),
                json!({"storageLocation": "us-1"})
            )
            .as_deref(),
            Some("storageLocation")
        );
        assert_eq!(
            refused(
                Kind::Tenant,
                json!({"storageRegions": ["a"]}),
                json!({"storageRegions": ["b", "a"]})
            ),
            None
        );
        assert_eq!(
            refused(Kind::Tenant, json!({"storageRegions": ["a"]}), json!({})).as_deref(),
            Some("storageRegions")
        );
    }

    #[test]
    fn production_never_becomes_a_trial() {
        // R-S1
        assert_eq!(
            refused(
                Kind::Customer,
                json!({"stage": "Trial"}),
                json!({"stage": "Production"})
            ),
            None
        );
        assert_eq!(
            refused(
                Kind::Customer,
                json!({"stage": "Production"}),
                json!({"stage": "Trial"})
            )
            .as_deref(),
            Some("stage")
        );
        assert_eq!(
            refused(Kind::Customer, json!({"stage": "Production"}), json!({})).as_deref(),
            Some("stage")
        );
    }
}

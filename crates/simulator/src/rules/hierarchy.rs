//! What may sit under what (S4, S20).

use serde_json::Value;

use crate::{Kind, item::Item, problem::Problem};

/// Height of a reseller's level; one that doesn't say is an ordinary reseller.
fn rank(reseller: &Item) -> u8 {
    match reseller.text("level") {
        Some("Distributor") => 0,
        Some("SubDistributor") => 1,
        _ => 2,
    }
}

/// Refuses a child that doesn't belong under its parent: levels fall on the way down (so no circle can close), and a
/// service type must be one that the parent may pass on.
pub(crate) fn check(parent: &Item, child: &Item) -> Result<(), Problem> {
    if child.kind == Kind::Reseller {
        if parent.id == child.id {
            return Err(Problem::invalid(
                "parentId",
                format!("{} can't be its own parent", child.label()),
            )
            .remedy("Name another reseller"));
        }
        if rank(parent) >= rank(child) {
            let detail = format!(
                "a {} can't sit under {}, a {}",
                level(child),
                parent.label(),
                level(parent)
            );
            return Err(Problem::invalid("parentId", detail)
                .remedy("Levels fall on the way down: Distributor, SubDistributor, Reseller"));
        }
    }
    let passed_on = parent.value("childServiceTypes").and_then(Value::as_array);
    match (passed_on, child.value("serviceType")) {
        (Some(passed_on), Some(wanted)) if !passed_on.contains(wanted) => {
            let wanted = wanted.as_str().unwrap_or_default();
            Err(Problem::invalid(
                "serviceType",
                format!("{} may not pass on {wanted}", parent.label()),
            )
            .remedy(format!(
                "Choose a service type of its childServiceTypes, or add {wanted} there first"
            )))
        }
        _ => Ok(()),
    }
}

fn level(reseller: &Item) -> &str {
    reseller.text("level").unwrap_or("Reseller")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn reseller(id: &str, settings: Value) -> Item {
        let settings = serde_json::from_value(settings).expect("an object");
        Item {
            id: id.into(),
            ..Item::new(Kind::Reseller, settings, Timestamp::UNIX_EPOCH)
        }
    }

    #[test]
    fn levels_fall_on_the_way_down() {
        // R-S20
        let level = |level: &str| reseller(level, json!({"level": level}));
        let (top, middle, low) = (
            level("Distributor"),
            level("SubDistributor"),
            level("Reseller"),
        );
        assert_eq!(check(&top, &middle), Ok(()));
        assert_eq!(check(&top, &low), Ok(()));
        assert_eq!(check(&middle, &low), Ok(()));
        for (parent, child) in [
            (&low, &low),
            (&low, &middle),
            (&middle, &top),
            (&middle, &middle),
        ] {
            assert_eq!(
                check(parent, child).expect_err("refused").field.as_deref(),
                Some("parentId")
            );
        }
    }

    #[test]
    fn a_service_type_must_be_one_that_the_parent_passes_on() {
        // R-S4
        let parent = reseller(
            "1",
            json!({"level": "Distributor", "childServiceTypes": ["SoftwareOnly"]}),
        );
        assert_eq!(
            check(
                &parent,
                &reseller("2", json!({"serviceType": "SoftwareOnly"}))
            ),
            Ok(())
        );
        assert_eq!(check(&parent, &reseller("2", json!({}))), Ok(()));
        let refused = check(
            &parent,
            &reseller("2", json!({"serviceType": "AllInclusive"})),
        )
        .expect_err("refused");
        assert_eq!(refused.field.as_deref(), Some("serviceType"));
    }
}

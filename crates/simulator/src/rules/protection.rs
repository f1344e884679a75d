//! What the platform keeps for itself (D11 to D13, V4).

use crate::{
    Kind,
    item::{Item, Protection},
    problem::{Problem, Slug},
    rules::plan_fit,
};

/// Top-level settings that differ.
fn changed<'a>(before: &'a Item, after: &'a Item) -> Vec<&'a str> {
    let all = before.settings.keys().chain(
        after
            .settings
            .keys()
            .filter(|key| !before.settings.contains_key(*key)),
    );
    all.filter(|key| before.settings.get(*key) != after.settings.get(*key))
        .map(String::as_str)
        .collect()
}

/// Refuses a change of what protection forbids.
pub(crate) fn check_change(before: &Item, after: &Item) -> Result<(), Problem> {
    let forbidden = |field: &&str| match before.protection {
        Protection::None => false,
        Protection::Sandbox => !sandbox_allows(before, after, field),
        Protection::Default => matches!(
            *field,
            "active" | "level" | "type" | "serviceType" | "parentId" | "resellerId"
        ),
    };
    match changed(before, after).into_iter().find(forbidden) {
        None => Ok(()),
        Some(field) => Err(refusal(before, field)),
    }
}

/// A sandbox product may change its plan, add regions, change quota and dates, and the numbers of users.
fn sandbox_allows(before: &Item, after: &Item, field: &str) -> bool {
    let same_workloads = || plan_fit::listed(before) == plan_fit::listed(after);
    before.kind == Kind::Tenant
        && (matches!(field, "planId" | "quota" | "storageRegions")
            || (field == "workloads" && same_workloads()))
}

fn refusal(item: &Item, field: &str) -> Problem {
    let remedy = match (item.protection, item.kind) {
        (Protection::Sandbox, Kind::Tenant) => {
            "A sandbox product may change planId, quota, users and preserved users of its workloads, and get more storageRegions"
        }
        (Protection::Sandbox, _) => {
            "Leave the sandbox customer as it is; its products may change a little"
        }
        _ => "Leave the setting as it is",
    };
    Problem::new(
        Slug::Protected,
        format!(
            "{} is kept by the platform ({}); {field} doesn't change",
            item.label(),
            item.protection.name()
        ),
    )
    .field(field)
    .remedy(remedy)
}

/// Refuses to remove what the platform needs.
pub(crate) fn check_removal(item: &Item) -> Result<(), Problem> {
    match item.protection {
        Protection::None => Ok(()),
        protection => Err(Problem::new(
            Slug::Protected,
            format!(
                "{} is kept by the platform ({})",
                item.label(),
                protection.name()
            ),
        )
        .remedy("It can't be removed")),
    }
}

/// Refuses a type that doesn't go with the customer: Sandbox is the sandbox customer's, and it has nothing else.
pub(crate) fn check_type(customer: &Item, tenant: &Item) -> Result<(), Problem> {
    let sandbox = customer.protection == Protection::Sandbox;
    match tenant.text("type") {
        Some("Sandbox") if !sandbox => Err(Problem::invalid(
            "type",
            format!("{} isn't the sandbox", customer.label()),
        )
        .remedy("Choose Evaluation or Commercial")),
        Some(other) if sandbox && other != "Sandbox" => Err(Problem::new(
            Slug::Protected,
            format!("{} has products of type Sandbox only", customer.label()),
        )
        .field("type")
        .remedy("Leave type out or set it to Sandbox")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::{Value, json};

    fn item(kind: Kind, protection: Protection, settings: Value) -> Item {
        let settings = serde_json::from_value(settings).expect("an object");
        Item {
            protection,
            ..Item::new(kind, settings, Timestamp::UNIX_EPOCH)
        }
    }

    fn refused(kind: Kind, protection: Protection, before: Value, after: Value) -> Option<String> {
        check_change(
            &item(kind, protection, before),
            &item(kind, protection, after),
        )
        .err()
        .and_then(|problem| problem.field)
    }

    #[test]
    fn a_sandbox_product_changes_only_a_little() {
        // R-D12, R-D13
        let before = json!({"planId": "1", "type": "Sandbox", "active": true, "workloads": [{"name": "NAS", "users": 1}]});
        let with = |field: &str, value: Value| {
            let mut after = before.clone();
            after[field] = value;
            refused(Kind::Tenant, Protection::Sandbox, before.clone(), after)
        };
        assert_eq!(with("planId", json!("2")), None);
        assert_eq!(with("quota", json!({"credits": 1})), None);
        assert_eq!(with("storageRegions", json!(["a"])), None);
        assert_eq!(
            with(
                "workloads",
                json!([{"name": "NAS", "users": 5, "preservedUsers": 1}])
            ),
            None
        );
        assert_eq!(
            with("workloads", json!([{"name": "MSSQL"}])).as_deref(),
            Some("workloads")
        );
        assert_eq!(with("type", json!("Commercial")).as_deref(), Some("type"));
        assert_eq!(with("active", json!(false)).as_deref(), Some("active"));
        assert_eq!(
            with("licenceExpiresAt", json!("2030-01-01T00:00:00Z")).as_deref(),
            Some("licenceExpiresAt")
        );
    }

    #[test]
    fn defaults_are_not_stopped_or_re_typed_or_removed() {
        // R-D11, R-V4
        let refused = |before, after| refused(Kind::Customer, Protection::Default, before, after);
        assert_eq!(
            refused(json!({}), json!({"active": false})).as_deref(),
            Some("active")
        );
        assert_eq!(refused(json!({}), json!({"profile": {"phone": "1"}})), None);
        assert!(check_removal(&item(Kind::Plan, Protection::Default, json!({}))).is_err());
        assert!(check_removal(&item(Kind::Plan, Protection::None, json!({}))).is_ok());
    }

    #[test]
    fn sandbox_products_belong_to_the_sandbox() {
        // R-D13
        let tenant = |kind: &str| item(Kind::Tenant, Protection::None, json!({"type": kind}));
        let sandbox = item(Kind::Customer, Protection::Sandbox, json!({}));
        let ordinary = item(Kind::Customer, Protection::None, json!({}));
        assert!(check_type(&sandbox, &tenant("Sandbox")).is_ok());
        assert!(check_type(&sandbox, &tenant("Commercial")).is_err());
        assert!(check_type(&ordinary, &tenant("Sandbox")).is_err());
        assert!(check_type(&ordinary, &tenant("Evaluation")).is_ok());
    }
}

//! The status of a `ServicePlan`.

use kube::core::Duration;

use super::{Around, NOTHING, joined, yes_no};
use crate::{
    api::{
        plan::{ServiceLevel, ServicePlanStatus, ServicePlanSummary},
        shared::{Edition, ManagedStatus, Protection},
    },
    estate::Object,
};

/// A plan's own part of the status. Serves R-D21, R-D22.
pub fn plan(
    object: Option<&Object>,
    around: &Around,
    promised: Option<&ServiceLevel>,
    previous: Option<&ServicePlanStatus>,
) -> ServicePlanStatus {
    let Some(object) = object else {
        return previous
            .map(|previous| ServicePlanStatus {
                managed: ManagedStatus::default(),
                ..previous.clone()
            })
            .unwrap_or_default();
    };
    let products = object
        .settings
        .get("products")
        .and_then(serde_json::Value::as_array);
    let texts = |member: &'static str| {
        products
            .into_iter()
            .flatten()
            .filter_map(move |product| product.get(member).and_then(serde_json::Value::as_str))
    };
    let mut editions: Vec<Edition> = texts("edition")
        .filter_map(|edition| edition.parse().ok())
        .collect();
    editions.sort_unstable();
    editions.dedup();
    let default = object.protection == Protection::Default;
    ServicePlanStatus {
        managed: ManagedStatus::default(),
        tenants: Some(around.children.len() as u64),
        default: Some(default),
        summary: Some(ServicePlanSummary {
            editions: Some(joined(editions.iter().map(|edition| edition.as_str()))),
            products: Some(joined(texts("product"))),
            objective: Some(promised.map_or_else(|| NOTHING.into(), objective)),
            default: Some(yes_no(default)),
        }),
        editions,
    }
}

/// `24h, 98%, restored 2160h`.
fn objective(level: &ServiceLevel) -> String {
    let age = level.recovery_point_objective.as_ref().map(spoken);
    let share = level
        .minimum_success_percent
        .as_ref()
        .map(|percent| format!("{percent}%"));
    let tested = level
        .restore_test_interval
        .as_ref()
        .map(|interval| format!("restored {}", spoken(interval)));
    let parts: Vec<String> = [age, share, tested].into_iter().flatten().collect();
    if parts.is_empty() {
        NOTHING.into()
    } else {
        parts.join(", ")
    }
}

/// In the largest unit that has no remainder: `24h`, as people write it.
fn spoken(duration: &Duration) -> String {
    let seconds = std::time::Duration::from(*duration).as_secs();
    match seconds {
        whole if whole % 3600 == 0 => format!("{}h", whole / 3600),
        whole if whole % 60 == 0 => format!("{}m", whole / 60),
        seconds => format!("{seconds}s"),
    }
}

/// The strictest of some service levels.
pub fn strictest(levels: &[ServiceLevel]) -> Option<ServiceLevel> {
    let objectives = levels
        .iter()
        .filter_map(|level| level.recovery_point_objective);
    let shares = levels
        .iter()
        .filter_map(|level| level.minimum_success_percent.as_ref());
    let intervals = levels
        .iter()
        .filter_map(|level| level.restore_test_interval);
    let length = |duration: &Duration| std::time::Duration::from(*duration);
    (!levels.is_empty()).then(|| ServiceLevel {
        recovery_point_objective: objectives.min_by_key(length),
        restore_test_interval: intervals.min_by_key(length),
        minimum_success_percent: shares.max_by_key(|share| share.milli().ok()).cloned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn level(document: serde_json::Value) -> ServiceLevel {
        serde_json::from_value(document).expect("a service level")
    }

    // R-N10, R-N17
    #[test]
    fn of_several_promises_the_strictest_counts_part_by_part() {
        let levels = [
            level(json!({"recoveryPointObjective": "24h", "minimumSuccessPercent": 98})),
            level(
                json!({"recoveryPointObjective": "4h", "minimumSuccessPercent": "90.5", "restoreTestInterval": "2160h"}),
            ),
            level(json!({"restoreTestInterval": "720h"})),
            level(json!({})),
        ];
        let strict = level(
            json!({"recoveryPointObjective": "4h", "minimumSuccessPercent": 98, "restoreTestInterval": "720h"}),
        );
        assert_eq!(strictest(&levels), Some(strict));
        assert_eq!(strictest(&[]), None);
        assert_eq!(
            objective(&level(
                json!({"recoveryPointObjective": "90m", "minimumSuccessPercent": 98, "restoreTestInterval": "2160h"})
            )),
            "90m, 98%, restored 2160h"
        );
    }
}

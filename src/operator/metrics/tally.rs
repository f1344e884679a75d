//! The counts of resources by condition, in step with what each resource says.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{ConditionLabels, Count};
use crate::{
    api::ConditionType,
    survey::{PlatformKey, ResourceRef},
};

/// A condition and its status, as they are counted.
type Said = (ConditionType, &'static str);

/// Who says conditions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// A `BackupPlatform`.
    Platform(PlatformKey),
    /// A resource on one.
    Resource(ResourceRef),
}

impl Speaker {
    fn kind(&self) -> &'static str {
        match self {
            Self::Platform(_) => "BackupPlatform",
            Self::Resource(resource) => resource.kind.as_str(),
        }
    }
}

impl From<&PlatformKey> for Speaker {
    fn from(key: &PlatformKey) -> Self {
        Self::Platform(key.clone())
    }
}

impl From<&ResourceRef> for Speaker {
    fn from(resource: &ResourceRef) -> Self {
        Self::Resource(resource.clone())
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Tally {
    pub(super) counts: Count<ConditionLabels>,
    said: Mutex<HashMap<Speaker, Box<[Said]>>>,
}

impl Tally {
    fn said(&self) -> MutexGuard<'_, HashMap<Speaker, Box<[Said]>>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what a resource says now instead of what it said before.
    pub fn note(&self, speaker: impl Into<Speaker>, conditions: &[Condition]) {
        let speaker = speaker.into();
        let now: Box<[Said]> = conditions.iter().filter_map(said).collect();
        let mut known = self.said();
        let before = known.get(&speaker).map(|said| &**said).unwrap_or_default();
        self.count(
            &speaker,
            before.iter().filter(|said| !now.contains(said)),
            -1,
        );
        self.count(
            &speaker,
            now.iter().filter(|said| !before.contains(said)),
            1,
        );
        known.insert(speaker, now);
    }

    /// A resource is gone, or another process speaks of it.
    pub fn forget(&self, speaker: impl Into<Speaker>) {
        let speaker = speaker.into();
        let before = self.said().remove(&speaker).unwrap_or_default();
        self.count(&speaker, before.iter(), -1);
    }

    /// The platforms whose conditions are counted.
    pub fn platforms(&self) -> Vec<PlatformKey> {
        let said = self.said();
        let platforms = said.keys().filter_map(|speaker| match speaker {
            Speaker::Platform(key) => Some(key.clone()),
            Speaker::Resource(_) => None,
        });
        platforms.collect()
    }

    fn count<'a>(&self, speaker: &Speaker, conditions: impl Iterator<Item = &'a Said>, by: i64) {
        for (condition, status) in conditions {
            let labels = ConditionLabels {
                kind: speaker.kind().into(),
                r#type: condition.as_str().into(),
                status: (*status).into(),
            };
            self.counts.get_or_create(&labels).inc_by(by);
        }
    }
}

fn said(condition: &Condition) -> Option<Said> {
    let status = ["True", "False", "Unknown"]
        .into_iter()
        .find(|status| *status == condition.status)?;
    Some((condition.type_.parse().ok()?, status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::metrics::Metrics;

    fn condition(status: &str) -> Condition {
        let value = serde_json::json!({
            "type": "PlatformReachable", "status": status, "reason": "Reachable", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        serde_json::from_value(value).expect("a condition")
    }

    // R-N8
    #[test]
    fn a_platform_s_conditions_are_counted_until_it_is_gone() {
        let metrics = Metrics::new();
        let key = PlatformKey {
            namespace: "backup".into(),
            name: "msp".into(),
        };
        let series = |status: &str, count: i64| {
            let page = metrics.render().expect("a page");
            let expected = format!(
                "holdfast_condition{{kind=\"BackupPlatform\",type=\"PlatformReachable\",status=\"{status}\"}} {count}\n"
            );
            assert!(page.contains(&expected), "{page}");
        };
        metrics.conditions.note(&key, &[condition("False")]);
        metrics.conditions.note(&key, &[condition("False")]);
        series("False", 1);
        metrics.conditions.note(&key, &[condition("True")]);
        series("False", 0);
        series("True", 1);
        assert_eq!(metrics.conditions.platforms(), std::slice::from_ref(&key));
        metrics.conditions.forget(&key);
        series("True", 0);
    }
}

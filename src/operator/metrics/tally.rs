//! The counts of resources by condition, in step with what each resource says.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition as Written;

use super::{ConditionLabels, Count};
use crate::{
    api::ConditionType,
    survey::{PlatformKey, ResourceRef},
};

/// A condition and its status, as they are counted.
type Condition = (ConditionType, &'static str);

/// Who says conditions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Speaker {
    /// A `BackupPlatform`.
    Platform(PlatformKey),
    /// A resource on one.
    Resource(ResourceRef),
}

/// What a resource says, and on which platform it is.
#[derive(Debug, Clone, Default)]
struct Said {
    /// `namespace/name`; empty where none is known.
    platform: String,
    conditions: Box<[Condition]>,
}

impl Speaker {
    fn kind(&self) -> &'static str {
        match self {
            Self::Platform(_) => "BackupPlatform",
            Self::Resource(resource) => resource.kind.as_str(),
        }
    }

    /// A resource's platform is in its own namespace.
    fn platform(&self, name: Option<&str>) -> String {
        match self {
            Self::Platform(key) => key.to_string(),
            Self::Resource(resource) => name
                .map(|name| format!("{}/{name}", resource.namespace))
                .unwrap_or_default(),
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
    said: Mutex<HashMap<Speaker, Said>>,
}

impl Tally {
    fn said(&self) -> MutexGuard<'_, HashMap<Speaker, Said>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what a resource says now instead of what it said before. The platform is the one that it is on, by name.
    pub fn note(
        &self,
        speaker: impl Into<Speaker>,
        platform: Option<&str>,
        conditions: &[Written],
    ) {
        let speaker = speaker.into();
        let now = Said {
            platform: speaker.platform(platform),
            conditions: conditions.iter().filter_map(said).collect(),
        };
        let mut known = self.said();
        let before = known.get(&speaker).cloned().unwrap_or_default();
        let stayed = before.platform == now.platform;
        let is_same =
            |other: &Said, condition: &Condition| stayed && other.conditions.contains(condition);
        let gone = before.conditions.iter().filter(|one| !is_same(&now, one));
        self.count(&speaker, &before.platform, gone, -1);
        let new = now.conditions.iter().filter(|one| !is_same(&before, one));
        self.count(&speaker, &now.platform, new, 1);
        known.insert(speaker, now);
    }

    /// A resource is gone, or another process speaks of it.
    pub fn forget(&self, speaker: impl Into<Speaker>) {
        let speaker = speaker.into();
        let before = self.said().remove(&speaker).unwrap_or_default();
        self.count(&speaker, &before.platform, before.conditions.iter(), -1);
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

    fn count<'a>(
        &self,
        speaker: &Speaker,
        platform: &str,
        conditions: impl Iterator<Item = &'a Condition>,
        by: i64,
    ) {
        for (condition, status) in conditions {
            let labels = ConditionLabels {
                kind: speaker.kind().into(),
                r#type: condition.as_str().into(),
                status: (*status).into(),
                platform: platform.into(),
            };
            self.counts.get_or_create(&labels).inc_by(by);
        }
    }
}

fn said(condition: &Written) -> Option<Condition> {
    let status = ["True", "False", "Unknown"]
        .into_iter()
        .find(|status| *status == condition.status)?;
    Some((condition.type_.parse().ok()?, status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::metrics::Metrics;

    fn condition(status: &str) -> Written {
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
                "holdfast_condition{{kind=\"BackupPlatform\",type=\"PlatformReachable\",status=\"{status}\",platform=\"backup/msp\"}} {count}\n"
            );
            assert!(page.contains(&expected), "{page}");
        };
        metrics.conditions.note(&key, None, &[condition("False")]);
        metrics.conditions.note(&key, None, &[condition("False")]);
        series("False", 1);
        metrics.conditions.note(&key, None, &[condition("True")]);
        series("False", 0);
        series("True", 1);
        assert_eq!(metrics.conditions.platforms(), std::slice::from_ref(&key));
        metrics.conditions.forget(&key);
        series("True", 0);
    }
    // R-N8: what moves to another platform is counted there, and no longer where it was.
    #[test]
    fn a_resource_counts_on_the_platform_that_it_is_on() {
        let metrics = Metrics::new();
        let customer = ResourceRef {
            kind: crate::api::Kind::Customer,
            namespace: "backup".into(),
            name: "fabrikam".into(),
        };
        let counted = |platform: &str| {
            let page = metrics.render().expect("a page");
            let of = format!("platform=\"{platform}\"}} ");
            let mut lines = page.lines().filter_map(|line| line.split_once(&of));
            lines.next().map(|(_, count)| count.to_owned())
        };
        metrics
            .conditions
            .note(&customer, Some("a"), &[condition("True")]);
        metrics
            .conditions
            .note(&customer, Some("b"), &[condition("True")]);
        assert_eq!(counted("backup/a").as_deref(), Some("0"));
        assert_eq!(counted("backup/b").as_deref(), Some("1"));
        metrics.conditions.forget(&customer);
        assert_eq!(counted("backup/b").as_deref(), Some("0"));
    }
}

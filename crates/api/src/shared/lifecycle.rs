//! How a resource and its remote object belong together: what is written, what is adopted, what deletion does.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{bounds::FIELD_PATH, closed_enum::closed_enum};

closed_enum! {
    /// What deleting the resource does to the remote object.
    DeletionPolicy {
        /// The remote object is released, untouched.
        Retain,
        /// The remote object is removed, after the guards.
        Delete,
    }
}

closed_enum! {
    /// How far we go. Ordered from the least strict to the strictest; the strictest of resource and platform wins.
    Management {
        /// What differs is written to the platform.
        Manage,
        /// What differs is reported, and nothing is ever written.
        Observe,
        /// Nothing is looked at.
        Paused,
    }
}

closed_enum! {
    /// Which remote objects a resource may take as its own.
    Adopt {
        /// Only what carries our claim.
        Claimed,
        /// Also an unclaimed one of the same name and parent in which no managed field differs.
        Matching,
        /// The one named by `externalId`; what differs is drift.
        ById,
    }
}

/// The part of a spec that says how the resource and its remote object belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.externalId) || (has(self.adopt) && self.adopt == 'ById')")
        .message("externalId is set but adopt is not ById, so it would not be used: set adopt: ById to take over that remote object, or remove externalId")
        .field_path(".externalId"),
    validation = Rule::new("!has(self.adopt) || self.adopt != 'ById' || has(self.externalId)")
        .message("adopt: ById needs to know which remote object to take over: set externalId to its id on the platform")
        .field_path(".adopt"),
)]
pub struct Lifecycle {
    /// What deleting this resource does to the object on the platform. `Retain` (when absent): it is released untouched,
    /// which is always allowed. `Delete`: it is removed, data and all, after the guards (nothing may depend on it, no
    /// backup may be running, it may not be protected) and after `safety.deletionDelay` of the `BackupPlatform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// How far the operator goes. `Manage` (when absent): what differs is written to the platform. `Observe`: what differs
    /// is reported as drift and nothing is ever written. `Paused`: nothing is even looked at. The strictest of this and the
    /// platform's own wins. Deleting the resource under `Observe` or `Paused` releases the remote object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management: Option<Management>,
    /// Which object already on the platform may become this resource's. `Claimed`: only what carries the claim of this very
    /// kind, namespace and name (a re-install, a delete and re-apply, a restored backup, a new cluster with the same
    /// `ownerId`); anything else with the same name is a conflict and left alone. `Matching`: also an unclaimed object of
    /// the same name and parent in which no managed field differs. `ById`: the object named by `externalId`; what differs
    /// is drift. Absent: the platform's own `adopt`. Platforms without room for a claim (Druva) need `Matching` or `ById`
    /// when a new cluster takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Adopt>,
    /// Id of the remote object to take over, as the platform writes it. Only with `adopt: ById`, and needed there.
    /// Example: `"1042"` (quoted: it is text).
    #[schemars(length(min = 1, max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Fields of this spec that are never compared and never written, as dotted paths below `spec`; a path covers all below
    /// it. For what someone else maintains at the platform. Absent or empty: none. Example: `[profile.phone]`.
    #[schemars(length(max = 50), inner(length(min = 1, max = 128), regex(pattern = FIELD_PATH)), extend("x-kubernetes-list-type" = "set"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore: Option<Vec<String>>,
    /// The provider's own number for this object, as its ticketing or billing knows it; goes to the platform where that has
    /// a field for it (on Cove it shares the external code with our claim). Absent: left as it is. Empty: cleared.
    /// Example: `"CWM:4711"`.
    #[schemars(length(max = 128))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl Lifecycle {
    /// What deletion does: `Retain` when not said.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.unwrap_or(DeletionPolicy::Retain)
    }

    /// The resource's own management mode: `Manage` when not said. The platform's may be stricter.
    pub fn management(&self) -> Management {
        self.management.unwrap_or(Management::Manage)
    }

    /// Whether the field at this dotted path below `spec` is left unchanged.
    pub fn ignores(&self, path: &str) -> bool {
        let covers = |ignored: &String| {
            path.strip_prefix(ignored.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.ignore.iter().flatten().any(covers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_management_is_the_greatest() {
        assert!(
            Management::Manage < Management::Observe && Management::Observe < Management::Paused
        );
    }

    #[test]
    fn an_ignored_path_covers_all_below_it_and_nothing_beside_it() {
        let lifecycle = Lifecycle {
            ignore: Some(vec!["profile.address".into(), "contacts".into()]),
            ..Lifecycle::default()
        };
        for (path, ignored) in [
            ("profile.address.street", true),
            ("contacts", true),
            ("profile", false),
            ("contactsOfOthers", false),
            ("profile.phone", false),
        ] {
            assert_eq!(lifecycle.ignores(path), ignored, "{path}");
        }
    }
}

//! What must hold around every request, whatever goes wrong.

use super::world::World;
use crate::{
    api::shared::{DeletionPolicy, Management},
    planner::{Step, tests::fixtures::mutates},
};

impl World {
    /// Whether a step may be taken at all.
    pub fn check_step(&self, step: &Step) {
        let declared = self.declared();
        let management = self.scene.facts.management(&declared.lifecycle);
        if mutates(step) {
            assert_eq!(management, Management::Manage, "I3: {step:?}");
            assert!(declared.finalized, "I7: {step:?}");
        }
        if matches!(step, Step::Delete { .. }) {
            let policy = declared.lifecycle.deletion_policy();
            assert_eq!(policy, DeletionPolicy::Delete, "I3: {step:?}");
            assert!(declared.deleting, "I2: {step:?}");
        }
    }

    /// What must hold after every request.
    pub fn check_world(&self) {
        let claim = self.claim();
        let ours = self.platform.claims().filter(|(_, held)| **held == claim);
        let count = ours.count();
        assert!(count <= 1, "I1: {count} objects of one claim");
        let created = self
            .platform
            .log
            .iter()
            .filter(|mutation| mutation.what == "Create");
        assert!(
            created.count() <= 1,
            "I1: made twice: {:?}",
            self.platform.log
        );
        assert!(
            self.platform
                .log
                .iter()
                .all(|mutation| mutation.claim.as_ref() == Some(&claim)),
            "I2: {:?}",
            self.platform.log
        );
        if count == 1 && self.declared().lifecycle.deletion_policy() == DeletionPolicy::Delete {
            assert!(
                self.exists && self.declared().finalized,
                "I7: let go too early"
            );
        }
    }
}

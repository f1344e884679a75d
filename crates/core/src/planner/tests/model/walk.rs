//! One walk: create, edit, suspend, and delete by a policy, while an object that no resource declares is there all the time.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use serde_json::json;

use super::world::{End, World};
use crate::{
    api::{Kind, conditions::Reason},
    estate::Creation,
    planner::{Verdict, tests::fixtures::customer},
};

/// Stages of a walk: four edits, and the deletion.
const STAGES: usize = 5;
/// Passes until a stage is settled, at most; some creations are waited for half an hour.
const PASSES: usize = 100;

/// What the platform is like.
#[derive(Debug, Clone, Copy)]
pub struct Variant {
    /// Its lists are empty all the time.
    pub empty_lists: bool,
    /// How it makes objects.
    pub creation: Creation,
}

/// How far a walk has come.
#[derive(Clone)]
pub struct Walk {
    pub world: World,
    variant: Variant,
    stage: usize,
    /// Passes in this stage so far.
    passes: usize,
}

impl Walk {
    /// A walk that begins.
    pub fn of(policy: &str, variant: Variant) -> Self {
        let mut scene = customer("fabrikam").with(json!({
            "deletionPolicy": policy,
            "country": "DE",
            "profile": {"email": "Office@Fabrikam.example"},
            "contacts": [{"email": "b@fabrikam.example"}, {"email": "a@fabrikam.example"}],
        }));
        scene.facts.capabilities.creation = variant.creation.everywhere();
        let mut world = World::new(scene);
        let bystander = json!({"name": "Bystander", "profile": {"phone": "0"}});
        world.platform.add_by_hand(Kind::Customer, bystander);
        let mut walk = Self {
            world,
            variant,
            stage: 0,
            passes: 0,
        };
        walk.begin_stage();
        walk
    }

    /// One request further; whether anything is left to do.
    pub fn turn(&mut self) -> bool {
        match self.world.turn() {
            None => return true,
            Some(End::Settled(Verdict::InSync) | End::Released) => {
                self.stage += 1;
                if self.stage == STAGES {
                    self.world.wait_for_late();
                    return false;
                }
                self.begin_stage();
                return true;
            }
            Some(End::Settled(Verdict::Stalled(Reason::CreateOutcomeUnknown, _))) => {
                self.world.ask_a_person();
            }
            Some(_) => {}
        }
        self.begin_pass();
        true
    }

    fn begin_stage(&mut self) {
        match self.stage {
            0 => {}
            1 => self.world.edit(
                &json!({"profile": {"phone": "1", "fax": "2"}, "limits": {"storage": "5Gi"}}),
            ),
            2 => self
                .world
                .edit(&json!({"active": false, "profile": {"fax": ""}})),
            3 => self.world.edit(&json!({"active": true, "contacts": []})),
            _ => self.world.delete(),
        }
        self.passes = 0;
        self.begin_pass();
    }

    /// A sweep and a pass; further and further apart.
    fn begin_pass(&mut self) {
        let world = &mut self.world;
        assert!(
            self.passes < PASSES,
            "no progress: {:?} {:?}",
            world.platform.log,
            world.scene.next()
        );
        if self.passes > 20 {
            world.scene.now += Duration::from_secs(60);
        }
        self.passes += 1;
        if self.variant.empty_lists {
            world.empty_sweep();
        } else {
            world.whole_sweep();
        }
        world.begin_pass();
    }

    /// A number for how far it has come, and for all that decides what comes next.
    pub fn hash(&mut self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.stage, self.passes).hash(&mut hasher);
        self.world.hash(&mut hasher);
        hasher.finish()
    }
}

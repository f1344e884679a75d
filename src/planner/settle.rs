//! Ending a pass without drift or manual steps to tell of.

use std::time::Duration;

use super::{PATIENCE, Settlement, Step, Verdict, desired::Obstacle};

/// A settlement without drift or manual steps.
pub fn settle(verdict: Verdict, again: Option<Duration>) -> Step {
    Step::Settle(Box::new(Settlement {
        verdict,
        drift: Vec::new(),
        manual_steps: Vec::new(),
        not_acted_on: Vec::new(),
        again,
    }))
}

/// What stands in the way, as a settlement.
pub fn settle_obstacle(obstacle: Obstacle) -> Step {
    match obstacle {
        Obstacle::Wait(reason, message) => {
            settle(Verdict::Waiting(reason, message), Some(PATIENCE))
        }
        Obstacle::Stall(reason, message) => settle(Verdict::Stalled(reason, message), None),
    }
}

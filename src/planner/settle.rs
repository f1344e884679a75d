//! Ending a pass without drift or manual steps to tell of.

use std::time::Duration;

use super::{PATIENCE, Settlement, Step, Verdict, desired::Obstacle, refusals::refuse};
use crate::rules::Refusal;

/// A settlement without drift or manual steps.
pub fn settle(verdict: Verdict, again: Option<Duration>) -> Step {
    Step::Settle(Box::new(Settlement {
        verdict,
        drift: Vec::new(),
        manual_steps: Vec::new(),
        not_acted_on: Vec::new(),
        rule: None,
        again,
    }))
}

/// Names the rule that a settlement follows from.
pub fn under_rule(mut step: Step, refusal: &Refusal) -> Step {
    if let Step::Settle(settlement) = &mut step {
        settlement.rule = Some(refusal.rule.name);
    }
    step
}

/// What stands in the way, as a settlement.
pub fn settle_obstacle(obstacle: Obstacle) -> Step {
    match obstacle {
        Obstacle::Wait(reason, message) => {
            settle(Verdict::Waiting(reason, message), Some(PATIENCE))
        }
        Obstacle::Refuse(refusal) => refuse(&refusal),
        Obstacle::Stall(reason, message) => settle(Verdict::Stalled(reason, message), None),
    }
}

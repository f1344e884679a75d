//! Ending a pass without drift or manual steps to tell of.

use std::time::Duration;

use super::{Settlement, Step, Verdict};
use crate::rules::Refusal;

/// How long a permanent refusal rests when nothing changes.
pub const REST: Duration = Duration::from_secs(600);

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

//! Whether devices join a customer by themselves (automatic deployment): the one setting of ours that no list of customers shows, so
//! that each customer is asked about by itself, and the answer is remembered for a while.

use std::{
    collections::HashMap,
    sync::{Mutex as Lock, PoisonError},
    time::Duration,
};

use serde_json::{Value, json, value::RawValue};
use tokio::time::Instant;

use super::{Cove, envelope, mapping::WORDS, not_sent};
use crate::{Lane, PlatformError, wire::garbled};

const READ: &str = "GetAutoDeploymentPartnerState";
const WRITE: &str = "ModifyAutoDeploymentPartnerState";
/// How long an answer is shown again. Nobody changes it often, and 5,000 customers are 5,000 requests.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// Up to so much earlier, by its id, a customer is asked about again: not all at once.
const SPREAD: u64 = 6 * 3600;

/// What was answered last, and when, by customer.
#[derive(Default)]
pub(super) struct Deployments(Lock<HashMap<i64, (Instant, Option<&'static str>)>>);

impl Deployments {
    /// What is known of a customer.
    pub(super) fn of(&self, id: i64) -> Option<&'static str> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, word) = known.get(&id)?;
        let earlier = Duration::from_secs(id.unsigned_abs().wrapping_mul(7919) % SPREAD);
        (read.elapsed() < REMEMBERED.saturating_sub(earlier)).then_some(*word)?
    }

    fn note(&self, id: i64, word: Option<&'static str>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id, (Instant::now(), word));
    }
}

impl Cove {
    /// Asks about one customer, and remembers the answer. Where it is refused, or has another form than the documented one,
    /// nothing is known: that stands against no read of the customer itself.
    pub(super) async fn ask_deployment(&self, id: i64) -> Result<Option<&str>, PlatformError> {
        let decode = |result: &RawValue| match envelope::inner::<Value>(READ, result)? {
            Value::String(word) => Ok(word),
            _ => Err(garbled(READ, "the state isn't a word")),
        };
        let params = json!({"partnerId": id});
        let word = match self.ask(READ, Lane::Edit, &params, decode).await {
            Ok(said) => WORDS.iter().find(|(_, word)| *word == said),
            Err(PlatformError::Refused(_) | PlatformError::Garbled(_)) => None,
            Err(error) => return Err(error),
        };
        self.deployments.note(id, word.map(|(own, _)| *own));
        Ok(word.map(|(_, word)| *word))
    }

    /// Switches it, unless it is so already.
    pub(super) async fn set_deployment(
        &self,
        id: i64,
        word: &'static str,
    ) -> Result<(), PlatformError> {
        if self.ask_deployment(id).await.map_err(not_sent)? == Some(word) {
            return Ok(());
        }
        let params = json!({"partnerId": id, "autoDeploymentState": word});
        self.change(WRITE, &params, envelope::nothing).await?;
        let lost = |error: PlatformError| {
            let what = format!("{WRITE}: partner {id} was changed, but can't be read back yet");
            PlatformError::Unreachable(format!("{what}: {error}"))
        };
        self.ask_deployment(id).await.map_err(lost)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // R-V4
    #[test]
    fn an_answer_is_shown_again_for_most_of_a_day() {
        let known = Deployments::default();
        assert_eq!(known.of(7), None);
        known.note(7, Some("Listed"));
        assert_eq!(known.of(7), Some("Listed"));
        known.note(7, None);
        assert_eq!(known.of(7), None, "what Cove doesn't say is unknown");
        assert_eq!(known.of(8), None);
    }
}

//! Whether a quota's window can ever be open.

use jiff::Timestamp;

use super::registry::{self, Refusal};
use crate::estate::Settings;

/// Why a quota of these settings would never be in effect, or outlast the licence, if so. Serves R-D33.
pub fn window(settings: &Settings) -> Option<Refusal> {
    let at = |path: &str| settings.text(path)?.parse::<Timestamp>().ok();
    let (begins, ends) = (at("quota.effectiveAt"), at("quota.endsAt"));
    let expires = at("licenceExpiresAt");
    let (field, message, remedy) = if begins
        .zip(ends)
        .is_some_and(|(begins, ends)| begins >= ends)
    {
        (
            "quota.endsAt",
            "it is not after quota.effectiveAt, so the quota would never be in effect",
            "Begin it earlier, or end it later",
        )
    } else if ends
        .zip(expires)
        .is_some_and(|(ends, expires)| ends > expires)
    {
        (
            "quota.endsAt",
            "it is after licenceExpiresAt, and without a licence there is nothing to use the quota for",
            "End the quota earlier, or let the licence expire later",
        )
    } else if begins
        .zip(expires)
        .is_some_and(|(begins, expires)| begins >= expires)
    {
        (
            "quota.effectiveAt",
            "it is not before licenceExpiresAt, so the quota would never take effect",
            "Begin the quota earlier, or let the licence expire later",
        )
    } else {
        return None;
    };
    let rule = &registry::QUOTA_DATES_IN_ORDER;
    Some(Refusal::new(rule, field, message, remedy))
}

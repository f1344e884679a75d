//! The order of a tenant's dates.

use super::registry::{self, Refusal};
use crate::{api::Moment, estate::Settings};

/// Each pair in order: the earlier, the later, whether they may be the same instant.
const PAIRS: [(&str, &str, bool); 3] = [
    ("quota.effectiveAt", "quota.endsAt", false),
    ("quota.endsAt", "licenceExpiresAt", true),
    ("quota.effectiveAt", "licenceExpiresAt", false),
];

/// Why the dates of a tenant contradict each other, if so: those that the spec states, and where it states none, those that
/// the platform holds, which the schema can't see. Serves R-D33.
pub fn quota_dates(settings: &Settings, held: Option<&Settings>) -> Option<Refusal> {
    let instant = |path: &str| -> Option<Moment> {
        let stated = settings.get(path).is_some();
        if stated {
            settings.moment(path)
        } else {
            held?.moment(path)
        }
    };
    let shown = |moment: Moment| match moment {
        Moment::At(time) => time.to_string(),
        Moment::Never => "never".to_owned(),
    };
    PAIRS.iter().find_map(|(earlier, later, same)| {
        let (first, last) = (instant(earlier)?, instant(later)?);
        if first < last || (*same && first == last) {
            return None;
        }
        let field = if settings.get(later).is_some() {
            later
        } else {
            earlier
        };
        let message = format!(
            "{earlier} is {} and {later} is {}, which is the wrong order",
            shown(first),
            shown(last)
        );
        let remedy = "State both dates, the earlier one first";
        let rule = &registry::QUOTA_DATES_IN_ORDER;
        Some(Refusal::new(rule, *field, message, remedy))
    })
}

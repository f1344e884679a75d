//! Near a limit: the condition `LimitNear`. Serves R-N16.

use super::HealthCondition;
use crate::{
    api::{ConditionType, Reason, shared::Usage},
    estate::Settings,
};

/// What a resource says of being warned.
#[derive(Debug, Clone, Copy, Default)]
pub struct Warned {
    /// Percentage of a limit from which on it is warned.
    pub at: Option<u32>,
    /// Whether the spec is the one that status was written about.
    pub settled: bool,
}

/// What may be used.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quotas {
    /// Bytes.
    pub storage: Option<u64>,
    /// Thousandths of a credit, in 90 days.
    pub credits: Option<u64>,
    /// Whether the resource hasn't changed since the last status, so that what was foretold from the same figures stays.
    pub settled: bool,
}

impl Quotas {
    /// Those that the platform holds of a customer.
    pub fn of(settings: &Settings, settled: bool) -> Self {
        Self {
            storage: settings.whole("limits.storage"),
            credits: settings
                .thousandths("limits.credits")
                .and_then(|milli| u64::try_from(milli).ok()),
            settled,
        }
    }
}

/// Where a resource says what may be used, for messages.
pub struct Words {
    /// The part of the spec.
    field: &'static str,
    /// What it is.
    noun: &'static str,
    /// What else there is to do than to raise it.
    remedy: &'static str,
}

/// Of a customer.
pub const LIMITS: Words = Words {
    field: "limits",
    noun: "limit",
    remedy: "have less kept",
};
/// Of a reseller.
pub const ALLOTMENT: Words = Words {
    field: "allotment",
    noun: "allotment",
    remedy: "have the customers below keep less",
};

/// Whether a limit is near. Nothing without a percentage to warn at, or without figures.
///
/// The message has no figures in it: the same trouble gives the same text, and so one event.
pub fn near(
    usage: Option<&Usage>,
    quotas: Quotas,
    at: Option<u32>,
    words: &Words,
) -> Option<HealthCondition> {
    let (usage, at) = (usage?, at?);
    let Words {
        field,
        noun,
        remedy,
    } = words;
    let storage = usage.storage.as_ref().and_then(|size| size.bytes().ok());
    let credits = usage
        .credits
        .as_ref()
        .and_then(|credits| credits.amount().ok());
    let measures = [
        ("storage", storage, quotas.storage),
        ("credits", credits, quotas.credits),
    ];
    let reached = measures.into_iter().filter(|(_, used, limit)| {
        let (Some(used), Some(limit)) = (used, limit) else {
            return false;
        };
        u128::from(*used) * 100 >= u128::from(*limit) * u128::from(at)
    });
    let reached: Vec<&str> = reached.map(|(name, ..)| name).collect();
    let kind = ConditionType::LimitNear;
    if reached.is_empty() {
        let message = format!("No {noun} is used up to {at}% ({field}.warnAtPercent).");
        return Some((kind, false, Reason::WithinLimits, message));
    }
    let fields: Vec<String> = reached
        .iter()
        .map(|name| format!("{field}.{name}"))
        .collect();
    let message = format!(
        "At least {at}% ({field}.warnAtPercent) is used of the {noun} of {}. Raise {}, or {remedy}. status.usage shows the figures, and quotaExhaustedOn when it will be full.",
        reached.join(" and "),
        fields.join(" and ")
    );
    Some((kind, true, Reason::LimitReached, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::quantity::{Credits, Size};

    // R-N16
    #[test]
    fn a_limit_is_near_from_its_percentage_on_and_the_text_has_no_figures() {
        let quotas = Quotas {
            storage: Some(1000),
            credits: Some(1000),
            settled: true,
        };
        let told = |bytes, milli, at| {
            let usage = Usage {
                storage: Some(Size::from_bytes(bytes)),
                credits: Some(Credits::from_milli(milli)),
                ..Usage::default()
            };
            near(Some(&usage), quotas, at, &LIMITS)
                .map(|(_, holds, reason, message)| (holds, reason, message))
        };
        assert_eq!(told(1000, 1000, None), None);
        assert_eq!(near(None, quotas, Some(80), &LIMITS), None);
        assert_eq!(
            told(799, 0, Some(80)).map(|told| (told.0, told.1)),
            Some((false, Reason::WithinLimits))
        );
        let (holds, reason, message) = told(800, 0, Some(80)).expect("a condition");
        assert_eq!((holds, reason), (true, Reason::LimitReached));
        assert!(
            message.contains("of the limit of storage. Raise limits.storage,"),
            "{message}"
        );
        assert_eq!(told(900, 0, Some(80)).expect("a condition").2, message);
        let both = told(1200, 800, Some(80)).expect("a condition").2;
        assert!(
            both.contains("storage and credits. Raise limits.storage and limits.credits,"),
            "{both}"
        );
    }
}

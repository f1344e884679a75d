//! What came of one check.

use crate::report::Verdict;

/// Why a requirement isn't met, or couldn't be judged.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub verdict: Verdict,
    /// What the contract asks; the reason where nothing was asked.
    pub expected: String,
    /// What was answered.
    pub seen: String,
}

/// The result of a check.
pub(crate) type Checked<T = ()> = Result<T, Finding>;

impl Finding {
    pub fn wrong(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Wrong,
            expected: expected.into(),
            seen: seen.into(),
        }
    }

    pub fn not_offered(why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotOffered,
            expected: why.into(),
            seen: String::new(),
        }
    }

    pub fn not_checked(why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::NotChecked,
            expected: why.into(),
            seen: String::new(),
        }
    }
}

/// Wrong, unless it holds.
pub(crate) fn ensure(holds: bool, expected: impl Into<String>, seen: impl Into<String>) -> Checked {
    if holds {
        Ok(())
    } else {
        Err(Finding::wrong(expected, seen))
    }
}

/// The beginning of a value, for a report.
pub(crate) fn short(value: &serde_json::Value) -> String {
    value.to_string().chars().take(80).collect()
}

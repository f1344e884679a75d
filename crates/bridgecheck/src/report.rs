//! What is told about a bridge.

use serde::Serialize;

use crate::requirement::{ALL, Requirement};

/// How a requirement is met; the later ones outweigh those before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The bridge doesn't claim it.
    NotOffered,
    /// As the contract has it.
    Ok,
    /// Something before it failed, or it would leave something behind.
    NotChecked,
    /// Claimed, or asked of every bridge, and not there.
    Missing,
    /// There, and not as the contract has it.
    Wrong,
}

impl Verdict {
    /// The verdict in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotOffered => "not offered",
            Self::Ok => "ok",
            Self::NotChecked => "not checked",
            Self::Missing => "missing",
            Self::Wrong => "wrong",
        }
    }
}

/// What was found about a requirement, for one kind of item or for the bridge as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// `customers` and so on; nothing where it is about the bridge as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<&'static str>,
    /// How it is met.
    pub verdict: Verdict,
    /// What the contract asks; why, where it wasn't checked or isn't offered.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What was seen instead.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seen: String,
}

/// A requirement with what was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The requirement's name.
    pub id: &'static str,
    /// The part of the contract.
    pub group: &'static str,
    /// What is asked.
    pub text: &'static str,
    /// The worst of its outcomes.
    pub verdict: Verdict,
    /// Each of them.
    pub outcomes: Vec<Outcome>,
}

/// An item that the check made and couldn't remove.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftBehind {
    /// `customers` and so on.
    pub kind: &'static str,
    /// The bridge's id of it, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The reference that it was made under.
    pub reference: String,
    /// Why it is still there.
    pub why: String,
}

/// What is told about a bridge.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Where it is.
    pub endpoint: String,
    /// Whether nothing is wrong, missing, left behind, or unknown because of a failure.
    pub passed: bool,
    /// Every requirement, in the order of the contract.
    pub requirements: Vec<Row>,
    /// What the check couldn't remove.
    pub left_behind: Vec<LeftBehind>,
}

impl Report {
    /// Puts findings into the order of the requirements. One without a finding wasn't checked.
    pub(crate) fn new(
        endpoint: String,
        found: Vec<(&'static Requirement, Outcome)>,
        left_behind: Vec<LeftBehind>,
    ) -> Self {
        let row = |requirement: &'static Requirement| {
            let of_it = found.iter().filter(|(of, _)| of.id == requirement.id);
            let mut outcomes: Vec<Outcome> = of_it.map(|(_, outcome)| outcome.clone()).collect();
            if outcomes.is_empty() {
                outcomes.push(Outcome {
                    about: None,
                    verdict: Verdict::NotChecked,
                    expected: "the check ended before it came to this".to_owned(),
                    seen: String::new(),
                });
            }
            let verdicts = outcomes.iter().map(|outcome| outcome.verdict);
            Row {
                id: requirement.id,
                group: requirement.group,
                text: requirement.text,
                verdict: verdicts.max().unwrap_or(Verdict::NotChecked),
                outcomes,
            }
        };
        let requirements: Vec<Row> = ALL.iter().map(|requirement| row(requirement)).collect();
        let fine = requirements.iter().all(|row| row.verdict <= Verdict::Ok);
        Self {
            endpoint,
            passed: fine && left_behind.is_empty(),
            requirements,
            left_behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requirement::{CREATE, MERGE};

    fn outcome(about: &'static str, verdict: Verdict) -> Outcome {
        Outcome {
            about: Some(about),
            verdict,
            expected: String::new(),
            seen: String::new(),
        }
    }

    // R-N19
    #[test]
    fn the_worst_outcome_counts_and_what_was_not_reached_is_no_success() {
        let found = vec![
            (MERGE, outcome("customers", Verdict::Wrong)),
            (CREATE, outcome("customers", Verdict::Ok)),
            (MERGE, outcome("plans", Verdict::NotOffered)),
            (CREATE, outcome("plans", Verdict::NotOffered)),
        ];
        let report = Report::new(String::new(), found, Vec::new());
        let verdict = |id| {
            let mut rows = report.requirements.iter();
            rows.find(|row| row.id == id).expect("a row").verdict
        };
        assert_eq!(verdict("create"), Verdict::Ok);
        assert_eq!(verdict("merge"), Verdict::Wrong);
        assert_eq!(verdict("usage"), Verdict::NotChecked);
        assert!(!report.passed);
    }
}

//! The planner's verdict on every case of the table in `tests/rule_cases`, which the API server judges in `tests/api_server/admission.rs`.

mod judge;
mod ledger;
mod world;

use std::fmt::Write as _;

use holdfast_core::planner::{self, Settlement};
use holdfast_core::rules::registry::{self, Place};
use holdfast_testkit::rule_cases::{self, Case, Sort, Verdict};
use judge::judge;
use world::kind;

/// Every case, and what the planner says to those that it refuses.
fn judged() -> Vec<(Case, Option<Settlement>)> {
    let cases = rule_cases::all()
        .into_iter()
        .chain(rule_cases::beyond_admission());
    // A BackupPlatform has no object on the platform that could be planned.
    let planned = cases.filter_map(|case| Some((kind(&case.kind)?, case)));
    planned
        .map(|(kind, case)| {
            let refused = judge(&case, kind);
            (case, refused)
        })
        .collect()
}

fn message(settlement: &Settlement) -> &str {
    match &settlement.verdict {
        planner::Verdict::Stalled(_, message)
        | planner::Verdict::OverQuota(message)
        | planner::Verdict::DeletionBlocked(_, message) => message,
        other => panic!("a refusal says something: {other:?}"),
    }
}

#[test]
fn the_planner_judges_every_case_as_the_table_says() {
    let mut wrong = Vec::new();
    for (case, refused) in judged() {
        let rule = refused.as_ref().and_then(|settlement| settlement.rule);
        let agrees = match &case.planner {
            Verdict::Refused => rule == Some(case.rule.as_str()),
            Verdict::Allowed | Verdict::Blind(_) => rule.is_none(),
        };
        if !agrees {
            wrong.push(format!(
                "{} ({:?}): {}: {:?}, but {:?}",
                case.rule,
                case.sort,
                case.title,
                case.planner,
                refused.map(|settlement| (settlement.rule, settlement.verdict))
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_rule_but_those_of_the_schema_has_an_accepted_a_refused_and_a_boundary_case() {
    let cases: Vec<Case> = rule_cases::all()
        .into_iter()
        .chain(rule_cases::beyond_admission())
        .collect();
    for rule in registry::ALL
        .iter()
        .filter(|rule| rule.told != [Place::Schema])
    {
        for sort in [Sort::Accepted, Sort::Refused, Sort::Boundary] {
            let has = |case: &Case| case.rule == rule.name && case.sort == sort;
            assert!(cases.iter().any(has), "{} has no case {sort:?}", rule.name);
        }
    }
    for case in &cases {
        let known = registry::ALL.iter().any(|rule| rule.name == case.rule);
        assert!(known, "{} is no rule", case.rule);
    }
}

#[test]
fn each_refusal_names_its_rule_and_says_what_to_do() {
    let mut text = String::from(
        "# What the planner says to each case that it refuses\n\nMade by `UPDATE=1 cargo test -p holdfast-core --test planner_rules`; read for clarity.\n",
    );
    for (case, refused) in judged() {
        let Some(refused) = refused else { continue };
        let message = message(&refused);
        let sentences = message.matches(". ").count();
        assert!(sentences >= 1, "what is wrong, and what to do: {message}");
        assert!(
            message.ends_with(&format!("(rule {}).", case.rule)),
            "{message}"
        );
        if matches!(case.admission, Verdict::Blind(_)) {
            for words in &case.says {
                assert!(
                    message.contains(words.as_str()),
                    "{words:?} isn't in {message:?}"
                );
            }
        }
        // Writing to a String never fails.
        let _ = write!(text, "\n**{}**: {}\n\n> {message}\n", case.rule, case.title);
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/rule_cases/messages.md"
    );
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(path).expect("the file is there");
    assert!(
        kept == text,
        "the messages have changed: read them, then UPDATE=1 cargo test -p holdfast-core --test planner_rules"
    );
}

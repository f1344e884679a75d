//! The table in `tests/rule_cases`, read. Its fields are explained in the README there.

use super::operator::repository;
use std::{fs, path::PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

/// One attempt, and how it is judged.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// The rule's name.
    pub rule: String,
    /// Which of the three kinds of cases every rule has.
    #[serde(rename = "case")]
    pub sort: Sort,
    /// What happens, in words.
    pub title: String,
    /// Kind of the resource.
    pub kind: String,
    /// Its name.
    #[serde(default = "subject")]
    pub name: String,
    /// Other resources, made first.
    #[serde(default)]
    pub with: Vec<Other>,
    /// Annotations that it has before the attempt.
    #[serde(default)]
    pub annotations: Map<String, Value>,
    /// Its spec before the attempt; without one it is a creation.
    pub before: Option<Value>,
    /// What the operator has written before the attempt.
    pub status: Option<Value>,
    /// The spec that is tried.
    pub after: Option<Value>,
    /// Whether deleting is tried.
    #[serde(default)]
    pub delete: bool,
    /// The platform's state, where it isn't just `before` and `status`.
    pub remote: Option<Remote>,
    /// Special properties of the platform.
    #[serde(default)]
    pub platform: Platform,
    /// Verdict of the API server.
    pub admission: Verdict,
    /// Verdict of the planner.
    pub planner: Verdict,
    /// Words in the refusal at admission.
    #[serde(default)]
    pub says: Vec<String>,
}

/// Which of the three kinds of cases every rule has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sort {
    /// The rule allows it.
    Accepted,
    /// The rule forbids it.
    Refused,
    /// The rule's boundary.
    Boundary,
}

/// Another resource that is there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its spec.
    pub spec: Value,
    /// Its status.
    pub status: Option<Value>,
}

/// The platform's state.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// Settings, by dotted path, over those of `before`.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Counts of what hangs below it.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

/// Special properties of the platform.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Platform {
    /// Capabilities that it lacks.
    pub without: Vec<String>,
    /// Fields that stay as they were made.
    pub fixed: Vec<String>,
    /// Products that it offers; empty for those that every platform has.
    pub products: Vec<String>,
    /// Settings that it creates instead of the requested ones.
    pub answers: Map<String, Value>,
    /// `safety.deletionDelay`.
    pub deletion_delay_seconds: u64,
    /// Deletions that may still go out within the hour.
    pub deletions_left: Option<u32>,
}

/// How an attempt is judged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Verdict {
    /// It is accepted.
    Allowed,
    /// It is refused.
    Refused,
    /// It is accepted because the validator can't know, for this reason.
    Blind(String),
}

impl TryFrom<String> for Verdict {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "allowed" => Ok(Self::Allowed),
            "refused" => Ok(Self::Refused),
            other => other
                .strip_prefix("blind: ")
                .map(|reason| Self::Blind(reason.to_owned()))
                .ok_or_else(|| format!("{text:?} is not allowed, refused or blind: …")),
        }
    }
}

fn subject() -> String {
    "subject".to_owned()
}

/// Every case with a verdict of both.
pub fn all() -> Vec<Case> {
    of("tests/rule_cases")
}

/// Cases of rules that the API server can't know enough for, or refuses by the schema.
pub fn beyond_admission() -> Vec<Case> {
    of("tests/rule_cases/beyond_admission")
}

/// The cases of every file in a folder, in the order of the files' names.
fn of(folder: &str) -> Vec<Case> {
    let folder = repository().join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the table is there")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    let cases = |path: &PathBuf| -> Vec<Case> {
        let text = fs::read_to_string(path).expect("a readable file");
        serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files.iter().flat_map(cases).collect()
}

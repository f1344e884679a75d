//! `docs/rules.md` says what the registry says.

use std::{env, fs};

use holdfast_core::rules::registry;

#[test]
fn the_table_of_rules_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");
    let text = registry::document();
    if env::var_os("UPDATE").is_some() {
        fs::write(path, &text).expect("docs/rules.md can be written");
    }
    let written = fs::read_to_string(path).expect("docs/rules.md is there");
    assert!(
        written == text,
        "docs/rules.md differs from crates/core/src/rules/registry.rs: run UPDATE=1 cargo test -p holdfast-core --test docs_rules"
    );
}

#[test]
fn names_are_unique_and_every_rule_serves_a_requirement() {
    let coverage = include_str!("../../../docs/coverage.md");
    let mut names: Vec<&str> = registry::ALL.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    for rule in registry::ALL {
        for id in rule.serves {
            assert!(
                coverage.contains(&format!("| {id} |")),
                "{}: no requirement {id}",
                rule.name
            );
        }
        assert!(rule.demands.ends_with('.'), "{}", rule.name);
    }
}

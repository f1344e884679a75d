//! `docs/drivers.md` says what the registry says.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is a test that fails"
)]

use std::{env, fmt::Write as _, fs};

use holdfast_api::platform::BackupPlatformSpec;
use holdfast_platforms::{Driver, Registry};
use serde_json::{Value, json};

/// Where the platform is when the spec doesn't say.
fn endpoint(driver: &dyn Driver) -> String {
    let credentials = json!({"credentialsRef": {"name": "any"}, "endpoint": ""});
    let own = |mut own: Value| {
        if !["bridge", "rgw"].contains(&driver.word()) {
            own.as_object_mut().unwrap().remove("endpoint");
        }
        own
    };
    let spec = json!({"ownerId": "0123456789abcdef", driver.word(): own(credentials)});
    let spec: BackupPlatformSpec = serde_json::from_value(spec).unwrap();
    let endpoint = spec.driver().unwrap().endpoint().unwrap_or_default();
    match endpoint {
        "" => "–".into(),
        endpoint => format!("`{endpoint}`"),
    }
}

fn words<Word: std::fmt::Display>(words: impl IntoIterator<Item = Word>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    if words.is_empty() {
        return "–".into();
    }
    words.join(", ")
}

fn document() -> String {
    let mut text = String::from(
        "# Drivers\n\nMade by `UPDATE=1 cargo test -p holdfast-platforms --test drivers` from the registry of drivers.\n\n\
         | Platform | Field of the spec | Keys of the Secret | Endpoint when absent | Requests a second, at once | Never possible through its interface |\n\
         |---|---|---|---|---|---|\n",
    );
    for driver in Registry::default().all() {
        let keys = match driver.word() {
            "embedded" => "–".into(),
            _ => words(driver.secret_keys()),
        };
        let budget = match driver.budget() {
            Some((rate, burst)) => format!("{rate}, {burst}"),
            None => "no limit".into(),
        };
        let never = words(driver.never());
        let (title, word, endpoint) = (driver.title(), driver.word(), endpoint(driver));
        writeln!(
            text,
            "| {title} | `{word}` | {keys} | {endpoint} | {budget} | {never} |"
        )
        .unwrap();
    }
    text
}

#[test]
fn the_table_of_drivers_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/drivers.md");
    let text = document();
    if env::var_os("UPDATE").is_some() {
        fs::write(path, &text).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == text,
        "docs/drivers.md is out of date: run UPDATE=1 cargo test -p holdfast-platforms --test drivers"
    );
}

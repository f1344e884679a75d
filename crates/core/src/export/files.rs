//! Manifests as text, and which of them share a file. R-N4

use std::{collections::BTreeMap, fmt::Write};

use super::Document;
use crate::api;

/// A manifest with what isn't in it, as comments at its end.
pub fn text(document: &Document) -> String {
    let mut text = api::yaml(&document.body);
    for gap in &document.gaps {
        let line: String = gap
            .chars()
            .map(|character| if is_line(character) { character } else { ' ' })
            .collect();
        // Writing to a String never fails.
        let _ = writeln!(text, "# Not exported: {line}");
    }
    text
}

/// Whether a character stays within its line, for each reader of YAML.
fn is_line(character: char) -> bool {
    !character.is_control() && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Files by name: one an object, and one a customer with its tenants.
pub fn files(documents: &[Document]) -> BTreeMap<String, String> {
    let customers = documents
        .iter()
        .filter(|document| document.kind == "Customer");
    let customers: Vec<&str> = customers.map(|document| &*document.name).collect();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for document in documents {
        let customer = document.body["spec"]["customerRef"]["name"].as_str();
        let customer =
            customer.filter(|name| document.kind == "Tenant" && customers.contains(name));
        let file = match customer {
            Some(customer) => format!("customer-{customer}.yaml"),
            None => format!("{}-{}.yaml", document.kind.to_lowercase(), document.name),
        };
        let file = files.entry(file).or_default();
        if !file.is_empty() {
            file.push_str("---\n");
        }
        file.push_str(&text(document));
    }
    files
}

//! `docs/messages.md` lists every sentence that a user may read: messages of conditions and events, errors, logs, and the
//! output of commands. A change of any shows in the diff of that file.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Where sentences come from. The simulator and the tests aren't among them.
const PLACES: [(&str, &str); 5] = [
    ("holdfast-api", "crates/api/src"),
    ("holdfast-bridgecheck", "crates/bridgecheck/src"),
    ("holdfast-core", "crates/core/src"),
    ("holdfast-platforms", "crates/platforms/src"),
    ("holdfast", "src"),
];
const HEAD: &str = "# Messages

Every sentence that a user may read: messages of conditions and events, errors, logs, and the output of commands, in order of
appearance in the sources. `cargo test --test messages` compares this file with the sources, and
`UPDATE=1 cargo test --test messages` writes it: edit the sources, not this file. `{…}` is filled in when the message is made.
";
/// The attributes whose strings are shown to users.
const SHOWN: [&str; 3] = ["#[error(", "#[command(", "#[arg("];
/// A literal after one of these is for developers.
const INTERNAL: [&str; 4] = ["expect(", "unreachable!(", "panic!(", "env!("];

/// The Rust files below a folder, without tests, in order of their paths.
fn sources(place: PathBuf) -> Vec<PathBuf> {
    let name = place.file_stem().expect("a name");
    if name == "tests" || name == "histories" {
        return Vec::new();
    }
    if place.is_file() {
        return vec![place];
    }
    let entries = fs::read_dir(place).expect("a readable folder");
    let mut places: Vec<_> = entries.map(|entry| entry.expect("one").path()).collect();
    places.sort();
    places.into_iter().flat_map(sources).collect()
}

/// The text of a string literal up to its closing quote, and what follows it. A `\` at the end of a line joins two lines.
fn literal(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next().filter(|c| *c != '"') {
        match (c == '\\').then(|| rest.next()).flatten() {
            None => value.push(c),
            Some('n') => value.push('\n'),
            Some('t') => value.push('\t'),
            Some('\n') => rest = rest.as_str().trim_start().chars(),
            Some(escaped) => value.push(escaped),
        }
    }
    (value, rest.as_str())
}

/// What follows an attribute: everything after the bracket that closes it.
fn after_attribute(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' if depth == 1 => return &text[at + 1..],
            ']' => depth -= 1,
            _ => {}
        }
    }
    ""
}

/// A literal with at least three words.
fn is_sentence(text: &str) -> bool {
    let words = text.split_whitespace();
    words
        .filter(|word| word.contains(char::is_alphabetic))
        .count()
        >= 3
}

/// The sentences in a source, in order of appearance.
fn sentences(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let before = source[..source.len() - rest.len()].trim_end();
        if rest.starts_with("#[cfg(test)]")
            && rest.lines().nth(1).is_some_and(|line| line.ends_with('{'))
        {
            break;
        } else if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("#[") && !SHOWN.iter().any(|shown| rest.starts_with(shown)) {
            rest = after_attribute(rest);
        } else if let Some(after) = rest.strip_prefix("'\"'") {
            rest = after;
        } else if c == '"' {
            let (text, after) = literal(&rest[1..]);
            rest = after;
            if is_sentence(&text)
                && !INTERNAL.iter().any(|internal| before.ends_with(internal))
                && !found.contains(&text)
            {
                found.push(text);
            }
        } else {
            rest = &rest[c.len_utf8()..];
        }
    }
    found
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    for (package, place) in PLACES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
        // Writing to a String never fails.
        let _ = write!(text, "\n## `{package}`\n");
        for path in sources(root.clone()) {
            let found = sentences(&fs::read_to_string(&path).expect("a readable source"));
            let module = path.with_extension("");
            let module = module.strip_prefix(&root).expect("a path below");
            let module = module.to_string_lossy();
            if !found.is_empty() {
                let _ = write!(text, "\n### {}\n\n", module.trim_end_matches("/mod"));
            }
            for sentence in found {
                let item = sentence.trim().replace('\n', "\n  ");
                let _ = writeln!(text, "- {}", item.replace("  \n", "\n"));
            }
        }
    }
    text
}

#[test]
fn the_list_of_messages_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages.md");
    let text = document();
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).expect("docs/messages.md can be written");
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/messages.md differs from the sources: read the changed messages, then run UPDATE=1 cargo test --test messages"
    );
}

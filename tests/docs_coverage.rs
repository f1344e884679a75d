//! `docs/coverage.md` keeps its word: every requirement is in it once, and what it names is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Every requirement there is.
const REQUIREMENTS: [&str; 67] = [
    "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "D14", "D15",
    "D16", "D20", "D21", "D22", "D30", "D31", "D32", "D33", "D40", "D41", "S1", "S2", "S3", "S4",
    "S5", "S6", "S7", "S8", "S20", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V10",
    "V11", "V12", "V20", "V21", "N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8", "N9", "N10", "N11",
    "N12", "N13", "N14", "N15", "N16", "N17", "N18", "N19",
];

/// What a row may say of how far it is.
const STATES: [&str; 3] = ["done", "partly", "not yet"];

/// One line of the table.
struct Row {
    id: String,
    code: Vec<String>,
    tests: Vec<String>,
    state: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rows() -> Vec<Row> {
    let text = read(&root().join("docs/coverage.md"));
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().trim_matches('|');
        inner
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let is_id = |cell: &str| {
        let digits = cell.trim_start_matches(['D', 'S', 'V', 'N']);
        cell.len() - digits.len() == 1 && digits.parse::<u32>().is_ok()
    };
    text.lines()
        .filter(|line| line.starts_with('|'))
        .map(cells)
        .filter(|cells| is_id(&cells[0]))
        .map(|cells| {
            assert_eq!(cells.len(), 6, "six cells in the row of {}", cells[0]);
            Row {
                id: cells[0].clone(),
                code: quoted(&cells[3]),
                tests: quoted(&cells[4]),
                state: cells[5].clone(),
            }
        })
        .collect()
}

/// The texts between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(ToOwned::to_owned)
        .collect()
}

/// Every Rust file of program and tests, except this one.
fn sources() -> Vec<PathBuf> {
    let mut folders = ["src", "tests", "crates"]
        .map(|folder| root().join(folder))
        .to_vec();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs")
                && !path.ends_with("docs_coverage.rs")
            {
                files.push(path);
            }
        }
    }
    files
}

/// The ids written as `R-D1` in a text.
fn named_ids(text: &str) -> BTreeSet<String> {
    let after = text
        .match_indices("R-")
        .filter(|(at, _)| !text[..*at].ends_with(|before: char| before.is_ascii_alphanumeric()));
    after
        .filter_map(|(at, mark)| {
            let rest = &text[at + mark.len()..];
            let (letter, digits) = (rest.chars().next()?, rest.get(1..)?);
            let end = digits
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(digits.len());
            let is_id = matches!(letter, 'D' | 'S' | 'V' | 'N') && end > 0;
            is_id.then(|| format!("{letter}{}", &digits[..end]))
        })
        .collect()
}

/// A test.
#[derive(Default)]
struct Test {
    /// The ids in the comments above it and in its body.
    ids: BTreeSet<String>,
    /// The file that it is in, relative to the root.
    file: String,
}

impl Test {
    /// Whether it runs the operator: the binary, or its controllers in one process.
    fn runs_the_operator(&self) -> bool {
        const RUNNING: [&str; 5] = [
            "tests/rgw/",
            "tests/e2e/",
            "tests/simulation/",
            "tests/counts.rs",
            "tests/uninstall.rs",
        ];
        RUNNING.iter().any(|place| self.file.starts_with(place))
    }
}

/// Every test by name.
fn tests() -> BTreeMap<String, Test> {
    let mut found: BTreeMap<String, Test> = BTreeMap::new();
    for file in sources() {
        let text = read(&file);
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(name) = function(line) else { continue };
            let above = lines[..at].iter().rev().map(|line| line.trim());
            let above: Vec<&str> = above
                .take_while(|line| line.starts_with("//") || line.starts_with("#["))
                .collect();
            if !above.iter().any(|line| is_test(line)) {
                continue;
            }
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = format!("{indent}}}");
            let body = lines[at..].iter().take_while(|line| **line != end);
            let comments = above
                .into_iter()
                .chain(body.map(|line| line.trim()))
                .filter(|line| line.starts_with("//"));
            let ids = comments.flat_map(named_ids);
            let test = found.entry(name.to_owned()).or_default();
            test.ids.extend(ids);
            let relative = file.strip_prefix(root()).unwrap_or(&file);
            test.file = relative.display().to_string();
        }
    }
    found
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let signature = line.strip_prefix("async ").unwrap_or(line);
    let (name, _) = signature.strip_prefix("fn ")?.split_once('(')?;
    Some(name)
}

fn is_test(attribute: &str) -> bool {
    attribute.starts_with("#[test]") || attribute.starts_with("#[tokio::test")
}

#[test]
fn every_requirement_is_in_the_table_once() {
    let listed: Vec<String> = rows().into_iter().map(|row| row.id).collect();
    let once: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    assert_eq!(
        once.len(),
        listed.len(),
        "an id is listed twice: {listed:?}"
    );
    assert_eq!(once, BTreeSet::from(REQUIREMENTS));
}

#[test]
fn the_sums_above_the_table_are_those_of_its_rows() {
    let rows = rows();
    let of = |state: &str| { rows.iter().filter(|row| row.state.starts_with(state)) }.count();
    let [done, partly, not_yet] = STATES.map(of);
    let sums = format!(
        "Of {} requirements {done} are done, {partly} partly, {not_yet} not yet.",
        rows.len()
    );
    let text = read(&root().join("docs/coverage.md"));
    assert!(text.contains(&sums), "docs/coverage.md doesn't say: {sums}");
}

#[test]
fn every_requirement_named_in_a_comment_is_in_the_table() {
    let known = BTreeSet::from(REQUIREMENTS);
    for file in sources() {
        let text = read(&file);
        for id in named_ids(&text) {
            assert!(
                known.contains(id.as_str()),
                "{}: R-{id} is no requirement",
                file.display()
            );
        }
    }
}

#[test]
fn every_test_in_the_table_exists_and_names_the_requirement() {
    let tests = tests();
    for row in rows() {
        for name in &row.tests {
            let test = tests
                .get(name)
                .unwrap_or_else(|| panic!("{}: there is no test {name}", row.id));
            assert!(
                test.ids.contains(&row.id),
                "{name} doesn't say that it proves R-{}",
                row.id
            );
        }
    }
}

#[test]
fn every_row_with_tests_has_one_that_runs_the_operator() {
    let tests = tests();
    for row in rows().iter().filter(|row| !row.tests.is_empty()) {
        let run = |name: &String| tests.get(name).is_some_and(Test::runs_the_operator);
        assert!(
            row.tests.iter().any(run),
            "{}: none of its tests runs the operator",
            row.id
        );
    }
}

#[test]
fn every_file_in_the_table_exists_and_every_state_is_one() {
    for row in rows() {
        for path in &row.code {
            let mut places = [
                "",
                "src",
                "crates/api/src",
                "crates/core/src",
                "crates/platforms/src",
                "crates/simulator/src",
            ]
            .iter();
            let found = places.any(|place| root().join(place).join(path).exists());
            assert!(found, "{}: there is no {path}", row.id);
        }
        let state = STATES.iter().find(|state| row.state.starts_with(**state));
        let state = state.unwrap_or_else(|| panic!("{}: {:?} is no state", row.id, row.state));
        assert!(
            *state != "done" || !row.tests.is_empty(),
            "{}: done, and no test says so",
            row.id
        );
        assert!(
            *state != "partly" || row.state.contains(':'),
            "{}: what is missing?",
            row.id
        );
    }
}

/// Classes of the catalogue of faults.
const CLASSES: usize = 32;

#[test]
fn every_class_of_the_catalogue_of_faults_has_its_test_and_its_line() {
    let tests = tests();
    let reliability = read(&root().join("docs/reliability.md"));
    let lines: Vec<Vec<String>> = reliability
        .lines()
        .filter(|line| line.starts_with("| "))
        .map(quoted)
        .collect();
    for class in 1..=CLASSES {
        let prefix = format!("f{class:02}_");
        let mut named = tests
            .keys()
            .filter(|name| name.starts_with(&prefix))
            .peekable();
        assert!(named.peek().is_some(), "no test begins with {prefix}");
        for name in named {
            let told = lines.iter().any(|line| line.contains(name));
            assert!(told, "docs/reliability.md doesn't list {name}");
        }
    }
    for name in lines.iter().flatten().filter(|name| name.contains('_')) {
        let is_path = name.contains('/');
        assert!(
            is_path || tests.contains_key(name),
            "there is no test {name}"
        );
    }
}

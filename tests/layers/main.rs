//! Which crate and which module may use which: `docs/architecture.md` says it, and this holds it.

mod circles;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The modules of `holdfast-core`; each may use those before it.
const MODULES: [&str; 11] = [
    "timeline",
    "estate",
    "reply",
    "rules",
    "invoice",
    "inventory",
    "planner",
    "survey",
    "preview",
    "export",
    "report",
];

/// Crates of others that do I/O, or wait.
const NEVER_IN_CORE: [&str; 6] = [
    "tokio ",
    "reqwest ",
    "hyper ",
    "kube-client ",
    "kube-runtime ",
    "rusqlite ",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn backticked(cell: &str) -> BTreeSet<String> {
    let texts = cell.split('`').skip(1).step_by(2);
    texts
        .filter(|text| text.starts_with("holdfast"))
        .map(ToOwned::to_owned)
        .collect()
}

/// Of each crate in the table: what it may use, and what its tests may use besides.
fn allowed() -> BTreeMap<String, [BTreeSet<String>; 2]> {
    let text = read(&root().join("docs/architecture.md"));
    let rows = text.lines().filter(|line| line.starts_with("| `holdfast"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim().trim_matches('|').split('|').collect();
        let [name, _, uses, tests] = cells[..] else {
            panic!("four cells in {row}");
        };
        (
            name.trim().trim_matches('`').to_owned(),
            [backticked(uses), backticked(tests)],
        )
    })
    .collect()
}

/// What a `Cargo.toml` of ours names of ours in a section.
fn used(manifest: &str, section: &str) -> BTreeSet<String> {
    let begin = format!("[{section}]");
    let lines = manifest.lines().skip_while(|line| *line != begin).skip(1);
    lines
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| name.starts_with("holdfast"))
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn every_crate_uses_what_the_table_says_and_no_more() {
    let allowed = allowed();
    let folders = fs::read_dir(root().join("crates")).expect("a folder");
    let folders = folders.map(|entry| entry.expect("an entry").path());
    let mut seen = BTreeSet::new();
    for folder in folders.chain([root().to_owned()]) {
        let manifest = read(&folder.join("Cargo.toml"));
        let package = &manifest[manifest.find("[package]").expect("a package")..];
        let name = package
            .lines()
            .find_map(|line| line.strip_prefix("name = "))
            .expect("a name");
        let name = name.trim_matches('"').to_owned();
        let [uses, tests] = allowed
            .get(&name)
            .unwrap_or_else(|| panic!("{name} isn't in the table of docs/architecture.md"));
        assert_eq!(&used(&manifest, "dependencies"), uses, "{name}");
        assert_eq!(
            &used(&manifest, "dev-dependencies"),
            tests,
            "tests of {name}"
        );
        seen.insert(name);
    }
    assert_eq!(seen, allowed.into_keys().collect(), "a row without a crate");
}

#[test]
fn what_must_not_do_io_cannot() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--edges", "normal", "--prefix", "none", "--locked"])
        .args(["--package", "holdfast-core", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(
        tree.starts_with("holdfast-core "),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in tree.lines() {
        let found = NEVER_IN_CORE.iter().find(|name| line.starts_with(**name));
        assert_eq!(found, None, "in the dependencies of holdfast-core");
    }
}

/// Every Rust file below a folder, or this one file.
fn sources(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = fs::read_dir(place).expect("a readable folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .filter(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "rs"))
        .flat_map(|path| sources(&path))
        .collect()
}

/// The modules of its own crate that a source names.
fn named(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, mark) in text.match_indices("crate::") {
        let rest = &text[at + mark.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            let end = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(0);
            names.insert(rest[..end].to_owned());
            continue;
        };
        let mut depth = 0_usize;
        let mut word = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => word.clear(),
                ':' if depth == 0 => {
                    names.insert(word.trim().to_owned());
                }
                c if depth == 0 => word.push(c),
                _ => {}
            }
        }
    }
    names
}

#[test]
fn the_modules_of_the_core_use_only_those_before_them() {
    for (at, module) in MODULES.iter().enumerate() {
        let folder = root().join("crates/core/src").join(module);
        let place = if folder.is_dir() {
            folder
        } else {
            folder.with_extension("rs")
        };
        for file in sources(&place) {
            for name in named(&read(&file)) {
                let Some(other) = MODULES.iter().position(|module| *module == name) else {
                    continue;
                };
                assert!(other <= at, "{} uses {name}", file.display());
            }
        }
    }
}

#[test]
fn drivers_know_nothing_of_each_other() {
    let folder = root().join("crates/platforms/src");
    let folders = fs::read_dir(&folder).expect("a folder");
    let drivers: Vec<String> = folders
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.join("driver.rs").exists())
        .map(|path| {
            path.file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(drivers.len() >= 2, "{drivers:?}");
    for driver in &drivers {
        for file in sources(&folder.join(driver)) {
            let named = named(&read(&file));
            let other = drivers
                .iter()
                .find(|other| *other != driver && named.contains(*other));
            assert_eq!(other, None, "{}", file.display());
        }
    }
}

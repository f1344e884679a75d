//! What is generated from `crates/api` and kept in the repository is what `crates/api` says.

use std::{env, fs, path::Path};

/// Compares a generated file with the one kept; with `UPDATE=1` writes it.
fn assert_kept(path: &str, generated: &str, how: &str) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path);
    if env::var_os("UPDATE").is_some() {
        fs::write(&path, generated).expect("the repository is writable with UPDATE=1");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "{} is out of date: {how}",
        path.display()
    );
}

#[test]
fn the_crds_kept_are_those_of_the_types() {
    let files = holdfast_api::crd_files();
    for (name, yaml) in &files {
        assert_kept(
            &format!("crds/{name}"),
            yaml,
            "run `holdfast crds --out crds`",
        );
    }
    let kept = fs::read_dir(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("crds"))
        .unwrap();
    let mut kept: Vec<_> = kept
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "Kustomization")
        .collect();
    kept.sort();
    let mut names: Vec<_> = files.into_iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(kept, names, "crds/ holds a file that no kind makes");
}

#[test]
fn the_table_of_conditions_kept_is_that_of_the_enums() {
    assert_kept(
        "docs/conditions.md",
        &holdfast_api::conditions::document(),
        "run `UPDATE=1 cargo test -p holdfast-api`",
    );
}

//! Files that people and other programs write, spoilt by a seed: `holdfast plan` reads them, or says where it can't.

use std::{fs, path::Path};

use holdfast_core::{
    export::EstateFile,
    preview::{Manifests, World},
};
use holdfast_testkit::mutate::{Chance, spoilt};

/// Seeds in `make test`; SEEDS asks for more.
const SEEDS: u64 = 3_000;
/// What a platform held, as `holdfast export` wrote it.
const ESTATE: &str = include_str!("msp.estate");

fn seeds() -> u64 {
    std::env::var("SEEDS").map_or(SEEDS, |text| text.parse().expect("SEEDS: a number"))
}

fn now() -> jiff::Timestamp {
    "2026-11-26T12:00:00Z".parse().expect("an instant")
}

/// The manifests of the examples.
fn examples() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut paths: Vec<_> = [folder.clone(), folder.join("druva")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    paths.sort();
    let read = |path| fs::read(path).expect("a readable file");
    paths.into_iter().map(read).collect()
}

/// An error is for a person, however long the value is that it is about. What a terminal would obey is escaped where it is
/// printed.
fn assert_short(seed: u64, error: &str) {
    assert!(error.len() < 4_096, "seed {seed}: {} bytes", error.len());
}

// F24, R-N2
#[test]
fn no_manifest_stops_a_plan_without_a_word() {
    let examples = examples();
    let mut read = 0;
    for seed in 0..seeds() {
        let mut chance = Chance::new(seed);
        let bytes = spoilt(chance.of(&examples).as_slice(), &mut chance);
        let mut manifests = Manifests::default();
        manifests.read("estate.yaml", &bytes, "backup");
        let Err(errors) = manifests.check() else {
            read += 1;
            continue;
        };
        for error in errors.0 {
            let error = error.to_string();
            assert!(error.starts_with("estate.yaml, document "), "{error}");
            assert_short(seed, &error);
        }
    }
    assert!(read > 0, "some are still valid");
}

// F24, R-N2: an estate that another program wrote, planned with the examples.
#[test]
fn no_estate_stops_a_plan_without_a_word() {
    let mut planned = 0;
    for seed in 0..seeds() / 10 {
        let mut chance = Chance::new(seed);
        let bytes = spoilt(ESTATE.as_bytes(), &mut chance);
        let text = String::from_utf8_lossy(&bytes);
        let opened = EstateFile::parse(&text).and_then(EstateFile::open);
        let (platform, observation, existing) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                assert_short(seed, &error.to_string());
                continue;
            }
        };
        let mut manifests = Manifests::default();
        for example in examples() {
            manifests.read("examples", &example, "backup");
        }
        manifests.check().expect("the examples are valid");
        let mut world = World::new(existing, now());
        world.without_secrets();
        world.apply(manifests, chance.below(2) == 0);
        world.observe(&platform, observation, true);
        match world.play(now()) {
            Ok(_) => planned += 1,
            Err(error) => assert_short(seed, &error.to_string()),
        }
    }
    assert!(planned > 0, "some are still valid");
}

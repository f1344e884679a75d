//! `holdfast export`: a running platform as manifests that adopt its objects. Serves R-N4.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use kube::ResourceExt;

use super::{
    Failure,
    look::{Access, Wanted},
    objects::Cluster,
    plan::progress,
    terminal,
};
use crate::{
    api::BackupPlatform,
    export::{self, Document, EstateFile},
    preview::Existing,
};

/// What `holdfast export` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast export --platform msp -n backup                    prints manifests
  holdfast export --platform msp -n backup -o estate          one file per customer with its tenants, and
                                                              per other object; and estate/msp.estate
  holdfast export --platform msp --kind customer --kind tenant
  holdfast plan -f estate/ --against estate/msp.estate        nothing to do

Each object becomes a resource that adopts it by its id; applying them changes nothing on the platform.
The same estate always gives the same bytes. Passwords and pictures aren't exported; comments say what is
missing of each object. Objects that a resource already owns keep its name. An embedded platform's API is reached by PLATFORM_URL and
PLATFORM_TOKEN.")]
pub struct Arguments {
    /// The `BackupPlatform`
    #[arg(long, value_name = "NAME")]
    platform: String,
    /// Write the files into this folder, and the estate for `plan --against`, instead of printing
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Only these kinds: backupplatform, reseller, serviceplan, customer, tenant
    #[arg(long, value_name = "K")]
    kind: Vec<String>,
    /// Namespace of the `BackupPlatform`; the kubeconfig's when absent
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,
    #[command(flatten)]
    access: Access,
}

/// Prints or writes them.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let kinds = kinds(&arguments.kind)?;
    let cluster = Cluster::connect(arguments.namespace.clone()).await?;
    let namespace = cluster.namespace().to_owned();
    let mut existing = cluster
        .existing(&BTreeSet::from([namespace.clone()]))
        .await?;
    let found = existing
        .platforms
        .iter()
        .find(|platform| platform.name_any() == arguments.platform);
    let platform = found.cloned().ok_or_else(|| {
        Failure::new(format!(
            "BackupPlatform {:?} doesn't exist in namespace {namespace:?}. Choose another with --platform or --namespace.",
            arguments.platform
        ))
    })?;
    progress(&format!("observing BackupPlatform {}", arguments.platform));
    let wanted = Wanted {
        clients: true,
        ..Wanted::default()
    };
    let look = arguments
        .access
        .look(Some(&cluster), &platform, false, wanted)
        .await;
    let look = look.map_err(|trouble| {
        Failure::new(format!(
            "BackupPlatform {:?}: {trouble}",
            arguments.platform
        ))
    })?;
    keep_those_on(&mut existing, &[&platform]);
    let documents = export::documents(&platform, &look.observation, &existing);
    let documents: Vec<Document> = documents
        .into_iter()
        .filter(|document| kinds.is_empty() || kinds.contains(document.kind.as_str()))
        .collect();
    match &arguments.output {
        None => {
            for document in &documents {
                terminal::print(format!("---\n{}", export::text(document)))?;
            }
        }
        Some(directory) => {
            let estate = EstateFile::new(&platform, &look.observation, &existing)?.text()?;
            let files = export::files(&documents);
            for (name, text) in &files {
                terminal::write(directory, name, text)?;
            }
            terminal::write(
                directory,
                &format!("{}.estate", arguments.platform),
                &estate,
            )?;
            eprintln!(
                "{} manifests in {} files and {}.estate written to {}",
                documents.len(),
                files.len(),
                arguments.platform,
                directory.display()
            );
            let others = others(directory, &files)?;
            if kinds.is_empty() && !others.is_empty() {
                eprintln!(
                    "left in that folder, and not part of this export: {}. A file that an earlier export of this BackupPlatform left is about what is no longer there; files of others belong to them.",
                    others.join(", ")
                );
            }
        }
    }
    Ok(())
}

/// Other manifests in the folder, as an earlier export leaves them: a plan or `kubectl apply` of the folder reads them too.
fn others(folder: &Path, written: &BTreeMap<String, String>) -> Result<Vec<String>, Failure> {
    let mut others = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let manifest = path.extension().is_some_and(|ending| ending == "yaml");
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if manifest && !written.contains_key(&*name) {
            others.push(terminal::line(&name));
        }
    }
    others.sort();
    Ok(others)
}

/// The kinds that were named, as manifests write them.
fn kinds(words: &[String]) -> Result<BTreeSet<&'static str>, Failure> {
    let known = [
        ("BackupPlatform", "bp"),
        ("Reseller", "rsl"),
        ("ServicePlan", "splan"),
        ("Customer", "cust"),
        ("Tenant", "tnt"),
    ];
    let mut kinds = BTreeSet::new();
    for word in words.iter().flat_map(|words| words.split(',')) {
        let word = word.to_lowercase();
        let found = known.iter().find(|(kind, short)| {
            let kind = kind.to_lowercase();
            word == kind || word == format!("{kind}s") || word == *short
        });
        let (kind, _) = found.ok_or_else(|| {
            Failure::new(format!(
                "--kind {word}: there is no such kind. Use backupplatform, reseller, serviceplan, customer or tenant."
            ))
        })?;
        kinds.insert(*kind);
    }
    Ok(kinds)
}

/// Resources on other platforms don't belong to this estate.
pub(super) fn keep_those_on(existing: &mut Existing, platforms: &[&BackupPlatform]) {
    let world = crate::preview::World::new(existing.clone(), jiff::Timestamp::UNIX_EPOCH);
    existing.platforms = platforms.iter().map(|one| (*one).clone()).collect();
    existing
        .resellers
        .retain(|resource| platforms.iter().any(|one| world.lives_on(resource, one)));
    existing
        .plans
        .retain(|resource| platforms.iter().any(|one| world.lives_on(resource, one)));
    existing
        .customers
        .retain(|resource| platforms.iter().any(|one| world.lives_on(resource, one)));
    existing
        .tenants
        .retain(|resource| platforms.iter().any(|one| world.lives_on(resource, one)));
}

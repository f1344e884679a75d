//! `holdfast plan`: what would change on the platform, and which rule refuses what. Serves R-N2.

use std::{
    collections::BTreeSet,
    io::{IsTerminal, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    Failure,
    estate::{self, unreadable},
    look::{Access, Wanted},
    objects::Cluster,
    plan_text, terminal,
};
use crate::{
    api::{self, BackupPlatform},
    connect::{read_maps, read_secret},
    preview::{ActionKind, Manifests, Preview, World},
};
use kube::ResourceExt;

/// What `holdfast plan` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  holdfast plan -f examples/
  holdfast plan -R -f estate/
  kustomize build prod | holdfast plan -f - -n backup
  holdfast plan -f customers/ --against estate/msp.estate -o json      (no cluster needed)

It runs the operator's own planner on a copy of what the cluster and the platform hold, and changes
nothing. Resources that the files don't mention are left out; with --prune they are deleted, as Argo CD
and Flux do. An embedded platform's API is reached by PLATFORM_URL and PLATFORM_TOKEN.

Exit codes: 0 nothing would change, 2 something would, 3 something is refused, 1 no plan could be made.")]
pub struct Arguments {
    /// Files and folders of manifests; - is standard input
    #[arg(short = 'f', long = "filename", value_name = "PATH", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// Also read the folders below the folders that are named
    #[arg(short = 'R', long)]
    recursive: bool,
    /// The cluster, or an estate written by `holdfast export -o DIR`
    #[arg(long, value_name = "cluster|FILE", default_value = "cluster")]
    against: String,
    /// Namespace of manifests that name none; the kubeconfig's when absent
    #[arg(short, long, value_name = "NS")]
    namespace: Option<String>,
    /// Also delete what the manifests' namespaces hold and the files don't
    #[arg(long)]
    prune: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
    #[command(flatten)]
    access: Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
    Yaml,
}

/// Something would change.
const CHANGES: u8 = 2;
/// Something is refused.
const REFUSED: u8 = 3;

/// Prints the plan.
pub async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let now = jiff::Timestamp::now();
    keep_parser_quiet();
    let preview = if arguments.against == "cluster" {
        against_cluster(&arguments, now).await?
    } else {
        against_file(&arguments, now)?
    };
    print(&preview, arguments.output)?;
    let unknown = preview.unknown();
    Ok(if preview.has_refusals() {
        ExitCode::from(REFUSED)
    } else if unknown > 0 {
        return Err(Failure::new(format!(
            "no whole plan could be made: what would change for {unknown} resources isn't known, since their platform couldn't be observed. See the notes above."
        )));
    } else if preview.has_changes() {
        ExitCode::from(CHANGES)
    } else {
        ExitCode::SUCCESS
    })
}

/// The YAML parser panics at some texts. The panic is caught and reported as an error in the text, so its own message isn't
/// printed as well.
fn keep_parser_quiet() {
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location();
        if !place.is_some_and(|place| place.file().contains("libyaml-safer")) {
            others(panic);
        }
    }));
}

async fn against_cluster(arguments: &Arguments, now: jiff::Timestamp) -> Result<Preview, Failure> {
    let cluster = Cluster::connect(arguments.namespace.clone()).await?;
    let files = arguments.paths()?;
    let manifests = read(&files, cluster.namespace())?;
    let namespaces: BTreeSet<String> = manifests
        .declarations
        .iter()
        .map(|declaration| declaration.manifest.place().0)
        .collect();
    let absent = cluster.absent(&namespaces, &manifests.namespaces).await?;
    let mut wanted = Wanted::default();
    loop {
        let existing = cluster.existing(&namespaces).await?;
        let known: BTreeSet<_> = existing.platforms.iter().map(place).collect();
        let mut world = World::new(existing, now);
        world.apply(read(&files, cluster.namespace())?, arguments.prune);
        world.without_namespaces(absent.clone());
        for platform in world.platforms() {
            progress(&format!("observing BackupPlatform {}", platform.name_any()));
            wanted.clients = world.lists_clients(&platform);
            let is_new = !known.contains(&place(&platform));
            match arguments
                .access
                .look(Some(&cluster), &platform, is_new, wanted)
                .await
            {
                Ok(look) => {
                    world.observe(&platform, look.observation, wanted.clients);
                    if let Some(usage) = look.usage {
                        world.report_usage(&platform, usage);
                    }
                }
                Err(trouble) => world.note_trouble(&platform, trouble),
            }
        }
        for (namespace, name, key) in world.missing_secrets() {
            if let Ok(value) = read_secret(&cluster.client(), &namespace, &name, &key).await {
                world.add_secret(&namespace, &name, &key, value);
            }
        }
        for (namespace, name) in world.missing_maps() {
            if let Ok(values) = read_maps(&cluster.client(), &namespace, &name).await {
                world.add_map(&namespace, &name, values);
            }
        }
        let preview = world.play(now)?;
        // What is in use matters only where a limit shrinks; then the platform is asked for it.
        if wanted.usage || !shrinks(&preview) {
            return Ok(preview);
        }
        wanted.usage = true;
    }
}

fn against_file(arguments: &Arguments, now: jiff::Timestamp) -> Result<Preview, Failure> {
    let (path, (platform, observation, existing)) = estate::read(&arguments.against)?;
    let namespace = platform.namespace().unwrap_or_default();
    let namespace = arguments.namespace.clone().unwrap_or(namespace);
    let mut world = World::new(existing, now);
    world.without_secrets();
    world.apply(read(&arguments.paths()?, &namespace)?, arguments.prune);
    world.observe(&platform, observation, true);
    let mut preview = world.play(now)?;
    preview.notes.push(format!(
        "planned against {}: it contains neither usage nor Secrets, so neither is checked",
        path.display()
    ));
    Ok(preview)
}

/// Whether a plan lowers something that may be in use.
fn shrinks(preview: &Preview) -> bool {
    let actions = preview.objects.iter().flat_map(|row| &row.actions);
    actions
        .filter(|action| action.action != ActionKind::Create)
        .flat_map(|action| &action.fields)
        .any(|change| change.field.starts_with("limits.") && change.from.is_some())
}

fn place(platform: &BackupPlatform) -> (Option<String>, String) {
    (platform.namespace(), platform.name_any())
}

/// All manifests of the files, in the order of their names.
pub fn read(files: &[PathBuf], namespace: &str) -> Result<Manifests, Failure> {
    let mut manifests = Manifests::default();
    for file in files {
        if file == Path::new("-") {
            manifests.read("-", standard_input()?, namespace);
            continue;
        }
        let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
        manifests.read(&file.display().to_string(), &bytes, namespace);
    }
    manifests.check()?;
    if manifests.declarations.is_empty() {
        return Err(Failure::new("the files declare no resources of Holdfast. Name files with Customers, Tenants, ServicePlans, Resellers or BackupPlatforms.".into()));
    }
    Ok(manifests)
}

/// Standard input, which can be read only once.
fn standard_input() -> Result<&'static [u8], Failure> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    if let Some(bytes) = BYTES.get() {
        return Ok(bytes);
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    Ok(BYTES.get_or_init(|| bytes))
}

impl Arguments {
    /// Every file that is named, or is in a folder that is named; as with kubectl, those in folders below only with `-R`.
    fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        let (mut paths, mut unread) = (Vec::new(), Vec::new());
        for file in &self.files {
            if !file.is_dir() {
                paths.push(file.clone());
                continue;
            }
            let found = manifest_files(file, self.recursive, &mut unread)?;
            if found.is_empty() {
                return Err(Failure::new(format!(
                    "{}: the folder has no .yaml, .yml or .json file.",
                    file.display()
                )));
            }
            paths.extend(found);
        }
        if !unread.is_empty() {
            let unread = unread.join(", ");
            if self.prune {
                return Err(Failure::new(format!(
                    "{unread}: not read, and with --prune all that is declared there would be planned as deleted. Add -R to read the folders below, or name the files."
                )));
            }
            eprintln!("holdfast: not read without -R: {unread}");
        }
        Ok(paths)
    }
}

/// The manifests of a folder, and of those below it where it is read with them; the others are noted as unread.
fn manifest_files(
    folder: &Path,
    recursive: bool,
    unread: &mut Vec<String>,
) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !path.is_dir() {
            files.extend(is_manifest(&path).then_some(path));
        } else if recursive && !name.starts_with('.') {
            files.extend(manifest_files(&path, true, unread)?);
        } else if !name.starts_with('.')
            && !manifest_files(&path, true, &mut Vec::new())?.is_empty()
        {
            unread.push(path.display().to_string());
        }
    }
    files.sort();
    unread.sort();
    Ok(files)
}

fn is_manifest(path: &Path) -> bool {
    let ending = path.extension();
    ending.is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|known| ending == *known))
}

fn print(preview: &Preview, output: Output) -> Result<(), Failure> {
    terminal::print(match output {
        Output::Table => plan_text::text(preview),
        Output::Json => serde_json::to_string_pretty(preview)? + "\n",
        Output::Yaml => api::yaml(&serde_json::to_value(preview)?),
    })
}

/// The current progress, for a person who waits.
pub fn progress(what: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("holdfast: {what}");
    }
}

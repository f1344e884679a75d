//! What a report is made of: the cluster's status, the platforms themselves, or an exported estate.

use std::collections::BTreeMap;

use futures::future::join_all;
use jiff::Timestamp;
use kube::ResourceExt;

use super::arguments::{MadeOf, Whom};
use crate::{
    api::BackupPlatform,
    cli::{
        Failure, estate,
        export::keep_those_on,
        look::{Look, Wanted},
        objects::Cluster,
        plan::progress,
        terminal,
    },
    export::documents,
    preview::Existing,
    report::{Basis, Living, Resources, Subject},
    survey::Origin,
};

/// What there is to report on.
pub struct Material {
    /// Each estate by itself.
    pub estates: Vec<Resources>,
    /// The namespace that is meant when none is named.
    pub namespace: String,
    /// Whether a platform, or a part of what it reports, is missing.
    pub incomplete: bool,
}

/// Gathers it. What can't be read is named on stderr and left out.
pub async fn gather(made_of: &MadeOf, whom: &Whom, subject: Subject) -> Result<Material, Failure> {
    if made_of.basis() == Basis::File {
        return from_file(made_of, whom, subject);
    }
    let cluster = Cluster::connect(whom.namespace.clone()).await?;
    if let Some(namespace) = &whom.namespace {
        cluster.expect_namespace(namespace).await?;
    }
    let resources = from_cluster(&cluster, whom.all_namespaces).await?;
    let namespace = cluster.namespace().to_owned();
    if made_of.basis() == Basis::Status {
        return Ok(Material {
            estates: vec![resources],
            namespace,
            incomplete: false,
        });
    }
    from_platforms(&cluster, resources, made_of, whom, subject).await
}

async fn from_cluster(cluster: &Cluster, everywhere: bool) -> Result<Resources, Failure> {
    let mut unreadable = Vec::new();
    let resources = Resources {
        platforms: cluster.readable(everywhere, &mut unreadable).await?,
        resellers: cluster.readable(everywhere, &mut unreadable).await?,
        plans: cluster.readable(everywhere, &mut unreadable).await?,
        customers: cluster.readable(everywhere, &mut unreadable).await?,
        tenants: cluster.readable(everywhere, &mut unreadable).await?,
    };
    for message in &unreadable {
        warn(message);
    }
    Ok(resources)
}

/// All platforms at once: their reports may take minutes.
async fn from_platforms(
    cluster: &Cluster,
    resources: Resources,
    made_of: &MadeOf,
    whom: &Whom,
    subject: Subject,
) -> Result<Material, Failure> {
    let named = |platform: &&BackupPlatform| {
        let wanted = whom.platform.as_deref();
        wanted.is_none_or(|wanted| platform.name_any() == wanted)
    };
    let platforms: Vec<BackupPlatform> =
        resources.platforms.iter().filter(named).cloned().collect();
    let namespace = cluster.namespace().to_owned();
    if platforms.is_empty() && whom.platform.is_none() {
        return Err(Failure::new(format!(
            "there is no BackupPlatform to ask{}. Choose another namespace with -n, or all with -A.",
            if whom.all_namespaces {
                String::new()
            } else {
                format!(" in namespace {namespace:?}")
            }
        )));
    }
    if platforms.is_empty() {
        // None has the name that was given: those that there are have to be told.
        return Ok(Material {
            estates: vec![Resources {
                platforms: resources.platforms,
                ..Resources::default()
            }],
            namespace,
            incomplete: false,
        });
    }
    let existing = Existing {
        platforms: resources.platforms,
        resellers: resources.resellers,
        plans: resources.plans,
        customers: resources.customers,
        tenants: resources.tenants,
    };
    let reading = platforms
        .iter()
        .map(|platform| look(cluster, platform, made_of, subject));
    let looks = join_all(reading).await;
    let accounts = looks.iter().map(|look| {
        Some(
            look.as_ref()
                .ok()?
                .observation
                .capabilities
                .account
                .id
                .as_str(),
        )
    });
    let first = firsts(platforms.iter().zip(accounts));
    let mut material = Material {
        estates: Vec::new(),
        namespace,
        incomplete: false,
    };
    for (at, (platform, look)) in platforms.iter().zip(looks).enumerate() {
        if first[at] != at {
            material.repeat(platform, &platforms[first[at]]);
            continue;
        }
        let others = platforms.iter().zip(&first).skip(at + 1);
        let same = others
            .filter(|(other, first)| **first == at && other.namespace() == platform.namespace());
        let same = same.map(|(other, _)| other);
        let under: Vec<&BackupPlatform> = std::iter::once(platform).chain(same).collect();
        material.add(platform, look.map(|look| living(&under, look, &existing)));
    }
    Ok(material)
}

/// For each platform the first one of its account: where several `BackupPlatform`s share one, each of them reads all its customers.
fn firsts<'a>(
    platforms: impl Iterator<Item = (&'a BackupPlatform, Option<&'a str>)>,
) -> Vec<usize> {
    let mut known: BTreeMap<(Origin, &str), usize> = BTreeMap::new();
    let first = |(at, (platform, account)): (usize, (&BackupPlatform, Option<&'a str>))| {
        let account = account.map(|account| (Origin::of(platform), account));
        account.map_or(at, |account| *known.entry(account).or_insert(at))
    };
    platforms.enumerate().map(first).collect()
}

impl Material {
    /// A platform of an account that is counted already.
    fn repeat(&mut self, platform: &BackupPlatform, first: &BackupPlatform) {
        warn(&format!(
            "BackupPlatform {}/{} is of the same account as {}/{}: its customers are counted once, under that one. Name either with --platform.",
            platform.namespace().unwrap_or_default(),
            platform.name_any(),
            first.namespace().unwrap_or_default(),
            first.name_any()
        ));
        self.estates.push(Resources {
            platforms: vec![platform.clone()],
            ..Resources::default()
        });
    }

    fn add(&mut self, platform: &BackupPlatform, living: Result<Living, String>) {
        let place = format!(
            "BackupPlatform {}/{}",
            platform.namespace().unwrap_or_default(),
            platform.name_any()
        );
        match living {
            Ok(living) => {
                let (resources, notes) = living.resources(Timestamp::now());
                self.incomplete |= !notes.is_empty();
                for note in notes {
                    warn(&format!("{place}: {note}"));
                }
                self.estates.push(resources);
            }
            Err(trouble) => {
                self.incomplete = true;
                warn(&format!(
                    "{place} can't be read, and its rows are missing: {trouble}"
                ));
                // It exists all the same, and may be named.
                self.estates.push(Resources {
                    platforms: vec![platform.clone()],
                    ..Resources::default()
                });
            }
        }
    }
}

async fn look(
    cluster: &Cluster,
    platform: &BackupPlatform,
    made_of: &MadeOf,
    subject: Subject,
) -> Result<Look, String> {
    let name = platform.name_any();
    progress(&format!("reading BackupPlatform {name}"));
    let wanted = Wanted {
        clients: false,
        usage: subject == Subject::Usage,
        health: matches!(subject, Subject::Health | Subject::Sources),
    };
    let look = made_of.access.look(Some(cluster), platform, false, wanted);
    let look = look.await?;
    progress(&format!("BackupPlatform {name} is read"));
    Ok(look)
}

/// What the first of some platforms of one account holds, with the resources that live on any of them.
fn living(platforms: &[&BackupPlatform], look: Look, existing: &Existing) -> Living {
    let platform = platforms[0];
    let mut existing = existing.clone();
    keep_those_on(&mut existing, platforms);
    Living {
        platform: platform.clone(),
        documents: documents(platform, &look.observation, &existing),
        observation: look.observation,
        existing,
        usage: look.usage,
        health: look.health,
    }
}

fn from_file(made_of: &MadeOf, whom: &Whom, subject: Subject) -> Result<Material, Failure> {
    let (path, estate) = estate::read(&made_of.against)?;
    let (platform, observation, existing) = estate;
    let namespace = platform.namespace().unwrap_or_default();
    let living = Living {
        documents: documents(&platform, &observation, &existing),
        observation,
        existing,
        platform,
        usage: None,
        health: None,
    };
    let (resources, notes) = living.resources(Timestamp::now());
    for note in &notes {
        warn(&format!("{}: {note}", path.display()));
    }
    if subject != Subject::Customers {
        eprintln!(
            "holdfast: {} holds no figures: they are unknown, not zero",
            path.display()
        );
    }
    Ok(Material {
        estates: vec![resources],
        namespace: whom.namespace.clone().unwrap_or(namespace),
        incomplete: !notes.is_empty(),
    })
}

fn warn(message: &str) {
    eprintln!("warning: {}", terminal::line(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    // R-N5: of two BackupPlatforms of one account each has every customer.
    #[test]
    fn an_account_is_one_estate() {
        let platform = |name: &str, endpoint: &str| -> BackupPlatform {
            let document = serde_json::json!({
                "metadata": {"name": name, "namespace": "backup"},
                "spec": {"ownerId": "0123456789abcdef", "rgw": {"endpoint": endpoint, "credentialsRef": {"name": "s3"}}},
            });
            serde_json::from_value(document).expect("a BackupPlatform")
        };
        let all = [
            platform("a", "https://s3.example"),
            platform("b", "https://S3.example/"),
            platform("c", "https://other.example"),
            platform("d", "https://s3.example"),
            platform("e", "https://s3.example"),
        ];
        let accounts = [Some("1"), Some("1"), Some("1"), Some("2"), None];
        assert_eq!(firsts(all.iter().zip(accounts)), [0, 0, 2, 3, 4]);
    }
}

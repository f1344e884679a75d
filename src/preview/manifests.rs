//! Manifests: text into resources, each checked as the API server would check it, with file, document and line where it is
//! wrong.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::check;
use crate::api::{BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant, names};

/// Where a document stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file, as it was named; `-` is standard input.
    pub file: String,
    /// Its number in the file, from 1 on.
    pub document: usize,
    /// The line, from 1 on.
    pub line: usize,
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            file,
            document,
            line,
        } = self;
        write!(formatter, "{file}, document {document}, line {line}")
    }
}

/// A document that no plan can be made of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at}: {problem}")]
pub struct ManifestError {
    /// Where.
    pub at: Source,
    /// What is wrong, and what to do.
    pub problem: String,
}

/// One resource of ours.
#[derive(Debug, Clone)]
pub enum Manifest {
    /// A `BackupPlatform`.
    Platform(Box<BackupPlatform>),
    /// A `Reseller`.
    Reseller(Box<Reseller>),
    /// A `ServicePlan`.
    Plan(Box<ServicePlan>),
    /// A `Customer`.
    Customer(Box<Customer>),
    /// A `Tenant`.
    Tenant(Box<Tenant>),
}

/// One resource of ours, and where it stands.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// Where.
    pub source: Source,
    /// What.
    pub manifest: Manifest,
}

/// Secret values by namespace, name and key.
pub type Secrets = BTreeMap<(String, String), BTreeMap<String, SecretString>>;

/// All that was read.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Resources of ours, in the order of the files.
    pub declarations: Vec<Declaration>,
    /// Secrets that came along.
    pub secrets: Secrets,
    seen: BTreeSet<(String, String, String)>,
    parents: BTreeMap<(String, String), (String, Source)>,
}

/// The start of every document.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    kind: Option<String>,
}

impl Manifests {
    /// Reads a file of one or many documents. Resources without a namespace go to `namespace`.
    ///
    /// # Errors
    /// The first document that is no YAML, no Kubernetes resource, or one of ours that the API server would refuse.
    pub fn read(&mut self, file: &str, text: &str, namespace: &str) -> Result<(), ManifestError> {
        for (number, (line, piece)) in documents(text).into_iter().enumerate() {
            let at = Source {
                file: file.to_owned(),
                document: number + 1,
                line,
            };
            let value: Value =
                serde_yaml::from_str(piece).map_err(|_| no_yaml(at.clone(), piece))?;
            if !value.is_null() {
                self.document(&at, piece, value, namespace)?;
            }
        }
        Ok(())
    }

    /// The resources that refer to each other in a circle, if some do.
    ///
    /// # Errors
    /// The circle, at one of them.
    pub fn check_parents(&self) -> Result<(), ManifestError> {
        for ((namespace, start), (_, source)) in &self.parents {
            let mut path = vec![start.as_str()];
            while let Some((next, _)) = path
                .last()
                .and_then(|name| self.parents.get(&(namespace.clone(), (*name).to_owned())))
            {
                path.push(next);
                if next == start {
                    return Err(ManifestError {
                        at: source.clone(),
                        problem: format!(
                            "spec.parentRef: resellers form a circle: {}. Take one of these parentRefs out (rule no-cycle).",
                            path.join(" > ")
                        ),
                    });
                }
                if path.len() > self.parents.len() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn document(
        &mut self,
        at: &Source,
        text: &str,
        value: Value,
        namespace: &str,
    ) -> Result<(), ManifestError> {
        let wrong = |problem: String| ManifestError {
            at: at.clone(),
            problem,
        };
        let no_resource = || {
            wrong("this is no Kubernetes resource: it has no apiVersion and kind. Correct it, or leave the file out.".into())
        };
        let head: Head = serde_json::from_value(value.clone()).map_err(|_| no_resource())?;
        let (Some(api_version), Some(kind)) = (head.api_version, head.kind) else {
            return Err(no_resource());
        };
        if kind == "List" && api_version == "v1" {
            let items = value.get("items").and_then(Value::as_array).cloned();
            for item in items.unwrap_or_default() {
                self.document(at, text, item, namespace)?;
            }
            return Ok(());
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        if group.is_empty() && kind == "Secret" {
            self.secret(&value, namespace);
            return Ok(());
        }
        if group != names::GROUP {
            return Ok(());
        }
        if version != names::VERSION {
            return Err(wrong(format!(
                "apiVersion: {api_version:?} isn't known. Write {}/{}.",
                names::GROUP,
                names::VERSION
            )));
        }
        let manifest = match kind.as_str() {
            "BackupPlatform" => {
                Manifest::Platform(Box::new(check::resource(at, text, value, namespace)?))
            }
            "Reseller" => {
                Manifest::Reseller(Box::new(check::resource(at, text, value, namespace)?))
            }
            "ServicePlan" => Manifest::Plan(Box::new(check::resource(at, text, value, namespace)?)),
            "Customer" => {
                Manifest::Customer(Box::new(check::resource(at, text, value, namespace)?))
            }
            "Tenant" => Manifest::Tenant(Box::new(check::resource(at, text, value, namespace)?)),
            other => {
                return Err(wrong(format!(
                    "kind: there is no {other:?} in {}. Use BackupPlatform, Reseller, ServicePlan, Customer or Tenant.",
                    names::GROUP
                )));
            }
        };
        self.keep(at, manifest)
    }

    fn keep(&mut self, at: &Source, manifest: Manifest) -> Result<(), ManifestError> {
        let (namespace, name) = manifest.place();
        let key = (manifest.kind().to_owned(), namespace.clone(), name.clone());
        if !self.seen.insert(key) {
            return Err(ManifestError {
                at: at.clone(),
                problem: format!(
                    "metadata.name: {} {namespace}/{name} is declared a second time. Take one of the two out.",
                    manifest.kind()
                ),
            });
        }
        if let Manifest::Reseller(reseller) = &manifest
            && let Some(parent) = &reseller.spec.parent_ref
        {
            let parent = (parent.name.clone(), at.clone());
            self.parents.insert((namespace, name), parent);
        }
        self.declarations.push(Declaration {
            source: at.clone(),
            manifest,
        });
        Ok(())
    }

    fn secret(&mut self, value: &Value, namespace: &str) {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let Some(name) = text("/metadata/name") else {
            return;
        };
        let namespace = text("/metadata/namespace").unwrap_or(namespace);
        let mut values = BTreeMap::new();
        let members = |member: &str| {
            value
                .get(member)
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
        };
        for (key, value) in members("data") {
            let decoded = value
                .as_str()
                .and_then(|text| data_encoding::BASE64.decode(text.as_bytes()).ok())
                .and_then(|bytes| String::from_utf8(bytes).ok());
            values.extend(decoded.map(|text| (key.clone(), SecretString::from(text))));
        }
        for (key, value) in members("stringData") {
            let text = value
                .as_str()
                .map(|text| SecretString::from(text.to_owned()));
            values.extend(text.map(|text| (key.clone(), text)));
        }
        self.secrets
            .insert((namespace.to_owned(), name.to_owned()), values);
    }
}

impl Manifest {
    /// Its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Platform(_) => "BackupPlatform",
            Self::Reseller(_) => Kind::Reseller.as_str(),
            Self::Plan(_) => Kind::ServicePlan.as_str(),
            Self::Customer(_) => Kind::Customer.as_str(),
            Self::Tenant(_) => Kind::Tenant.as_str(),
        }
    }

    /// Its namespace and name.
    pub fn place(&self) -> (String, String) {
        let metadata = match self {
            Self::Platform(platform) => &platform.metadata,
            Self::Reseller(reseller) => &reseller.metadata,
            Self::Plan(plan) => &plan.metadata,
            Self::Customer(customer) => &customer.metadata,
            Self::Tenant(tenant) => &tenant.metadata,
        };
        (
            metadata.namespace.clone().unwrap_or_default(),
            metadata.name.clone().unwrap_or_default(),
        )
    }
}

/// What is wrong with a text that isn't YAML. Read again at its place in the file, so that the parser's words name its lines.
fn no_yaml(at: Source, piece: &str) -> ManifestError {
    let placed = "\n".repeat(at.line - 1) + piece;
    let (line, words) = match serde_yaml::from_str::<Value>(&placed) {
        Ok(_) => (at.line, String::new()),
        Err(error) => {
            let line = error.location().map_or(at.line, |place| place.line());
            (line, error.to_string())
        }
    };
    ManifestError {
        at: Source { line, ..at },
        problem: format!(
            "this is no YAML that can be read: {words}. Correct it, or leave the file out."
        ),
    }
}

/// The documents of a stream, each with the number of its first line.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut pieces = Vec::new();
    let (mut from, mut first, mut offset) = (0, 1, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let end = offset + line.len();
        let marker = line.trim_end();
        if marker == "---" || marker.starts_with("--- ") {
            pieces.push((first, &text[from..offset]));
            (from, first) = (end, number + 2);
        }
        offset = end;
    }
    pieces.push((first, &text[from..]));
    let written = |piece: &str| {
        piece
            .lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    };
    pieces.retain(|(_, piece)| written(piece));
    pieces
}

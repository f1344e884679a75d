//! Manifests: text into resources, each checked as the API server would check it, with file, document and line where it is
//! wrong.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::{
    check::{self, Place},
    maps::{Maps, read_map},
    source::{ManifestError, ManifestErrors, Source},
    yaml::{self, Document},
};
use crate::api::{BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant, names};

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
    /// Secrets among the manifests.
    pub secrets: Secrets,
    /// `ConfigMap`s among the manifests.
    pub maps: Maps,
    /// Namespaces among the manifests.
    pub namespaces: BTreeSet<String>,
    /// What is read in another way than one may think.
    pub notes: Vec<String>,
    errors: Vec<ManifestError>,
    seen: BTreeSet<(String, String, String)>,
    parents: BTreeMap<(String, String), (String, Source)>,
}

/// The start of every resource.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    api_version: String,
    kind: String,
}

impl Head {
    fn of(at: &Source, value: &Value) -> Result<Self, ManifestError> {
        Self::deserialize(value).map_err(|_| ManifestError {
            at: at.clone(),
            problem: "this isn't a Kubernetes resource: it has no apiVersion and kind. Correct it, or leave the file out.".into(),
        })
    }
}

impl Manifests {
    /// Reads a file of one or many documents, as kubectl does. Resources without a namespace go to `namespace`. What is wrong
    /// is told by [`Self::check`].
    pub fn read(&mut self, file: &str, bytes: &[u8], namespace: &str) {
        let (text, whole) = yaml::text(bytes);
        if !whole {
            let note = format!(
                "{file} isn't UTF-8 throughout: kubectl reads the rest as {}",
                char::REPLACEMENT_CHARACTER
            );
            self.notes.push(note);
        }
        let source = |document: usize, line: usize| Source {
            file: file.to_owned(),
            document,
            line,
        };
        let documents = match yaml::documents(&text) {
            Ok(documents) => documents,
            Err(error) => {
                self.errors.push(ManifestError {
                    at: source(error.document, error.line),
                    problem: format!(
                        "this isn't YAML that kubectl can read: {}. Correct it, or leave the file out.",
                        error.why
                    ),
                });
                return;
            }
        };
        for (number, document) in documents.iter().enumerate() {
            if !document.value.is_null() {
                let at = source(number + 1, document.line);
                let read = self.document(&at, document, namespace);
                self.errors.extend(read.err());
            }
        }
    }

    /// Whether all that was read is right.
    ///
    /// # Errors
    /// Each document that is no YAML, no Kubernetes resource, or one of ours that the API server would refuse; otherwise resources
    /// that refer to each other in a circle.
    pub fn check(&self) -> Result<(), ManifestErrors> {
        let errors = if self.errors.is_empty() {
            self.check_parents().err().into_iter().collect()
        } else {
            self.errors.clone()
        };
        if errors.is_empty() {
            return Ok(());
        }
        Err(ManifestErrors(errors))
    }

    /// The resources that refer to each other in a circle, if some do.
    fn check_parents(&self) -> Result<(), ManifestError> {
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
                            "spec.parentRef: resellers form a cycle: {}. Remove one of these parentRefs (rule no-cycle).",
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
        document: &Document,
        namespace: &str,
    ) -> Result<(), ManifestError> {
        let whole = Place {
            at,
            document,
            prefix: "",
        };
        let Some(items) = document.value.get("items") else {
            return self.resource(whole, &document.value, namespace);
        };
        // kubectl treats whatever has items as a list; its entries have the list's kind where they state none themselves.
        let list = Head::of(at, &document.value)?;
        for (number, item) in items.as_array().into_iter().flatten().enumerate() {
            let mut item = item.clone();
            if item.get("items").is_some() {
                return Err(ManifestError {
                    at: at.clone(),
                    problem: format!(
                        "items.{number}: kubectl doesn't read a list within a list. Move its items out of it."
                    ),
                });
            }
            if item["apiVersion"].is_null() && item["kind"].is_null() && item.is_object() {
                item["apiVersion"] = list.api_version.clone().into();
                item["kind"] = list.kind.trim_end_matches("List").into();
            }
            let prefix = &format!("items.{number}.");
            let read = self.resource(Place { prefix, ..whole }, &item, namespace);
            self.errors.extend(read.err());
        }
        Ok(())
    }

    /// Keeps a resource of ours, a Secret or a `ConfigMap`; other resources are ignored.
    fn resource(
        &mut self,
        place: Place<'_>,
        value: &Value,
        namespace: &str,
    ) -> Result<(), ManifestError> {
        let at = place.at;
        let wrong = |problem: String| ManifestError {
            at: at.clone(),
            problem,
        };
        let Head { api_version, kind } = Head::of(at, value)?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
        if group.is_empty() && kind == "Secret" {
            self.secret(value, namespace);
            return Ok(());
        }
        if group.is_empty() && kind == "ConfigMap" {
            self.maps.extend(read_map(value, namespace));
            return Ok(());
        }
        if group.is_empty() && kind == "Namespace" {
            let name = value.pointer("/metadata/name").and_then(Value::as_str);
            self.namespaces.extend(name.map(str::to_owned));
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
                Manifest::Platform(Box::new(check::resource(place, value, namespace)?))
            }
            "Reseller" => Manifest::Reseller(Box::new(check::resource(place, value, namespace)?)),
            "ServicePlan" => Manifest::Plan(Box::new(check::resource(place, value, namespace)?)),
            "Customer" => Manifest::Customer(Box::new(check::resource(place, value, namespace)?)),
            "Tenant" => Manifest::Tenant(Box::new(check::resource(place, value, namespace)?)),
            other => {
                return Err(wrong(format!(
                    "kind: there is no {other:?} in {}. Use BackupPlatform, Reseller, ServicePlan, Customer or Tenant.",
                    names::GROUP
                )));
            }
        };
        self.remark(place);
        self.keep(at, manifest)
    }

    /// Notes what of a resource is read in another way than one may think.
    fn remark(&mut self, place: Place<'_>) {
        let of_it = |remark: &&yaml::Remark| {
            remark.path.is_empty() || remark.path.starts_with(place.prefix)
        };
        for yaml::Remark { path, line, says } in place.document.remarks.iter().filter(of_it) {
            let file = &place.at.file;
            let field = if path.is_empty() {
                String::new()
            } else {
                format!("{path}: ")
            };
            let note = format!("{file}, line {line}: {field}{says}");
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }

    fn keep(&mut self, at: &Source, manifest: Manifest) -> Result<(), ManifestError> {
        let (namespace, name) = manifest.place();
        let key = (manifest.kind().to_owned(), namespace.clone(), name.clone());
        if !self.seen.insert(key) {
            return Err(ManifestError {
                at: at.clone(),
                problem: format!(
                    "metadata.name: {} {namespace}/{name} is declared a second time. Remove one of the two.",
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

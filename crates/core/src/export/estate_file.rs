//! The file that a plan can be made against without a cluster: what a platform holds, and the resources that manage it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{
    api::{BackupPlatform, Customer, Kind, Reseller, ServicePlan, Tenant, bounds::shortened},
    estate::{
        Administrator, Capabilities, Claim, Client, Facts, Licences, Object, ObjectId, Protection,
        Settings, Snapshot, StorageLocation, Unread, spelt_for_the_wire,
    },
    preview::Existing,
};

/// Longest text about what can't be read: it may quote a value.
const LONGEST: usize = 512;
/// The only version there is.
const VERSION: u32 = 1;

/// Why a file can't be planned against.
#[derive(Debug, Error)]
pub enum EstateFileError {
    /// It isn't an exported estate.
    #[error(
        "this isn't an estate file: {}. Name the .estate file that `holdfast export -o DIR` writes, or its folder.", shortened(&.0.to_string(), LONGEST)
    )]
    Unreadable(#[from] serde_json::Error),
    /// It has another version.
    #[error(
        "the estate file has version {0}, but this holdfast reads version {VERSION}. Export the estate again."
    )]
    Version(u32),
}

/// An exported estate. Holds no secret, no version of an object and no time of reading, so that the same estate gives the
/// same bytes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EstateFile {
    version: u32,
    platform: BackupPlatform,
    capabilities: Capabilities,
    locations: Vec<StorageLocation>,
    administrators: Vec<Administrator>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    licences: Option<Licences>,
    objects: Vec<Stored>,
    clients: Vec<Client>,
    resources: Vec<Value>,
}

/// One object.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    kind: Kind,
    id: ObjectId,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    protection: Protection,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<jiff::Timestamp>,
    settings: Value,
    facts: Facts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unreadable: Option<String>,
}

impl EstateFile {
    /// What a platform holds, and the resources of the cluster that live on it.
    ///
    /// # Errors
    /// A resource that can't be turned into a document.
    pub fn new(
        platform: &BackupPlatform,
        observation: &Snapshot,
        existing: &Existing,
    ) -> Result<Self, serde_json::Error> {
        let mut resources = Vec::new();
        bare(&mut resources, &existing.resellers)?;
        bare(&mut resources, &existing.plans)?;
        bare(&mut resources, &existing.customers)?;
        bare(&mut resources, &existing.tenants)?;
        let mut objects: Vec<Stored> = observation.objects.iter().map(stored).collect();
        objects.sort_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
        let mut clients = observation.clients.clone();
        clients.sort_by(|one, other| one.id.cmp(&other.id));
        for client in &mut clients {
            client.etag = None;
        }
        let mut platform = platform.clone();
        platform.metadata = essential(&platform.metadata);
        platform.status = None;
        Ok(Self {
            version: VERSION,
            platform,
            capabilities: observation.capabilities.clone(),
            locations: observation.locations.clone(),
            administrators: observation.administrators.clone(),
            licences: observation.licences,
            objects,
            clients,
            resources,
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// A text that isn't one, or is of another version.
    pub fn parse(text: &str) -> Result<Self, EstateFileError> {
        let file: Self = serde_json::from_str(text)?;
        if file.version != VERSION {
            return Err(EstateFileError::Version(file.version));
        }
        Ok(file)
    }

    /// As text.
    ///
    /// # Errors
    /// None that is known.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The platform, what it holds, and the resources.
    ///
    /// # Errors
    /// Resources or settings that can't be read.
    pub fn open(self) -> Result<(BackupPlatform, Snapshot, Existing), EstateFileError> {
        let mut existing = Existing {
            platforms: vec![self.platform.clone()],
            ..Existing::default()
        };
        for resource in self.resources {
            let kind = resource
                .get("kind")
                .and_then(Value::as_str)
                .unwrap_or_default();
            match kind {
                "Reseller" => existing
                    .resellers
                    .push(serde_json::from_value::<Reseller>(resource)?),
                "ServicePlan" => existing
                    .plans
                    .push(serde_json::from_value::<ServicePlan>(resource)?),
                "Customer" => existing
                    .customers
                    .push(serde_json::from_value::<Customer>(resource)?),
                _ => existing
                    .tenants
                    .push(serde_json::from_value::<Tenant>(resource)?),
            }
        }
        let observation = Snapshot {
            capabilities: self.capabilities,
            objects: self.objects.into_iter().map(opened).collect(),
            locations: self.locations,
            administrators: self.administrators,
            licences: self.licences,
            clients: self.clients,
            unreadable: Unread::default(),
        };
        Ok((self.platform, observation, existing))
    }
}

/// Resources without what changes by itself: their spec, their identity, and what ties them to their objects.
fn bare<K: crate::api::ManagedKind>(
    into: &mut Vec<Value>,
    resources: &[K],
) -> Result<(), serde_json::Error> {
    let mut documents = Vec::new();
    for resource in resources {
        let mut resource = resource.clone();
        *resource.meta_mut() = essential(resource.meta());
        let mut document = serde_json::to_value(&resource)?;
        if let Value::Object(members) = &mut document {
            members.remove("status");
        }
        documents.push((resource.meta().name.clone(), document));
    }
    documents.sort_by(|one, other| one.0.cmp(&other.0));
    into.extend(documents.into_iter().map(|(_, document)| document));
    Ok(())
}

fn essential(metadata: &kube::core::ObjectMeta) -> kube::core::ObjectMeta {
    let ours = |name: &str| {
        let prefix = name.split_once('/').map_or("", |(prefix, _)| prefix);
        prefix == crate::api::names::GROUP || prefix.ends_with(".holdfast.dev")
    };
    let kept = |entries: &Option<std::collections::BTreeMap<String, String>>| {
        let entries = entries.iter().flatten();
        let kept = entries.filter(|(name, _)| ours(name));
        let kept: std::collections::BTreeMap<_, _> = kept
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        (!kept.is_empty()).then_some(kept)
    };
    kube::core::ObjectMeta {
        name: metadata.name.clone(),
        namespace: metadata.namespace.clone(),
        generation: metadata.generation,
        creation_timestamp: metadata.creation_timestamp.clone(),
        deletion_timestamp: metadata.deletion_timestamp.clone(),
        finalizers: metadata.finalizers.clone(),
        annotations: kept(&metadata.annotations),
        labels: kept(&metadata.labels),
        ..kube::core::ObjectMeta::default()
    }
}

fn stored(object: &Object) -> Stored {
    let mut settings = object.settings.clone();
    settings.remove("webAccess.passwordTag");
    Stored {
        kind: object.kind,
        id: object.id.clone(),
        name: object.name.clone(),
        claim: object.claim.clone(),
        protection: object.protection,
        created_at: object.created_at,
        settings: Value::Object(spelt_for_the_wire(settings.to_document())),
        facts: object.facts.clone(),
        unreadable: object.unreadable.clone(),
    }
}

fn opened(stored: Stored) -> Object {
    Object {
        settings: Settings::from_document(stored.kind, &stored.settings).unwrap_or_default(),
        kind: stored.kind,
        id: stored.id,
        name: stored.name,
        claim: stored.claim,
        etag: None,
        protection: stored.protection,
        created_at: stored.created_at,
        facts: stored.facts,
        unreadable: stored.unreadable,
    }
}

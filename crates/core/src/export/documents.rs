//! Every object of a platform as a document, beside the resources that are in the cluster already. R-N4

use std::collections::BTreeMap;

use kube::ResourceExt;

use super::{Document, Names, carried};
use crate::{
    api::{BackupPlatform, Customer, Kind, ManagedKind},
    estate::{Capabilities, Object, ObjectId, Snapshot},
    planner,
    preview::Existing,
    survey,
};

/// The platform and every object on it, in the order in which kinds depend on each other, by name.
pub fn documents(
    platform: &BackupPlatform,
    observation: &Snapshot,
    existing: &Existing,
) -> Vec<Document> {
    let objects: Vec<&Object> = observation.objects.iter().collect();
    let mut held = BTreeMap::new();
    let capabilities = &observation.capabilities;
    let account = &capabilities.account.id;
    note_held(&mut held, &existing.resellers, platform, account, &objects);
    note_held(&mut held, &existing.plans, platform, account, &objects);
    note_held(&mut held, &existing.customers, platform, account, &objects);
    note_held(&mut held, &existing.tenants, platform, account, &objects);
    let names = Names::new(&objects, held);
    let mut documents: Vec<(Kind, Document)> = objects
        .iter()
        .map(|object| {
            let hidden =
                object.kind == Kind::Customer && object.settings.flag("hideName") == Some(true);
            let display_name = hidden.then(|| hidden_name(&existing.customers, &names, object));
            let mut document = super::resource(object, platform, &names, display_name.as_deref());
            match object.kind {
                Kind::Reseller => carry(&mut document, &existing.resellers, capabilities),
                Kind::ServicePlan => carry(&mut document, &existing.plans, capabilities),
                Kind::Customer => carry(&mut document, &existing.customers, capabilities),
                Kind::Tenant => carry(&mut document, &existing.tenants, capabilities),
            }
            (object.kind, document)
        })
        .collect();
    documents.extend(kept_here(platform, &existing.resellers, capabilities));
    documents.extend(kept_here(platform, &existing.plans, capabilities));
    documents
        .sort_by(|(one, first), (other, second)| (one, &first.name).cmp(&(other, &second.name)));
    let unread = &observation.unreadable;
    let platform = super::platform(platform, capabilities, unread);
    std::iter::once(platform)
        .chain(documents.into_iter().map(|(_, document)| document))
        .collect()
}

/// The resources of a kind that the platform doesn't know: they are in the cluster alone, and others refer to them.
fn kept_here<K: ManagedKind>(
    platform: &BackupPlatform,
    existing: &[K],
    capabilities: &Capabilities,
) -> Vec<(Kind, Document)> {
    if capabilities.knows(K::KIND) {
        return Vec::new();
    }
    let documents = existing.iter().filter_map(|resource| {
        let spec = serde_json::to_value(resource).ok()?["spec"].take();
        let here = spec["platformRef"]["name"].as_str() == platform.metadata.name.as_deref();
        let namespace = resource.namespace().unwrap_or_default();
        let document = || super::document(K::KIND.as_str(), &namespace, &resource.name_any(), spec);
        here.then(document)
    });
    documents.map(|document| (K::KIND, document)).collect()
}

/// With what the resource of that name has and the platform can't tell.
fn carry<K: ManagedKind>(document: &mut Document, existing: &[K], capabilities: &Capabilities) {
    let mut named = existing.iter();
    let known = named.find(|resource| resource.name_any() == document.name);
    if let Some(known) = known {
        carried::carry(&mut document.body, known, capabilities);
    }
}

/// The display name of a hidden customer: the cluster's, if it is known there.
fn hidden_name(customers: &[Customer], names: &Names, object: &Object) -> String {
    let name = names.of(Kind::Customer, &object.id);
    let known = customers
        .iter()
        .find(|customer| customer.name_any() == name);
    known.map_or_else(
        || object.name.clone(),
        |customer| customer.spec.display_name.clone(),
    )
}

/// Which objects are held by existing resources: by claim, or by the noted id.
fn note_held<K: ManagedKind>(
    held: &mut BTreeMap<(Kind, ObjectId), String>,
    resources: &[K],
    platform: &BackupPlatform,
    account: &str,
    objects: &[&Object],
) {
    for resource in resources {
        let place = survey::resource_ref(resource);
        let claim = planner::claim(
            &platform.spec.owner_id,
            K::KIND,
            &place.namespace,
            &place.name,
        );
        let noted = survey::noted_id(resource)
            .filter(|(noted, _)| noted == account)
            .map(|(_, id)| id);
        let object = objects
            .iter()
            .filter(|object| object.kind == K::KIND)
            .find(|object| {
                object.claim.as_ref() == Some(&claim)
                    || (object.claim.is_none() && noted.as_ref() == Some(&object.id))
            });
        if let Some(object) = object {
            held.insert((K::KIND, object.id.clone()), place.name);
        }
    }
}

//! What one resource says of itself: its name, its age, its marks, and what it declares.

use kube::ResourceExt;

use super::{Managed, index::ResourceRef};
use crate::{
    api::{ManagedKind, names},
    estate::ObjectId,
    planner::{Declared, Marks},
};

/// The account and remote id in our annotation.
pub fn noted_id<K: ManagedKind>(object: &K) -> Option<(String, ObjectId)> {
    let noted = object.annotations().get(names::EXTERNAL_ID_ANNOTATION)?;
    let (account, id) = noted.split_once('/')?;
    Some((account.to_owned(), ObjectId::new(id)))
}

/// When the resource was made.
pub fn created_at<K: ManagedKind>(object: &K) -> jiff::Timestamp {
    object
        .creation_timestamp()
        .map_or(jiff::Timestamp::MIN, |time| time.0)
}

/// The resource, parsed once.
pub fn declare<K: Managed>(object: &K) -> serde_json::Result<Declared> {
    let annotation = |name: &str| object.annotations().get(name).cloned();
    let external_id = annotation(names::EXTERNAL_ID_ANNOTATION);
    let annotated = noted_id(object);
    let labels = object
        .labels()
        .iter()
        .filter(|(name, _)| names::is_own_label(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Ok(Declared {
        kind: K::KIND,
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
        generation: object.meta().generation.unwrap_or_default(),
        created_at: created_at(object),
        deleting: object.meta().deletion_timestamp.is_some(),
        deleted_at: object.meta().deletion_timestamp.as_ref().map(|time| time.0),
        allowed_deletion: annotation(names::ALLOW_DELETION_ANNOTATION),
        release_suspended: annotation(names::RELEASE_SUSPENDED_ANNOTATION),
        finalized: object
            .finalizers()
            .iter()
            .any(|finalizer| finalizer == names::FINALIZER),
        annotated,
        marks: Marks {
            external_id,
            labels,
        },
        recreate: annotation(names::RECREATE_ANNOTATION),
        retry_create: annotation(names::RETRY_CREATE_ANNOTATION),
        lifecycle: object.lifecycle().clone(),
        spec: object.spec_document()?,
        status: object.managed().cloned().unwrap_or_default(),
    })
}

/// The name of a resource.
pub fn resource_ref<K: ManagedKind>(object: &K) -> ResourceRef {
    ResourceRef {
        kind: K::KIND,
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

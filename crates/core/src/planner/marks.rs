//! The annotation and the labels that Holdfast keeps on a resource.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::names;

/// What we write on a resource's metadata besides the finalizer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// `holdfast.dev/external-id`.
    pub external_id: Option<String>,
    /// Labels under `*.holdfast.dev`.
    pub labels: BTreeMap<String, String>,
}

impl Marks {
    /// These marks without those that another writer keeps overwriting.
    #[must_use]
    pub fn without(&self, insisted: &BTreeSet<String>) -> Self {
        let external_id = self.external_id.as_ref();
        let external_id = external_id.filter(|_| !insisted.contains(names::EXTERNAL_ID_ANNOTATION));
        let labels = self.labels.iter();
        let labels = labels.filter(|(name, _)| !insisted.contains(*name));
        Self {
            external_id: external_id.cloned(),
            labels: labels
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        }
    }

    /// Annotation and labels as one list.
    pub fn all(&self) -> BTreeMap<&str, &str> {
        let external_id = self.external_id.as_deref();
        let external_id = external_id.map(|id| (names::EXTERNAL_ID_ANNOTATION, id));
        let labels = self.labels.iter();
        let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
        labels.chain(external_id).collect()
    }
}

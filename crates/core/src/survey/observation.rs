//! All that is known about one resource, for one pass.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::ResourceRef;
use crate::{
    estate::Object,
    planner::{
        self, Around, Declared, Neighbours, PlatformState, Progress, References, Remote,
        Supplements, View,
    },
    timeline::Timeline,
};

/// See the module.
pub struct Observation {
    /// The resource, parsed.
    pub declared: Declared,
    /// The platform it lives on.
    pub platform: PlatformState,
    /// What its references lead to.
    pub references: References,
    /// Values from Secrets, as tags.
    pub supplements: Supplements,
    /// What the inventory says.
    pub remote: Remote,
    /// What the rules need to know of the objects around it.
    pub neighbours: Neighbours,
    /// Resources below this one that are being deleted, by their titles.
    pub deleting_below: Vec<String>,
    /// The context of the remote object, for labels and status.
    pub around: Around,
    /// The object that the spec would create, where the platform has no objects of this kind.
    pub stand_in: Option<Arc<Object>>,
    /// Whether it holds an object that it didn't hold before.
    pub took: bool,
    /// Other resources to reconcile again: they are granted something, or now hold or no longer hold an object, because of
    /// this look-up.
    pub woken: Vec<ResourceRef>,
}

impl Observation {
    /// The object of the resource: its remote object, or what represents it where the platform has none of this kind.
    pub fn object(&self) -> Option<&Arc<Object>> {
        planner::remote_object(&self.declared, &self.remote).or(self.stand_in.as_ref())
    }

    /// The same, if it can be read: the figures of an unreadable object stay unchanged.
    pub fn readable(&self) -> Option<&Arc<Object>> {
        self.object().filter(|object| object.unreadable.is_none())
    }

    /// The labels that follow from what was observed.
    pub fn labels(&self) -> BTreeMap<String, String> {
        let object = planner::remote_object(&self.declared, &self.remote);
        let object = object.filter(|object| object.unreadable.is_none());
        match (&self.platform, object) {
            (PlatformState::Observed(platform), Some(object)) => {
                planner::labels(self.declared.kind, &platform.name, object, &self.around)
            }
            _ => self.declared.marks.labels.clone(),
        }
    }

    /// What a decision may depend on, without what only a writer knows: holds, backoffs and failures.
    pub fn view<'a>(&'a self, progress: &'a Progress, timeline: Timeline) -> View<'a> {
        View {
            declared: &self.declared,
            platform: self.platform.clone(),
            references: self.references.clone(),
            supplements: self.supplements.clone(),
            remote: self.remote.clone(),
            neighbours: self.neighbours.clone(),
            deleting_below: self.deleting_below.clone(),
            labels: self.labels(),
            insisted: BTreeSet::new(),
            progress,
            hold: None,
            taken_over: Vec::new(),
            backoff: None,
            failures: 0,
            timeline,
        }
    }
}

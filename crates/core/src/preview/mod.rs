//! A preview: the planner's own steps, performed on a copy of what is known. No request is sent. R-N2
//!
//! A [`World`] is filled with the resources of a cluster (or of an exported estate), with what the platforms hold, and with
//! the manifests to be applied; [`World::play`] then lets the planner decide for each resource until nothing more happens.

mod act;
mod check;
mod manifests;
mod maps;
mod metadata;
mod nowhere;
mod outcome;
mod pictures;
mod play;
mod quotas;
mod source;
#[cfg(test)]
mod tests;
mod values;
mod world;
mod yaml;

pub use manifests::{Declaration, Manifest, Manifests};
pub use outcome::{Action, ActionKind, Change, Ending, Preview, QuotaChange, Row};
pub use source::{ManifestError, ManifestErrors, Source};
pub use world::{Existing, World};

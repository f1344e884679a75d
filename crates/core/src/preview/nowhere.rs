//! References of a resource that don't exist. In a plan everything has arrived: what is missing now stays missing.

use kube::core::ObjectMeta;

use super::{Ending, World, world::Kept};
use crate::{
    api::{Reason, shared::Management},
    survey::{self, ResourceRef},
};

/// Refused, if the resource's namespace doesn't exist.
pub fn namespace(world: &World, metadata: &ObjectMeta) -> Option<Ending> {
    let namespace = metadata.namespace.as_ref()?;
    world.absent.contains(namespace).then(|| Ending::Refused {
        rule: "NamespaceMissing".to_owned(),
        message: format!(
            "metadata.namespace names {namespace:?}, which doesn't exist. Create it, or correct the name."
        ),
    })
}

/// Refused, if something that the resource itself names doesn't exist.
pub fn reference<K: Kept>(world: &World, object: &K) -> Option<Ending> {
    let metadata = object.meta();
    let paused = object.lifecycle().management == Some(Management::Paused);
    if metadata.deletion_timestamp.is_some() || paused {
        return None;
    }
    if let Some(ending) = namespace(world, metadata) {
        return Some(ending);
    }
    let ResourceRef { namespace, .. } = survey::resource_ref(object);
    let missing = |reason: Reason, what: String| Ending::Refused {
        rule: reason.as_str().to_owned(),
        message: format!(
            "{what}, which doesn't exist in namespace {namespace:?}. Create it, or correct the name."
        ),
    };
    if let Some(platform) = object.platform_ref()
        && !world.has_platform(&namespace, &platform.name)
    {
        let what = format!("platformRef names BackupPlatform {:?}", platform.name);
        return Some(missing(Reason::PlatformMissing, what));
    }
    object
        .references()
        .into_iter()
        .find_map(|(field, kind, reference)| {
            let there = world.survey.stores.exists(&ResourceRef {
                kind,
                namespace: namespace.clone(),
                name: reference.name.clone(),
            });
            let what = format!("{field} names {} {:?}", kind.as_str(), reference.name);
            (!there).then(|| missing(Reason::ReferenceNotFound, what))
        })
}

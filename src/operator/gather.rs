//! Collecting a resource's observation: the platform's state, Secrets, and what is known.

use std::sync::Arc;

use kube::ResourceExt;

use super::{
    clock,
    context::Context,
    platforms::{Handle, Trouble},
    supplements::{Values, supplement},
};
use crate::{
    planner::{PlatformState, Supplements, Wake},
    survey::{self, Managed, Observation, PlatformKey},
};

/// The data of one pass.
pub struct Gathered {
    /// All that is known about the resource.
    pub observation: Observation,
    /// The handle of its platform.
    pub handle: Option<Arc<Handle>>,
    /// The values of Secrets and pictures themselves, for the request only.
    pub values: Values,
}

/// Gathers for one resource. Other resources that this changes something for are enqueued.
pub async fn gather<K: Managed>(context: &Context, object: &K) -> serde_json::Result<Gathered> {
    let (platform, handle) = platform_state(context, object);
    let (mut supplements, mut values) = (Supplements::default(), Values::default());
    if let PlatformState::Observed(facts) = &platform {
        (supplements, values) = supplement(context, object, facts).await;
    }
    let site = handle.as_ref().map(|handle| &*handle.site);
    let mut observation = survey::gather(
        &context.survey,
        object,
        platform,
        site,
        supplements,
        &clock::timeline(),
    )?;
    context.wake_each(&std::mem::take(&mut observation.woken));
    if observation.took {
        context.enqueue(object, handle.as_deref(), Wake::Referrers);
    }
    Ok(Gathered {
        observation,
        handle,
        values,
    })
}

fn platform_state<K: Managed>(
    context: &Context,
    object: &K,
) -> (PlatformState, Option<Arc<Handle>>) {
    let namespace = object.namespace().unwrap_or_default();
    let name = match context.survey.platform_of(object) {
        Ok(name) => name,
        Err((field, name)) => {
            let kind = match field {
                "platformRef" => "BackupPlatform",
                "customerRef" => "Customer",
                _ => "Reseller",
            };
            let unreadable = unreadable(context, kind, &namespace, &name);
            let state = unreadable.unwrap_or(PlatformState::Unresolved { field, name });
            return (state, None);
        }
    };
    if let Some(state) = unreadable(context, "BackupPlatform", &namespace, &name) {
        return (state, None);
    }
    let exists = context
        .survey
        .stores
        .platforms
        .get(&namespace, &name)
        .is_some();
    if !exists {
        return (PlatformState::Missing { name }, None);
    }
    let key = PlatformKey { namespace, name };
    let Some(handle) = context.platforms.get(&key) else {
        let trouble = context.platforms.trouble(&key);
        let name = key.name;
        let state = match trouble {
            Some(trouble) => PlatformState::Stalled { name, trouble },
            None => PlatformState::Unobserved {
                name,
                trouble: None,
            },
        };
        return (state, None);
    };
    let name = key.name;
    // Before this process is known to be the account's leader, nothing is decided.
    let settled = handle.writer.account().is_some() || handle.site.account_mismatch().is_some();
    if let Some(facts) = handle.site.facts().filter(|_| settled) {
        (PlatformState::Observed(facts), Some(handle))
    } else {
        let trouble = handle.trouble().map(|trouble| match trouble {
            Trouble::Credentials(message) | Trouble::Unreachable(message) => message,
        });
        (PlatformState::Unobserved { name, trouble }, Some(handle))
    }
}

/// A resource on the way to the platform exists and can't be read.
fn unreadable(
    context: &Context,
    kind: &'static str,
    namespace: &str,
    name: &str,
) -> Option<PlatformState> {
    let unreadable = &context.survey.stores.unreadable;
    let why = unreadable.why(kind, namespace, name)?;
    let name = name.to_owned();
    Some(PlatformState::Unreadable { kind, name, why })
}

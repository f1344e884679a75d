//! Getting a resource's sight: the platform's state, Secrets, and what is known.

use std::{collections::BTreeMap, sync::Arc};

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use secrecy::SecretString;

use super::{
    context::Context,
    platforms::{Handle, Trouble},
    supplements::supplement,
};
use crate::{
    api::{BackupPlatform, ConditionType},
    planner::{PlatformState, Supplements},
    survey::{self, Managed, Sight},
};

/// What lives for one look.
pub struct Gathered {
    /// All that is known about the resource.
    pub sight: Sight,
    /// The handle of its platform.
    pub handle: Option<Arc<Handle>>,
    /// The secret values themselves, for the request only.
    pub secrets: BTreeMap<&'static str, SecretString>,
}

/// Gathers for one resource. Who is granted something by that is woken.
pub async fn gather<K: Managed>(context: &Context, object: &K) -> serde_json::Result<Gathered> {
    let (platform, handle) = platform_state(context, object);
    let (mut supplements, mut secrets) = (Supplements::default(), BTreeMap::new());
    if let PlatformState::Observed(facts) = &platform {
        (supplements, secrets) = supplement(context, object, facts).await;
    }
    let site = handle.as_ref().map(|handle| &handle.site);
    let now = jiff::Timestamp::now();
    let mut sight = survey::gather(&context.survey, object, platform, site, supplements, now)?;
    context.wake_each(&std::mem::take(&mut sight.promoted));
    Ok(Gathered {
        sight,
        handle,
        secrets,
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
    let Some(platform) = context
        .survey
        .stores
        .platforms
        .get(&ObjectRef::new(&name).within(&namespace))
    else {
        return (PlatformState::Missing { name }, None);
    };
    let Some(handle) = context.handle(&namespace, &name) else {
        let state = match unready(&platform) {
            Some(trouble) => PlatformState::Stalled { name, trouble },
            None => PlatformState::Unobserved {
                name,
                trouble: None,
            },
        };
        return (state, None);
    };
    if let Some(facts) = handle.site.facts() {
        (PlatformState::Observed(facts), Some(handle))
    } else {
        let trouble = handle.trouble().map(|trouble| match trouble {
            Trouble::Credentials(message) | Trouble::Unreachable(message) => message,
        });
        (PlatformState::Unobserved { name, trouble }, Some(handle))
    }
}

/// What leads to the platform is there and can't be read.
fn unreadable(
    context: &Context,
    kind: &'static str,
    namespace: &str,
    name: &str,
) -> Option<PlatformState> {
    let why = context.survey.unreadable.why(kind, namespace, name)?;
    let name = name.to_owned();
    Some(PlatformState::Unreadable { kind, name, why })
}

/// What a `BackupPlatform` says is wrong with it.
fn unready(platform: &BackupPlatform) -> Option<String> {
    let conditions = &platform.status.as_ref()?.conditions;
    let stalled = conditions
        .iter()
        .find(|condition| condition.type_ == ConditionType::Stalled.as_str())?;
    Some(stalled.message.clone())
}

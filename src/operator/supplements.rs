//! Values that come from Secrets and `ConfigMap`s: read when a pass needs them, represented by tags and digests.

use std::collections::BTreeMap;

use kube::ResourceExt;
use secrecy::{ExposeSecret, SecretString};

use super::context::Context;
use crate::{
    connect::{read_map, read_secret},
    planner::{self, PICTURES, Picture, PlatformFacts, Supplements, picture_ref},
    survey::Managed,
};

/// The values themselves, by their settings: for the request only.
#[derive(Default)]
pub struct Values {
    /// Secrets.
    pub secrets: BTreeMap<&'static str, SecretString>,
    /// Pictures of the branding.
    pub pictures: BTreeMap<&'static str, Picture>,
}

/// Reads the web-access password and makes the tag that reveals a change of it; and the pictures of the branding, with their
/// digests.
pub async fn supplement<K: Managed>(
    context: &Context,
    object: &K,
    facts: &PlatformFacts,
) -> (Supplements, Values) {
    let (mut supplements, mut values) = (Supplements::default(), Values::default());
    password(context, object, facts, &mut supplements, &mut values).await;
    pictures(context, object, facts, &mut supplements, &mut values).await;
    (supplements, values)
}

async fn password<K: Managed>(
    context: &Context,
    object: &K,
    facts: &PlatformFacts,
    supplements: &mut Supplements,
    values: &mut Values,
) {
    let access = object.web_access();
    let Some(password) = access.and_then(|access| access.password_ref.as_ref()) else {
        return;
    };
    let (name, key) = (password.name.as_str(), password.key.as_str());
    let namespace = &object.namespace().unwrap_or_default();
    match read_secret(&context.client, namespace, name, key).await {
        Ok(password) => {
            let claim = facts.claim(K::KIND, namespace, &object.name_any());
            let tag = planner::secret_tag(&facts.owner_id, &claim, password.expose_secret());
            supplements.settings.insert("webAccess.passwordTag", tag);
            values.secrets.insert("webAccess.passwordTag", password);
        }
        Err(problem) => {
            supplements.missing.insert("webAccess.passwordRef", problem);
        }
    }
}

/// A platform without a place for a picture isn't a reason to read it: its setting alone says that it has none.
async fn pictures<K: Managed>(
    context: &Context,
    object: &K,
    facts: &PlatformFacts,
    supplements: &mut Supplements,
    values: &mut Values,
) {
    let stated = object.stated();
    let Some(branding) = stated.and_then(|stated| stated.branding) else {
        return;
    };
    let namespace = &object.namespace().unwrap_or_default();
    for (setting, field) in PICTURES {
        let Some(reference) = picture_ref(branding, setting) else {
            continue;
        };
        if !facts.capabilities.takes(K::KIND, setting) {
            let named = format!("{}/{}", reference.name, reference.key);
            supplements.settings.insert(setting, named);
            continue;
        }
        match read_map(&context.client, namespace, reference, |bytes| {
            Picture::of(bytes)
        })
        .await
        {
            Ok(picture) => {
                supplements.settings.insert(setting, picture.digest.clone());
                values.pictures.insert(setting, picture);
            }
            Err(problem) => {
                supplements.missing.insert(field, problem);
            }
        }
    }
}

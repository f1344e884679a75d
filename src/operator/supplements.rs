//! Values that come from Secrets: read when a pass needs them, represented by tags.

use std::collections::BTreeMap;

use kube::ResourceExt;
use secrecy::{ExposeSecret, SecretString};

use super::context::Context;
use crate::{
    connect::read_secret,
    planner::{self, PlatformFacts, Supplements},
    survey::Managed,
};

/// Reads the web-access password, and makes the tag that reveals a change of it.
pub async fn supplement<K: Managed>(
    context: &Context,
    object: &K,
    facts: &PlatformFacts,
) -> (Supplements, BTreeMap<&'static str, SecretString>) {
    let (mut supplements, mut secrets) = (Supplements::default(), BTreeMap::new());
    let Some(password) = object
        .web_access()
        .and_then(|access| access.password_ref.as_ref())
    else {
        return (supplements, secrets);
    };
    let (name, key) = (password.name.as_str(), password.key.as_str());
    let namespace = &object.namespace().unwrap_or_default();
    match read_secret(&context.client, namespace, name, key).await {
        Ok(password) => {
            let claim = facts.claim(K::KIND, namespace, &object.name_any());
            let tag = planner::secret_tag(&facts.owner_id, &claim, password.expose_secret());
            supplements.settings.insert("webAccess.passwordTag", tag);
            secrets.insert("webAccess.passwordTag", password);
        }
        Err(problem) => {
            supplements.missing.insert("webAccess.passwordRef", problem);
        }
    }
    (supplements, secrets)
}

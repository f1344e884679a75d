//! Values that come from Secrets: read when a pass needs them, passed on as tags.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;
use kube::{Api, ResourceExt};
use secrecy::{ExposeSecret, SecretString};

use super::context::Context;
use crate::{
    api::Reason,
    planner::{self, PlatformFacts, Supplements},
    survey::Managed,
};

/// Reads the web-access password, and makes the tag by which a change of it is seen.
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
    match read_secret(context, namespace, name, key).await {
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

/// One key of a Secret as text.
///
/// # Errors
/// `SecretMissing`, `SecretMalformed` or, when it may work later, `ReferenceNotReady`; with which object, what is wrong, and
/// what to do.
pub async fn read_secret(
    context: &Context,
    namespace: &str,
    name: &str,
    key: &str,
) -> Result<SecretString, (Reason, String)> {
    let missing = |message| (Reason::SecretMissing, message);
    let malformed = |what| {
        let message =
            format!("key {key:?} of Secret {name:?} {what}. Correct it; it is read again at once.");
        (Reason::SecretMalformed, message)
    };
    let api: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
    let secret = api
        .get_opt(name)
        .await
        .map_err(|error| unreadable(&format!("Secret {name:?}"), &error))?
        .ok_or_else(|| missing(format!("Secret {name:?} doesn't exist in namespace {namespace:?}. Create it with the key {key:?}.")))?;
    let bytes = secret
        .data
        .unwrap_or_default()
        .remove(key)
        .ok_or_else(|| missing(format!("Secret {name:?} has no key {key:?}. Add it.")))?;
    let text = String::from_utf8(bytes.0).map_err(|_| malformed("isn't UTF-8 text"))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(malformed("is empty"));
    }
    Ok(SecretString::from(text.to_owned()))
}

/// A Secret or `ConfigMap` that the API server doesn't give: for good when it is forbidden, otherwise just now.
pub fn unreadable(what: &str, error: &kube::Error) -> (Reason, String) {
    match error {
        kube::Error::Api(status) if status.code == 403 => (
            Reason::SecretMissing,
            format!(
                "{what} can't be read: the operator has no permission. Grant its service account the verb get."
            ),
        ),
        _ => (
            Reason::ReferenceNotReady,
            format!("{what} can't be read at the moment; Holdfast retries."),
        ),
    }
}

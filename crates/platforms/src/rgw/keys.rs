//! A user's S3 keys: the one that is declared, and those of others.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{
    Rgw,
    mapping::{PASSWORD_TAG, Rotation, USERNAME},
    refusal::REMOVE_KEY,
    wire::{Key, User},
};
use crate::{
    PlatformError, Problem, ProblemKind, Written,
    document::{self, clears, text},
    estate::ObjectId,
    wire::invalid,
};

const ADD_KEY: &str = "PUT /admin/user?key";

impl Rgw {
    /// Adds the declared key, or removes the one that it replaces: the new one first, so that there always is one. A key that
    /// somebody else added is left alone.
    pub(super) async fn set_key(
        &self,
        id: &ObjectId,
        patch: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let user = self.present(id).await?;
        let keys = user.keys();
        let rotation = self.known.rotation(id);
        let implied = || match keys.as_slice() {
            [key] => Some(key.name.as_str()),
            _ => Some(rotation.as_ref()?.added.as_str()),
        };
        let stated = text(patch, USERNAME);
        let Some(name) = stated.or_else(|| implied().filter(|_| !clears(patch, USERNAME))) else {
            return self.without_keys(id, &user).await;
        };
        let held = keys.iter().find(|key| key.name == name);
        let given = document::stated(patch, "webAccess.password").and_then(Value::as_str);
        let secret: Option<SecretString> = match (given, keys.as_slice()) {
            (Some(given), _) => Some(given.to_owned().into()),
            (None, [only]) => Some(only.secret.clone()),
            (None, _) => held.map(|key| key.secret.clone()),
        };
        let secret = secret.ok_or_else(|| {
            invalid(
                Some(PASSWORD_TAG),
                "the gateway's keys need a secret key: state passwordRef",
            )
        })?;
        let is_right = |key: &&Key| key.secret.expose_secret() == secret.expose_secret();
        let others: Vec<&str> = keys
            .iter()
            .map(|key| key.name.as_str())
            .filter(|other| *other != name)
            .collect();
        let replaced = rotation
            .as_ref()
            .filter(|rotation| rotation.added == name)
            .and_then(|rotation| rotation.replaced.as_deref());
        // Another key is taken for the one before only where that is sure: it has the secret that the spec states, or Holdfast
        // added it. Any other is somebody's, also where it is the only one.
        let is_before = |other: &str| {
            let known = rotation.as_ref().is_some_and(|one| one.added == other);
            let mut keys = keys.iter().filter(|key| key.name == other);
            known || given.is_some() && keys.any(&is_right)
        };
        if let Some(tag) = text(patch, PASSWORD_TAG).filter(|_| given.is_some()) {
            self.known.note_secret(id, &secret, tag);
        }
        match (held.is_some_and(is_right), others.as_slice()) {
            (true, []) => Ok(Written::Done(Box::new(self.object(&user)))),
            (true, [other]) if replaced == Some(other) => self.remove_key(id, other).await,
            (false, []) => self.add_key(id, name, &secret, None).await,
            (false, [only]) if held.is_none() && is_before(only) => {
                self.add_key(id, name, &secret, Some(only)).await
            }
            _ => Err(many(id, &others).into()),
        }
    }

    async fn without_keys(&self, id: &ObjectId, user: &User) -> Result<Written, PlatformError> {
        let keys = user.keys();
        match keys.as_slice() {
            [] => Ok(Written::Done(Box::new(self.object(user)))),
            [only] => self.remove_key(id, &only.name).await,
            several => {
                let names: Vec<&str> = several.iter().map(|key| key.name.as_str()).collect();
                Err(many(id, &names).into())
            }
        }
    }

    async fn add_key(
        &self,
        id: &ObjectId,
        name: &str,
        secret: &SecretString,
        replaced: Option<&str>,
    ) -> Result<Written, PlatformError> {
        let parameters = [
            ("key", ""),
            ("uid", id.as_str()),
            ("key-type", "s3"),
            ("generate-key", "false"),
            ("access-key", name),
            ("secret-key", secret.expose_secret()),
        ];
        // Noted before: the answer may be lost.
        let rotation = Rotation {
            added: name.to_owned(),
            replaced: replaced.map(str::to_owned),
        };
        self.known.note_rotation(id, rotation);
        self.change(ADD_KEY, Method::PUT, &parameters, |_, _| Ok(()))
            .await?;
        self.shown(id).await
    }

    async fn remove_key(&self, id: &ObjectId, name: &str) -> Result<Written, PlatformError> {
        let parameters = [
            ("key", ""),
            ("uid", id.as_str()),
            ("key-type", "s3"),
            ("access-key", name),
        ];
        let removed = self
            .change(REMOVE_KEY, Method::DELETE, &parameters, |_, _| Ok(()))
            .await;
        match removed {
            Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {}
            removed => removed?,
        }
        let shown = self.shown(id).await?;
        self.known.end_rotation(id);
        Ok(shown)
    }
}

/// Keys that stand in the way, and that nobody asked Holdfast to remove: somebody may need them for a restore.
fn many(id: &ObjectId, others: &[&str]) -> Problem {
    let names = others.join(", ");
    Problem {
        kind: ProblemKind::Conflict,
        remedy: Some(format!(
            "Remove what isn't needed with radosgw-admin key rm --uid='{id}' --key-type=s3 --access-key=KEY, or remove webAccess from the spec to leave all keys alone"
        )),
        ..invalid(
            Some(USERNAME),
            format!(
                "the user has S3 keys that Holdfast didn't add and doesn't remove unasked: {names}"
            ),
        )
    }
}

//! Mutating calls: one such request a call, after a fresh read where there is something to compare.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{
    Rgw,
    mapping::{LIMIT_CLIENTS, LIMIT_STORAGE, LOCATION, PASSWORD_TAG, Rotation, USERNAME},
    refusal::{REMOVE_KEY, body},
    wire::{Key, User},
};
use crate::{
    Lane, PlatformError, Problem, ProblemKind, Written,
    document::{self, clears, stated, text},
    estate::{Claim, ObjectId},
    wire::invalid,
};

const CREATE: &str = "PUT /admin/user";
pub(super) const CHANGE: &str = "POST /admin/user";
const SET_QUOTA: &str = "PUT /admin/user?quota";
const ADD_KEY: &str = "PUT /admin/user?key";
const DELETE_USER: &str = "DELETE /admin/user";

pub(super) type Parameters = Vec<(&'static str, String)>;

pub(super) fn borrowed(parameters: &Parameters) -> Vec<(&str, &str)> {
    parameters
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect()
}

impl Rgw {
    /// Makes the user of a claim, without keys.
    pub(super) async fn create_user(
        &self,
        claim: &Claim,
        document: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let mut parameters = self.changes(document)?;
        let named = parameters.iter().any(|(name, _)| *name == "display-name");
        if !named {
            return Err(nameless().into());
        }
        parameters.push(("uid", claim.as_str().to_owned()));
        parameters.push(("generate-key", "false".to_owned()));
        let user: User = self
            .change(
                CREATE,
                Method::PUT,
                &borrowed(&parameters),
                |call, answer| body(call, &answer),
            )
            .await?;
        Ok(Written::Done(Box::new(self.object(&user))))
    }

    /// Changes a user by one request; the planner sends what needs one of its own by itself.
    pub(super) async fn update_user(
        &self,
        id: &ObjectId,
        patch: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        if stated(patch, LIMIT_STORAGE).is_some() {
            return self.set_quota(id, patch).await;
        }
        if patch.contains_key("webAccess") {
            return self.set_key(id, patch).await;
        }
        let mut parameters = self.changes(patch)?;
        if parameters.is_empty() {
            return self.shown(id).await;
        }
        parameters.push(("uid", id.as_str().to_owned()));
        self.post(&parameters).await
    }

    pub(super) async fn set_suspended(
        &self,
        id: &ObjectId,
        suspended: bool,
    ) -> Result<Written, PlatformError> {
        let word = if suspended { "1" } else { "0" };
        let uid = id.as_str().to_owned();
        self.post(&vec![("uid", uid), ("suspended", word.to_owned())])
            .await
    }

    async fn post(&self, parameters: &Parameters) -> Result<Written, PlatformError> {
        let user: User = self
            .change(
                CHANGE,
                Method::POST,
                &borrowed(parameters),
                |call, answer| body(call, &answer),
            )
            .await?;
        Ok(Written::Done(Box::new(self.object(&user))))
    }

    /// What a document says of a user, as parameters.
    fn changes(&self, document: &Map<String, Value>) -> Result<Parameters, Problem> {
        let mut parameters = Parameters::new();
        if clears(document, "name") {
            return Err(nameless());
        }
        if let Some(name) = text(document, "name") {
            parameters.push(("display-name", name.to_owned()));
        }
        if stated(document, "profile.email").is_some() {
            let email = text(document, "profile.email").unwrap_or_default();
            parameters.push(("email", email.to_owned()));
        }
        if let Some(limit) = stated(document, LIMIT_CLIENTS) {
            // Zero would mean any number of buckets, and a number below it none.
            let number = match limit.as_u64() {
                None => "0".to_owned(),
                Some(0) => "-1".to_owned(),
                Some(number) => i32::try_from(number)
                    .map_err(|_| {
                        invalid(Some(LIMIT_CLIENTS), "is more than the gateway can count")
                    })?
                    .to_string(),
            };
            parameters.push(("max-buckets", number));
        }
        if let Some(id) = text(document, LOCATION) {
            let placement = self.placement_of(id, LOCATION)?;
            parameters.push(("default-placement", placement));
        }
        Ok(parameters)
    }

    /// The gateway's word for a region.
    pub(super) fn placement_of(&self, id: &str, field: &str) -> Result<String, Problem> {
        let region = self.regions.iter().find(|region| region.id == id);
        let unknown = || {
            let detail = format!("{id:?} isn't one of the platform's rgw.regions");
            invalid(Some(field), detail)
        };
        Ok(region.ok_or_else(unknown)?.placement.clone())
    }

    /// Sets or lifts the quota. The gateway accepts one below what is stored without a word, so it is asked first for what that
    /// is; it answers nothing, so what was kept is read.
    async fn set_quota(
        &self,
        id: &ObjectId,
        patch: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let mut parameters = vec![
            ("quota", String::new()),
            ("uid", id.as_str().to_owned()),
            ("quota-type", "user".to_owned()),
        ];
        match stated(patch, LIMIT_STORAGE).and_then(Value::as_u64) {
            None => parameters.push(("enabled", "false".to_owned())),
            Some(bytes) => {
                let size = i64::try_from(bytes).map_err(|_| {
                    invalid(Some(LIMIT_STORAGE), "is more than the gateway can count")
                })?;
                self.check_stored(id, bytes).await?;
                parameters.push(("max-size", size.to_string()));
                parameters.push(("enabled", "true".to_owned()));
            }
        }
        self.change(
            SET_QUOTA,
            Method::PUT,
            &borrowed(&parameters),
            |_, _| Ok(()),
        )
        .await?;
        self.shown(id).await
    }

    /// Refuses a lower limit than before that is below what is stored now, whatever the last report says.
    async fn check_stored(&self, id: &ObjectId, bytes: u64) -> Result<(), PlatformError> {
        let user = self.counted(id).await.map_err(unsent)?;
        let Some(user) = user else { return Ok(()) };
        let Some(stats) = user.stats else {
            let remedy =
                format!("Set it with radosgw-admin quota set --quota-scope=user --uid='{id}'");
            return Err(Problem {
                remedy: Some(remedy),
                ..invalid(
                    Some(LIMIT_STORAGE),
                    "the gateway doesn't say how much the user stores, and would take any limit",
                )
            }
            .into());
        };
        let stored = stats.size_actual;
        let shrinks = user.quota.bytes().is_none_or(|held| bytes < held);
        if !shrinks || bytes >= stored {
            return Ok(());
        }
        Err(Problem {
            remedy: Some(format!("State at least {stored} bytes, or free some first")),
            ..invalid(
                Some(LIMIT_STORAGE),
                format!("the customer stores {stored} bytes already, and could store nothing more"),
            )
        }
        .into())
    }

    /// Adds the declared key, or removes the one that it replaces: the new one first, so that there always is one. A key that
    /// somebody else added is left alone.
    async fn set_key(
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
        match (held.is_some_and(is_right), others.as_slice()) {
            (true, []) => Ok(Written::Done(Box::new(self.object(&user)))),
            (true, [other]) if replaced == Some(other) => self.remove_key(id, other).await,
            (false, []) => self.add_key(id, name, &secret, None).await,
            (false, [only]) if held.is_none() => self.add_key(id, name, &secret, Some(only)).await,
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

    /// Removes a user. `purge-data` is never sent: the gateway refuses where there are buckets.
    pub(super) async fn delete_user(&self, id: &ObjectId) -> Result<(), PlatformError> {
        self.change(
            DELETE_USER,
            Method::DELETE,
            &[("uid", id.as_str())],
            |_, _| Ok(()),
        )
        .await
    }

    pub(super) async fn present(&self, id: &ObjectId) -> Result<User, PlatformError> {
        let user = self.user(id, Lane::Edit).await.map_err(unsent)?;
        user.ok_or_else(|| {
            let detail = format!("the gateway has no user {id}");
            let kind = ProblemKind::NotFound;
            Problem {
                kind,
                ..invalid(None, detail)
            }
            .into()
        })
    }

    /// The user as it is now.
    async fn shown(&self, id: &ObjectId) -> Result<Written, PlatformError> {
        let user = self.present(id).await?;
        Ok(Written::Done(Box::new(self.object(&user))))
    }
}

/// A failure of a read before a change, or after one that can be repeated: nothing is in doubt.
fn unsent(error: PlatformError) -> PlatformError {
    match error {
        PlatformError::Unreachable(_) | PlatformError::Garbled(_) => {
            PlatformError::Unavailable(error.to_string())
        }
        error => error,
    }
}

fn nameless() -> Problem {
    Problem {
        remedy: Some("State it".to_owned()),
        ..invalid(Some("name"), "the gateway needs a name")
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

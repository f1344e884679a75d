//! Mutating calls: one such request a call, after a fresh read where there is something to compare.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::{
    Rgw,
    mapping::{LIMIT_CLIENTS, LIMIT_STORAGE, LOCATION, PASSWORD_TAG, USERNAME},
    refusal::body,
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
const REMOVE_KEY: &str = "DELETE /admin/user?key";
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

    /// Sets or lifts the quota. The gateway accepts one below what is stored without a word, so that is asked first; it answers
    /// nothing, so what was kept is read.
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

    /// Adds the declared key, or removes the one that it replaces: the new one first, so that there always is one.
    async fn set_key(
        &self,
        id: &ObjectId,
        patch: &Map<String, Value>,
    ) -> Result<Written, PlatformError> {
        let user = self.present(id).await?;
        let added = self.known.added(id);
        let implied = || match user.keys.as_slice() {
            [key] => Some(key.access_key.as_str()),
            _ => added.as_deref(),
        };
        let stated = text(patch, USERNAME);
        let Some(name) = stated.or_else(|| implied().filter(|_| !clears(patch, USERNAME))) else {
            return self.without_keys(id, &user).await;
        };
        let held = user.keys.iter().find(|key| key.access_key == name);
        let given = document::stated(patch, "webAccess.password").and_then(Value::as_str);
        let secret: Option<SecretString> = match (given, &user.keys[..]) {
            (Some(given), _) => Some(given.to_owned().into()),
            (None, [only]) => Some(only.secret_key.clone()),
            (None, _) => held.map(|key| key.secret_key.clone()),
        };
        let secret = secret.ok_or_else(|| {
            invalid(
                Some(PASSWORD_TAG),
                "the gateway's keys need a secret key: state passwordRef",
            )
        })?;
        let is_right = |key: &Key| key.secret_key.expose_secret() == secret.expose_secret();
        let others: Vec<&Key> = user
            .keys
            .iter()
            .filter(|key| key.access_key != name)
            .collect();
        match (held.is_some_and(is_right), others.as_slice()) {
            (_, [_, _, ..]) => Err(many(&user).into()),
            (false, _) => self.add_key(id, name, &secret).await,
            (true, [other]) => self.remove_key(id, &other.access_key).await,
            (true, []) => Ok(Written::Done(Box::new(self.object(&user)))),
        }
    }

    async fn without_keys(&self, id: &ObjectId, user: &User) -> Result<Written, PlatformError> {
        match user.keys.as_slice() {
            [] => Ok(Written::Done(Box::new(self.object(user)))),
            [only] => self.remove_key(id, &only.access_key).await,
            _ => Err(many(user).into()),
        }
    }

    async fn add_key(
        &self,
        id: &ObjectId,
        name: &str,
        secret: &SecretString,
    ) -> Result<Written, PlatformError> {
        let parameters = [
            ("key", ""),
            ("uid", id.as_str()),
            ("key-type", "s3"),
            ("generate-key", "false"),
            ("access-key", name),
            ("secret-key", secret.expose_secret()),
        ];
        self.change(ADD_KEY, Method::PUT, &parameters, |_, _| Ok(()))
            .await?;
        self.known.note_key(id, name);
        self.shown(id).await
    }

    async fn remove_key(&self, id: &ObjectId, name: &str) -> Result<Written, PlatformError> {
        let parameters = [
            ("key", ""),
            ("uid", id.as_str()),
            ("key-type", "s3"),
            ("access-key", name),
        ];
        self.change(REMOVE_KEY, Method::DELETE, &parameters, |_, _| Ok(()))
            .await?;
        self.shown(id).await
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

fn many(user: &User) -> Problem {
    Problem {
        kind: ProblemKind::Conflict,
        remedy: Some(
            "Remove all but one with radosgw-admin key rm --uid=UID --key-type=s3 --access-key=KEY, or remove webAccess from the spec to leave them alone"
                .to_owned(),
        ),
        ..invalid(
            Some(USERNAME),
            format!("the user has {} S3 keys, and none is removed unasked", user.keys.len()),
        )
    }
}

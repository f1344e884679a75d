//! Mutating calls: one such request a call, after a fresh read where there is something to compare.

use reqwest::Method;
use serde_json::{Map, Value};

use super::{
    Rgw,
    mapping::{LIMIT_CLIENTS, LIMIT_STORAGE, LOCATION, bucket_limit},
    refusal::body,
    wire::User,
};
use crate::{
    Lane, PlatformError, Problem, ProblemKind, Written,
    document::{clears, stated, text},
    estate::{Claim, ObjectId},
    wire::invalid,
};

const CREATE: &str = "PUT /admin/user";
pub(super) const CHANGE: &str = "POST /admin/user";
const SET_QUOTA: &str = "PUT /admin/user?quota";
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
        if patch.get("limits") == Some(&Value::Null) {
            return self.lift_limit(id).await;
        }
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

    /// Lifts the one limit that there was. The patch names none: they are all gone with it.
    async fn lift_limit(&self, id: &ObjectId) -> Result<Written, PlatformError> {
        let user = self.present(id).await?;
        let storage = user.quota.bytes().is_some();
        let clients = bucket_limit(user.max_buckets).is_some();
        if storage && clients {
            let detail = "the user has limits that it didn't have at the last sweep";
            let problem = Problem {
                kind: ProblemKind::Conflict,
                remedy: Some("The next sweep sees them".to_owned()),
                ..invalid(None, detail.to_owned())
            };
            return Err(problem.into());
        }
        if storage {
            return self.set_quota(id, &Map::new()).await;
        }
        let uid = id.as_str().to_owned();
        self.post(&vec![("uid", uid), ("max-buckets", "0".to_owned())])
            .await
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
            // The same quota may limit the number of objects, of which the spec says nothing.
            None => match self.present(id).await?.quota.objects() {
                Some(_) => parameters.push(("max-size", "-1".to_owned())),
                None => parameters.push(("enabled", "false".to_owned())),
            },
            Some(bytes) => {
                let size = i64::try_from(bytes).map_err(|_| {
                    invalid(Some(LIMIT_STORAGE), "is more than the gateway can count")
                })?;
                let user = self.check_stored(id, bytes).await?;
                parameters.push(("max-size", size.to_string()));
                if user.is_some_and(|user| user.quota.objects().is_none()) {
                    // One that was set and is off would come into force with this.
                    parameters.push(("max-objects", "-1".to_owned()));
                }
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
    async fn check_stored(&self, id: &ObjectId, bytes: u64) -> Result<Option<User>, PlatformError> {
        let user = self.counted(id).await.map_err(unsent)?;
        let Some(user) = user else { return Ok(None) };
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
            return Ok(Some(user));
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
    pub(super) async fn shown(&self, id: &ObjectId) -> Result<Written, PlatformError> {
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

//! Users and buckets as the gateway lists them.

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Rgw,
    mapping::claim_of,
    reading,
    wire::{Bucket, Uids, User},
};
use crate::{
    Lane, PlatformError, ProblemKind,
    api::Kind,
    estate::{Object, ObjectId},
    wire::{Cursors, garbled, is_usable_id},
};

const GET_USER: &str = "GET /admin/user";
const LIST_USERS: &str = "GET /admin/metadata/user?max-entries";
/// Users in one page of the list.
const PAGE: &str = "1000";
/// Users that are read at the same time.
pub(super) const AT_ONCE: usize = 8;

impl Rgw {
    /// The uids of all users.
    pub(super) async fn uids(&self, lane: Lane) -> Result<Vec<String>, PlatformError> {
        let (mut uids, mut cursors) = (Vec::new(), Cursors::default());
        let mut marker: Option<String> = None;
        loop {
            let mut parameters = vec![("max-entries", PAGE)];
            parameters.extend(marker.as_deref().map(|marker| ("marker", marker)));
            let page: Uids = self
                .get(reading(LIST_USERS, lane), "metadata/user", &parameters)
                .await?;
            uids.extend(page.keys);
            let next = match page.truncated.as_str() {
                "false" => None,
                "true" => Some(page.marker.filter(|marker| !marker.is_empty())),
                _ => {
                    return Err(garbled(
                        LIST_USERS,
                        "doesn't say whether the list is complete",
                    ));
                }
            };
            let Some(next) = next else {
                return Ok(uids);
            };
            let next = next.ok_or_else(|| garbled(LIST_USERS, "more users, and no marker"))?;
            marker = cursors
                .next(Some(next))
                .map_err(|why| garbled(LIST_USERS, why))?;
        }
    }

    /// All users. One that is deleted while they are read isn't among them; one that can't be read says so by itself.
    pub(super) async fn users(&self) -> Result<Vec<Object>, PlatformError> {
        let uids = self.uids(Lane::Sweep).await?;
        let users: Vec<Vec<Object>> = stream::iter(uids)
            .map(|uid| self.swept(uid))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(users.into_iter().flatten().collect())
    }

    async fn swept(&self, uid: String) -> Result<Vec<Object>, PlatformError> {
        match self.user(&ObjectId::new(&uid), Lane::Sweep).await {
            Ok(user) => Ok(user.map_or_else(Vec::new, |user| self.objects(&user))),
            Err(PlatformError::Garbled(why)) => {
                let mut object = Object::unreadable(Kind::Customer, &uid, why.clone());
                object.claim = claim_of(&uid);
                Ok(vec![object, Object::unreadable(Kind::Tenant, &uid, why)])
            }
            Err(error) => Err(error),
        }
    }

    /// One user; `None` when the gateway says that there is none.
    pub(super) async fn user(
        &self,
        uid: &ObjectId,
        lane: Lane,
    ) -> Result<Option<User>, PlatformError> {
        if !is_usable_id(uid.as_str()) {
            return Ok(None);
        }
        let call = reading(GET_USER, lane);
        let answer = self.get(call, "user", &[("uid", uid.as_str())]).await;
        let user: User = match answer {
            Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {
                return Ok(None);
            }
            answer => answer?,
        };
        if user.uid() == uid.as_str() {
            Ok(Some(user))
        } else {
            Err(garbled(GET_USER, "the answer is about another user"))
        }
    }

    /// All buckets with their figures.
    pub(super) async fn buckets(&self) -> Result<Vec<Bucket>, PlatformError> {
        let call = reading("GET /admin/bucket?stats", Lane::Sweep);
        let buckets: Vec<Bucket> = self.get(call, "bucket", &[("stats", "true")]).await?;
        self.known.note_buckets(&buckets);
        Ok(buckets)
    }

    /// The names of one user's buckets.
    pub(super) async fn buckets_of(&self, uid: &ObjectId) -> Result<Vec<String>, PlatformError> {
        let call = reading("GET /admin/bucket?uid", Lane::Edit);
        let parameters = [("uid", uid.as_str())];
        let buckets: Vec<String> = self.get(call, "bucket", &parameters).await?;
        self.known.note_buckets_of(uid.as_str(), buckets.clone());
        Ok(buckets)
    }
}

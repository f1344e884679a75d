//! Users and buckets as the gateway lists them.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Rgw,
    figures::Figures,
    mapping::claim_of,
    reading,
    wire::{Bucket, Metadata, Uids, User, id_of_bucket},
};
use crate::{
    Lane, PlatformError, ProblemKind,
    api::Kind,
    estate::{Object, ObjectId},
    http::Call,
    wire::{Cursors, garbled, is_usable_id},
};

const GET_USER: &str = "GET /admin/user";
pub(super) const GET_METADATA: &str = "GET /admin/metadata/user";
const LIST_USERS: &str = "GET /admin/metadata/user?max-entries";
/// Users in one page of the list.
const PAGE: &str = "1000";
/// Users that are read at the same time.
pub(super) const AT_ONCE: usize = 8;
/// Users of one report whose figures may take too long.
const MOST_SILENT: usize = 3;

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

    /// All users, and which buckets they have where that can be seen. One that is deleted while they are read isn't among them; one
    /// that can't be read says so by itself.
    pub(super) async fn users(&self, with_buckets: bool) -> Result<Vec<Object>, PlatformError> {
        let uids = self.uids(Lane::Sweep).await?;
        self.known.forget_all_but(&uids, with_buckets);
        let users: Vec<Vec<Object>> = stream::iter(uids)
            .map(|uid| self.swept(uid, with_buckets))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(users.into_iter().flatten().collect())
    }

    async fn swept(&self, uid: String, with_buckets: bool) -> Result<Vec<Object>, PlatformError> {
        match self.seen(&uid, with_buckets).await {
            Ok(user) => Ok(user.map_or_else(Vec::new, |user| self.objects(&user))),
            Err(PlatformError::Garbled(why)) => {
                let mut object = Object::unreadable(Kind::Customer, &uid, why.clone());
                object.claim = claim_of(&uid);
                Ok(vec![object, Object::unreadable(Kind::Tenant, &uid, why)])
            }
            Err(error) => Err(error),
        }
    }

    /// A user that the list has, and its buckets. The gateway also says that there is no user where it couldn't read it; then its
    /// metadata is there.
    async fn seen(&self, uid: &str, with_buckets: bool) -> Result<Option<User>, PlatformError> {
        let id = ObjectId::new(uid);
        if with_buckets && is_usable_id(uid) {
            match self.buckets_of(&id, Lane::Sweep).await {
                Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {}
                listed => drop(listed?),
            }
        }
        let user = self.user(&id, Lane::Sweep).await?;
        if user.is_none() && is_usable_id(uid) && self.has_metadata(&id).await? {
            return Err(garbled(
                GET_USER,
                "says that there is no such user, and the gateway has its record",
            ));
        }
        Ok(user)
    }

    async fn has_metadata(&self, uid: &ObjectId) -> Result<bool, PlatformError> {
        let call = reading(GET_METADATA, Lane::Sweep);
        let parameters = [("key", uid.as_str())];
        let answer: Result<Metadata, _> = self.get(call, "metadata/user", &parameters).await;
        match answer {
            Err(PlatformError::Refused(problem)) if problem.kind == ProblemKind::NotFound => {
                Ok(false)
            }
            answer => answer.map(|_| true),
        }
    }

    /// One user; `None` when the gateway says that there is none.
    pub(super) async fn user(
        &self,
        uid: &ObjectId,
        lane: Lane,
    ) -> Result<Option<User>, PlatformError> {
        self.user_with(reading(GET_USER, lane), uid, &[]).await
    }

    async fn user_with(
        &self,
        call: Call,
        uid: &ObjectId,
        more: &[(&str, &str)],
    ) -> Result<Option<User>, PlatformError> {
        if !is_usable_id(uid.as_str()) {
            return Ok(None);
        }
        let parameters = [&[("uid", uid.as_str())], more].concat();
        let answer = self.get(call, "user", &parameters).await;
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

    /// The buckets of all users, with their figures: user by user, since one list of all is one answer, however long, and takes
    /// a look at each bucket.
    pub(super) async fn figures(&self) -> Result<Vec<Figures>, PlatformError> {
        let silent = AtomicUsize::new(0);
        let silent = &silent;
        stream::iter(self.uids(Lane::Sweep).await?)
            .map(|uid| async move {
                let uid = ObjectId::new(&uid);
                let untold = |uid, why: &PlatformError| Figures {
                    uid,
                    buckets: Vec::new(),
                    untold: Some(why.to_string()),
                };
                match self.figures_of(uid.clone()).await {
                    Err(error @ (PlatformError::Garbled(_) | PlatformError::Refused(_))) => {
                        Ok(untold(uid, &error))
                    }
                    // A user with very many buckets takes longer than there is time; a gateway that is away tells of nobody.
                    Err(error @ PlatformError::Unavailable(_))
                        if silent.fetch_add(1, Ordering::Relaxed) < MOST_SILENT =>
                    {
                        Ok(untold(uid, &error))
                    }
                    figures => figures,
                }
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn figures_of(&self, uid: ObjectId) -> Result<Figures, PlatformError> {
        let call = reading("GET /admin/bucket?uid&stats", Lane::Sweep);
        let parameters = [("stats", "true"), ("uid", uid.as_str())];
        let buckets: Vec<Bucket> = self.get(call, "bucket", &parameters).await?;
        let is_told = |id: &String| buckets.iter().any(|bucket| bucket.id() == *id);
        // The gateway leaves out a bucket that it can't look at.
        let mut untold = None;
        if !self.known.buckets_of(&uid).iter().all(is_told) {
            let listed = self.buckets_of(&uid, Lane::Sweep).await?;
            let missing = listed.into_iter().find(|id| !is_told(id));
            untold = missing.map(|id| format!("the gateway tells no figures of its bucket {id}"));
        }
        Ok(Figures {
            uid,
            buckets,
            untold,
        })
    }

    /// One user's buckets, by their names over all tenants.
    pub(super) async fn buckets_of(
        &self,
        uid: &ObjectId,
        lane: Lane,
    ) -> Result<Vec<String>, PlatformError> {
        let call = reading("GET /admin/bucket?uid", lane);
        let parameters = [("uid", uid.as_str())];
        let names: Vec<String> = self.get(call, "bucket", &parameters).await?;
        let full = |name: &String| id_of_bucket(uid.as_str(), name);
        let buckets: Vec<String> = names.iter().map(full).collect();
        self.known.note_buckets_of(uid.as_str(), buckets.clone());
        Ok(buckets)
    }

    /// A user and what it stores now. Its own sum lags behind until the gateway is told to count.
    pub(super) async fn counted(&self, uid: &ObjectId) -> Result<Option<User>, PlatformError> {
        let parameters = [("stats", "true"), ("sync", "true")];
        // It takes a look at each bucket.
        let call = Call {
            lists: true,
            ..reading(GET_USER, Lane::Edit)
        };
        self.user_with(call, uid, &parameters).await
    }
}

//! A user in our terms.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use holdfast_core::planner::secret_tag;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Rgw, figures::Figures, log::Log, wire::User};
use crate::{
    api::Kind,
    estate::{BACKUPS, Claim, Client, Facts, Object, ObjectId, Protection, Settings},
};

/// Settings of a customer that the gateway stores.
pub(super) const FIELDS: [&str; 7] = [
    "name",
    "active",
    "profile.email",
    LIMIT_STORAGE,
    LIMIT_CLIENTS,
    USERNAME,
    PASSWORD_TAG,
];
pub(super) const LIMIT_STORAGE: &str = "limits.storage";
pub(super) const LIMIT_CLIENTS: &str = "limits.clients";
pub(super) const USERNAME: &str = "webAccess.username";
pub(super) const PASSWORD_TAG: &str = "webAccess.passwordTag";
/// Stored too, where the spec of the platform names its placements.
pub(super) const LOCATION: &str = "storageLocation";
/// The product of every tenant here.
pub(super) const PRODUCT: &str = "ObjectStorage";
/// Where a tenant's backups are.
pub(super) const REGIONS: &str = "storageRegions";
/// For how long the figures of one report serve the next one.
const RECENT: Duration = Duration::from_secs(60);
/// Ids of buckets that are shown of a user.
const BUCKETS_SHOWN: usize = 50;
/// Letters of a claim after its prefix: 128 bits in Base32.
const CLAIM_LETTERS: usize = 26;

/// What is remembered between calls. Nothing in here decides anything that the gateway wouldn't say again.
#[derive(Default)]
pub(super) struct Known {
    state: Mutex<State>,
    log: Mutex<Log>,
    /// Of the last usage report, and when they were read.
    figures: Mutex<Option<(Instant, Vec<Figures>)>>,
}

#[derive(Default)]
struct State {
    /// Buckets by owner, as listed last; nothing where they can't be seen.
    buckets: Option<HashMap<String, Vec<String>>>,
    /// Secret keys that were declared, by user, with the tags of their resources.
    secrets: HashMap<String, (SecretString, String)>,
    /// The claims of resources whose users have another uid: adopted ones.
    claims: HashMap<String, Claim>,
    /// By user.
    rotations: HashMap<String, Rotation>,
}

/// A key that was added, and the only one that there was then: that one goes, and no other.
#[derive(Clone)]
pub(super) struct Rotation {
    pub(super) added: String,
    pub(super) replaced: Option<String>,
}

impl Known {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps figures for the report that follows.
    pub(super) fn note_figures(&self, figures: Vec<Figures>) {
        let mut kept = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((Instant::now(), figures));
    }

    /// The figures that were kept, if that was moments ago: once.
    pub(super) fn take_figures(&self) -> Option<Vec<Figures>> {
        let mut kept = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, figures) = kept.take()?;
        (at.elapsed() < RECENT).then_some(figures)
    }

    /// Forgets users that are gone, and all buckets where those can't be seen.
    pub(super) fn forget_all_but(&self, uids: &[String], with_buckets: bool) {
        let uids: HashSet<&String> = uids.iter().collect();
        let mut state = self.state();
        let mut buckets = state.buckets.take().unwrap_or_default();
        buckets.retain(|uid, _| uids.contains(uid));
        state.buckets = with_buckets.then_some(buckets);
        state.secrets.retain(|uid, _| uids.contains(uid));
    }

    /// The secret key of a user is that of a resource with this tag.
    pub(super) fn note_secret(&self, uid: &ObjectId, secret: &SecretString, tag: &str) {
        let uid = uid.as_str().to_owned();
        let noted = (secret.clone(), tag.to_owned());
        self.state().secrets.insert(uid, noted);
    }

    /// The tag of a secret key, if it is the one that was declared.
    fn tag_of(&self, uid: &str, secret: &str) -> Option<String> {
        let state = self.state();
        let (declared, tag) = state.secrets.get(uid)?;
        (declared.expose_secret() == secret).then(|| tag.clone())
    }

    /// All buckets, as clients of their owners.
    pub(super) fn clients(&self) -> Vec<Client> {
        let state = self.state();
        let of_each = state.buckets.iter().flatten().flat_map(|(uid, buckets)| {
            buckets.iter().map(|id| Client {
                id: ObjectId::new(id),
                customer_id: ObjectId::new(uid),
                etag: None,
            })
        });
        of_each.collect()
    }

    pub(super) fn buckets_of(&self, uid: &ObjectId) -> Vec<String> {
        self.seen_buckets_of(uid).unwrap_or_default()
    }

    /// A user's buckets; `None` where they can't be seen.
    fn seen_buckets_of(&self, uid: &ObjectId) -> Option<Vec<String>> {
        let state = self.state();
        let buckets = state.buckets.as_ref()?.get(uid.as_str());
        Some(buckets.cloned().unwrap_or_default())
    }

    pub(super) fn note_buckets_of(&self, uid: &str, buckets: Vec<String>) {
        let mut state = self.state();
        let all = state.buckets.get_or_insert_default();
        all.insert(uid.to_owned(), buckets);
    }

    pub(super) fn has_buckets(&self, uid: &ObjectId) -> bool {
        !self.buckets_of(uid).is_empty()
    }

    pub(super) fn note_rotation(&self, uid: &ObjectId, rotation: Rotation) {
        let uid = uid.as_str().to_owned();
        self.state().rotations.insert(uid, rotation);
    }

    /// The key that was replaced is gone.
    pub(super) fn end_rotation(&self, uid: &ObjectId) {
        if let Some(rotation) = self.state().rotations.get_mut(uid.as_str()) {
            rotation.replaced = None;
        }
    }

    /// The key that was added last, and the one that it replaces.
    pub(super) fn rotation(&self, uid: &ObjectId) -> Option<Rotation> {
        self.state().rotations.get(uid.as_str()).cloned()
    }

    pub(super) fn note_claim(&self, uid: &ObjectId, claim: &Claim) {
        let uid = uid.as_str().to_owned();
        self.state().claims.insert(uid, claim.clone());
    }
}

/// The claim that a uid is. Users of any other uid are nobody's until they are adopted by id.
pub(super) fn claim_of(uid: &str) -> Option<Claim> {
    let letters = uid.strip_prefix("hf-")?;
    let is_base32 = |letter: u8| matches!(letter, b'a'..=b'z' | b'2'..=b'7');
    (letters.len() == CLAIM_LETTERS && letters.bytes().all(is_base32)).then(|| Claim::new(uid))
}

/// A quota or a number of buckets as a limit; `None` without one.
pub(super) fn bucket_limit(max_buckets: i64) -> Option<u64> {
    match max_buckets {
        0 => None,
        // Below zero: none at all.
        number => Some(u64::try_from(number).unwrap_or(0)),
    }
}

impl Rgw {
    pub(super) fn object(&self, user: &User) -> Object {
        let uid = user.uid();
        let claim = claim_of(&uid);
        let buckets = self.known.seen_buckets_of(&ObjectId::new(&uid));
        let clients = buckets.as_ref().map(Vec::len);
        Object {
            kind: Kind::Customer,
            id: ObjectId::new(&uid),
            name: user.display_name.clone(),
            etag: None,
            protection: if self.is_the_gateways(user) {
                Protection::System
            } else {
                Protection::None
            },
            created_at: None,
            settings: self.settings(user, claim.as_ref()),
            facts: Facts {
                clients: clients.map(|number| u32::try_from(number).unwrap_or(u32::MAX)),
                client_ids: buckets.into_iter().flatten().take(BUCKETS_SHOWN).collect(),
                ..Facts::default()
            },
            claim,
            unreadable: None,
        }
    }

    /// The storage of a user, as the tenant that it is: a part of the user's own record.
    pub(super) fn facet(&self, user: &User) -> Object {
        let uid = user.uid();
        let mut settings = Settings::default();
        let mut set = |path: &str, value: Value| settings.set(Kind::Tenant, path, value);
        set("customerId", uid.as_str().into());
        set("product", PRODUCT.into());
        set(BACKUPS, user.may_store().into());
        if let Some(location) = self.location(&user.default_placement) {
            set(REGIONS, vec![location].into());
        }
        Object {
            kind: Kind::Tenant,
            claim: None,
            settings,
            facts: Facts {
                facet: true,
                ..Facts::default()
            },
            ..self.object(user)
        }
    }

    /// A user as a customer, and its storage as a tenant. The gateway's own users are nobody's customers, and have none.
    pub(super) fn objects(&self, user: &User) -> Vec<Object> {
        let customer = self.object(user);
        let facet = (customer.protection == Protection::None).then(|| self.facet(user));
        [Some(customer), facet].into_iter().flatten().collect()
    }

    /// Whether the user administers the gateway: nobody's customer.
    fn is_the_gateways(&self, user: &User) -> bool {
        !user.caps.is_empty() || user.is_privileged() || user.has_key(&self.access_key)
    }

    fn settings(&self, user: &User, claim: Option<&Claim>) -> Settings {
        let mut settings = Settings::default();
        let mut set = |path: &str, value: Value| settings.set(Kind::Customer, path, value);
        set("name", user.display_name.as_str().into());
        set("active", (user.suspended == 0).into());
        set("profile.email", user.email.as_str().into());
        if let Some(bytes) = user.quota.bytes() {
            set(LIMIT_STORAGE, bytes.into());
        }
        if let Some(number) = bucket_limit(user.max_buckets) {
            set(LIMIT_CLIENTS, number.into());
        }
        if let Some(location) = self.location(&user.default_placement) {
            set(LOCATION, location.into());
        }
        match user.keys().as_slice() {
            [] => {}
            [key] => {
                set(USERNAME, key.name.as_str().into());
                let uid = user.uid();
                let secret = key.secret.expose_secret();
                let adopted = || self.known.state().claims.get(&uid).cloned();
                let own = |claim| secret_tag(&self.owner_id, &claim, secret);
                // What is held may be declared by another resource than the one that the uid was made for.
                let declared = self.known.tag_of(&uid, secret);
                let tag = declared.or_else(|| claim.cloned().or_else(adopted).map(own));
                if let Some(tag) = tag {
                    set(PASSWORD_TAG, tag.into());
                }
            }
            several => {
                let names: Vec<&str> = several.iter().map(|key| key.name.as_str()).collect();
                set(USERNAME, names.join(", ").into());
            }
        }
        settings
    }

    /// What we call a placement.
    fn location<'a>(&'a self, placement: &'a str) -> Option<&'a str> {
        if placement.is_empty() {
            return None;
        }
        let named = self
            .regions
            .iter()
            .find(|region| region.placement == placement);
        Some(named.map_or(placement, |region| &region.id))
    }
}

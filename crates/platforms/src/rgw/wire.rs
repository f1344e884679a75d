//! What the gateway answers. Source: Ceph, Admin Operations API; and the answers of 16.2.15, which differ from it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

/// A user.
#[derive(Clone, Deserialize)]
pub(super) struct User {
    #[serde(rename = "user_id")]
    pub(super) id: String,
    #[serde(default)]
    pub(super) tenant: String,
    #[serde(default)]
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) email: String,
    pub(super) suspended: u8,
    pub(super) max_buckets: i64,
    /// Its own keys and those of its subusers.
    #[serde(default)]
    keys: Vec<Key>,
    #[serde(default)]
    pub(super) caps: Vec<Cap>,
    /// It speaks for another zone or a dashboard.
    #[serde(default)]
    system: Flag,
    /// It may read everybody's data.
    #[serde(default)]
    admin: Flag,
    #[serde(default)]
    pub(super) default_placement: String,
    /// What S3 operations are allowed: words among `read`, `write` and `delete`.
    pub(super) op_mask: String,
    #[serde(rename = "user_quota")]
    pub(super) quota: Quota,
    /// What it stores, where that was asked for.
    #[serde(default)]
    pub(super) stats: Option<Stored>,
}

impl User {
    /// The uid as requests name it.
    pub(super) fn uid(&self) -> String {
        if self.tenant.is_empty() || self.id.contains('$') {
            self.id.clone()
        } else {
            format!("{}${}", self.tenant, self.id)
        }
    }

    /// Its S3 keys, without those of its subusers.
    pub(super) fn keys(&self) -> Vec<&Key> {
        let uid = self.uid();
        let is_own = |key: &&Key| key.user.is_empty() || key.user == uid;
        self.keys.iter().filter(is_own).collect()
    }

    /// Whether this access key is its own or a subuser's.
    pub(super) fn has_key(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }

    /// Whether it serves the gateway itself, whatever its capabilities say.
    pub(super) fn is_privileged(&self) -> bool {
        self.system.0 || self.admin.0
    }

    /// Whether it may list everybody's buckets.
    pub(super) fn sees_all_data(&self) -> bool {
        self.admin.0
    }

    /// Whether its programs may store anything.
    pub(super) fn may_store(&self) -> bool {
        self.op_mask.split(',').any(|word| word.trim() == "write")
    }

    /// Whether a capability of this type has a permission.
    pub(super) fn may(&self, kind: &str, permission: &str) -> bool {
        let of_type = self.caps.iter().filter(|cap| cap.kind == kind);
        of_type
            .flat_map(|cap| cap.perm.split(','))
            .any(|perm| perm.trim() == "*" || perm.trim() == permission)
    }
}

/// A boolean, which is a word here: `"true"` or `"false"`.
#[derive(Clone, Copy, Default)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(flag) => Ok(Self(flag)),
            Value::String(word) if word == "true" => Ok(Self(true)),
            Value::String(word) if word == "false" => Ok(Self(false)),
            _ => Err(D::Error::custom("a flag that is neither true nor false")),
        }
    }
}

/// An S3 key.
#[derive(Clone, Deserialize)]
pub(super) struct Key {
    /// The uid, or `UID:SUBUSER`.
    #[serde(default)]
    user: String,
    #[serde(rename = "access_key")]
    pub(super) name: String,
    #[serde(rename = "secret_key", deserialize_with = "secret")]
    pub(super) secret: SecretString,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// A right of the Admin Operations API.
#[derive(Clone, Deserialize)]
pub(super) struct Cap {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) perm: String,
}

/// A quota.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Quota {
    pub(super) enabled: bool,
    pub(super) max_size: i64,
    /// Below zero: any number.
    #[serde(default = "any_number")]
    max_objects: i64,
}

fn any_number() -> i64 {
    -1
}

impl Quota {
    /// The most that may be stored; `None` without a limit.
    pub(super) fn bytes(self) -> Option<u64> {
        u64::try_from(self.max_size).ok().filter(|_| self.enabled)
    }

    /// The most objects; `None` without a limit. Holdfast sets none.
    pub(super) fn objects(self) -> Option<u64> {
        u64::try_from(self.max_objects)
            .ok()
            .filter(|_| self.enabled)
    }
}

/// A page of the users' ids.
#[derive(Deserialize)]
pub(super) struct Uids {
    pub(super) keys: Vec<String>,
    /// A word, not a boolean: `"true"` or `"false"`.
    pub(super) truncated: String,
    #[serde(default)]
    pub(super) marker: Option<String>,
}

/// A user's metadata: of interest is when it was made, which no other call tells two clusters apart by.
#[derive(Deserialize)]
pub(super) struct Metadata {
    pub(super) ver: Version,
}

/// The tag is drawn at creation and stays.
#[derive(Deserialize)]
pub(super) struct Version {
    pub(super) tag: String,
}

/// A bucket with its figures.
#[derive(Deserialize)]
pub(super) struct Bucket {
    #[serde(rename = "bucket")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) tenant: String,
    pub(super) owner: String,
    #[serde(default)]
    pub(super) creation_time: Option<Timestamp>,
    #[serde(default)]
    pub(super) usage: BTreeMap<String, Stored>,
}

impl Bucket {
    /// The bucket's name over all tenants.
    pub(super) fn id(&self) -> String {
        bucket_id(&self.tenant, &self.name)
    }

    /// What it counts for against its owner's quota.
    pub(super) fn bytes(&self) -> u64 {
        let sizes = self.usage.values().map(|stored| stored.size_actual);
        sizes.fold(0, u64::saturating_add)
    }
}

/// The name of a bucket over all tenants: they are spaces of names.
fn bucket_id(tenant: &str, name: &str) -> String {
    if tenant.is_empty() {
        name.to_owned()
    } else {
        format!("{tenant}/{name}")
    }
}

/// The name over all tenants of a bucket of this user.
pub(super) fn id_of_bucket(owner: &str, name: &str) -> String {
    let tenant = owner.split_once('$').map_or("", |(tenant, _)| tenant);
    bucket_id(tenant, name)
}

/// What a bucket holds of one category, or a user of all.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Stored {
    /// Rounded up to whole blocks of 4 KiB, as the quota counts.
    pub(super) size_actual: u64,
}

/// A part of the log of requests.
#[derive(Deserialize)]
pub(super) struct UsageLog {
    #[serde(default)]
    pub(super) entries: Vec<UsageOfUser>,
}

/// Requests to one user's buckets.
#[derive(Deserialize)]
pub(super) struct UsageOfUser {
    pub(super) user: String,
    #[serde(default)]
    pub(super) buckets: Vec<UsageOfBucket>,
}

/// Requests to one bucket within an hour.
#[derive(Deserialize)]
pub(super) struct UsageOfBucket {
    pub(super) bucket: String,
    /// When the hour began, in seconds since 1970.
    pub(super) epoch: i64,
    #[serde(default)]
    pub(super) categories: Vec<UsageOfCategory>,
}

/// Requests of one sort.
#[derive(Deserialize)]
pub(super) struct UsageOfCategory {
    pub(super) category: String,
    #[serde(default)]
    pub(super) successful_ops: u64,
}

/// A refusal.
#[derive(Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(rename = "Code", default)]
    pub(super) code: String,
}

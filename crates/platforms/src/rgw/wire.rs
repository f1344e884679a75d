//! What the gateway answers. Source: Ceph, Admin Operations API; and the answers of 16.2.15, which differ from it.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

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
    #[serde(default)]
    pub(super) keys: Vec<Key>,
    #[serde(default)]
    pub(super) caps: Vec<Cap>,
    #[serde(default)]
    pub(super) default_placement: String,
    /// What S3 operations are allowed: words among `read`, `write` and `delete`.
    pub(super) op_mask: String,
    #[serde(rename = "user_quota")]
    pub(super) quota: Quota,
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

/// An S3 key.
#[derive(Clone, Deserialize)]
pub(super) struct Key {
    pub(super) access_key: String,
    #[serde(deserialize_with = "secret")]
    pub(super) secret_key: SecretString,
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
    pub(super) usage: BTreeMap<String, Stored>,
}

impl Bucket {
    /// The bucket's name over all tenants.
    pub(super) fn id(&self) -> String {
        if self.tenant.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.tenant, self.name)
        }
    }

    /// Owner and name, as the log of requests tells buckets apart.
    pub(super) fn key(&self) -> (String, String) {
        (self.owner.clone(), self.name.clone())
    }

    /// What it counts for against its owner's quota.
    pub(super) fn bytes(&self) -> u64 {
        let sizes = self.usage.values().map(|stored| stored.size_actual);
        sizes.fold(0, u64::saturating_add)
    }
}

/// What a bucket holds of one category.
#[derive(Deserialize)]
pub(super) struct Stored {
    /// Rounded up to whole blocks of 4 KiB, as the quota counts.
    #[serde(default)]
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

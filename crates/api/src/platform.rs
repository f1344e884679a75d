//! `BackupPlatform`: one account on one backup platform, and its settings in Holdfast.

use kube::{CustomResource, KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::platform_status::{
    Account, AdministratorCounts, BackupPlatformStatus, BackupPlatformSummary, Capability,
    ItemKind, LicencePool, ObjectCounts, RemoteName, StorageLocation, UnmanagedObject,
    UnreadableItem,
};
use super::{
    closed_enum::closed_enum,
    schema,
    shared::{Adopt, Bandwidth, Branding, ConfigMapKeyRef, Management, RequiredLimit, SecretRef},
};

/// One account on one backup platform.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "holdfast.dev",
    version = "v1alpha1",
    kind = "BackupPlatform",
    plural = "backupplatforms",
    shortname = "bp",
    category = "holdfast",
    namespaced,
    status = "BackupPlatformStatus",
    derive = "Default",
    derive = "PartialEq",
    doc = "One account on one backup platform: the embedded one, one behind the bridge contract, Druva, Cove, or a Ceph Object Gateway. Customers, service plans and resellers refer to it. Deleting it touches nothing on the platform.",
    printcolumn(name = "Driver", type_ = "string", json_path = ".status.summary.driver", description = "Which of the five drivers is used."),
    printcolumn(name = "Account", type_ = "string", json_path = ".status.summary.account", description = "The account that the credentials open."),
    printcolumn(name = "Customers", type_ = "integer", json_path = ".status.objects.customers", description = "Customers on the platform."),
    printcolumn(name = "Tenants", type_ = "integer", json_path = ".status.objects.tenants", description = "Tenants on the platform."),
    printcolumn(name = "Reachable", type_ = "string", json_path = ".status.conditions[?(@.type==\"PlatformReachable\")].status", description = "Whether the platform answers."),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status", description = "Whether the platform can be used."),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Administrators", type_ = "integer", priority = 1, json_path = ".status.administrators.active", description = "Active administrators of the account."),
    printcolumn(name = "Unmanaged", type_ = "integer", priority = 1, json_path = ".status.objects.unmanaged", description = "Objects on the platform that no resource declares."),
    printcolumn(name = "Licences", type_ = "string", priority = 1, json_path = ".status.summary.freeLicences", description = "Licences left in the platform's pool."),
    validation = super::rules::name_fits_a_label()
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.embedded), has(self.bridge), has(self.druva), has(self.cove), has(self.rgw)].filter(driver, driver).size() == 1")
        .message("a platform is reached by exactly one driver: set one of embedded, bridge, druva, cove and rgw, and remove the others"),
    validation = Rule::new("!has(self.adopt) || self.adopt != 'ById'")
        .message("adopt: ById names one object by its id and can't hold for a whole platform: use Claimed or Matching here, and ById on the one resource")
        .field_path(".adopt"),
)]
pub struct BackupPlatformSpec {
    /// Key of the claims that mark what is ours on the platform: any text of at least 16 characters that nobody else uses,
    /// chosen once (`uuidgen`), the same in every cluster that takes over. Keep it with the manifests: a cluster that has it
    /// and the same names adopts everything again. Fixed once the account is known. Example:
    /// `5b0c1d7e-9f0a-4c55-8a6e-0d8f2f3b9a41`.
    #[schemars(length(min = 16, max = 128), regex(pattern = r"^[!-~]+$"))]
    pub owner_id: String,
    /// The backup platform inside the operator itself, kept in its data directory. Each such resource is an estate of its own,
    /// known by namespace and name, that outlives the resource. Write `embedded: {}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedSpec>,
    /// Any backup platform behind the bridge contract (`docs/bridge.openapi.yaml`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bridge: Option<BridgeSpec>,
    /// Druva Managed Services Center.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub druva: Option<DruvaSpec>,
    /// N-able Cove Data Protection, formerly SolarWinds Backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cove: Option<CoveSpec>,
    /// A Ceph Object Gateway, over its Admin Operations API: customers are its users, and their clients are buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rgw: Option<RgwSpec>,
    /// Key of a `ConfigMap` with PEM certificates trusted for the endpoint, instead of the public ones. Absent: the public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle_ref: Option<ConfigMapKeyRef>,
    /// How far the operator goes on this platform; the strictest of this and each resource's own wins. `Manage` (when absent):
    /// what differs is written. `Observe`: what differs is reported and nothing is ever written. `Paused`: nothing is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management: Option<Management>,
    /// Which objects already on the platform a resource may take as its own, for resources that don't say: `Claimed` (when
    /// absent), only what carries the resource's claim; `Matching`, also an unclaimed object of the same name and parent in
    /// which no managed field differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adopt: Option<Adopt>,
    /// Time between two looks at the whole platform, from `1s` to `24h`, as Go writes durations. When absent `5m`.
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')")
        .message("sweepInterval is out of range: write a duration from 1s to 24h such as 5m"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep_interval: Option<Duration>,
    /// Time between two readings of consumption and health, from `1s` to `168h`. Status is written at most this often for
    /// such figures. When absent `1h`.
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('168h')")
        .message("usageInterval is out of range: write a duration from 1s to 168h such as 1h"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_interval: Option<Duration>,
    /// How fast the platform is called; one budget per credential, shared by all that use it. When absent 5 a second and 10 at
    /// once for Druva and Cove, 50 and 100 for the bridge, 100 and 200 for a Ceph Object Gateway, no limit for the embedded platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// What slows deletions down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety: Option<Safety>,
    /// Limits that every customer on the platform must have: `storage`, `licences`, `clients`, `credits`. A customer without one
    /// is refused. It stays in the cluster. Absent: none are required here. Example: `[storage]`.
    #[schemars(length(max = 4), extend("x-kubernetes-list-type" = "set"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_limits: Option<Vec<RequiredLimit>>,
    /// Throttling of backup traffic for everyone on the platform who has no setting of their own. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// Branding for everyone on the platform who has none of their own. Absent: left as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branding: Option<Branding>,
}

/// The embedded platform has no settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmbeddedSpec {}

/// Where a platform behind the bridge contract is, and how to log in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct BridgeSpec {
    /// Base URL, to which `/v1/…` is added. Https, or http on the loopback addresses. Example: `https://bridge.example/`.
    #[schemars(length(max = 2048))]
    #[x_kube(validation = super::rules::endpoint_is_safe())]
    pub endpoint: String,
    /// Secret with the key `token`.
    pub credentials_ref: SecretRef,
}

/// How to log in to Druva Managed Services Center.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DruvaSpec {
    /// Base URL of the MSP API. Https, or http on the loopback addresses. When absent `https://apis.druva.com/`.
    #[schemars(length(max = 2048))]
    #[x_kube(validation = super::rules::endpoint_is_safe())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Secret with the keys `clientId` and `secretKey`, made in the console under Settings > API Credentials.
    pub credentials_ref: SecretRef,
}

/// How to log in to Cove, and below which customer to work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CoveSpec {
    /// URL of the JSON-RPC API. Https, or http on the loopback addresses. When absent `https://api.backup.management/jsonapi`.
    #[schemars(length(max = 2048))]
    #[x_kube(validation = super::rules::endpoint_is_safe())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Secret with the keys `partner`, `username` and `password` of an API user.
    pub credentials_ref: SecretRef,
    /// Name of the customer (partner) at the top of what we work on, exactly as Cove writes it; nothing above it is touched.
    /// Absent: the API user's own customer. Example: `Acme MSP (ops@acme.example)`.
    #[schemars(length(max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_partner: Option<String>,
    /// What becomes of a customer's or device's values in custom columns that its new place doesn't have. `Keep`: a move that
    /// would lose them is refused. `Drop`: they are lost, for good. Absent: as `Keep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_columns: Option<CustomColumns>,
}

closed_enum! {
    /// What becomes, in a move, of values that the new place has no columns for.
    CustomColumns {
        /// The move is refused.
        Keep,
        /// They are lost.
        Drop,
    }
}

/// Where a Ceph Object Gateway is, and how to log in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RgwSpec {
    /// Base URL, to which `/admin/…` is added. Https, or http on the loopback addresses. Example: `https://s3.example/`.
    #[schemars(length(max = 2048))]
    #[x_kube(validation = super::rules::endpoint_is_safe())]
    pub endpoint: String,
    /// Secret with the keys `accessKey` and `secretKey` of a user with the capabilities `users=*;buckets=read;metadata=read;usage=read`.
    pub credentials_ref: SecretRef,
    /// The places that customers can choose as `storageLocation`: the gateway's interface doesn't list its placements.
    /// Absent: every customer is in the gateway's default placement.
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"]))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<RgwRegion>>,
    /// Whether names and times below `snapshots/` of each bucket are listed, to tell when restic backed up last. The user of the
    /// credential needs the flag `admin` for that, which opens all customers' data to whoever has its keys. When absent `false`:
    /// only the hour of the last write is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub list_snapshots: Option<bool>,
}

/// A placement of a Ceph Object Gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RgwRegion {
    /// What customers write as `storageLocation`. Example: `de-1`.
    #[schemars(length(min = 1, max = 63))]
    pub id: String,
    /// The gateway's placement target. Example: `default-placement`.
    #[schemars(length(min = 1, max = 256))]
    pub placement: String,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RateLimit {
    /// Requests a second on average. Absent: the driver's own figure.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// Requests at once after a pause. Absent: the driver's own figure.
    #[schemars(range(min = 1, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

/// What slows deletions down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Safety {
    /// Most remote objects removed within any hour; the rest is held, with a reason. 0 holds every removal. When absent 10.
    #[schemars(range(min = 0, max = 10_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_deletions_per_hour: Option<u32>,
    /// Time between the decision to remove and the removal, up to `720h`, during which the remote object is suspended where
    /// that is possible. Setting `deletionPolicy: Retain` meanwhile reactivates and releases it. When absent `1h`; `0s`
    /// removes at once.
    #[schemars(schema_with = "schema::duration")]
    #[x_kube(validation = Rule::new("duration(self) <= duration('720h')")
        .message("deletionDelay is out of range: write a duration from 0s to 720h such as 1h"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_delay: Option<Duration>,
}

/// The driver that a platform's spec asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverSpec<'a> {
    /// The platform inside the operator.
    Embedded,
    /// A platform behind the bridge contract.
    Bridge(&'a BridgeSpec),
    /// Druva Managed Services Center.
    Druva(&'a DruvaSpec),
    /// N-able Cove Data Protection.
    Cove(&'a CoveSpec),
    /// A Ceph Object Gateway.
    Rgw(&'a RgwSpec),
}

impl<'a> DriverSpec<'a> {
    /// Where the platform's API is: as the spec says, or else where its vendor has it. The embedded platform has one place
    /// only. Sources: Druva `OpenAPI`, servers; N-able's API documentation.
    pub fn endpoint(&self) -> Option<&'a str> {
        match self {
            Self::Embedded => None,
            Self::Bridge(driver) => Some(&driver.endpoint),
            Self::Rgw(driver) => Some(&driver.endpoint),
            Self::Druva(driver) => {
                let endpoint = driver.endpoint.as_deref();
                Some(endpoint.unwrap_or("https://apis.druva.com/"))
            }
            Self::Cove(driver) => {
                let endpoint = driver.endpoint.as_deref();
                Some(endpoint.unwrap_or("https://api.backup.management/jsonapi"))
            }
        }
    }

    /// The driver's name: that of its field in the spec.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Bridge(_) => "bridge",
            Self::Druva(_) => "druva",
            Self::Cove(_) => "cove",
            Self::Rgw(_) => "rgw",
        }
    }

    /// The Secret with the credentials; the embedded platform needs none.
    pub const fn credentials(&self) -> Option<&SecretRef> {
        match self {
            Self::Embedded => None,
            Self::Bridge(driver) => Some(&driver.credentials_ref),
            Self::Druva(driver) => Some(&driver.credentials_ref),
            Self::Cove(driver) => Some(&driver.credentials_ref),
            Self::Rgw(driver) => Some(&driver.credentials_ref),
        }
    }
}

impl BackupPlatformSpec {
    /// The one driver that is set; nothing where none or several are, which the API server refuses.
    pub fn driver(&self) -> Option<DriverSpec<'_>> {
        let set = [
            self.embedded.as_ref().map(|_| DriverSpec::Embedded),
            self.bridge.as_ref().map(DriverSpec::Bridge),
            self.druva.as_ref().map(DriverSpec::Druva),
            self.cove.as_ref().map(DriverSpec::Cove),
            self.rgw.as_ref().map(DriverSpec::Rgw),
        ];
        let mut set = set.into_iter().flatten();
        set.next().filter(|_| set.next().is_none())
    }
}

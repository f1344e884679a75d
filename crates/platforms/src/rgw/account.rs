//! Which admin user the key belongs to, and what it may do.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Rgw,
    mapping::{FIELDS, LIMIT_STORAGE, LOCATION, REGIONS},
    reading,
    reads::GET_METADATA,
    wire::{Metadata, User},
};
use crate::{
    Lane, PlatformError, ProblemKind,
    api::{Kind, shared::Product},
    estate::{Account, BACKUPS, Capabilities, Capability, Creation, DELETE, StorageLocation},
};

impl Rgw {
    /// The admin user, and what its capabilities allow.
    ///
    /// # Errors
    /// An admin user that can't even read users.
    pub(super) async fn introduce(&self, lane: Lane) -> Result<Capabilities, PlatformError> {
        let by_key = [("access-key", self.access_key.as_str())];
        let admin: User = self
            .get(reading("GET /admin/user?access-key", lane), "user", &by_key)
            .await
            .map_err(|error| lacks(error, "UID", "users=read"))?;
        let uid = admin.uid();
        let metadata: Metadata = self
            .get(
                reading(GET_METADATA, lane),
                "metadata/user",
                &[("key", uid.as_str())],
            )
            .await
            .map_err(|error| lacks(error, &uid, "metadata=read"))?;
        Ok(self.capabilities(&admin, &uid, &metadata.ver.tag))
    }

    fn capabilities(&self, admin: &User, uid: &str, tag: &str) -> Capabilities {
        let mut verbs = BTreeSet::new();
        if admin.may("users", "write") {
            verbs.extend([
                Capability::CreateCustomer,
                Capability::UpdateCustomer,
                Capability::SuspendCustomer,
                Capability::SuspendKeepsData,
                // Found beside its customer, with whose user it was made.
                Capability::CreateTenant,
                Capability::UpdateTenant,
            ]);
        }
        let sees_buckets = admin.may("buckets", "read");
        // What would be deleted is known only where buckets are seen.
        if admin.may("users", "write") && sees_buckets {
            verbs.insert(Capability::DeleteCustomer);
        }
        if sees_buckets {
            verbs.insert(Capability::ReadUsage);
        }
        if sees_buckets && admin.may("usage", "read") {
            verbs.insert(Capability::ReadHealth);
        }
        let mut fields: BTreeSet<String> = FIELDS.map(str::to_owned).into();
        let mut of_tenants: BTreeSet<String> =
            ["customerId", "product", BACKUPS].map(str::to_owned).into();
        if !self.regions.is_empty() {
            fields.insert(LOCATION.to_owned());
            of_tenants.insert(REGIONS.to_owned());
        }
        let nothing = |kind| (kind, BTreeSet::new());
        Capabilities {
            verbs,
            fields: BTreeMap::from([
                nothing(Kind::Reseller),
                nothing(Kind::ServicePlan),
                (Kind::Customer, fields),
                (Kind::Tenant, of_tenants),
            ]),
            apart: BTreeMap::from([
                (
                    Kind::Customer,
                    [LIMIT_STORAGE, "webAccess"].map(str::to_owned).into(),
                ),
                // A region that is refused keeps no window open.
                (Kind::Tenant, [REGIONS].map(str::to_owned).into()),
            ]),
            creation: Kind::ALL
                .iter()
                .map(|kind| (*kind, creation(*kind)))
                .collect(),
            products: BTreeSet::from([Product::ObjectStorage]),
            console: console(),
            lacking: self.lacking(admin, uid),
            ..Capabilities::by_reference(Account {
                // Another cluster may have a user of this name; the tag is drawn when the user is made.
                id: format!("{uid}.{tag}"),
                name: admin.display_name.clone(),
            })
        }
    }

    /// What the admin user lacks, by what goes without it: each missing right is there at least once.
    fn lacking(&self, admin: &User, uid: &str) -> BTreeMap<Capability, String> {
        let (writes, buckets) = (("users", "write"), ("buckets", "read"));
        let needed = [
            (Capability::CreateCustomer, writes),
            (Capability::UpdateCustomer, writes),
            (Capability::SuspendCustomer, writes),
            (Capability::DeleteCustomer, buckets),
            (Capability::DeleteCustomer, writes),
            (Capability::CreateTenant, writes),
            (Capability::UpdateTenant, writes),
            (Capability::ReadUsage, buckets),
            (Capability::ReadHealth, buckets),
            (Capability::ReadHealth, ("usage", "read")),
        ];
        let missing = needed
            .into_iter()
            .filter(|(_, (kind, permission))| !admin.may(kind, permission));
        let mut lacking: BTreeMap<Capability, String> = missing
            .map(|(capability, (kind, permission))| {
                (capability, give(uid, &format!("{kind}={permission}")))
            })
            .collect();
        if self.list_snapshots && !admin.sees_all_data() {
            let flag = format!(
                "radosgw-admin user modify --uid='{uid}' --admin, which opens all customers' data, or remove rgw.listSnapshots"
            );
            lacking.entry(Capability::ReadHealth).or_insert(flag);
        }
        lacking
    }

    pub(super) fn locations(&self) -> Vec<StorageLocation> {
        let location = |region: &crate::api::platform::RgwRegion| StorageLocation {
            id: region.id.clone(),
            name: region.id.clone(),
            countries: Vec::new(),
            products: Vec::new(),
        };
        self.regions.iter().map(location).collect()
    }
}

/// The storage of a user has no room for a claim, and there is one of each.
fn creation(kind: Kind) -> Creation {
    match kind {
        Kind::Tenant => Creation::OneOfParent,
        _ => Creation::ByReference,
    }
}

/// Without this capability nothing works at all.
fn lacks(error: PlatformError, uid: &str, capability: &str) -> PlatformError {
    match error {
        PlatformError::Refused(problem) if problem.kind == ProblemKind::Other => {
            PlatformError::Unauthorised(format!(
                "{problem}; the admin user needs the capability {capability}: {}",
                give(uid, capability)
            ))
        }
        error => error,
    }
}

/// How a person gives the admin user a right.
fn give(uid: &str, right: &str) -> String {
    format!("radosgw-admin caps add --uid='{uid}' --caps='{right}'")
}

/// What the interface can't do, or Holdfast never does by it.
fn console() -> BTreeMap<Kind, BTreeMap<String, String>> {
    let page = |field: &str, step: &str| (field.to_owned(), step.to_owned());
    let customer = BTreeMap::from([
        page(
            "clients.ids",
            "its backups can't be restored while it moves: radosgw-admin bucket chown --bucket={client} --uid={customer}, until that has ended",
        ),
        page(DELETE, "radosgw-admin user rm --uid={customer}"),
        page(
            "bandwidth",
            "rate limits, from Ceph 17 on: radosgw-admin ratelimit set --ratelimit-scope=user",
        ),
    ]);
    BTreeMap::from([(Kind::Customer, customer)])
}

//! Consumption and health of every customer. What Cove doesn't say is absent, never zero.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Cove, fleet::Fleet, partner::Level, tree::Tree};
use crate::{
    Lane, PlatformError,
    estate::{
        Consumption, DataSource, DataSources, HealthReport, ItemKind, ObjectId, Unread, Unreadable,
        UsageReport,
    },
};

fn id(number: i64) -> ObjectId {
    ObjectId::new(&number.to_string())
}

/// What is wrong with the figures as a whole.
fn unread(fleet: &Fleet, kind: ItemKind) -> Unread {
    let mut unread = Unread::default();
    let mut note = |id: Option<String>, why: String| unread.note(Unreadable { kind, id, why });
    for lost in &fleet.lost {
        note(lost.id.clone(), lost.why.clone());
    }
    for device in fleet.devices.iter().filter(|device| device.is_odd) {
        note(
            Some(device.id.to_string()),
            "its settings can't be read".to_owned(),
        );
    }
    for column in &fleet.silent {
        let why = format!(
            "no device has column {column}: the code may be wrong, or the API user may not read it"
        );
        note(None, why);
    }
    unread
}

/// Devices that are with no customer, which is said: they are in nobody's figures.
fn with_strays(mut unread: Unread, tree: &Tree, fleet: &Fleet, kind: ItemKind) -> Unread {
    let mut strays: BTreeMap<i64, usize> = BTreeMap::new();
    for device in &fleet.devices {
        let place = tree.customer_of(device.partner);
        if !tree.is_customer(place) && !tree.is_anothers(place) {
            *strays.entry(place).or_default() += 1;
        }
    }
    for (place, count) in strays {
        let partner = tree.get(place).map(|(partner, _)| partner);
        let whose = partner.map_or_else(
            || format!("partner {place}"),
            |partner| {
                let level = partner.level.as_deref().unwrap_or("partner");
                format!("{level} {place} ({})", partner.name())
            },
        );
        unread.note(Unreadable {
            kind,
            id: Some(place.to_string()),
            why: format!(
                "devices directly at {whose}, {count} in number, are in no customer's figures: move them to a customer at the console"
            ),
        });
    }
    unread
}

/// Sources that are active and of which nothing is known: they are left out, which is said.
fn with_unasked(mut unread: Unread, fleet: &Fleet) -> Unread {
    for source in &fleet.unasked {
        unread.note(Unreadable {
            kind: ItemKind::HealthRow,
            id: None,
            why: format!(
                "data source {source} is active on devices, and its columns aren't known or may not be read"
            ),
        });
    }
    unread
}

impl Cove {
    /// What each customer stores. Cove has no credits; its months aren't told, so they come from what was seen.
    pub(super) async fn consumption(&self) -> Result<UsageReport, PlatformError> {
        let (tree, fleet) = self.assigned().await?;
        let kind = ItemKind::UsageRow;
        let mut unreadable = with_strays(unread(&fleet, kind), &tree, &fleet, kind);
        // A customer without devices stores nothing.
        let mut stored: BTreeMap<i64, u64> = customers(&tree).map(|id| (id, 0)).collect();
        let mut unknown: BTreeSet<i64> = BTreeSet::new();
        for device in &fleet.devices {
            let customer = tree.customer_of(device.partner);
            if tree.is_anothers(customer) || !tree.is_customer(customer) {
                continue;
            }
            if let Some(used) = device.used {
                let sum = stored.entry(customer).or_default();
                *sum = sum.saturating_add(used);
            } else {
                unknown.insert(customer);
                if device.is_odd {
                    continue;
                }
                unreadable.note(Unreadable {
                    kind: ItemKind::UsageRow,
                    id: Some(device.id.to_string()),
                    why: "the device's used storage (I14) is missing".to_owned(),
                });
            }
        }
        // Whose device can't be read isn't known.
        let is_known = |customer: &i64| fleet.lost.is_empty() && !unknown.contains(customer);
        let rows = stored
            .into_iter()
            .filter(|(customer, _)| is_known(customer));
        Ok(UsageReport {
            as_of: jiff::Timestamp::now(),
            rows: rows
                .map(|(customer, bytes)| Consumption {
                    customer_id: id(customer),
                    tenant_id: None,
                    storage_bytes: bytes,
                    credits: None,
                    months: Vec::new(),
                })
                .collect(),
            unreadable,
        })
    }

    /// The tree and the figures of all devices. A device at a partner that is newer than the tree would be missing at its customer,
    /// so the tree is listed again then; what even that doesn't have isn't below the top, or is a row that can't be read.
    async fn assigned(&self) -> Result<(Arc<Tree>, Arc<Fleet>), PlatformError> {
        let top = self.root(Lane::Sweep).await?.id;
        let mut tree = self.known_tree(Lane::Sweep).await?;
        let fleet = self.fleet(&tree).await?;
        let mut partners = fleet.devices.iter().map(|device| device.partner);
        if partners.any(|partner| partner != top && tree.get(partner).is_none()) {
            tree = self.tree(Lane::Sweep).await?;
        }
        Ok((tree, fleet))
    }

    /// The state of each active data source. Cove doesn't count jobs, restores or alerts.
    pub(super) async fn source_health(&self) -> Result<HealthReport, PlatformError> {
        let kind = ItemKind::HealthRow;
        let (tree, fleet) = self.assigned().await?;
        let mut sources: BTreeMap<i64, Vec<DataSource>> = BTreeMap::new();
        for device in &fleet.devices {
            let customer = tree.customer_of(device.partner);
            if tree.is_anothers(customer) || !tree.is_customer(customer) {
                continue;
            }
            let name = device.name.clone();
            let name = name.unwrap_or_else(|| format!("device {}", device.id));
            let of_device = device.sources.iter().map(|source| DataSource {
                name: name.clone(),
                organisation: None,
                workload: Some(source.workload.to_owned()),
                policy: None,
                last_status: source.status.map(str::to_owned),
                last_job_id: None,
                last_run_at: source.last_run,
                last_success_at: source.last_success,
                last_success_job_id: None,
                last_restore_at: None,
                last_write_at: None,
                writes_only: false,
                jobs: None,
            });
            sources.entry(customer).or_default().extend(of_device);
        }
        Ok(HealthReport {
            as_of: jiff::Timestamp::now(),
            rows: sources
                .into_iter()
                .map(|(customer, data_sources)| DataSources {
                    customer_id: id(customer),
                    tenant_id: None,
                    jobs: None,
                    restores: None,
                    restores_since: None,
                    alerts: None,
                    data_sources,
                })
                .collect(),
            unreadable: with_unasked(
                with_strays(unread(&fleet, kind), &tree, &fleet, kind),
                &fleet,
            ),
        })
    }
}

/// Customers of ours.
fn customers(tree: &Tree) -> impl Iterator<Item = i64> {
    let partners = tree.rows.iter().map(|(partner, _)| partner);
    partners
        .filter(|partner| partner.level() == Level::Customer)
        .map(|partner| partner.id)
        .filter(|id| !tree.is_anothers(*id))
}

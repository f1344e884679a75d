//! One platform as far as it is known: the terms it is used under, its inventory, its last reports.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use kube::ResourceExt;

use super::{AccountKey, Origin};
use crate::{
    api::{
        BackupPlatform,
        bounds::ID_LENGTH,
        names,
        shared::{Adopt, Bandwidth, Branding, Management, RequiredLimit},
    },
    estate::{Consumption, DataSources, HealthReport, ObjectId, Snapshot, Unread, UsageReport},
    inventory::{Changes, Inventory, Surroundings, Ticket},
    planner::{PlatformFacts, Safety},
};

/// Time between sweeps where the spec says nothing.
const SWEEP_INTERVAL: Duration = Duration::from_secs(300);
/// `safety.maxDeletionsPerHour` when the spec doesn't say.
const MAX_DELETIONS_PER_HOUR: u32 = 10;
/// `safety.deletionDelay` when the spec doesn't say.
const DELETION_DELAY: Duration = Duration::from_secs(3600);
/// Time between reports where the spec says nothing.
const USAGE_INTERVAL: Duration = Duration::from_secs(3600);
/// Names a `BackupPlatform`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlatformKey {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for PlatformKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

impl PlatformKey {
    /// The key of a `BackupPlatform`.
    pub fn of(platform: &BackupPlatform) -> Self {
        Self {
            namespace: platform.namespace().unwrap_or_default(),
            name: platform.name_any(),
        }
    }
}

/// What of a `BackupPlatform`'s spec matters to the resources on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Key of every claim.
    pub owner_id: String,
    /// How much Holdfast may do.
    pub management: Management,
    /// What may be adopted.
    pub adopt: Adopt,
    /// Time between sweeps.
    pub sweep_interval: std::time::Duration,
    /// Time between reports.
    pub usage_interval: std::time::Duration,
    /// What delays deletions.
    pub safety: Safety,
    /// Throttling at the top of what is inherited.
    pub bandwidth: Option<Bandwidth>,
    /// Branding at the top of what is inherited.
    pub branding: Option<Branding>,
    /// Limits that every customer must have.
    pub required: Vec<RequiredLimit>,
    /// The account that may be written to; `None` until one was seen.
    pub account: Option<String>,
}

impl Terms {
    /// What a `BackupPlatform` states, with our defaults for what it leaves out.
    pub fn of(platform: &BackupPlatform) -> Self {
        let spec = &platform.spec;
        let safety = spec.safety.as_ref();
        let confirmed = platform
            .annotations()
            .get(names::CONFIRM_ACCOUNT_ANNOTATION)
            .cloned();
        let noted = platform
            .status
            .as_ref()
            .and_then(|status| status.account.as_ref())
            .map(|account| account.id.clone());
        Self {
            owner_id: spec.owner_id.clone(),
            management: spec.management.unwrap_or(Management::Manage),
            adopt: spec.adopt.unwrap_or(Adopt::Claimed),
            sweep_interval: spec.sweep_interval.map_or(SWEEP_INTERVAL, Into::into),
            usage_interval: spec.usage_interval.map_or(USAGE_INTERVAL, Into::into),
            safety: Safety {
                max_deletions_per_hour: safety
                    .and_then(|safety| safety.max_deletions_per_hour)
                    .unwrap_or(MAX_DELETIONS_PER_HOUR),
                deletion_delay: safety
                    .and_then(|safety| safety.deletion_delay)
                    .map_or(DELETION_DELAY, Into::into),
            },
            bandwidth: spec.bandwidth.clone(),
            branding: spec.branding.clone(),
            required: spec.require_limits.clone().unwrap_or_default(),
            account: confirmed.or(noted),
        }
    }
}

/// The last bulk reports, by customer and tenant.
#[derive(Debug, Default)]
pub struct Reports {
    /// When the platform's figures are from.
    pub usage_as_of: Option<jiff::Timestamp>,
    /// Consumption by customer (tenant `None`) and tenant.
    pub usage: HashMap<(ObjectId, Option<ObjectId>), Arc<Consumption>>,
    /// When the platform's figures are from.
    pub health_as_of: Option<jiff::Timestamp>,
    /// The last day before it on which there were others, as far as this process saw.
    pub health_seen: Option<jiff::civil::Date>,
    /// Health by customer and tenant.
    pub health: HashMap<ObjectId, Vec<Arc<DataSources>>>,
    /// Rows that can't be read: of consumption, and of health.
    pub unread: [Unread; 2],
}

impl Reports {
    /// What of both reports can't be read.
    pub fn unreadable(&self) -> Unread {
        let mut unread = Unread::default();
        self.unread.iter().for_each(|some| unread.add(some.clone()));
        unread
    }

    /// Stores a health report. Returns whether it says anything new: a service level also depends on when it was made.
    pub fn note_health(&mut self, report: HealthReport) -> bool {
        let mut health: HashMap<_, Vec<_>> = HashMap::new();
        for row in report.rows {
            health
                .entry(row.customer_id.clone())
                .or_default()
                .push(Arc::new(row));
        }
        self.unread[1] = report.unreadable;
        let as_of = self.health_as_of.replace(report.as_of);
        let day = |at: jiff::Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date();
        let earlier = as_of
            .map(day)
            .filter(|earlier| *earlier < day(report.as_of));
        self.health_seen = earlier.or(self.health_seen);
        let before = std::mem::replace(&mut self.health, health);
        as_of != self.health_as_of || before != self.health
    }

    /// Stores a usage report. Returns whether it says anything new.
    pub fn note_usage(&mut self, report: UsageReport) -> bool {
        let key = |row: &Consumption| (row.customer_id.clone(), row.tenant_id.clone());
        let rows = report.rows.into_iter();
        let usage = rows.map(|row| (key(&row), Arc::new(row))).collect();
        self.unread[0] = report.unreadable;
        let is_first = self.usage_as_of.replace(report.as_of).is_none();
        let before = std::mem::replace(&mut self.usage, usage);
        is_first || before != self.usage
    }
}

/// One platform as far as it is known.
pub struct PlatformView {
    /// Which `BackupPlatform` it is.
    pub key: PlatformKey,
    origin: Origin,
    account: RwLock<Option<AccountKey>>,
    terms: RwLock<Terms>,
    inventory: RwLock<Inventory>,
    /// `None` until all resources and claimants on the platform are known: nothing is decided before.
    facts: RwLock<Option<Arc<PlatformFacts>>>,
    reports: RwLock<Reports>,
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl PlatformView {
    /// A platform that hasn't been observed yet.
    pub fn new(key: PlatformKey, origin: Origin, terms: Terms) -> Self {
        Self {
            key,
            origin,
            account: RwLock::default(),
            terms: RwLock::new(terms),
            inventory: RwLock::default(),
            facts: RwLock::default(),
            reports: RwLock::default(),
        }
    }

    /// The terms in effect.
    pub fn terms(&self) -> Terms {
        read(&self.terms).clone()
    }

    /// Puts new terms in effect; true when they differ.
    pub fn set_terms(&self, terms: Terms) -> bool {
        let changed = *read(&self.terms) != terms;
        if changed {
            *write(&self.terms) = terms;
            if self.facts().is_some() {
                self.refresh_facts();
            }
        }
        changed
    }

    /// The inventory, to look things up.
    pub fn inventory(&self) -> RwLockReadGuard<'_, Inventory> {
        read(&self.inventory)
    }

    /// The inventory, to record what was seen or written.
    pub fn inventory_mut(&self) -> RwLockWriteGuard<'_, Inventory> {
        write(&self.inventory)
    }

    /// The last reports.
    pub fn reports(&self) -> RwLockReadGuard<'_, Reports> {
        read(&self.reports)
    }

    /// Replaces the reports.
    pub fn set_reports<News>(&self, change: impl FnOnce(&mut Reports) -> News) -> News {
        change(&mut write(&self.reports))
    }

    /// What resources need to know, once the platform is open: completely observed, and all resources on it known.
    pub fn facts(&self) -> Option<Arc<PlatformFacts>> {
        read(&self.facts).clone()
    }

    /// The account that was observed last.
    pub fn account(&self) -> Option<AccountKey> {
        read(&self.account).clone()
    }

    /// Records a complete observation. A change of account closes the platform.
    pub fn install(&self, sweep: Ticket, observation: Snapshot, clients: bool) -> Changes {
        let account = AccountKey {
            origin: self.origin.clone(),
            id: observation.capabilities.account.id.clone(),
        };
        if self.account().is_some_and(|known| known != account) {
            self.close();
        }
        let changes = self.inventory_mut().install(sweep, observation, clients);
        *write(&self.account) = Some(account);
        changes
    }

    /// Nothing is decided on the platform until it is opened again.
    fn close(&self) {
        *write(&self.facts) = None;
    }

    /// Recomputes the facts from terms and inventory. The first time it opens the platform, see [`super::Survey::open`].
    pub fn refresh_facts(&self) {
        let terms = self.terms();
        let facts = self
            .inventory()
            .surroundings()
            .map(|surroundings| Arc::new(facts(&self.key, terms, surroundings)));
        *write(&self.facts) = facts;
    }

    /// The credential belongs to another account than the one that was confirmed.
    pub fn account_mismatch(&self) -> Option<String> {
        let facts = self.facts()?;
        let seen = &facts.capabilities.account;
        if seen.id.chars().count() > ID_LENGTH {
            return Some(format!(
                "the account id behind BackupPlatform {} has more than {ID_LENGTH} characters and can't be recorded, so a change of account would go unnoticed. Nothing is written. Ask the platform's support for a shorter id.",
                self.key.name
            ));
        }
        let expected = self.terms().account?;
        (seen.id != expected).then(|| {
            format!(
                "the credential of BackupPlatform {} opens account {:?} ({}), not {expected:?}. Nothing is written. Correct the Secret; or, if the change is intended, annotate the BackupPlatform with holdfast.dev/confirm-account={}.",
                self.key.name, seen.name, seen.id, seen.id
            )
        })
    }
}

/// What resources on a platform need to know of it.
pub fn facts(key: &PlatformKey, terms: Terms, surroundings: &Surroundings) -> PlatformFacts {
    PlatformFacts {
        name: key.name.clone(),
        owner_id: terms.owner_id,
        management: terms.management,
        adopt: terms.adopt,
        capabilities: surroundings.capabilities.clone(),
        locations: surroundings.locations.clone(),
        safety: terms.safety,
    }
}

//! The operator's metrics, in the words of its documentation. No label is unbounded, except the customer's own figures.

mod register;
mod tally;
#[cfg(test)]
mod tests;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

pub use tally::Tally;

use crate::api::Kind;

/// Seconds, from a loopback call to the longest sweep.
const SECONDS: [f64; 12] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0,
];

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($label:ident),+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
            #[allow(missing_docs, reason = "labels are named by what they hold")]
            pub struct $name { $(pub $label: String),+ }
        )+
    };
}

labels! {
    /// One kind of request to one platform, and how it ended.
    RequestLabels { platform, operation, outcome }
    /// One platform.
    PlatformLabels { platform }
    /// One step on one kind.
    StepLabels { kind, step }
    /// One rule on one kind.
    RuleLabels { kind, rule }
    /// One kind, and why passes over it didn't finish.
    UnfinishedLabels { kind, reason }
    /// One kind.
    KindLabels { kind }
    /// Objects of one kind on one platform: `managed` or `unmanaged`.
    ObjectLabels { platform, kind, state }
    /// One condition type and status of one kind, on one platform.
    ConditionLabels { kind, r#type, status, platform }
    /// The Lease of one account.
    LeaseLabels { lease }
    /// One customer.
    CustomerLabels { platform, namespace, customer }
    /// One reseller.
    ResellerLabels { platform, namespace, reseller }
    /// One customer's data sources that meet or miss their objective.
    ObjectiveLabels { platform, namespace, customer, objective }
}

type Seconds<Labels> = Family<Labels, Histogram, fn() -> Histogram>;
type Amount<Labels> = Family<Labels, Gauge<f64, AtomicU64>>;
type Count<Labels> = Family<Labels, Gauge<i64, AtomicI64>>;

fn seconds<Labels: Clone + std::hash::Hash + Eq>() -> Seconds<Labels> {
    Family::new_with_constructor(|| Histogram::new(SECONDS))
}

/// Every metric, and the registry that prints them.
pub struct Metrics {
    registry: Registry,
    /// The series of requests that there are, by platform.
    requested: Mutex<HashMap<String, HashSet<RequestLabels>>>,
    /// Requests to platforms.
    pub platform_requests: Family<RequestLabels, Counter>,
    /// How long requests to platforms take.
    pub platform_request_seconds: Seconds<PlatformLabels>,
    /// How long sweeps take.
    pub sweep_seconds: Seconds<PlatformLabels>,
    /// How old the last complete sweep is.
    pub sweep_age_seconds: Amount<PlatformLabels>,
    /// Steps taken.
    pub steps: Family<StepLabels, Counter>,
    /// Refusals by rule, each counted when it is reported.
    pub refusals: Family<RuleLabels, Counter>,
    /// Values that came back after our writes.
    pub drift_returns: Family<KindLabels, Counter>,
    /// Passes that didn't finish.
    pub unfinished_passes: Family<UnfinishedLabels, Counter>,
    /// How long passes take.
    pub reconcile_seconds: Seconds<KindLabels>,
    /// Objects on platforms.
    pub objects: Count<ObjectLabels>,
    /// Resources by condition.
    pub conditions: Tally,
    /// Status writes.
    pub status_writes: Family<KindLabels, Counter>,
    /// 1 where this process is the writer.
    pub leader: Count<PlatformLabels>,
    /// 1 where this process holds the Lease.
    pub lease: Count<LeaseLabels>,
    /// Times that the days of a month couldn't be kept for invoices.
    pub invoice_write_failures: Family<PlatformLabels, Counter>,
    /// Bytes stored by a customer.
    pub customer_storage_bytes: Amount<CustomerLabels>,
    /// A customer's storage limit, in bytes.
    pub customer_storage_limit_bytes: Amount<CustomerLabels>,
    /// Credits consumed by a customer in 90 days.
    pub customer_credits: Amount<CustomerLabels>,
    /// When a customer's storage or credit limit is used up, in seconds since 1970.
    pub customer_limit_exhausted: Amount<CustomerLabels>,
    /// The share of a customer's data sources that kept their service level in the current month, day by day.
    pub customer_attainment: Amount<CustomerLabels>,
    /// Bytes stored by all customers below a reseller.
    pub reseller_storage_bytes: Amount<ResellerLabels>,
    /// Storage allotted to a reseller, in bytes.
    pub reseller_storage_allotted_bytes: Amount<ResellerLabels>,
    /// Credits consumed by all customers below a reseller in 90 days.
    pub reseller_credits: Amount<ResellerLabels>,
    /// Credits allotted to a reseller.
    pub reseller_credits_allotted: Amount<ResellerLabels>,
    /// When a reseller's allotment of storage or credits is used up, in seconds since 1970.
    pub reseller_allotment_exhausted: Amount<ResellerLabels>,
    /// A customer's data sources by objective.
    pub customer_data_sources: Count<ObjectiveLabels>,
    /// A customer's data sources without a successful backup within their recovery point objective.
    pub customer_late_data_sources: Count<CustomerLabels>,
    /// Licences in a platform's pool.
    pub licences: Count<PlatformLabels>,
    /// Licences in a platform's pool that nobody holds.
    pub licences_free: Count<PlatformLabels>,
}

impl Metrics {
    /// A registry with every metric, at zero.
    pub fn new() -> Arc<Self> {
        let mut metrics = Self {
            registry: Registry::with_prefix("holdfast"),
            requested: Mutex::default(),
            platform_requests: Family::default(),
            platform_request_seconds: seconds(),
            sweep_seconds: seconds(),
            sweep_age_seconds: Family::default(),
            steps: Family::default(),
            refusals: Family::default(),
            drift_returns: Family::default(),
            unfinished_passes: Family::default(),
            reconcile_seconds: seconds(),
            objects: Family::default(),
            conditions: Tally::default(),
            status_writes: Family::default(),
            leader: Family::default(),
            lease: Family::default(),
            invoice_write_failures: Family::default(),
            customer_storage_bytes: Family::default(),
            customer_storage_limit_bytes: Family::default(),
            customer_credits: Family::default(),
            customer_limit_exhausted: Family::default(),
            customer_attainment: Family::default(),
            reseller_storage_bytes: Family::default(),
            reseller_storage_allotted_bytes: Family::default(),
            reseller_credits: Family::default(),
            reseller_credits_allotted: Family::default(),
            reseller_allotment_exhausted: Family::default(),
            customer_data_sources: Family::default(),
            customer_late_data_sources: Family::default(),
            licences: Family::default(),
            licences_free: Family::default(),
        };
        metrics.register();
        Arc::new(metrics)
    }

    /// The text exposition, as Prometheus scrapes it.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Removes every series that is made of status: they are created anew for each page.
    pub fn forget_figures(&self) {
        self.lease.clear();
        self.customer_limit_exhausted.clear();
        self.customer_attainment.clear();
        self.reseller_storage_bytes.clear();
        self.reseller_storage_allotted_bytes.clear();
        self.reseller_credits.clear();
        self.reseller_credits_allotted.clear();
        self.reseller_allotment_exhausted.clear();
        self.customer_storage_bytes.clear();
        self.customer_storage_limit_bytes.clear();
        self.customer_credits.clear();
        self.customer_data_sources.clear();
        self.customer_late_data_sources.clear();
        self.licences.clear();
        self.licences_free.clear();
    }

    /// Drops the gauges of a platform that another process reconciles now.
    pub fn drop_gauges(&self, platform: &str) {
        let labels = PlatformLabels {
            platform: platform.into(),
        };
        self.sweep_age_seconds.remove(&labels);
        for kind in Kind::ALL {
            for state in ["managed", "unmanaged"] {
                self.objects.remove(&ObjectLabels {
                    platform: platform.into(),
                    kind: kind.as_str().into(),
                    state: state.into(),
                });
            }
        }
    }

    /// Drops every series of a platform that is gone.
    pub fn forget_platform(&self, platform: &str) {
        self.drop_gauges(platform);
        let labels = PlatformLabels {
            platform: platform.into(),
        };
        self.platform_request_seconds.remove(&labels);
        self.sweep_seconds.remove(&labels);
        self.leader.remove(&labels);
        let mut requested = self
            .requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for labels in requested.remove(platform).into_iter().flatten() {
            self.platform_requests.remove(&labels);
        }
    }

    /// Notes a finished request to a platform.
    pub fn request(&self, platform: &str, operation: &str, outcome: &str, duration: Duration) {
        let labels = RequestLabels {
            platform: platform.into(),
            operation: operation.into(),
            outcome: outcome.into(),
        };
        self.platform_requests.get_or_create(&labels).inc();
        let mut requested = self
            .requested
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = requested.entry(platform.to_owned()).or_default();
        known.insert(labels);
        drop(requested);
        self.platform_request_seconds
            .get_or_create(&PlatformLabels {
                platform: platform.into(),
            })
            .observe(duration.as_secs_f64());
    }
}

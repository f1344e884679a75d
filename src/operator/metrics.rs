//! The operator's metrics, in the words of its documentation. No label is unbounded, except the customer's own figures.

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
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

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
    /// One condition type and status of one kind.
    ConditionLabels { kind, r#type, status }
    /// One customer.
    CustomerLabels { platform, namespace, customer }
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
    pub conditions: Count<ConditionLabels>,
    /// Status writes.
    pub status_writes: Family<KindLabels, Counter>,
    /// 1 where this process is the writer.
    pub leader: Count<PlatformLabels>,
    /// Times that the days of a month couldn't be kept for invoices.
    pub invoice_write_failures: Family<PlatformLabels, Counter>,
    /// Bytes stored by a customer.
    pub customer_storage_bytes: Amount<CustomerLabels>,
    /// A customer's storage limit, in bytes.
    pub customer_storage_limit_bytes: Amount<CustomerLabels>,
    /// Credits consumed by a customer in 90 days.
    pub customer_credits: Amount<CustomerLabels>,
    /// A customer's data sources by objective.
    pub customer_data_sources: Count<ObjectiveLabels>,
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
            conditions: Family::default(),
            status_writes: Family::default(),
            leader: Family::default(),
            invoice_write_failures: Family::default(),
            customer_storage_bytes: Family::default(),
            customer_storage_limit_bytes: Family::default(),
            customer_credits: Family::default(),
            customer_data_sources: Family::default(),
        };
        metrics.register();
        Arc::new(metrics)
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "platform_requests",
            "Requests to backup platforms by operation and outcome",
            self.platform_requests.clone(),
        );
        registry.register_with_unit(
            "platform_request",
            "Duration of requests to backup platforms",
            Unit::Seconds,
            self.platform_request_seconds.clone(),
        );
        registry.register_with_unit(
            "sweep",
            "Duration of sweeps",
            Unit::Seconds,
            self.sweep_seconds.clone(),
        );
        registry.register_with_unit(
            "sweep_age",
            "Age of the last complete sweep",
            Unit::Seconds,
            self.sweep_age_seconds.clone(),
        );
        registry.register("steps", "Steps taken by kind", self.steps.clone());
        registry.register("refusals", "Refusals by rule", self.refusals.clone());
        registry.register(
            "drift_returns",
            "Values that differed again within a day after they were written",
            self.drift_returns.clone(),
        );
        registry.register(
            "unfinished_passes",
            "Reconciliations that didn't finish, by cause",
            self.unfinished_passes.clone(),
        );
        registry.register_with_unit(
            "reconcile",
            "Duration of reconciliations of one object",
            Unit::Seconds,
            self.reconcile_seconds.clone(),
        );
        registry.register(
            "objects",
            "Objects on the platform, managed or not",
            self.objects.clone(),
        );
        registry.register(
            "condition",
            "Resources by condition type and status",
            self.conditions.clone(),
        );
        registry.register(
            "status_writes",
            "Writes of status to the API server",
            self.status_writes.clone(),
        );
        registry.register(
            "leader",
            "1 where this process is the account's leader",
            self.leader.clone(),
        );
        registry.register(
            "invoice_write_failures",
            "Times that the days of a month could not be kept for invoices",
            self.invoice_write_failures.clone(),
        );
        registry.register_with_unit(
            "customer_storage",
            "Storage in use by a customer",
            Unit::Bytes,
            self.customer_storage_bytes.clone(),
        );
        registry.register_with_unit(
            "customer_storage_limit",
            "Storage limit of a customer",
            Unit::Bytes,
            self.customer_storage_limit_bytes.clone(),
        );
        registry.register(
            "customer_credits",
            "Credits consumed by a customer in the last 90 days",
            self.customer_credits.clone(),
        );
        registry.register(
            "customer_data_sources",
            "Data sources of a customer that met or missed their objective",
            self.customer_data_sources.clone(),
        );
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running version", build);
    }

    /// The text exposition, as Prometheus scrapes it.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// Removes every customer's series: they are created anew for each page.
    pub fn forget_customers(&self) {
        self.customer_storage_bytes.clear();
        self.customer_storage_limit_bytes.clear();
        self.customer_credits.clear();
        self.customer_data_sources.clear();
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// One series of each family; without any a family isn't on the page.
    fn one_of_each(metrics: &Metrics) {
        let text = String::new;
        let platform = PlatformLabels { platform: text() };
        let kind = KindLabels { kind: text() };
        let customer = CustomerLabels {
            platform: text(),
            namespace: text(),
            customer: text(),
        };
        metrics.request("", "", "", Duration::ZERO);
        drop(metrics.sweep_seconds.get_or_create(&platform));
        drop(metrics.sweep_age_seconds.get_or_create(&platform));
        drop(metrics.leader.get_or_create(&platform));
        drop(metrics.invoice_write_failures.get_or_create(&platform));
        drop(metrics.steps.get_or_create(&StepLabels {
            kind: text(),
            step: text(),
        }));
        drop(metrics.refusals.get_or_create(&RuleLabels {
            kind: text(),
            rule: text(),
        }));
        drop(metrics.unfinished_passes.get_or_create(&UnfinishedLabels {
            kind: text(),
            reason: text(),
        }));
        drop(metrics.drift_returns.get_or_create(&kind));
        drop(metrics.reconcile_seconds.get_or_create(&kind));
        drop(metrics.status_writes.get_or_create(&kind));
        drop(metrics.objects.get_or_create(&ObjectLabels {
            platform: text(),
            kind: text(),
            state: text(),
        }));
        drop(metrics.conditions.get_or_create(&ConditionLabels {
            kind: text(),
            r#type: text(),
            status: text(),
        }));
        drop(metrics.customer_storage_bytes.get_or_create(&customer));
        drop(
            metrics
                .customer_storage_limit_bytes
                .get_or_create(&customer),
        );
        drop(metrics.customer_credits.get_or_create(&customer));
        drop(
            metrics
                .customer_data_sources
                .get_or_create(&ObjectiveLabels {
                    platform: text(),
                    namespace: text(),
                    customer: text(),
                    objective: text(),
                }),
        );
    }

    // Alerts and dashboards are held against this list, which is what the page has.
    #[test]
    fn the_list_of_metrics_is_what_the_page_has() {
        let metrics = Metrics::new();
        one_of_each(&metrics);
        let page = metrics.render().expect("text");
        let mut series: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once('{').expect("labels");
            let labels = rest.split_once('}').expect("an end").0.split(',');
            let names = labels.filter_map(|label| label.split('=').next());
            series.entry(name).or_default().extend(names);
        }
        let lines = series.iter().map(|(name, labels)| {
            let labels: Vec<&str> = labels.iter().copied().collect();
            format!("{name} {}\n", labels.join(" "))
        });
        let listed = lines.collect::<String>();
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/manifests/monitoring/metrics.txt"
        );
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &listed).expect("written");
        }
        let kept = std::fs::read_to_string(path).expect("the list");
        assert_eq!(kept, listed, "UPDATE=1 cargo test --lib writes it");
        let families = page.lines().filter(|line| line.starts_with("# TYPE"));
        assert_eq!(families.count(), 19, "a family has no series in this test");
    }
}

//! The name of each metric on the page, and what it says there.

use prometheus_client::{metrics::info::Info, registry::Unit};

use super::Metrics;

impl Metrics {
    /// Puts every metric on the page.
    pub(super) fn register(&mut self) {
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
            self.conditions.counts.clone(),
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
            "lease",
            "1 where this process holds the Lease of an account",
            self.lease.clone(),
        );
        registry.register(
            "invoice_write_failures",
            "Times that the days of a month could not be kept for invoices",
            self.invoice_write_failures.clone(),
        );
        registry.register(
            "licences",
            "Licences in the pool of a platform",
            self.licences.clone(),
        );
        registry.register(
            "licences_free",
            "Licences in the pool of a platform that nobody holds",
            self.licences_free.clone(),
        );
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The running version", build);
        self.register_customers();
        self.register_resellers();
    }

    fn register_customers(&mut self) {
        let registry = &mut self.registry;
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
        registry.register(
            "customer_data_sources_without_recent_backup",
            "Data sources of a customer without a successful backup within their recovery point objective",
            self.customer_late_data_sources.clone(),
        );
        registry.register_with_unit(
            "customer_limit_exhausted_timestamp",
            "When a customer's storage or credit limit is used up at the present rate",
            Unit::Seconds,
            self.customer_limit_exhausted.clone(),
        );
        registry.register(
            "customer_attainment_ratio",
            "Share of a customer's data sources that kept their service level this month, each counted once a day",
            self.customer_attainment.clone(),
        );
    }

    fn register_resellers(&mut self) {
        let registry = &mut self.registry;
        registry.register_with_unit(
            "reseller_storage",
            "Storage in use by all customers below a reseller",
            Unit::Bytes,
            self.reseller_storage_bytes.clone(),
        );
        registry.register_with_unit(
            "reseller_storage_allotted",
            "Storage allotted to a reseller",
            Unit::Bytes,
            self.reseller_storage_allotted_bytes.clone(),
        );
        registry.register(
            "reseller_credits",
            "Credits consumed by all customers below a reseller in the last 90 days",
            self.reseller_credits.clone(),
        );
        registry.register(
            "reseller_credits_allotted",
            "Credits allotted to a reseller",
            self.reseller_credits_allotted.clone(),
        );
        registry.register_with_unit(
            "reseller_allotment_exhausted_timestamp",
            "When a reseller's storage or credits allotted are used up at the present rate",
            Unit::Seconds,
            self.reseller_allotment_exhausted.clone(),
        );
    }
}

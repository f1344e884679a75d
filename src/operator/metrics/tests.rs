//! Every metric is on the page, and in the list that alerts and dashboards are held against.

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
    drop(metrics.licences.get_or_create(&platform));
    drop(metrics.licences_free.get_or_create(&platform));
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
    drop(metrics.conditions.counts.get_or_create(&ConditionLabels {
        kind: text(),
        r#type: text(),
        status: text(),
        platform: text(),
    }));
    drop(metrics.lease.get_or_create(&LeaseLabels { lease: text() }));
    drop(metrics.customer_storage_bytes.get_or_create(&customer));
    drop(
        metrics
            .customer_storage_limit_bytes
            .get_or_create(&customer),
    );
    drop(metrics.customer_credits.get_or_create(&customer));
    drop(metrics.customer_limit_exhausted.get_or_create(&customer));
    drop(metrics.customer_attainment.get_or_create(&customer));
    drop(metrics.customer_late_data_sources.get_or_create(&customer));
    let reseller = ResellerLabels {
        platform: text(),
        namespace: text(),
        reseller: text(),
    };
    for family in [
        &metrics.reseller_storage_bytes,
        &metrics.reseller_storage_allotted_bytes,
        &metrics.reseller_credits,
        &metrics.reseller_credits_allotted,
        &metrics.reseller_allotment_exhausted,
    ] {
        drop(family.get_or_create(&reseller));
    }
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
    assert_eq!(families.count(), 30, "a family has no series in this test");
}

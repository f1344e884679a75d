//! Labels by which `kubectl get -l` filters. Serves R-D7, R-D21.

use std::collections::BTreeMap;

use super::Around;
use crate::{
    api::{Kind, names},
    estate::Object,
};

/// Longest label value, and longest name after the prefix.
const LONGEST: usize = 63;

/// Labels of one set.
const LARGEST_SET: usize = 64;

/// The labels of a resource that follow from its remote object and what surrounds it.
pub fn labels(
    kind: Kind,
    platform: &str,
    object: &Object,
    around: &Around,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([(
        names::PROTECTION_LABEL.to_owned(),
        object.protection.as_str().to_owned(),
    )]);
    if is_label(platform) {
        labels.insert(names::PLATFORM_LABEL.to_owned(), platform.to_owned());
    }
    if kind == Kind::Customer
        && let Some(reseller) = around.parent.as_deref().filter(|name| is_label(name))
    {
        labels.insert(names::RESELLER_LABEL.to_owned(), reseller.to_owned());
    }
    match kind {
        Kind::Customer => {
            for tenant in &around.children {
                subscription(&mut labels, tenant, around);
            }
        }
        Kind::Tenant => subscription(&mut labels, object, around),
        Kind::ServicePlan => plan(&mut labels, object),
        Kind::Reseller => {}
    }
    labels
}

/// The labels that are written, and how many are left out: a platform with unlimited regions would make an unlimited object.
pub fn fitting(labels: &BTreeMap<String, String>) -> (BTreeMap<String, String>, usize) {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut kept = labels.clone();
    kept.retain(|name, _| {
        let set = labels
            .get_key_value(name)
            .and_then(|(name, _)| name.split_once('/'));
        let size = sizes.entry(set.map_or("", |(set, _)| set)).or_default();
        *size += 1;
        *size <= LARGEST_SET
    });
    let left_out = labels.len() - kept.len();
    (kept, left_out)
}

/// One tenant's product, plan, type, regions, edition and workloads.
fn subscription(labels: &mut BTreeMap<String, String>, tenant: &Object, around: &Around) {
    let settings = &tenant.settings;
    mark(
        labels,
        names::PRODUCT_LABEL_PREFIX,
        settings.text("product"),
    );
    mark(labels, names::TYPE_LABEL_PREFIX, settings.text("type"));
    mark(
        labels,
        names::PLAN_LABEL_PREFIX,
        around.plan_of(tenant).map(|plan| plan.name.as_str()),
    );
    mark(
        labels,
        names::EDITION_LABEL_PREFIX,
        tenant.facts.edition.as_deref(),
    );
    for region in members(settings.get("storageRegions"), None) {
        mark(labels, names::REGION_LABEL_PREFIX, Some(region));
    }
    for workload in members(settings.get("workloads"), Some("name")) {
        mark(labels, names::WORKLOAD_LABEL_PREFIX, Some(workload));
    }
}

/// A plan's products, editions and workloads.
fn plan(labels: &mut BTreeMap<String, String>, plan: &Object) {
    let products = plan
        .settings
        .get("products")
        .and_then(serde_json::Value::as_array);
    for product in products.into_iter().flatten() {
        mark(
            labels,
            names::PRODUCT_LABEL_PREFIX,
            product.get("product").and_then(serde_json::Value::as_str),
        );
        mark(
            labels,
            names::EDITION_LABEL_PREFIX,
            product.get("edition").and_then(serde_json::Value::as_str),
        );
        for workload in members(product.get("workloads"), None) {
            mark(labels, names::WORKLOAD_LABEL_PREFIX, Some(workload));
        }
    }
}

fn members<'a>(
    list: Option<&'a serde_json::Value>,
    member: Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let items = list
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten();
    items.filter_map(move |item| {
        member
            .map_or(Some(item), |member| item.get(member))
            .and_then(serde_json::Value::as_str)
    })
}

fn mark(labels: &mut BTreeMap<String, String>, prefix: &str, name: Option<&str>) {
    if let Some(name) = name.filter(|name| is_label(name)) {
        labels.insert(format!("{prefix}{name}"), String::new());
    }
}

/// Whether Kubernetes takes the text as a label's value and as a name after a prefix; what it doesn't take is left out.
fn is_label(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= LONGEST
        && edge(text.chars().next())
        && edge(text.chars().last())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

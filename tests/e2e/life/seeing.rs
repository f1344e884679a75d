//! What a person sees with kubectl.

use super::estate::settled;
use holdfast_testkit::operator::{Stage, customer, eventually};

// R-D7, R-D8, R-D10, R-D14, R-D21: what kubectl shows and filters by.
#[tokio::test(flavor = "multi_thread")]
async fn kubectl_shows_full_columns_and_filters_by_labels_and_fields() {
    let (stage, console) = settled("columns", "").await;
    stage.apply(&customer("coho", "msp", ""));
    stage.await_ready(&["customer/coho"]).await;
    stage.sweep("msp");
    eventually("usage is in the columns", || async {
        let row = stage.show(&["get", "customer/fabrikam", "--no-headers"]);
        row.contains("gold") && row.contains("1Ti") && row.contains('%')
    })
    .await;
    eventually("the tenant's use is in its columns", || async {
        !stage.show(&["get", "tnt", "--no-headers"]).contains(" - ")
    })
    .await;
    columns(&stage);
    filters(&stage);

    // Labels go when what they say ends: I2 for metadata.
    stage.show(&["delete", "tenant/fabrikam-hybrid", "--timeout=60s"]);
    let tenant = console
        .list("tenants")
        .await
        .into_iter()
        .find(|item| item["name"].to_string().contains("Fabrikam"));
    let id = tenant.expect("released, not deleted")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    console
        .call(
            reqwest::Method::DELETE,
            &format!("/v1/tenants/{id}?mode=purge"),
            None,
        )
        .await;
    stage.sweep("msp");
    eventually("the label goes with the tenant", || async {
        found(&stage, &["cust", "-l", "plan.holdfast.dev/gold"]).is_empty()
    })
    .await;
}

/// Names that a filter finds.
fn found(stage: &Stage, arguments: &[&str]) -> String {
    let all = [&["get", "-o", "name"], arguments].concat();
    let names = stage.show(&all);
    names
        .trim()
        .replace(".holdfast.dev/", "/")
        .replace('\n', " ")
}

/// R-D7, R-D21: by label and by field.
fn filters(stage: &Stage) {
    let fabrikam = "customer/fabrikam";
    for label in [
        "plan.holdfast.dev/gold",
        "product.holdfast.dev/HybridWorkloads",
        "region.holdfast.dev/eu-central-1",
        "type.holdfast.dev/Evaluation",
        "edition.holdfast.dev/Enterprise",
        "workload.holdfast.dev/NAS",
        "holdfast.dev/reseller=northwind",
    ] {
        assert_eq!(found(stage, &["cust", "-l", label]), fabrikam, "{label}");
    }
    for label in [
        "product.holdfast.dev/HybridWorkloads",
        "edition.holdfast.dev/Enterprise",
        "workload.holdfast.dev/NAS",
    ] {
        assert_eq!(
            found(stage, &["splan", "-l", label]),
            "serviceplan/gold",
            "{label}"
        );
    }
    assert_eq!(
        found(stage, &["splan", "-l", "edition.holdfast.dev/Elite"]),
        ""
    );
    assert_eq!(
        found(stage, &["cust", "-l", "holdfast.dev/platform=msp"]),
        "customer/coho customer/fabrikam"
    );
    assert_eq!(
        found(stage, &["cust", "-l", "!plan.holdfast.dev/gold"]),
        "customer/coho"
    );
    for (kind, selector, wanted) in [
        (
            "tnt",
            "spec.customerRef.name=fabrikam,spec.product=HybridWorkloads",
            "tenant/fabrikam-hybrid",
        ),
        ("tnt", "spec.servicePlanRef.name=silver", ""),
        (
            "cust",
            "spec.resellerRef.name=northwind,status.protection=None",
            fabrikam,
        ),
        ("cust", "spec.platformRef.name=msp", "customer/coho"),
        ("splan", "spec.platformRef.name=msp", "serviceplan/gold"),
    ] {
        assert_eq!(
            found(stage, &[kind, "--field-selector", selector]),
            wanted,
            "{selector}"
        );
    }
}

/// R-D10: the columns, full of words for a person.
fn columns(stage: &Stage) {
    for wide in [&["get", "holdfast"][..], &["get", "holdfast", "-o", "wide"]] {
        let table = stage.show(wide);
        for ugly in ["<none>", "[", "]", "map", "{"] {
            assert!(!table.contains(ugly), "{ugly:?} in\n{table}");
        }
        for kind in [
            "backupplatform",
            "reseller",
            "serviceplan",
            "customer",
            "tenant",
        ] {
            assert!(
                table.contains(&format!("{kind}.holdfast.dev/")),
                "{kind} in\n{table}"
            );
        }
    }
    let headers = |kind: &str| {
        let table = stage.show(&["get", kind]);
        table
            .lines()
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        headers("cust"),
        "NAME CUSTOMER RESELLER PLAN PRODUCT STORAGE LIMIT USED% READY AGE"
    );
    assert_eq!(
        headers("tnt"),
        "NAME CUSTOMER PRODUCT PLAN TYPE STATE QUOTA USED READY AGE"
    );
    assert_eq!(
        headers("rsl"),
        "NAME LEVEL ALLOTTED GRANTED FREE CUSTOMERS READY AGE"
    );
    assert_eq!(headers("splan"), "NAME PLAN EDITIONS TENANTS READY AGE");
    assert_eq!(
        headers("bp"),
        "NAME DRIVER ACCOUNT CUSTOMERS TENANTS REACHABLE READY AGE"
    );
}

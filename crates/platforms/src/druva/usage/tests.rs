use super::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn a_tenant_that_is_no_longer_told_of_has_nothing_stored() {
    let stored = BTreeMap::from([(day("2026-11-01"), 7), (day("2026-11-02"), 9)]);
    assert_eq!(now(&stored, Some(day("2026-11-05"))), 9);
    assert_eq!(now(&stored, Some(day("2026-11-06"))), 0);
    assert_eq!(now(&stored, Some(day("2027-01-02"))), 0);
    assert_eq!(now(&BTreeMap::new(), Some(day("2026-11-05"))), 0);
}

#[test]
fn a_report_begins_at_midnight() {
    let now = "2026-11-25T08:00:00Z".parse().unwrap();
    assert_eq!(since(90, now), "2026-08-27T00:00:00.000Z");
    assert_eq!(as_of(None, now).to_string(), "2026-11-23T08:00:00Z");
}

#[test]
fn less_than_none_is_none() {
    assert_eq!((bytes(-3.0), bytes(2.6), bytes(f64::NAN)), (0, 3, 0));
}

#[test]
fn credits_that_are_not_itemised_count_where_nothing_is() {
    let mut gathered = Gathered::default();
    let row = json!({"customerGlobalId": "c-1", "tenantId": "t-1", "date": "2026-11-02T00:00:00.000Z", "productModuleId": 1,
        "usageUnit": "Bytes", "usageAmount": 7, "cuConsumed": 1.5});
    gathered.add(serde_json::from_value(row).unwrap());
    let all = |tenant: &str, credits: f64| (("c-1".to_owned(), tenant.to_owned()), credits);
    assert!(!gathered.complete(BTreeMap::from([all("t-1", 90.0)])));
    assert!(gathered.complete(BTreeMap::from([all("t-1", 90.0), all("t-2", 4.0)])));
    let rows = gathered.rows();
    let figures: Vec<_> = rows
        .iter()
        .map(|row| {
            let tenant = row.tenant_id.as_ref().map(ObjectId::as_str);
            (tenant, row.storage_bytes, row.credits, row.months.len())
        })
        .collect();
    let wanted = [
        (Some("t-1"), 7, Some(1.5), 1),
        (Some("t-2"), 0, Some(4.0), 0),
        (None, 7, Some(5.5), 1),
    ];
    assert_eq!(figures, wanted);
}

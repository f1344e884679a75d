use super::*;

#[test]
fn every_hundredth_of_a_terabyte_comes_back_as_it_went() {
    let some = (1..=MOST_HUNDREDTHS).step_by(9_973);
    for hundredths in (1..2_000).chain(some).chain([MOST_HUNDREDTHS]) {
        let size = u64::from(hundredths) * HUNDREDTH;
        let quota = terabytes(size).unwrap();
        assert_eq!(bytes(quota), size);
        let sent = figure(quota).to_string();
        assert_eq!(sent.parse::<f64>(), Ok(quota), "{sent}");
        assert!(sent.len() <= "999999.99".len(), "{sent}");
    }
}

#[test]
fn what_is_no_hundredth_is_shown_as_it_is_and_never_sent() {
    for (quota, size) in [
        (0.012_345, 12_345_000_000),
        (5.505, 5_505_000_000_000),
        (0.000_000_000_001, 0),
    ] {
        assert_eq!(bytes(quota), size);
        assert!(terabytes(size).is_err());
    }
    for (size, next) in [
        (0, "`0.01T`"),
        (10_000_000_001, "`0.02T`"),
        (5 << 40, "`5.5T`"),
        (5_500_000_000_001, "`5.51T`"),
        (4_999_999_999_999, "`5T`"),
        (999_999_980_000_000_001, "`999999.99T`"),
    ] {
        let remedy = terabytes(size).unwrap_err().remedy.unwrap();
        assert!(remedy.ends_with(&format!("above is {next}")), "{remedy}");
    }
    assert!(terabytes(999_999_990_000_000_001).is_err());
}

#[test]
fn only_our_parameters_are_limits() {
    let quota = |product: i64, module: i64, unit: &str, limit: f64| Quota {
        product_id: Some(product),
        product_module_id: Some(module),
        consumption_parameter: Some("frontend source storage".to_owned()),
        limit: Some(limit),
        unit: Some(unit.to_owned()),
        increment_settings: None,
    };
    let storage = |quota| limits(&[quota])["storage"].clone();
    assert_eq!(
        storage(quota(1, 1, "TB", 1.0)),
        json!(1_000_000_000_000_u64)
    );
    for other in [
        quota(2, 2, "TB", 1.0),
        quota(1, 2, "TB", 1.0),
        quota(1, 1, "GB", 1.0),
        quota(1, 1, "TB", -1.0),
        quota(1, 1, "TB", 1e9),
    ] {
        assert_eq!(storage(other), Value::Null);
    }
}

#[test]
fn a_limit_that_grows_by_itself_goes_on_growing() {
    let growing = QuotaIncrementsShown {
        increment_by: Some(1.0),
        frequency: Some(1),
        increment_till: Some(crate::api::Instant::new("2027-01-01T00:00:00Z")),
        skip_next_increment: None,
    };
    let held = [Quota {
        product_id: Some(1),
        product_module_id: Some(1),
        consumption_parameter: Some(STORAGE.name.to_owned()),
        limit: Some(5.0),
        unit: Some("TB".to_owned()),
        increment_settings: Some(growing.clone()),
    }];
    let document = json!({"limits": {"storage": 6_000_000_000_000_u64}});
    let changes = changes(document.as_object().unwrap()).unwrap();
    let next = changed(&held, &changes);
    assert_eq!(next.len(), 1);
    assert_eq!(
        (next[0].limit, next[0].increment_settings.as_ref()),
        (Some(6.0), Some(&growing))
    );
    assert_eq!(changed(&next, &changes), next);
}

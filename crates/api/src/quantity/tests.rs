//! What quantities amount to, and that writing and reading are each other's inverse.

use proptest::prelude::*;

use super::*;

#[test]
fn sizes_are_read_exactly() {
    for (text, bytes) in [
        ("0", 0),
        ("1073741824", 1 << 30),
        ("500Gi", 500 << 30),
        ("1.5Ti", 3 << 39),
        ("20T", 20_000_000_000_000),
        ("0.001k", 1),
        ("1.2Ki", 1229),
        ("7Pi", 7 << 50),
    ] {
        assert_eq!(Size::new(text).bytes(), Ok(bytes), "{text}");
    }
}

#[test]
fn the_other_units_are_read_exactly() {
    assert_eq!(Rate::new("20M").bits_per_second(), Ok(20_000_000));
    assert_eq!(Rate::new("1.5Mi").bits_per_second(), Ok(1_572_864));
    assert_eq!(Credits::new("12.5").milli(), Ok(12_500));
    assert_eq!(Credits::new("41500m").milli(), Ok(41_500));
    assert_eq!(Credits::new("1k").milli(), Ok(1_000_000));
    assert_eq!(Count::new("25").count(), Ok(25));
    assert_eq!(Count::new("1.5k").count(), Ok(1500));
    assert_eq!(Percent::new("99.5").milli(), Ok(99_500));
}

#[test]
fn what_is_no_quantity_is_refused_with_its_reason() {
    let malformed = [
        "-1", "1 Gi", "Gi", "1.Gi", ".5Gi", "1e3", "1gi", "500GB", "1.2345Gi", "1m", "१",
    ];
    for text in malformed {
        let error = Size::new(text).bytes().unwrap_err();
        assert!(
            matches!(error, QuantityError::Malformed { .. }),
            "{text}: {error}"
        );
    }
    assert!(matches!(
        Size::new("").bytes(),
        Err(QuantityError::Empty { .. })
    ));
    assert!(matches!(
        Size::new("0.5").bytes(),
        Err(QuantityError::TooFine { .. })
    ));
    assert!(matches!(
        Size::new("8Pi").bytes(),
        Err(QuantityError::TooLarge { .. })
    ));
    assert!(matches!(
        Count::new("1.0005k").count(),
        Err(QuantityError::Malformed { .. })
    ));
    assert!(matches!(
        Percent::new("100.001").milli(),
        Err(QuantityError::TooLarge { .. })
    ));
    assert!(matches!(
        Credits::new("0.5m").milli(),
        Err(QuantityError::TooFine { .. })
    ));
}

#[test]
fn people_read_three_digits() {
    for (bytes, text) in [
        (0, "0"),
        (1023, "1023"),
        (1536, "1.5Ki"),
        (310 << 30, "310Gi"),
        ((310 << 30) + 12_345_678, "310Gi"),
        (1_610_612_736_000, "1.46Ti"),
        (u64::MAX, "15.9Ei"),
    ] {
        assert_eq!(display_bytes(bytes), text);
    }
}

#[test]
fn numbers_and_texts_are_read_from_json_and_fractions_only_as_text() {
    let read = |json: &str| serde_json::from_str::<Credits>(json);
    assert_eq!(read("50").unwrap().milli(), Ok(50_000));
    assert_eq!(read("\"12.5\"").unwrap().milli(), Ok(12_500));
    assert!(read("12.5").unwrap_err().to_string().contains("in quotes"));
    assert!(read("\"\"").unwrap().is_empty());
    assert_eq!(
        serde_json::to_string(&read("50").unwrap()).unwrap(),
        "\"50\""
    );
}

proptest! {
    #[test]
    fn bytes_written_are_read_back(bytes in 0..=8_000_000_000_000_000_u64) {
        prop_assert_eq!(Size::from_bytes(bytes).bytes(), Ok(bytes));
    }

    #[test]
    fn whole_binary_sizes_keep_their_text(number in 1..1000_u64, suffix in prop::sample::select(vec!["Ki", "Mi", "Gi", "Ti"])) {
        let text = format!("{number}{suffix}");
        prop_assert_eq!(format_bytes(Size::new(text.clone()).bytes().unwrap()), text);
    }

    #[test]
    fn rates_credits_and_counts_written_are_read_back(amount in 0..=1_000_000_000_u64) {
        prop_assert_eq!(Rate::from_bits_per_second(amount).bits_per_second(), Ok(amount));
        prop_assert_eq!(Credits::from_milli(amount.cast_signed()).milli(), Ok(amount.cast_signed()));
        prop_assert_eq!(Count::from_count(amount).count(), Ok(amount));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,24}") {
        let _ = Size::new(text.clone()).bytes();
        let _ = Credits::new(text).milli();
    }
}

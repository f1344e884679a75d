use super::*;

fn wait(retry_after_header: Option<&str>, date: Option<&str>) -> u64 {
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in [(RETRY_AFTER, retry_after_header), (DATE, date)] {
        if let Some(value) = value {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
    }
    retry_after(&headers, now).as_secs()
}

#[test]
fn every_way_of_asking_becomes_a_sane_wait() {
    // F11
    for (header, expected) in [
        (Some("7"), 7),
        (Some(" 7 "), 7),
        (Some("0"), 1),
        (Some("-30"), 1),
        (Some("86400"), 900),
        (Some("99999999999999999999999"), 900),
        (Some("inf"), 900),
        (Some("NaN"), 5),
        (Some("soon"), 5),
        (Some(""), 5),
        (None, 5),
        (Some("Sun, 22 Nov 2026 10:01:00 GMT"), 60),
        (Some("Sun, 22 Nov 2026 09:00:00 GMT"), 1),
        (Some("Mon, 23 Nov 2026 10:00:00 GMT"), 900),
    ] {
        assert_eq!(wait(header, None), expected, "{header:?}");
    }
}

#[test]
fn a_date_counts_from_the_answers_own_clock() {
    // F11, F21: the platform's clock is an hour ahead of ours.
    assert_eq!(
        wait(
            Some("Sun, 22 Nov 2026 11:00:20 GMT"),
            Some("Sun, 22 Nov 2026 11:00:00 GMT")
        ),
        20
    );
}

//! How long a platform asks us to wait.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};

/// The shortest wait, also for zero, negative values and dates in the past.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest wait that is obeyed: a platform that says "a day" is asked again after this.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// The wait when a platform names none, or one that can't be read.
const UNSAID: Duration = Duration::from_secs(5);

/// The wait that a throttled answer asks for, in seconds or as a date (RFC 9110, 10.2.3), within sensible bounds. A date
/// counts from the answer's own `Date`, so that a wrong clock on either side doesn't matter.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Duration {
    let Some(value) = headers.get(RETRY_AFTER) else {
        return UNSAID;
    };
    let seconds = value
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .or_else(|| {
            let from = headers.get(DATE).and_then(instant).unwrap_or(now);
            Some(instant(value)?.duration_since(from).as_secs_f64())
        });
    seconds
        .map(|seconds: f64| seconds.clamp(SHORTEST.as_secs_f64(), LONGEST.as_secs_f64()))
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(UNSAID)
}

fn instant(value: &HeaderValue) -> Option<Timestamp> {
    DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(value.to_str().ok()?)
        .ok()
}

#[cfg(test)]
mod tests;

//! When processes took over a Lease from ones that had ended without giving it back: what those have sent may still be carried out.
//! It is recorded on the Lease, so that the third of them knows of the first.

use jiff::Timestamp;

use crate::{planner::LATE, timeline::Timeline};

/// Annotation of a Lease: the times of such takeovers, as long as they matter.
pub const TAKEOVERS_ANNOTATION: &str = "holdfast.dev/taken-over";

/// The times of a record that still matter. Whoever may write Leases may have written it: a time to come counts as now, and what is
/// no time counts for nothing.
pub fn recall(record: &str, timeline: &Timeline) -> Vec<Timestamp> {
    let times = record.split(',').filter_map(|time| time.parse().ok());
    let times = times.map(|time: Timestamp| time.min(timeline.now()));
    times.filter(|time| matters(*time, timeline)).collect()
}

/// The record to write.
pub fn record(times: &[Timestamp], timeline: &Timeline) -> String {
    let mattering = times.iter().filter(|time| matters(**time, timeline));
    let texts: Vec<String> = mattering.map(Timestamp::to_string).collect();
    texts.join(",")
}

fn matters(time: Timestamp, timeline: &Timeline) -> bool {
    timeline.age(time) < LATE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    // F1, F4: the third process knows when the first ended, for as long as a request of it may still be carried out.
    #[test]
    fn a_takeover_is_remembered_for_as_long_as_it_matters() {
        let times = [at(0), at(60)];
        let recalled = |second| {
            let timeline = at(second).into();
            recall(&record(&times, &timeline), &timeline)
        };
        assert_eq!(recalled(61), times);
        assert_eq!(recalled(120), times[1..]);
        assert_eq!(recalled(180), []);
        assert_eq!(record(&times, &at(180).into()), "");
    }

    // F24: a record that somebody wrote delays nothing for longer.
    #[test]
    fn an_odd_record_of_takeovers_counts_for_no_more_than_now() {
        let recalled = recall("2126-01-01T00:00:00Z,soon,,-1", &at(60).into());
        assert_eq!(recalled, [at(60)]);
    }
}

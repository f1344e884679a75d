use super::*;

#[test]
fn the_vendors_words_for_the_end_of_a_job() {
    for (status, ours) in [
        ("Successful", Some(SUCCESSFUL)),
        ("success", Some(SUCCESSFUL)),
        ("Failed", Some(FAILED)),
        ("Backup Failed", Some(FAILED)),
        ("Skipped", Some(MISSED)),
        ("Canceled", Some(MISSED)),
        ("Backup window expired", Some(MISSED)),
        ("Successful with errors", Some("Successful with errors")),
        ("Running", None),
        ("In Progress", None),
        ("Queued", None),
    ] {
        assert_eq!(outcome(Some(status)).as_deref(), ours, "{status}");
    }
    assert_eq!(outcome(None), None);
}

#[test]
fn an_alert_is_open_until_it_is_said_to_be_closed() {
    for closed in ["Yes", "true", "Resolved", "2026-11-01T00:00:00Z"] {
        assert!(is_resolved(closed), "{closed}");
    }
    for open in ["No", "false", "0", "3", "perhaps"] {
        assert!(!is_resolved(open), "{open}");
    }
}

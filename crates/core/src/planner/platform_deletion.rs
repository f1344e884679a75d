//! When a `BackupPlatform` that is being deleted may be released: the resources on it that are being deleted need it until
//! then.

use std::time::Duration;

use super::deletion::first_few;

/// How long nothing on the platform must have been deleted: one command deletes one object after the other.
const QUIET: Duration = Duration::from_secs(10);
/// The requeue interval; a change in between enqueues the platform at once.
const PAUSE: Duration = Duration::from_secs(5);

/// What still refers to a platform that is being deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlatformDependents {
    /// What is being deleted itself, by titles.
    pub deleting: Vec<String>,
    /// What refers to it and isn't being deleted, by titles.
    pub staying: Vec<String>,
    /// Whether its namespace is being deleted, and everything in it with it.
    pub namespace_terminating: bool,
    /// For how long nothing on it was being deleted.
    pub quiet: Duration,
}

/// Whether a platform that is being deleted may be released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlatformRelease {
    /// Its finalizer is removed.
    Release,
    /// It waits: why, where that is worth reporting, and when to requeue.
    Wait(Option<String>, Duration),
}

/// Whether a platform that is being deleted may be released.
pub fn release_platform(dependents: &PlatformDependents) -> PlatformRelease {
    if !dependents.deleting.is_empty() {
        let message = format!(
            "Resources on this platform are being deleted and need it until then: {}. Let these deletions finish, or set deletionPolicy: Retain on the resources.",
            first_few(&dependents.deleting)
        );
        return PlatformRelease::Wait(Some(message), PAUSE);
    }
    if dependents.namespace_terminating && !dependents.staying.is_empty() {
        let message = format!(
            "The namespace is being deleted, and resources that refer to this platform still exist: {}.",
            first_few(&dependents.staying)
        );
        return PlatformRelease::Wait(Some(message), PAUSE);
    }
    match QUIET.checked_sub(dependents.quiet) {
        Some(left) if !left.is_zero() => PlatformRelease::Wait(None, left),
        _ => PlatformRelease::Release,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (1..=count)
            .map(|number| format!("Customer backup/c{number}"))
            .collect()
    }

    // F22
    #[test]
    fn it_goes_last_and_says_for_what_it_waits() {
        let long = Duration::from_secs(60);
        let dependents = PlatformDependents {
            deleting: names(5),
            quiet: long,
            ..PlatformDependents::default()
        };
        let PlatformRelease::Wait(Some(message), _) = release_platform(&dependents) else {
            panic!("not held");
        };
        assert!(
            message
                .contains("Customer backup/c1, Customer backup/c2, Customer backup/c3 and 2 more"),
            "{message}"
        );
        let staying = PlatformDependents {
            staying: names(1),
            quiet: long,
            ..PlatformDependents::default()
        };
        assert_eq!(release_platform(&staying), PlatformRelease::Release);
        let terminating = PlatformDependents {
            namespace_terminating: true,
            ..staying
        };
        assert!(matches!(
            release_platform(&terminating),
            PlatformRelease::Wait(Some(_), _)
        ));
    }

    // F22: `kubectl delete -f` deletes the platform first and what is on it a moment later.
    #[test]
    fn it_waits_a_moment_for_deletions_that_follow() {
        let mut dependents = PlatformDependents {
            quiet: Duration::from_secs(3),
            ..PlatformDependents::default()
        };
        let left = Duration::from_secs(7);
        assert_eq!(
            release_platform(&dependents),
            PlatformRelease::Wait(None, left)
        );
        dependents.quiet = Duration::from_secs(10);
        assert_eq!(release_platform(&dependents), PlatformRelease::Release);
    }
}

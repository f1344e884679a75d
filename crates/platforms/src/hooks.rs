//! What an adapter needs from the process around it.

use std::time::Duration;

/// Receives every request that was sent, for metrics.
pub trait RequestObserver: Send + Sync {
    /// One request is over: method and path template, a short word for the outcome (`ok` or
    /// [`PlatformError::outcome`](super::PlatformError::outcome)), and the time from sending to the answer's last byte.
    fn finished(&self, operation: &'static str, outcome: &'static str, duration: Duration);
}

/// Whether this process may write to the platform: it holds the account's Lease.
pub trait WriterGuard: Send + Sync {
    /// Asked right before a mutating request is sent, after any waiting.
    ///
    /// # Errors
    /// Why not, for people.
    fn may_write(&self) -> Result<(), String>;
}

//! Waiting for what a test expects, and for a free port.

use std::time::{Duration, Instant};

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until a condition holds.
pub async fn eventually<Check, Answer>(what: &str, check: Check)
where
    Check: Fn() -> Answer,
    Answer: Future<Output = bool>,
{
    let started = Instant::now();
    while !check().await {
        assert!(
            started.elapsed() < PATIENCE,
            "not within {PATIENCE:?}: {what}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A free port, below the system's ephemeral ones.
pub fn free_port() -> u16 {
    use std::hash::{BuildHasher, Hasher};
    let random = || {
        std::collections::hash_map::RandomState::new()
            .build_hasher()
            .finish()
    };
    let ports = std::iter::repeat_with(|| 20_000 + (random() % 12_000) as u16);
    let free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.take(1_000).find(free).expect("a free port")
}
